"""The mosaic as networks read it: levels, white balance, pattern, and how it is developed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.imaging import Picture, RawOptions, read_picture
from srnet_cli.imaging.colour.mosaic import STEPS
from srnet_cli.imaging.raw.balanced import pack_roots
from tests.captures import Capture, write_dng
from tests.imaging.raw.test_captures import smooth_scene
from tests.imaging.raw.test_dng import LINEAR, XTRANS, flat_mosaic, write

PATTERNS = ["RGGB", "BGGR", "GRBG", "GBRG"]


def with_mosaic(path: Path, **options: object) -> Picture:
    return read_picture(path, RawOptions(**options), mosaic="alone")  # type: ignore[arg-type]


def developed_plainly(picture: Picture) -> NDArray[np.float64]:
    """Cells of the mosaic as developed colours, h×w×3, 0..255, without interpolation."""
    mosaic = picture.mosaic
    assert mosaic is not None
    light = (mosaic.values / STEPS) ** 2
    colours = np.stack([light[..., 0], (light[..., 1] + light[..., 3]) / 2, light[..., 2]], axis=2)
    linear = (colours @ np.array(mosaic.to_srgb).T).clip(0, 1)
    return np.asarray(mosaic.curve[np.rint(np.sqrt(linear) * STEPS).astype(int)] * 255, np.float64)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8, 2])
def test_every_pattern_in_every_position(tmp_path: Path, pattern: str, orientation: int) -> None:
    path = tmp_path / "a.dng"
    write_dng(
        path,
        smooth_scene(),
        Capture(pattern=pattern, orientation=orientation, black_level=(500, 510, 520, 530)),
    )
    picture = with_mosaic(path)
    assert picture.mosaic is not None
    top, left = picture.mosaic.pad
    height, width = picture.pixels.shape[:2]
    assert picture.mosaic.values.shape[:2] == (-(-(height + top) // 2), -(-(width + left) // 2))
    # The scene varies slowly: a cell has the colours of the developed picture at its place.
    cells = developed_plainly(picture)[2:-2, 2:-2]
    whole = picture.pixels / 257
    rows = 2 * np.arange(2, 2 + cells.shape[0]) - top
    columns = 2 * np.arange(2, 2 + cells.shape[1]) - left
    expected = (whole[rows][:, columns] + whole[rows + 1][:, columns + 1]) / 2
    assert np.abs(cells - expected).max() < 4
    assert np.abs((cells - expected).mean(axis=(0, 1))).max() < 1


@pytest.mark.parametrize("gains", ["camera", (3.0, 1.0, 1.2, 1.0), (1.0, 2.0, 3.0, 2.0)])
@pytest.mark.parametrize("exposure", [0.0, -1.0, 1.5])
def test_flat_colours_are_those_of_the_developed_picture(
    tmp_path: Path, gains: object, exposure: float
) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, np.full((64, 96, 3), (0.3, 0.12, 0.05)) * np.linspace(0.9, 1, 64)[:, None, None])
    options = {"white_balance": gains, "exposure": exposure}
    picture = with_mosaic(path, **options)
    expected = read_picture(path, RawOptions(**options)).pixels / 257  # type: ignore[arg-type]
    cells = developed_plainly(picture)
    assert np.abs(cells[4:-4, 4:-4].mean(axis=(0, 1)) - expected[8:-8, 8:-8].mean(axis=(0, 1))).max() < 1


def test_overexposed_is_white(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, np.concatenate([np.full((32, 96, 3), 0.5), np.full((32, 96, 3), 3.0)]))
    cells = developed_plainly(with_mosaic(path))
    assert cells[-8:, 4:-4].min() > 254.5


def test_a_baseline_exposure_is_kept(tmp_path: Path) -> None:
    values = np.rint(flat_mosaic((0, 1, 1, 2), 0.2) * 16383).astype(np.uint16)
    path = write(tmp_path / "a.dng", values, baseline=1.5)
    cells = developed_plainly(with_mosaic(path))
    expected = read_picture(path).pixels[20:-20, 20:-20].mean(axis=(0, 1)) / 257
    assert np.abs(cells[10:-10, 10:-10].mean(axis=(0, 1)) - expected).max() < 1


def test_an_odd_size_is_reflected_and_keeps_its_colours() -> None:
    colours = np.tile(np.array([[1, 0], [2, 1]], np.uint8), (3, 4))[:5, :7]  # GRBG
    values = (colours.astype(np.uint16) + 1) * 100
    packed, pad = pack_roots(values, colours)
    assert (packed.shape, pad) == ((3, 4, 4), (0, 1))
    roots = [int(np.unique(packed[..., plane]).item()) for plane in range(4)]
    assert roots == [round(np.sqrt((c + 1) * 100 / STEPS) * STEPS) for c in (0, 1, 2, 1)]


def test_a_pattern_that_is_not_bayers_is_refused() -> None:
    with pytest.raises(ValueError, match="not Bayer's"):
        pack_roots(np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint8))


def test_other_sensors_and_options_are_developed_and_said_so(tmp_path: Path) -> None:
    light = np.rint(flat_mosaic(XTRANS, 0.3, 96, 120) * 16383).astype(np.uint16)
    xtrans = write(tmp_path / "x.dng", light, pattern=XTRANS)
    linear = write(
        tmp_path / "l.dng",
        np.full((64, 96, 3), 4000, np.uint16) + np.arange(96, dtype=np.uint16)[:, None],
        LINEAR,
    )
    bayer = tmp_path / "b.dng"
    write_dng(bayer, smooth_scene())
    cases = [
        (xtrans, {}, "not Bayer's"),
        (linear, {}, "no mosaic"),
        (bayer, {"highlights": "blend"}, "--highlights works on developed pictures"),
        (bayer, {"demosaic": "dcb"}, "--demosaic works on developed pictures"),
        (bayer, {"auto_brightness": True}, "--auto-brightness works"),
    ]
    for path, options, reason in cases:
        picture = with_mosaic(path, **options)
        assert picture.mosaic is None
        assert any(reason in note for note in picture.metadata.notes), picture.metadata.notes
        plain = read_picture(path, RawOptions(**options))  # type: ignore[arg-type]
        assert np.array_equal(plain.pixels, picture.pixels)
    assert read_picture(bayer).mosaic is None


def test_beside_a_mosaic_the_picture_is_developed_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, smooth_scene(), Capture(read_noise=10.0))
    beside = read_picture(path, mosaic="beside")
    assert beside.mosaic is not None
    assert np.array_equal(beside.pixels, read_picture(path).pixels)

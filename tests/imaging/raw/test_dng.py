"""DNG of unusual kinds: monochrome, linear, floating point, other mosaics, baseline exposure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import RawOptions, read_mosaic, read_picture, write_picture
from srnet_cli.imaging.srgb import srgb_to_linear
from tests.captures import SONY_MATRIX, Capture, mosaic

BAYER = (0, 1, 1, 2)
QUAD = (0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 2, 2, 1, 1, 2, 2)
XTRANS = (
    1,
    2,
    1,
    1,
    0,
    1,
    0,
    1,
    0,
    2,
    1,
    2,
    1,
    2,
    1,
    1,
    0,
    1,
    1,
    0,
    1,
    1,
    2,
    1,
    2,
    1,
    2,
    0,
    1,
    0,
    1,
    0,
    1,
    1,
    2,
    1,
)
CFA, LINEAR = 32803, 34892
GAINS = (2.2, 1.0, 1.6)


def rationals(values: Any) -> tuple[int, ...]:
    return tuple(part for value in values for part in (round(float(value) * 10_000), 10_000))


def write(
    path: Path,
    values: NDArray[Any],
    photometric: int = CFA,
    pattern: tuple[int, ...] = BAYER,
    black: tuple[int, ...] = (0,),
    white: int = 16383,
    baseline: float | None = None,
    **options: Any,
) -> Path:
    """A DNG of ``values``, H×W or H×W×3, taken with white balance gains of 2.2, 1, 1.6."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    tags: list[Any] = [
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50708, 2, 0, "Test camera", True),
        (271, 2, 0, "SRNet", True),
        (272, 2, 0, "Test camera", True),
        (50714, 4, len(black), black, True),
        (50717, 4, channels, (white,) * channels, True),
        (50778, 3, 1, 21, True),
    ]
    if photometric == CFA:
        side = round(len(pattern) ** 0.5)
        tags += [(33421, 3, 2, (side, side), True), (33422, 1, len(pattern), pattern, True)]
    if photometric == CFA or channels == 3:
        tags += [
            (50721, 10, 9, rationals(SONY_MATRIX.ravel()), True),
            (50728, 5, 3, rationals(1 / np.array(GAINS)), True),
        ]
    if baseline is not None:
        tags.append((50730, 10, 1, rationals([baseline]), True))
    # tifffile writes no linear picture of one channel.
    kind = "minisblack" if photometric == LINEAR and channels == 1 else photometric
    tifffile.imwrite(
        path,
        values,
        photometric=kind,
        metadata=None,
        subfiletype=0,
        software=False,
        extratags=tags,
        **options,
    )
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[262].overwrite(photometric)  # type: ignore[union-attr]
    return path


def flat_mosaic(pattern: tuple[int, ...], light: float, height: int = 96, width: int = 120) -> NDArray[Any]:
    """Neutral grey as a sensor with this pattern stores it, from black 0 to white 1."""
    side = round(len(pattern) ** 0.5)
    colours = np.tile(np.reshape(pattern, (side, side)), (height // side, width // side))
    values = light / np.array(GAINS)[colours]
    values[:2] *= 0.9  # not a single value, which would mean a file without a picture
    return np.asarray(values)


def levels(path: Path, **options: Any) -> NDArray[Any]:
    """Linear light in the middle of the developed picture, a value a channel."""
    pixels = read_picture(path, RawOptions(**options)).pixels
    return np.asarray(srgb_to_linear(pixels[16:-16, 16:-16].reshape(-1, 3).mean(axis=0) / 65_535))


@pytest.mark.parametrize("black", [0, 512])
def test_a_monochrome_sensor_gives_grey(tmp_path: Path, black: int) -> None:
    y, x = np.mgrid[:96, :128]
    light = (x + y) / 230
    values = np.rint(black + light * (16383 - black)).astype(np.uint16)
    picture = read_picture(write(tmp_path / "a.dng", values, LINEAR, black=(black,)))
    assert picture.grey and picture.pixels.shape == (96, 128, 3) and picture.metadata.notes == ()
    np.testing.assert_allclose(srgb_to_linear(picture.pixels[..., 0] / 65_535), light.clip(0, 1), atol=0.002)
    assert write_picture(picture, tmp_path / "b.tif") == ()
    assert read_picture(tmp_path / "b.tif").grey
    with pytest.raises(InputError, match="no 2×2 Bayer mosaic"):
        read_mosaic(tmp_path / "a.dng")


@pytest.mark.parametrize("black", [(2048,), (2048, 2048, 2048), (2048, 1024, 512), (0, 0, 0)])
@pytest.mark.parametrize("light", [1.0, 0.2])
def test_black_levels_of_linear_pictures(tmp_path: Path, black: tuple[int, ...], light: float) -> None:
    level = np.array(black if len(black) == 3 else black * 3)
    camera = np.broadcast_to(light / np.array(GAINS), (64, 64, 3)).copy()
    camera[0] *= 0.9
    values = np.rint(level + camera * (16383 - level)).astype(np.uint16)
    path = write(tmp_path / "a.dng", values, LINEAR, black=black)
    np.testing.assert_allclose(levels(path), light, rtol=0.004)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib", "predictor": 3},
        {"compression": "zlib"},
        {},
    ],
    ids=["predictor", "no predictor", "uncompressed"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_floating_point(tmp_path: Path, options: dict[str, Any], dtype: Any) -> None:
    values = flat_mosaic(BAYER, 0.3).astype(dtype)
    path = write(tmp_path / "a.dng", values, white=1, **options)
    np.testing.assert_allclose(levels(path), 0.3, rtol=0.02)


def test_floating_point_that_is_not_a_number(tmp_path: Path) -> None:
    values = flat_mosaic(BAYER, 0.3).astype(np.float32)
    values[50, 50] = np.nan
    with pytest.raises(InputError, match="NaN"):
        read_picture(write(tmp_path / "a.dng", values, white=1, compression="zlib"))


def test_mosaics_of_four_by_four_are_refused(tmp_path: Path) -> None:
    values = np.rint(flat_mosaic(QUAD, 0.3) * 16383).astype(np.uint16)
    path = write(tmp_path / "a.dng", values, pattern=QUAD)
    for read in (read_picture, read_mosaic):
        with pytest.raises(InputError, match="mosaic of 4×4"):
            read(path)


@pytest.mark.parametrize("size", [(96, 120), (516, 96)])
@pytest.mark.parametrize("demosaic", ["ahd", "linear"])
def test_small_xtrans(tmp_path: Path, size: tuple[int, int], demosaic: str) -> None:
    values = np.rint(flat_mosaic(XTRANS, 0.3, *size) * 16383).astype(np.uint16)
    path = write(tmp_path / "a.dng", values, pattern=XTRANS)
    np.testing.assert_allclose(levels(path, demosaic=demosaic), 0.3, rtol=0.01)


@pytest.mark.parametrize("channels", [1, 3])
def test_an_empty_border_of_a_panorama_is_no_damage(tmp_path: Path, channels: int) -> None:
    values = np.random.default_rng(0).integers(3000, 4000, (96, 128, channels)).astype(np.uint16)
    values[-30:] = 0
    picture = read_picture(write(tmp_path / "a.dng", values.squeeze(), LINEAR))
    assert picture.height == 96 and not picture.pixels[-20:].any() and picture.pixels[:60].min() > 0
    # Of a sensor it is.
    with pytest.raises(InputError, match="incomplete"):
        read_picture(write(tmp_path / "b.dng", np.ascontiguousarray(values[..., 0])))


@pytest.mark.parametrize("stops", [0.35, 2.65, -0.5])
def test_baseline_exposure_is_applied(tmp_path: Path, stops: float) -> None:
    values = np.rint(flat_mosaic(BAYER, 0.05) * 16383).astype(np.uint16)
    path = write(tmp_path / "a.dng", values, baseline=stops)
    np.testing.assert_allclose(levels(path), 0.05 * 2**stops, rtol=0.02)


def test_baseline_exposure_burns_nothing_out(tmp_path: Path) -> None:
    bright, white = (
        levels(
            write(
                tmp_path / f"{light}.dng",
                np.rint(flat_mosaic(BAYER, light) * 16383).astype(np.uint16),
                baseline=2.0,
            )
        )
        for light in (0.7, 1.0)
    )
    assert (bright < 0.97).all() and (white > 0.99).all()


def test_a_baseline_exposure_of_nonsense_is_ignored(tmp_path: Path) -> None:
    values = np.rint(flat_mosaic(BAYER, 0.05) * 16383).astype(np.uint16)
    np.testing.assert_allclose(levels(write(tmp_path / "a.dng", values, baseline=90.0)), 0.05, rtol=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_plain_tiff_with_the_tag_of_dng(tmp_path: Path, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65_536, (40, 50, channels)).astype(np.uint16).squeeze()
    path = tmp_path / "a.tif"
    kind = "minisblack" if channels == 1 else "rgb"
    tifffile.imwrite(path, values, photometric=kind, extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])
    picture = read_picture(path)
    assert not picture.raw
    np.testing.assert_array_equal(picture.pixels, np.atleast_3d(values) * np.ones(3, np.uint16))


def test_an_unknown_white_balance_is_said(tmp_path: Path) -> None:
    values = mosaic(np.full((64, 64, 3), 0.2), Capture())
    values[0] += 5
    path = tmp_path / "a.dng"
    tags = [(50706, 1, 4, (1, 4, 0, 0), True), (50708, 2, 0, "X", True), (50717, 4, 1, 16383, True)]
    tags += [(33421, 3, 2, (2, 2), True), (33422, 1, 4, BAYER, True)]
    tifffile.imwrite(path, values, photometric=CFA, metadata=None, subfiletype=0, extratags=tags)
    notes = read_picture(path).metadata.notes
    assert len(notes) == 1 and "records no white balance" in notes[0]
    assert read_picture(path, RawOptions(white_balance="daylight")).metadata.notes == ()


def panorama(channels: int) -> NDArray[Any]:
    values = np.random.default_rng(0).integers(3000, 4000, (96, 128, channels)).astype(np.uint16)
    return values.squeeze()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("border", [0, 512, 16383])
@pytest.mark.parametrize("slope", [0.0, 0.2, -0.2, 1.0])
def test_borders_of_a_panorama_may_be_slanted(
    tmp_path: Path, slope: float, border: int, channels: int
) -> None:
    values = panorama(channels)
    y, x = np.mgrid[0:96, 0:128]
    values[y - slope * (x - 64) > 70] = border
    path = write(tmp_path / "a.dng", values, LINEAR, black=(512,))
    assert read_picture(path).height == 96


@pytest.mark.parametrize("channels", [1, 3])
def test_linear_pictures_that_break_off_are_refused(tmp_path: Path, channels: int) -> None:
    cut = panorama(channels)
    cut.reshape(-1)[cut.size * 2 // 3 + 40 :] = 0  # within a row
    filled = panorama(channels)
    filled[-10:] = 65_535  # of 16,383
    for name, values in (("cut", cut), ("filled", filled)):
        with pytest.raises(InputError, match="is incomplete: the last"):
            read_picture(write(tmp_path / f"{name}.dng", values, LINEAR))


@pytest.mark.parametrize(
    ("channels", "black"),
    [(1, (16383,)), (3, (16383,)), (3, (20_000,)), (3, (0, 16383, 0)), (3, (0, 0, 20_000))],
)
def test_linear_levels_without_a_picture_between_them(
    tmp_path: Path, channels: int, black: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match=r"its black level .* is not below its white level 16383"):
        read_picture(write(tmp_path / "a.dng", panorama(channels), LINEAR, black=black))

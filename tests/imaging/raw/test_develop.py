"""Developing RAW: orientation, white balance, exposure, highlights, metadata, a collection of real files."""

from __future__ import annotations

import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError, UsageError
from srnet_cli.imaging import RawOptions, read_focal_length, read_mosaic, read_picture
from srnet_cli.imaging.orientation import upright
from tests.captures import Capture, write_arw, write_dng
from tests.scene import srgb_to_linear


def flat(colour: tuple[float, float, float], height: int = 32, width: int = 48) -> Any:
    linear = np.empty((height, width, 3))
    linear[:] = colour
    # Not a single value, which would mean a file without a picture.
    linear[0, 0] *= 0.9
    return linear


def corners() -> Any:
    """A picture that shows how it is turned: every corner has its own colour."""
    linear = np.full((48, 64, 3), 0.2)
    linear[:16, :16] = (0.7, 0.1, 0.1)
    linear[:16, -16:] = (0.1, 0.6, 0.1)
    linear[-16:, :16] = (0.1, 0.1, 0.7)
    return linear


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("write", [write_dng, write_arw])
def test_every_orientation_comes_out_upright(tmp_path: Path, write: Any, orientation: int) -> None:
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    path = tmp_path / ("a.dng" if write is write_dng else "a.arw")
    write(path, upright(corners(), inverse), Capture(orientation=orientation))
    picture = read_picture(path)
    assert picture.pixels.shape == (48, 64, 3)
    for y, x, channel in ((8, 8, 0), (8, -8, 1), (-8, 8, 2)):
        assert picture.pixels[y, x].argmax() == channel
    exif = Image.Exif()
    exif.load(picture.metadata.exif)
    assert exif[274] == 1
    assert read_mosaic(path).orientation == orientation


def test_grey_is_grey_and_has_the_value_it_should(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, flat((0.18, 0.18, 0.18)))
    middle = read_picture(path).pixels[8:-8, 8:-8].reshape(-1, 3)
    assert np.ptp(middle.mean(axis=0)) < 80
    np.testing.assert_allclose(srgb_to_linear(middle / 65535), 0.18, atol=0.002)


def test_white_balance_choices(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, flat((0.3, 0.3, 0.3)), Capture(white_balance=(3.0, 1.0, 1.2)))

    def red_over_blue(options: RawOptions) -> float:
        red, _, blue = srgb_to_linear(
            read_picture(path, options).pixels[8:-8, 8:-8].mean(axis=(0, 1)) / 65535
        )
        return float(red / blue)

    assert red_over_blue(RawOptions(white_balance="camera")) == pytest.approx(1, abs=0.01)
    assert red_over_blue(RawOptions(white_balance="auto")) == pytest.approx(1, abs=0.05)
    assert red_over_blue(RawOptions(white_balance=(3.0, 1.0, 1.2, 1.0))) == pytest.approx(1, abs=0.01)
    assert red_over_blue(RawOptions(white_balance="daylight")) < 0.95
    assert red_over_blue(RawOptions(white_balance=(4.0, 1.0, 1.2, 1.0))) > 1.2


def test_exposure_counts_in_stops(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, flat((0.1, 0.1, 0.1)))

    def level(stops: float) -> float:
        return float(
            srgb_to_linear(read_picture(path, RawOptions(exposure=stops)).pixels[8:-8, 8:-8] / 65535).mean()
        )

    assert level(1) == pytest.approx(2 * level(0), rel=0.01)
    assert level(-2) == pytest.approx(level(0) / 4, rel=0.02)


def test_no_automatic_brightness_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, flat((0.05, 0.05, 0.05)))
    assert read_picture(path).pixels.max() < 25_000
    assert read_picture(path, RawOptions(auto_brightness=True)).pixels.max() > 60_000


@pytest.mark.parametrize("highlights", ["clip", "blend", "reconstruct"])
def test_highlights_keep_the_brightness_of_the_rest_and_turn_white(tmp_path: Path, highlights: Any) -> None:
    linear = flat((0.2, 0.2, 0.2), 64, 64)
    linear[20:40, 20:40] = 3.0
    path = tmp_path / "a.dng"
    write_dng(path, linear)
    pixels = read_picture(path, RawOptions(highlights=highlights)).pixels
    np.testing.assert_allclose(srgb_to_linear(pixels[50:60, 50:60] / 65535), 0.2, atol=0.004)
    burnt = pixels[28:32, 28:32].astype(float)
    assert burnt.min() > 60_000
    assert np.ptp(burnt.mean(axis=(0, 1))) < 2500


@pytest.mark.parametrize("demosaic", ["ahd", "linear", "vng", "ppg", "dcb", "dht", "aahd"])
def test_every_demosaic_algorithm(tmp_path: Path, demosaic: Any) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, corners())
    picture = read_picture(path, RawOptions(demosaic=demosaic))
    np.testing.assert_allclose(srgb_to_linear(picture.pixels[24:30, 28:36] / 65535), 0.2, atol=0.01)


def test_options_are_checked() -> None:
    for wrong in (
        {"white_balance": "tungsten"},
        {"white_balance": (1.0, 0.0, 1.0, 1.0)},
        {"white_balance": (1.0, 1.0)},
        {"highlights": "burn"},
        {"demosaic": "magic"},
        {"exposure": 99.0},
    ):
        with pytest.raises(UsageError):
            RawOptions(**wrong)  # type: ignore[arg-type]


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, corners(), Capture(focal_length=50.0, iso=400, exposure_time=Fraction(1, 60)))
    metadata = read_picture(path).metadata
    assert metadata.focal_length == 50.0
    assert metadata.icc is not None
    exif = Image.Exif()
    exif.load(metadata.exif)
    details = exif.get_ifd(34665)
    assert (exif[271], exif[272], exif[306]) == ("SRNet", "Test camera", "2024:06:01 12:00:00")
    assert (details[34855], details[37386], details[33434]) == (400, 50, Fraction(1, 60))
    assert details[40961] == 1  # sRGB
    # Nothing of the layout of the RAW file.
    assert not {256, 257, 258, 273, 279, 33421, 50706} & set(exif)


def test_no_focal_length(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, corners(), Capture(focal_length=None))
    assert read_focal_length(path) is None
    assert read_picture(path).metadata.focal_length is None


def test_dng_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_dng(path, corners())
    assert read_picture(path).raw


def test_unusual_names(tmp_path: Path) -> None:
    for name in ("ünï cödé.dng", "new\nline.dng", "-dash.DNG", os.fsdecode(b"not utf-8 \xff.dng")):
        write_dng(tmp_path / name, corners())
        assert read_picture(tmp_path / name).width == 64


def test_without_rawpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, corners())
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(InputError, match="rawpy package"):
        read_picture(path)


def test_same_bytes_on_every_run(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, corners(), Capture(read_noise=5.0))
    first, second = read_picture(path), read_picture(path)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.metadata == second.metadata


#: height, width, has a mosaic, focal length
COLLECTION = {
    "blackmagic_cinema.dng": (2160, 4096, True, None),
    "canon_6d_linear.dng": (816, 1224, False, 65.0),
    "canon_powershot_3mp.CRW": (1440, 2160, True, 31.0),
    "kodak_dc50.KDC": (512, 768, True, 37.0),
    "nikon_coolscan_rgb.nef": (593, 869, False, None),
    "openisp_sensor_wrapped.dng": (1080, 1920, True, 28.0),
    "synthetic_generic_35mm.dng": (658, 1536, True, 35.0),
    "synthetic_sony_35mm.ARW": (728, 1536, True, 35.0),
}


@pytest.mark.parametrize("name", COLLECTION)
def test_collection(shared: Path, name: str) -> None:
    path = shared / "data" / "raw" / name
    height, width, has_mosaic, focal_length = COLLECTION[name]
    picture = read_picture(path)
    assert picture.pixels.shape == (height, width, 3)
    assert picture.bit_depth == 16
    assert picture.metadata.focal_length == focal_length == read_focal_length(path)
    # Neither black nor burnt out.
    assert 5_000 < picture.pixels.mean() < 50_000
    if has_mosaic:
        mosaic = read_mosaic(path)
        assert mosaic.values.shape == (height, width)
        assert sorted(c for row in mosaic.pattern for c in row) == [0, 1, 1, 2]
        assert mosaic.values.max() <= mosaic.white_level
        assert min(mosaic.gains) > 0
    else:
        with pytest.raises(InputError, match="no 2×2 Bayer mosaic"):
            read_mosaic(path)

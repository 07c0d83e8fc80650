"""Sectors lost in the middle of pixels that are stored as they are: only their shape and place show it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.captures import Capture, write_dng, write_dng_mosaic
from tests.faults.pictures import encoded, encoded_arw, encoded_dng, encoded_tiff, scene
from tests.faults.test_holes import psd

HEIGHT, WIDTH = 384, 500
SECTOR = 512


def _photo(dtype: str = "uint8") -> NDArray[Any]:
    return scene(HEIGHT, WIDTH, dtype)


def _lost(data: bytes, start: int, length: int, fill: bytes) -> bytes:
    return data[:start] + fill * length + data[start + length :]


PLAIN: dict[str, Callable[[], bytes]] = {
    "a.tif": lambda: encoded_tiff(_photo(), photometric="rgb"),
    "deep.tif": lambda: encoded_tiff(_photo("uint16"), photometric="rgb", rowsperstrip=7),
    "tiles.tif": lambda: encoded_tiff(_photo()[:, :480], photometric="rgb", tile=(128, 240)),
    "a.bmp": lambda: encoded("BMP", _photo()),
    "a.dng": lambda: encoded_dng(Capture(read_noise=4.0), HEIGHT, WIDTH),
    "a.ARW": lambda: encoded_arw(Capture(read_noise=4.0), HEIGHT, WIDTH),
    "a.psd": lambda: psd(packed=False),
}


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_lost_sectors_are_noticed(tmp_path: Path, name: str, fill: bytes) -> None:
    path, whole = tmp_path / name, PLAIN[name]()
    path.write_bytes(whole)
    assert read_picture(path).height == HEIGHT
    # Three of them, none at the end of a row of any of these.
    for sector, count in ((0.3, 1), (0.52, 8), (0.7, 2)):
        start = int(len(whole) * sector) // SECTOR * SECTOR
        path.write_bytes(_lost(whole, start, count * SECTOR, fill))
        with pytest.raises(InputError, match=r"damaged|incomplete"):
            read_picture(path)


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "tiles.tif"])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_stretch_of_lost_rows_is_noticed_wherever_it_begins(tmp_path: Path, name: str, fill: bytes) -> None:
    path, whole = tmp_path / name, PLAIN[name]()
    for share in (0.41, 0.733):
        path.write_bytes(_lost(whole, int(len(whole) * share) + 77, len(whole) // 20 + 701, fill))
        with pytest.raises(InputError, match=r"damaged|incomplete"):
            read_picture(path)


def _with_bars(dtype: str = "uint8") -> NDArray[Any]:
    """Black and white bars over the full width, a box, and a line."""
    picture = _photo(dtype)
    picture[100:140] = 0
    picture[200:240] = np.iinfo(dtype).max
    picture[300:340, 100:400] = 0
    picture[360, 50:400] = 0
    return picture


DRAWN: dict[str, Callable[[], bytes]] = {
    "bars.tif": lambda: encoded_tiff(_with_bars(), photometric="rgb"),
    "bars-deep.tif": lambda: encoded_tiff(_with_bars("uint16"), photometric="rgb"),
    "bars-aligned.tif": lambda: encoded_tiff(
        np.ascontiguousarray(np.pad(_with_bars(), ((0, 0), (0, 12), (0, 0)), mode="reflect")),
        photometric="rgb",
    ),
    "bars.bmp": lambda: encoded("BMP", _with_bars()),
    "mask.bmp": lambda: encoded("BMP", np.kron(np.eye(8), np.full((64, 64), 255)).astype(np.uint8)),
}


@pytest.mark.parametrize("name", DRAWN)
def test_bars_and_boxes_pass(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(DRAWN[name]())
    assert read_picture(path).width >= WIDTH


def test_overexposed_rows_of_a_raw_file_pass(tmp_path: Path) -> None:
    """A window: whole rows at the white level, with dark ones above and below."""
    light = scene(HEIGHT, WIDTH) / 255 * 0.5
    light[150:200] = 2.0
    path = tmp_path / "a.dng"
    write_dng(path, light, Capture(read_noise=4.0))
    assert int(read_picture(path).pixels[160:190].min()) > 60_000


@pytest.mark.parametrize(("value", "refused"), [(16383, True), (0, True), (15000, False)])
def test_whole_rows_of_what_no_sensor_gives_are_lost(tmp_path: Path, value: int, refused: bool) -> None:
    """Its black level is 512, its white level 15,000; the band ends with rows."""
    path = tmp_path / "a.dng"
    values = np.random.default_rng(3).integers(600, 9000, (160, 240)).astype(np.uint16)
    values[60:90] = value
    write_dng_mosaic(path, values, Capture(white_level=15_000))
    if not refused:
        assert read_picture(path).height == 160
        return
    with pytest.raises(InputError, match="30 of 160 rows hold no data"):
        read_picture(path)


def test_rows_above_a_white_level_that_is_wrong_pass(tmp_path: Path) -> None:
    """Other places are above it, too: the sensor goes on where the file says that it ends."""
    path = tmp_path / "a.dng"
    values = np.random.default_rng(3).integers(600, 15_900, (160, 240)).astype(np.uint16)
    values[60:90] = 16_383
    write_dng_mosaic(path, values, Capture(white_level=15_000))
    assert read_picture(path).height == 160


def _sky() -> NDArray[np.uint8]:
    """Blue that becomes lighter below, of few values in a row, and the same in 8-bit data of a RAW file."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    smooth = 90 + y * 0.2 + x * 0.01
    return np.stack([smooth, smooth + 20, smooth + 50], axis=2).astype(np.uint8)


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 16}, {"tile": (128, 128)}])
def test_sectors_that_are_lost_in_a_sky_are_noticed(
    tmp_path: Path, options: dict[str, Any], fill: bytes
) -> None:
    path = tmp_path / "a.tif"
    whole = encoded_tiff(_sky()[:, :384], photometric="rgb", **options)
    path.write_bytes(whole)
    assert read_picture(path).height == HEIGHT
    for share, count in ((0.3, 1), (0.5, 8), (0.72, 3)):
        start = int(len(whole) * share) // SECTOR * SECTOR
        # Neither end of it is one of a row.
        path.write_bytes(_lost(whole, start, count * SECTOR, fill))
        with pytest.raises(InputError, match=r"damaged|incomplete"):
            read_picture(path)


@pytest.mark.parametrize("value", [0, 255])
def test_boxes_in_a_sky_pass_wherever_they_begin(tmp_path: Path, value: int) -> None:
    """Rows above and below are of the same value at their columns, and where they are not, at an edge."""
    path, picture = tmp_path / "a.tif", np.pad(_sky(), ((0, 0), (0, 12), (0, 0)), "edge")
    for left in range(256 - 91, 256 - 78):
        picture[100:140, left : left + 171] = value
        path.write_bytes(encoded_tiff(picture, photometric="rgb"))
        assert (read_picture(path).pixels == picture).all()

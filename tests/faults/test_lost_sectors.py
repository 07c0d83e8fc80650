"""Which runs of zeros and ones in stored pixels are sectors that were lost, and which are a picture's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.proof.bitmap import sectors
from srnet_cli.imaging.codecs.proof.bitmap.beside import Stored
from tests.captures import Capture, write_dng_mosaic
from tests.faults.dngs import values
from tests.faults.pictures import encoded, encoded_arw, encoded_dng, encoded_tiff, scene
from tests.faults.test_holes import psd

HEIGHT, WIDTH = 384, 500
SECTOR = 512
_FILLS = pytest.mark.parametrize("fill", [b"\0", b"\xff"])


def _photo() -> NDArray[np.uint8]:
    return np.asarray(scene(HEIGHT, WIDTH))


def _product() -> NDArray[np.uint8]:
    """A thing on white, which has a run of ones in each of its rows."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    inside = ((y - HEIGHT / 2) / 170) ** 2 + ((x - WIDTH / 2) / 150) ** 2 < 1
    return np.where(inside[..., None], _photo().clip(9, 246), 255).astype(np.uint8)


def _lost(data: bytes, places: list[int], length: int, fill: bytes) -> bytes:
    found = bytearray(data)
    for place in places:
        found[place : place + length] = fill * length
    return bytes(found)


def _refuse(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"damaged|incomplete"):
        read_picture(path)


_KINDS: dict[str, Callable[[], bytes]] = {
    "a.tif": lambda: encoded_tiff(_photo(), photometric="rgb"),
    "a.dng": lambda: encoded_dng(Capture(read_noise=4.0), HEIGHT, WIDTH),
    "a.ARW": lambda: encoded_arw(Capture(read_noise=4.0), HEIGHT, WIDTH),
    "a.bmp": lambda: encoded("BMP", _photo()),
    "a.psd": lambda: psd(packed=False),
}


@_FILLS
@pytest.mark.parametrize("length", [SECTOR, 4096])
@pytest.mark.parametrize("name", _KINDS)
def test_the_more_is_lost_the_surer_it_is(tmp_path: Path, name: str, length: int, fill: bytes) -> None:
    whole = _KINDS[name]()
    sector = np.arange(8192 // length + 1, len(whole) // length - 1)
    chosen = np.random.default_rng(3).permutation(sector)[: 40 if length == SECTOR else 20] * length
    _refuse(tmp_path / name, _lost(whole, chosen.tolist(), length, fill))


@pytest.mark.parametrize("options", [{}, {"rowsperstrip": 16}])
@pytest.mark.parametrize("length", [SECTOR, 4096])
def test_runs_of_the_other_value_say_nothing(tmp_path: Path, length: int, options: dict[str, Any]) -> None:
    path, whole = tmp_path / "a.tif", encoded_tiff(_product(), photometric="rgb", **options)
    path.write_bytes(whole)
    assert (read_picture(path).pixels == _product()).all()
    middle = len(whole) // 2 // SECTOR * SECTOR
    inside = [
        at for at in range(middle, middle + 1500, SECTOR) if b"\xff" * 60 not in whole[at : at + SECTOR]
    ]
    assert inside
    for place in inside:
        _refuse(path, _lost(whole, [place], length, b"\0"))


def test_a_plane_of_alpha_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    planes = np.concatenate([np.moveaxis(_photo(), -1, 0), np.full((1, HEIGHT, WIDTH), 255, np.uint8)])
    options = {"photometric": "rgb", "planarconfig": "separate", "extrasamples": ["unassalpha"]}
    whole = encoded_tiff(np.ascontiguousarray(planes), **options)
    path.write_bytes(whole)
    assert read_picture(path).height == HEIGHT
    for sector in (100, 401, 777):
        _refuse(path, _lost(whole, [sector * SECTOR], SECTOR, b"\0"))
        _refuse(path, _lost(whole, [sector * SECTOR], 8 * SECTOR, b"\xff"))


@_FILLS
def test_a_sector_that_began_ahead_of_the_pixels(tmp_path: Path, fill: bytes) -> None:
    """It takes a part of a row, or of some; and others in the middle are noticed beside it."""
    path, words = tmp_path / "a.tif", b"<x:xmpmeta/>".ljust(20_000)
    whole = encoded_tiff(_photo(), photometric="rgb", extratags=[(700, 1, len(words), words, True)])
    start = whole.index(_photo()[0].tobytes())
    for end in range(start // SECTOR + 1, start // SECTOR + 24):
        if 9 < (end * SECTOR - start) % (3 * WIDTH) < 3 * WIDTH - 9:
            first = start // SECTOR - 5
            _refuse(path, _lost(whole, [first * SECTOR], (end - first) * SECTOR, fill))
            if whole[end * SECTOR] != fill[0]:
                # It was zeros there before, or other data ahead of these was.
                _refuse(path, _lost(whole, [start - 3000], end * SECTOR - start + 3000, fill))


@pytest.mark.parametrize(("value", "least", "said"), [(0, 8, "no data"), (16_383, 2, "nothing but 16383")])
def test_whole_rows_at_the_head_that_no_sensor_gives(
    tmp_path: Path, value: int, least: int, said: str
) -> None:
    path, light = tmp_path / "a.dng", values()
    for rows in (1, 2, 5, 8, 9):
        light[:rows] = value
        write_dng_mosaic(path, light, Capture(white_level=15_900, read_noise=4.0))
        if rows < least:  # a broken line of the sensor, or masked rows that read nothing
            assert read_picture(path).height == len(light)
            continue
        with pytest.raises(InputError, match=f"first {rows} of 100 rows hold {said}"):
            read_picture(path)


def test_runs_are_not_cut_where_the_file_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    data = generator.integers(1, 255, 40_000).astype(np.uint8)
    data[8 * SECTOR : 20 * SECTOR] = 0
    data[30 * SECTOR : 31 * SECTOR] = 255
    file, extents, stored = io.BytesIO(data.tobytes()), [(2000, 39_800)], Stored(2000, 700, 54, 700, 8)
    for window in (1 << 25, 5000, 4096, 1777):
        monkeypatch.setattr(sectors, "_WINDOW", window)
        assert sectors.first_lost(file, extents, stored) == (8 * SECTOR, 20 * SECTOR)


@pytest.mark.parametrize("stored", [Stored(4096, 2048, 60, 2048, 16), None])
def test_bars_at_sectors_are_no_damage(stored: Stored | None) -> None:
    """Black at both sides of each row, which is four sectors long: ends of rows and starts of others."""
    pixels = np.random.default_rng(5).integers(1, 255, (60, 2048)).astype(np.uint8)
    pixels[:, :512] = pixels[:, 1536:] = 0
    ahead = bytes(range(1, 129)) * 32
    for count in (1, 5):
        whole = bytearray(ahead + pixels.tobytes() + b"\1" * 99)
        file, extents = io.BytesIO(bytes(whole)), [(4096, 4096 + pixels.size)]
        assert sectors.first_lost(file, extents, stored, aligned=True) is None
        for row in range(7, 7 + 9 * count, 9):
            whole[4096 + row * 2048 + 600 : 4096 + row * 2048 + 1400] = bytes(800)
        assert sectors.first_lost(io.BytesIO(bytes(whole)), extents, stored, aligned=True) is None


def test_lines_of_a_drawing_pass_of_which_one_is_at_sectors() -> None:
    pixels = np.full((90, 1400), 200, np.uint8) + np.arange(1400, dtype=np.uint8) % 16
    for row in range(3, 90, 3):
        pixels[row, 40:940] = 0
    flat, stored = pixels.ravel(), Stored(0, 1400, 90, 1400, 8)
    flat[21 * SECTOR : 22 * SECTOR] = 0
    data = flat.tobytes() + b"\1"
    assert sectors.first_lost(io.BytesIO(data), [(0, flat.size)], stored) is None


def test_a_dark_screenshot_passes(tmp_path: Path) -> None:
    """A title bar of black, and below it a column of the window, one row taller than the rest."""
    picture = np.full((59, 288), 30, np.uint8)
    picture[:, :57] = 45
    picture[:4], picture[4, 57:] = 0, 0
    path = tmp_path / "a.bmp"
    Image.fromarray(picture).save(path)
    assert (read_picture(path).pixels[..., 0] == picture).all()


@_FILLS
def test_sectors_of_a_flat_picture(tmp_path: Path, fill: bytes) -> None:
    """Its rows are shorter than what is lost, which no shape would begin and end like."""
    path, value = tmp_path / "a.tif", 255 - fill[0]
    whole = encoded_tiff(np.full((200, 300), value, np.uint8), photometric="minisblack")
    start = len(whole) - 200 * 300
    for sector in (20, 51, 77):
        edges = [(at * SECTOR - start) % 300 for at in (sector, sector + 3)]
        assert all(3 < edge < 297 for edge in edges)
        _refuse(path, _lost(whole, [sector * SECTOR], 3 * SECTOR, fill))


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("rows", [5, 40])
def test_bars_beside_padding_at_sectors_are_no_damage(aligned: bool, rows: int) -> None:
    """Rows as long as sectors, black above and below, with padding ahead of them and behind."""
    pixels = np.random.default_rng(5).integers(1, 255, (120, 3 * SECTOR)).astype(np.uint8)
    pixels[:rows] = pixels[-rows:] = 0
    data = b"II*\0".ljust(4096, b"\0") + pixels.tobytes() + bytes(4096) + b"\1" * 99
    extents, stored = [(4096, 4096 + pixels.size)], Stored(0, 3 * SECTOR, 0, 3 * SECTOR, 24)
    assert sectors.first_lost(io.BytesIO(data), extents, stored, aligned=aligned) is None
    for place in (4096 + rows * 1536, 4096 + pixels.size - (rows + 1) * 1536):
        lost = io.BytesIO(_lost(data, [place + SECTOR], SECTOR, b"\0"))
        assert sectors.first_lost(lost, extents, stored) is not None


def test_a_letterbox_behind_padding_is_read(tmp_path: Path) -> None:
    path, picture = tmp_path / "a.tif", np.maximum(np.asarray(scene(384, 512)), 1)
    picture[:40] = picture[-40:] = 0
    file = tifffile.memmap(path, shape=picture.shape, dtype="u1", photometric="rgb")
    file[:] = picture
    file.flush()
    assert (read_picture(path).pixels == picture).all()


@pytest.mark.parametrize("side", [64, 128])
def test_zeros_that_pad_the_tiles_of_a_dng_at_sectors_are_read(tmp_path: Path, side: int) -> None:
    """As tifffile writes them; the last rows of tiles are padding from a sector to the end of theirs."""
    light, path = values()[:96, :144], tmp_path / "a.dng"
    for count in range(SECTOR):
        write_dng_mosaic(path, light, Capture(tile=(side, side), model="m" * count))
        with tifffile.TiffFile(path) as file:
            start = file.pages.first.dataoffsets[0]
        if start % SECTOR == 0:
            break
    assert start % SECTOR == 0
    assert read_picture(path).width == 144
    # A sector within the first tile, which has no padding.
    _refuse(path, _lost(path.read_bytes(), [start + 2 * SECTOR], 2 * SECTOR, b"\0"))


@pytest.mark.parametrize("length", [4, 8, 32])
@_FILLS
def test_sectors_that_go_through_padding_of_tiles_are_noticed(
    tmp_path: Path, length: int, fill: bytes
) -> None:
    """It is zeros, which are nothing that pixels on both sides of it have, and no ones at all."""
    path, pixels = tmp_path / "a.tif", np.asarray(scene(300, 300)).clip(9, 246).astype(np.uint8)
    whole = encoded_tiff(pixels, photometric="rgb", tile=(256, 256))
    path.write_bytes(whole)
    assert np.array_equal(read_picture(path).pixels, pixels)
    with tifffile.TiffFile(path) as file:
        start, row = file.pages.first.dataoffsets[1], 256 * 3
    # Of the second tile 44 columns are pixels.
    for first in range(-(-start // SECTOR) * SECTOR, start + 200 * row, 5 * SECTOR):
        end = first + length * SECTOR
        in_pixels = all(4 < (place - start) % row < 44 * 3 - 4 for place in (first, end))
        if in_pixels or fill == b"\xff":
            _refuse(path, _lost(whole, [first], end - first, fill))

"""Pixels without compression whose end was not copied: zeros or ones from a sector of the file on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.proof.page.grid import grid_of
from tests.captures import Capture, write_dng_mosaic
from tests.faults.dngs import dng_of, short
from tests.faults.pictures import encoded, encoded_arw, encoded_dng, encoded_tiff, scene

SECTOR = 512
#: rows of no whole number of sectors, so that most of these begin within one
HEIGHT, WIDTH = 120, 402
CAPTURE = Capture(read_noise=4.0)
FILES: dict[str, Callable[[], bytes]] = {
    "a.dng": lambda: encoded_dng(CAPTURE, HEIGHT, WIDTH),
    "a.ARW": lambda: encoded_arw(CAPTURE, HEIGHT, WIDTH),
    "a.tif": lambda: encoded_tiff(_photo(), photometric="rgb"),
    "strips.tif": lambda: encoded_tiff(_photo(), photometric="rgb", rowsperstrip=3),
    "deep.tif": lambda: encoded_tiff(_photo().astype("uint16") * 257, photometric="rgb"),
    "float.tif": lambda: encoded_tiff(_photo().astype("float32") / 255, photometric="rgb"),
    # Each sector begins with a pixel, behind an alpha that has the value of ones.
    "alpha.tif": lambda: encoded_tiff(_opaque(), photometric="rgb", extrasamples=["unassalpha"]),
    "deep-alpha.tif": lambda: encoded_tiff(
        _opaque().astype("uint16") * 257, photometric="rgb", extrasamples=["unassalpha"]
    ),
    "planes.tif": lambda: encoded_tiff(
        np.moveaxis(_photo(), 2, 0), photometric="rgb", planarconfig="separate"
    ),
}


def _opaque() -> NDArray[np.uint8]:
    return np.dstack([_photo(), np.full((HEIGHT, WIDTH), 255, np.uint8)])


def _photo() -> NDArray[np.uint8]:
    return scene(HEIGHT, WIDTH).clip(1, 254)


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("name", FILES)
def test_an_end_of_less_than_eight_rows_is_noticed(tmp_path: Path, name: str, fill: bytes) -> None:
    path, whole = tmp_path / name, FILES[name]()
    path.write_bytes(whole)
    assert read_picture(path).height == HEIGHT
    parsed = ifd.parse(whole)
    assert parsed is not None
    starts, lengths = parsed.directories[0].pieces()
    first, end = starts[0], starts[-1] + lengths[-1]
    assert end == len(whole)
    last, row = (end - 1) // SECTOR * SECTOR, grid_of(parsed.directories[0]).row_bytes
    tried = 0
    # Of 14 bits, which take two bytes each.
    row = 2 * WIDTH if path.suffix in (".dng", ".ARW") else row
    for start in range(last, end - 8 * row, -SECTOR):
        if not 4 < (start - first) % row < row - 4 or end - start < 32:
            continue
        path.write_bytes(whole[:start] + fill * (len(whole) - start))
        with pytest.raises(InputError, match=r"hold no(thing| data)"):
            read_picture(path)
        tried += 1
    assert tried >= 6


@pytest.mark.parametrize("value", [0, 16_383])
def test_an_end_that_begins_at_no_sector_or_below_rows_of_its_value_passes(
    tmp_path: Path, value: int
) -> None:
    """Lines that a sensor has lost."""
    path = tmp_path / "a.dng"
    values = np.random.default_rng(3).integers(600, 9000, (HEIGHT, WIDTH)).astype(np.uint16)
    write_dng_mosaic(path, values)
    first = path.stat().st_size - 2 * values.size
    for column in range(80, 120):
        if (first + 2 * ((HEIGHT - 1) * WIDTH + column)) % SECTOR > 2:
            drawn = values.copy()
            drawn[-1, column:] = value
            write_dng_mosaic(path, drawn, Capture(white_level=16_383))
            assert read_picture(path).height == HEIGHT
    at = -(first + 2 * (HEIGHT - 1) * WIDTH) % SECTOR // 2
    values[-6:-1, WIDTH // 4 :] = value
    values[-1, at:] = value
    write_dng_mosaic(path, values, Capture(white_level=16_383))
    assert read_picture(path).height == HEIGHT


def _in_colours(bits: int) -> dict[int, ifd.Entry]:
    """Tags of a DNG that was demosaicked."""
    levels = {50713: short(1, 1), 50714: short(0, 0, 0), 50717: short(*[(1 << bits) - 1] * 3)}
    return {262: short(34892), 258: short(bits, bits, bits), 277: short(3), 284: short(1), **levels}


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("linear", [False, True])
def test_an_end_of_tiles_is_noticed(tmp_path: Path, linear: bool, fill: bytes) -> None:
    """Of more than one of them, too."""
    values = np.random.default_rng(3).integers(600, 9000, (128, 192, 3 if linear else 1)).astype(np.uint16)
    tiles = [values[y : y + 64, x : x + 64].tobytes() for y in (0, 64) for x in (0, 64, 128)]
    size = {256: short(192), 257: short(128), 322: short(64), 323: short(64)}
    tags = _in_colours(16) if linear else {258: short(16)}
    path, whole = tmp_path / "a.dng", dng_of(tiles, {**size, **tags}, tiled=True)
    path.write_bytes(whole)
    assert read_picture(path).width == 192
    row = 64 * values.shape[2] * 2
    first = len(whole) - 128 * 192 * values.shape[2] * 2
    sectors = [at for at in range(first // SECTOR * SECTOR, len(whole), SECTOR) if at >= first + row]
    within = [at for at in sectors if 4 < (at - first) % row < row - 4 and (at - first) % (64 * row) >= row]
    for start in (within[-1], within[-3], within[len(within) // 2]):
        path.write_bytes(whole[:start] + fill * (len(whole) - start))
        with pytest.raises(InputError, match=r"hold no(thing| data)"):
            read_picture(path)


@pytest.mark.parametrize("value", [0, 255])
def test_an_end_of_a_dithered_picture_is_noticed(tmp_path: Path, value: int) -> None:
    path = tmp_path / "a.tif"
    dithered = Image.fromarray(scene(300, 1000)).convert("1")
    whole = encoded("TIFF", dithered)
    parsed = ifd.parse(whole)
    assert parsed is not None
    starts, lengths = parsed.directories[0].pieces()
    end = starts[-1] + lengths[-1]
    path.write_bytes(whole)
    assert read_picture(path).height == 300
    tried = 0
    for start in range(end // SECTOR * SECTOR - 4 * SECTOR, end // 2, -5 * SECTOR):
        if 4 < (start - starts[0]) % 125 < 121:
            path.write_bytes(whole[:start] + bytes([value]) * (end - start) + whole[end:])
            with pytest.raises(InputError, match=r"hold no data"):
                read_picture(path)
            tried += 1
    assert tried >= 3


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_colours_with_an_empty_border_are_read(tmp_path: Path, bits: int) -> None:
    """As of a panorama that was put together."""
    values = np.random.default_rng(3).integers(60, 900, (100, 152, 3)).astype(np.uint16)
    values[-9:] = 0
    samples = (values.reshape(100, -1, 1) >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)
    rows = np.packbits(samples.reshape(100, -1), axis=1)
    path = tmp_path / "a.dng"
    path.write_bytes(dng_of([rows.tobytes()], {**_in_colours(bits), 278: short(100)}))
    assert read_picture(path).height == 100

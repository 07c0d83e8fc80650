"""Tables of colours of TIFF, Photoshop and GIF files of which a disk lost sectors, or a copy the end."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from tests.faults.pictures import encoded, scene

_TALL, _WIDE = 90, 120


def _pixels() -> NDArray[np.uint8]:
    return (
        np.random.default_rng(1)
        .permutation(np.arange(_TALL * _WIDE) % 256)
        .astype(np.uint8)
        .reshape(_TALL, _WIDE)
    )


def _colours(count: int = 256) -> NDArray[np.uint8]:
    """Colours in no order, none of them black or white."""
    return np.random.default_rng(2).integers(1, 255, (count, 3)).astype(np.uint8)


def _tiff(pixels: NDArray[Any], table: NDArray[np.uint8], ahead: int = 0, bits: int = 8) -> tuple[bytes, int]:
    """A file with its table of colours ``ahead`` bytes behind the directory, at the end, and its place."""
    values = np.unpackbits(pixels.astype("<u2" if bits > 8 else ">u2").view(np.uint8)).reshape(-1, 16)[
        :, -bits:
    ]
    body = np.packbits(values).tobytes()
    at = 8 + len(body)
    tags = {
        256: ifd.entry(ifd.LONG, pixels.shape[1]),
        257: ifd.entry(ifd.LONG, pixels.shape[0]),
        258: ifd.entry(ifd.SHORT, bits),
        259: ifd.entry(ifd.SHORT, 1),
        262: ifd.entry(ifd.SHORT, 3),
        273: ifd.entry(ifd.LONG, 8),
        277: ifd.entry(ifd.SHORT, 1),
        278: ifd.entry(ifd.LONG, pixels.shape[0]),
        279: ifd.entry(ifd.LONG, len(body)),
        320: ifd.entry(ifd.SHORT, *(int(value) * 257 for value in table.T.ravel())),
    }
    packed = ifd.pack(ifd.Directory(tags), at)
    colours, directory = packed[-table.size * 2 :], bytearray(packed[: -table.size * 2])
    place = at + len(directory) + ahead
    directory[-8:-4] = struct.pack("<I", place)
    return struct.pack("<2sHI", b"II", 42, at) + body + bytes(directory) + bytes(ahead) + colours, place


def _refuse(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"of its colours are lost|no data"):
        read_picture(path)


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("ahead", [0, 100, 222])
def test_a_sector_of_a_tiffs_colours_that_is_lost_is_noticed(tmp_path: Path, ahead: int, fill: bytes) -> None:
    path = tmp_path / "a.tif"
    whole, at = _tiff(_pixels(), _colours(), ahead)
    path.write_bytes(whole)
    assert np.array_equal(read_picture(path).pixels, _colours()[_pixels()])
    first = -(-at // 512) * 512
    for start in range(first, first + 1024, 512):
        _refuse(path, whole[:start] + fill * 512 + whole[start + 512 :])
        _refuse(path, whole[:start] + fill * (len(whole) - start))


@pytest.mark.parametrize("ahead", range(0, 512, 32))
@pytest.mark.parametrize("hue", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)])
def test_shades_of_one_colour_pass(tmp_path: Path, hue: tuple[int, int, int], ahead: int) -> None:
    """Planes of their tables are zeros; of few of them sectors begin and end in colours that no pixel has."""
    path = tmp_path / "a.tif"
    table = (np.arange(256)[:, None] * hue).astype(np.uint8)
    for pixels in (_pixels(), _pixels() // 4 + 20, _pixels() // 32 * 30):
        whole, _ = _tiff(pixels, table, ahead + 8)
        path.write_bytes(whole)
        assert np.array_equal(read_picture(path).pixels, table[pixels])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_tables_of_every_depth_pass(tmp_path: Path, bits: int) -> None:
    table = np.random.default_rng(3).integers(0, 256, (1 << bits, 3)).astype(np.uint8)
    pixels = (np.arange(64 * 64).reshape(64, 64) % (1 << bits)).astype(">u2")
    whole, _ = _tiff(pixels, table, bits=bits)
    (tmp_path / "a.tif").write_bytes(whole)
    assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, table[pixels])


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("behind", [0, 40])
def test_an_end_of_colours_that_is_lost_is_noticed(tmp_path: Path, behind: int, fill: bytes) -> None:
    """Wherever it begins, as long as a plane of the table is in it."""
    whole, at = _tiff(_pixels(), _colours())
    whole += bytes(behind)
    for start in range(at + 101, at + 1000, 99):
        _refuse(tmp_path / "a.tif", whole[:start] + fill * (len(whole) - start))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_tables_of_steps_pass(tmp_path: Path, order: tuple[int, int, int]) -> None:
    """Of the colours of browsers one plane ends in many equal values."""
    table = np.indices((6, 6, 6)).reshape(3, -1).T[:, list(order)] * 51
    for colours in (table, table[::-1], table * [1, 1, 0]):
        filled = np.pad(colours, ((0, 40), (0, 0))).astype(np.uint8)
        whole, _ = _tiff(_pixels() % 216, filled)
        (tmp_path / "a.tif").write_bytes(whole)
        assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, filled[_pixels() % 216])


def test_whole_planes_of_many_colours_without_order_are_lost(tmp_path: Path) -> None:
    pixels, colours = _pixels() % 64, _colours()
    colours[64:] = 0
    whole, at = _tiff(pixels, colours)
    start = at // 512 * 512 + 512
    assert start - at > 128
    (tmp_path / "b.tif").write_bytes(whole)
    assert np.array_equal(read_picture(tmp_path / "b.tif").pixels, colours[pixels])
    _refuse(tmp_path / "a.tif", whole[:start] + bytes(512) + whole[start + 512 :])
    _refuse(tmp_path / "a.tif", whole[:start] + bytes(len(whole) - start))


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_sector_of_photoshops_colours_that_is_lost_is_noticed(tmp_path: Path, fill: bytes) -> None:
    path = tmp_path / "a.psd"
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, _TALL, _WIDE, 8, 2) + struct.pack(">I", 768)
    resources = b"8BIM" + struct.pack(">HHI", 1060, 0, 1000) + b"x" * 1000
    whole = head + _colours().T.tobytes() + struct.pack(">I", len(resources)) + resources
    whole += bytes(4) + b"\0\0" + _pixels().tobytes()
    path.write_bytes(whole)
    assert np.array_equal(read_picture(path).pixels, _colours()[_pixels()])
    # Lengths that are behind the table are not what is tested here.
    _refuse(path, whole[:512] + fill * (798 - 512) + whole[798:])


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_sector_of_a_gifs_colours_that_is_lost_is_noticed(tmp_path: Path, fill: bytes) -> None:
    path = tmp_path / "a.gif"
    image = Image.fromarray(scene(_TALL, _WIDE)).quantize(256)
    plain = encoded("GIF", image)
    comment = b"\x21\xfe" + (b"\xfa" + b"x" * 250) * 4 + b"\0"
    whole = plain[:781] + comment + plain[781:]
    path.write_bytes(whole)
    assert read_picture(path).width == _WIDE
    _refuse(path, whole[:512] + fill * (781 - 512) + whole[781:])


def test_a_palette_that_is_not_there_is_named(tmp_path: Path) -> None:
    whole, _ = _tiff(_pixels(), _colours())
    (tmp_path / "a.tif").write_bytes(whole.replace(struct.pack("<HH", 320, 3), struct.pack("<HH", 321, 3)))
    with pytest.raises(InputError, match="tag 320"):
        read_picture(tmp_path / "a.tif")

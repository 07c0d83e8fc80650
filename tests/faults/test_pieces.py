"""Pieces of a DNG that are of another size than their places, or lie where others lie: LibRaw makes do."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import entry
from srnet_cli.imaging.raw.layout.pieces import check_pieces
from tests.faults.dngs import HEIGHT, WIDTH, dng_of, lossless, short, tiles_of, values
from tests.faults.hostile import retagged

TILE = 32
_JPEG = {259: short(7)}


def strip_dng() -> bytes:
    return dng_of([lossless(values())], {**_JPEG, 278: short(HEIGHT)})


def tile_dng(order: Callable[[list[bytes]], list[bytes]] = list) -> bytes:
    pieces = [lossless(tile) for tile in tiles_of(values(), TILE, TILE)]
    return dng_of(order(pieces), {**_JPEG, 322: short(TILE), 323: short(TILE)}, tiled=True)


def plain_tile_dng() -> bytes:
    pieces = [tile.astype("<u2").tobytes() for tile in tiles_of(values(), TILE, TILE)]
    return dng_of(pieces, {322: short(TILE), 323: short(TILE)}, tiled=True)


def plain_strip_dng(rows: int = 32) -> bytes:
    whole = values().astype("<u2")
    pieces = [whole[top : top + rows].tobytes() for top in range(0, HEIGHT, rows)]
    return dng_of(pieces, {278: short(rows)})


def float_dng(rows: int = 64) -> bytes:
    """Floating-point values with the predictor of TIFF's third supplement, deflated."""
    light = (values().astype(np.float32) - 512) / 15_871
    pieces = []
    for top in range(0, HEIGHT, rows):
        planes = light[top : top + rows].astype(">f4").view(np.uint8).reshape(-1, WIDTH, 4)
        bytes_of_rows = np.moveaxis(planes, 2, 1).reshape(planes.shape[0], -1)
        pieces.append(zlib.compress(np.diff(bytes_of_rows, prepend=np.uint8(0), axis=1).tobytes()))
    tags = {
        258: short(32),
        259: short(8),
        278: short(rows),
        317: short(3),
        339: short(3),
        50714: short(0, 0, 0, 0),
        50717: entry(ifd.LONG, 1),
    }
    return dng_of(pieces, tags)


WHOLE = {
    "strip": strip_dng,
    "tiles": tile_dng,
    "plain tiles": plain_tile_dng,
    "plain strips": plain_strip_dng,
    "floats": float_dng,
    "floats in one": lambda: float_dng(HEIGHT),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(WHOLE[kind]())
    assert read_picture(path).pixels.shape == (HEIGHT, WIDTH, 3)


#: kind → tag of a directory and the wrong value in it; all in the types of the directories above
WRONG = [
    *[("strip", 256, width) for width in (76, 120, 153, 160, 228, 304)],
    *[("strip", 257, height) for height in (50, 70)],
    *[("strip", 277, samples) for samples in (2, 3, 4)],
    *[("tiles", tag, side) for tag in (322, 323) for side in (31, 33, 40)],
    *[("floats", 256, width) for width in (128, 160, 304)],
    *[("floats", 257, height) for height in (90, 110, 120)],
    ("floats", 278, 65),
    ("floats in one", 257, 70),
    *[("plain strips", 256, width) for width in (150, 151, 153)],
    ("plain strips", 278, 31),
]


@pytest.mark.parametrize(("kind", "tag", "value"), WRONG)
def test_pieces_of_another_size_than_their_place(tmp_path: Path, kind: str, tag: int, value: int) -> None:
    path = tmp_path / "a.dng"
    whole = WHOLE[kind]()
    width = ifd.SHORT if tag in (277, 278, 322, 323) else ifd.LONG
    path.write_bytes(retagged(whole, tag, width, 1, value))
    with pytest.raises(InputError, match=r"piece|pixels"):
        read_picture(path)


def header(width: int, height: int, components: int = 1, marker: int = 0xC3) -> bytes:
    """The frame of a JPEG, without any data."""
    body = struct.pack(">BHHB", 14, height, width, components) + bytes(range(3 * components))
    return b"\xff\xd8\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body + b"\xff\xd9"


#: pixels of a tile of 32 by 32 in other forms that cameras write
FITTING = {
    "one component": header(32, 32),
    "columns in turn": header(16, 32, 2),
    "four in turn": header(8, 32, 4),
    "two rows in one": header(64, 16),
    "rows and columns": header(32, 16, 2),
    "extended": header(64, 16, marker=0xC1),
}
UNFITTING = {
    "narrow": header(31, 32),
    "wide": header(48, 32),
    "half": header(16, 32),
    "low": header(32, 31),
    "high": header(32, 64),
    "twice": header(32, 32, 2),
    "across": header(16, 64),
    "no frame": b"\xff\xd8\xff\xd9",
    "no JPEG": bytes(40),
}


def _of_headers(first: bytes) -> bytes:
    count = -(-HEIGHT // TILE) * -(-WIDTH // TILE)
    return dng_of(
        [first] + [header(TILE, TILE)] * (count - 1), {**_JPEG, 322: short(TILE), 323: short(TILE)}, True
    )


@pytest.mark.parametrize("form", FITTING)
def test_forms_of_a_tile_that_fit(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(_of_headers(FITTING[form]))
    check_pieces(path, ifd.parse(path.read_bytes()))


@pytest.mark.parametrize("form", UNFITTING)
def test_forms_of_a_tile_that_do_not(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(_of_headers(UNFITTING[form]))
    with pytest.raises(InputError, match="piece 1 of its pixels"):
        check_pieces(path, ifd.parse(path.read_bytes()))


def _moved(data: bytes, tag: int, places: Callable[[list[int]], list[int]]) -> bytes:
    """Return a file whose pieces are said to lie elsewhere."""
    parsed = ifd.parse(data)
    assert parsed is not None
    found = parsed.directories[0].entries[tag]
    moved = struct.pack(f"<{found.count}I", *places(list(parsed.directories[0].integers(tag))))
    return data[: found.at] + moved + data[found.at + len(moved) :]


MOVED: dict[str, Callable[[], bytes]] = {
    "all the first": lambda: _moved(plain_tile_dng(), 324, lambda at: [at[0]] * len(at)),
    "overlapping": lambda: _moved(
        plain_tile_dng(), 324, lambda at: [at[0] + 500 * i for i in range(len(at))]
    ),
    "last in the directory": lambda: _moved(plain_tile_dng(), 324, lambda at: [*at[:-1], 8]),
    "two of them JPEG": lambda: _moved(tile_dng(), 324, lambda at: [at[0], at[0], *at[2:]]),
    "strips the other way round": lambda: _moved(plain_strip_dng(25), 273, lambda at: at[::-1]),
    "strips apart": lambda: _moved(plain_strip_dng(25), 273, lambda at: [*at[:-1], at[-1] + 2]) + bytes(2),
}


@pytest.mark.parametrize("kind", MOVED)
def test_pieces_that_lie_where_others_lie(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(MOVED[kind]())
    with pytest.raises(InputError, match=r"lies? "):
        read_picture(path)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("kind", ["plain tiles", "plain strips"])
def test_an_end_that_holds_nothing(tmp_path: Path, kind: str, fill: bytes, share: float) -> None:
    path = tmp_path / "a.dng"
    whole = WHOLE[kind]()
    keep = int(len(whole) * share)
    path.write_bytes(whole[:keep] + fill * (len(whole) - keep))
    with pytest.raises(InputError, match=r"incomplete|damaged"):
        read_picture(path)


def test_tiles_that_end_in_white_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    light = values()
    light[-40:] = 16_383
    pieces = [tile.astype("<u2").tobytes() for tile in tiles_of(light, TILE, TILE)]
    path.write_bytes(dng_of(pieces, {322: short(TILE), 323: short(TILE)}, tiled=True))
    assert read_picture(path).height == HEIGHT

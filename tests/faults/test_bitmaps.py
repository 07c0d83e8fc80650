"""Bitmaps of every header and depth: pixels that are not all there, are lost, or lie behind the picture's."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, scene

HEIGHT, WIDTH = 120, 160
#: where the header has width and height
_AT = 18


def _bmp(mode: str) -> bytes:
    return encoded("BMP", Image.fromarray(scene(HEIGHT, WIDTH)).convert(mode))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bitmap_with_pixels_behind_its_own_is_refused(tmp_path: Path, mode: str) -> None:
    path, whole = tmp_path / "a.bmp", _bmp(mode)
    for tail in (b"", b"\1" * 16, bytes(512)):
        path.write_bytes(whole + tail)
        assert read_picture(path).pixels.shape[:2] == (HEIGHT, WIDTH)
    for width, height in ((WIDTH - 32, HEIGHT), (WIDTH, HEIGHT - 8), (WIDTH, -HEIGHT // 2)):
        path.write_bytes(whole[:_AT] + struct.pack("<ii", width, height) + whole[_AT + 8 :])
        with pytest.raises(InputError, match="is damaged: "):
            read_picture(path)


def test_the_profile_behind_a_bitmap_passes(tmp_path: Path) -> None:
    """A header of 124 bytes names it."""
    pixels, profile = _bmp("RGB")[54:], bytes(range(256)) * 12
    info = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    info += bytes(16) + b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    size = 14 + len(info) + len(pixels) + len(profile)
    whole = b"BM" + struct.pack("<IHHI", size, 0, 0, 14 + len(info)) + info + pixels + profile
    path = tmp_path / "a.bmp"
    path.write_bytes(whole)
    assert len(info) == 124
    assert np.array_equal(read_picture(path).pixels, scene(HEIGHT, WIDTH))
    path.write_bytes(whole + profile)
    with pytest.raises(InputError, match="behind its pixels"):
        read_picture(path)


_MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def _stored(kind: str, picture: NDArray[np.uint8], top_down: bool = False) -> bytes:
    """A bitmap of each header and depth, built to its description; ``kind`` is the header and the bits."""
    name, _, depth = kind.partition("-")
    image, bits = Image.fromarray(picture), int(depth)
    grey = np.asarray(image.convert("L"))
    colours = np.repeat(np.roll(np.arange(256), 77)[:, None], 3, axis=1).astype(np.uint8)
    values: dict[int, NDArray[Any]] = {
        1: np.packbits(np.asarray(image.convert("1")), axis=1),
        4: grey[:, ::2] // 16 * 16 + grey[:, 1::2] // 16,
        8: grey - np.uint8(77),
        16: (grey.astype("<u2") >> 3) * 0x0841,
        24: picture[..., ::-1],
        32: np.dstack([picture[..., ::-1], np.full_like(grey, 255)]),
    }
    rows = np.ascontiguousarray(values[bits]).view(np.uint8).reshape(picture.shape[0], -1)
    rows = np.pad(rows if top_down else rows[::-1], ((0, 0), (0, -rows.shape[1] % 4)))
    size = {"core": 12, "v4": 108, "v5": 124}.get(name, 40)
    height, width = picture.shape[:2]
    masks = name in ("masks", "v4", "v5")
    if size == 12:
        info = struct.pack("<IHHHH", size, width, height, 1, bits)
    else:
        stated = -height if top_down else height
        info = struct.pack("<IiiHHIIiiII", size, width, stated, 1, bits, 3 * masks, rows.size, 0, 0, 0, 0)
        if masks:
            info += struct.pack("<4I", *((0xF800, 0x7E0, 0x1F, 0) if bits == 16 else _MASKS))[
                : 12 + 4 * (size > 40)
            ]
        info += bytes(max(size - len(info), 0))
    if bits <= 8:
        table = colours[:: 256 >> bits][: 1 << bits]
        info += (table if size == 12 else np.pad(table, ((0, 0), (0, 1)))).tobytes()
    data = info + rows.tobytes()
    return (
        data if name == "dib" else b"BM" + struct.pack("<IHHI", 14 + len(data), 0, 0, 14 + len(info)) + data
    )


KINDS = (
    *("core-1", "core-8", "core-24", "info-1", "info-4", "info-8", "info-16", "info-24", "info-32"),
    *("masks-16", "masks-32", "v4-32", "v5-32", "v5-16", "dib-8", "dib-24"),
)
#: of a width that is no multiple of anything, for most
TALL, WIDE = 330, 406
TOP_DOWN = tuple(kind for kind in KINDS if not kind.startswith("core"))


@pytest.mark.parametrize("kind", [*KINDS, *(f"{kind}-top" for kind in TOP_DOWN)])
def test_a_bitmap_that_breaks_off_or_lost_sectors_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.bmp"
    whole = _stored(kind.removesuffix("-top"), scene(TALL, WIDE), kind.endswith("-top"))
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (TALL, WIDE)
    size, bits = len(whole), int(kind.split("-")[1])
    row_bytes = (WIDE * bits + 31) // 32 * 4
    first = size - TALL * row_bytes
    for fill in (b"\0", b"\xff"):
        for share in (0.41, 0.6, 0.83):
            row = first + int(TALL * share) * row_bytes
            sector = row // 512 * 512
            while not all(
                0.1 < (sector + length - first) % row_bytes / row_bytes < 0.9 for length in (0, 512, 2048)
            ):
                sector += 512
            for start in (sector, row + row_bytes * 2 // 5):
                path.write_bytes(whole[:start] + fill * (size - start))
                with pytest.raises(InputError, match=r"incomplete|damaged"):
                    read_picture(path)
            for length in (512, 2048):
                damaged = whole[:sector] + fill * length + whole[sector + length :]
                path.write_bytes(damaged[:size])
                with pytest.raises(InputError, match=r"lost|incomplete"):
                    read_picture(path)


@pytest.mark.parametrize("kind", ["core-24", "core-8", "dib-24", "masks-32", "v5-32"])
def test_another_size_than_that_of_the_pixels_is_refused(tmp_path: Path, kind: str) -> None:
    path, whole = tmp_path / "a.bmp", _stored(kind, scene(TALL, WIDE))
    at = 4 if kind.startswith("dib") else 18
    for width, height in ((WIDE, TALL // 2), (WIDE // 2, TALL), (WIDE, 2 * TALL), (WIDE - 20, TALL)):
        sides = struct.pack("<HH" if kind.startswith("core") else "<ii", width, height)
        path.write_bytes(whole[:at] + sides + whole[at + len(sides) :])
        with pytest.raises(InputError, match=r"damaged|cut short"):
            read_picture(path)


@pytest.mark.parametrize("less", [3, 4, 200])
def test_pixels_that_would_begin_among_colours_are_refused(tmp_path: Path, less: int) -> None:
    path, whole = tmp_path / "a.bmp", _stored("info-8", scene(TALL, WIDE))
    path.write_bytes(whole[:10] + struct.pack("<I", 54 + 1024 - less) + whole[14:])
    with pytest.raises(InputError, match="among its colours"):
        read_picture(path)


def test_a_table_of_fewer_colours_passes(tmp_path: Path) -> None:
    """Its header leaves the number out, and the pixels follow the colours that are used."""
    path, whole = tmp_path / "a.bmp", _stored("info-4", scene(TALL, WIDE))
    short = whole[: 54 + 48] + whole[54 + 64 :]
    path.write_bytes(short[:10] + struct.pack("<I", 54 + 48) + short[14:])
    assert read_picture(path).pixels.shape[:2] == (TALL, WIDE)


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_sector_of_colours_that_is_lost_is_noticed(tmp_path: Path, fill: bytes) -> None:
    path, whole = tmp_path / "a.bmp", _stored("info-8", scene(TALL, WIDE))
    path.write_bytes(whole[:512] + fill * 512 + whole[1024:])
    with pytest.raises(InputError, match="bytes of its colours are lost"):
        read_picture(path)


def _contents() -> dict[str, NDArray[np.uint8]]:
    """What a picture may well be: dark or light below, beside, around or between."""
    y, x = np.mgrid[:TALL, :WIDE]
    photo = scene(TALL, WIDE)
    half, light, right, frame, collage = (photo.copy() for _ in range(5))
    half[TALL // 2 :] = 0
    light[: TALL // 2] = 255
    right[:, WIDE // 2 :] = 0
    frame[:60] = frame[-60:] = 0
    frame[:, :60] = frame[:, -60:] = 0
    collage[: TALL // 2, WIDE // 2 :] = collage[TALL // 2 :, : WIDE // 2] = 255
    disc = photo * (np.hypot(y - TALL / 2, x - WIDE / 2) < 150)[..., None]
    ramp = np.broadcast_to((x * 255 / WIDE)[..., None], photo.shape)
    lines = np.where(y % 40 == 0, 0, 255)[..., None] * np.ones(3)
    colour = np.broadcast_to([200, 30, 40], photo.shape)
    drawn = half, light, right, frame, collage, disc, ramp, lines, colour, photo // 12
    names = "half", "light", "right", "frame", "collage", "disc", "ramp", "lines", "colour", "dark"
    return {name: picture.astype(np.uint8) for name, picture in zip(names, drawn, strict=True)}


@pytest.mark.parametrize("content", _contents())
def test_pictures_with_black_or_white_areas_pass(tmp_path: Path, content: str) -> None:
    path, picture = tmp_path / "a.bmp", _contents()[content]
    for kind in KINDS:
        for top_down in (False, True)[: 1 + (kind in TOP_DOWN)]:
            path.write_bytes(_stored(kind, picture, top_down))
            assert read_picture(path).pixels.shape[:2] == (TALL, WIDE), (kind, top_down)
    path.write_bytes(_stored("v5-32", picture))
    assert np.array_equal(read_picture(path).pixels, picture)


def _runs(picture: NDArray[np.uint8]) -> bytes:
    """A bitmap of 8 bits in runs without gaps, whose header says what is there."""
    grey = np.asarray(Image.fromarray(picture).convert("L"))[::-1] // 16 * 16
    body = b""
    for row in grey:
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), row.size]
        for first, end in itertools.pairwise(edges):
            whole, rest = divmod(end - first, 255)
            value = bytes([row[first]])
            body += (b"\xff" + value) * whole + (bytes([rest]) + value if rest else b"")
        body += b"\0\0"
    body = body[:-2] + b"\0\1"
    info = struct.pack("<IiiHHIIiiII", 40, WIDE, TALL, 1, 8, 1, len(body), 0, 0, 256, 0)
    table = np.pad(np.repeat(np.arange(256)[:, None], 3, axis=1), ((0, 0), (0, 1))).astype(np.uint8)
    start = 54 + table.size
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + table.tobytes() + body


def test_runs_of_which_sectors_are_left_out_or_doubled_are_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.bmp", _runs(scene(TALL, WIDE))
    path.write_bytes(whole)
    expected = np.asarray(Image.fromarray(scene(TALL, WIDE)).convert("L")) // 16 * 16
    assert np.array_equal(read_picture(path).pixels[..., 0], expected)
    other = _runs(np.ascontiguousarray(scene(TALL, WIDE)[::-1]))
    for share in (0.2, 0.41, 0.6, 0.83):
        at = int(len(whole) * share) // 512 * 512
        for data in (
            whole[:at] + whole[at + 512 :],
            whole[:at] + whole[at + 8192 :],
            whole[: at + 512] + whole[at:],
            whole[:at] + other[at:],
            whole[:at] + b"\xff" * 512 + whole[at + 512 :],
        ):
            path.write_bytes(data)
            with pytest.raises(InputError, match=r"damaged|cut short"):
                read_picture(path)


def test_a_step_that_leads_nowhere_is_refused_at_once(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.bmp", _runs(scene(TALL, WIDE))
    path.write_bytes(whole[: 54 + 1024] + b"\0\2\0\0" * 1000 + whole[54 + 1024 :])
    with pytest.raises(InputError, match="leads nowhere"):
        read_picture(path)


def test_runs_that_pack_the_padding_of_rows_pass(tmp_path: Path) -> None:
    """As some encoders do: 8 pixels of 6; one run more is damage."""
    for count, refused in ((6, False), (8, False), (9, True)):
        body = bytes([count, 1, 0, 0]) * 6 + b"\0\1"
        info = struct.pack("<IiiHHIIiiII", 40, 6, 6, 1, 8, 1, len(body), 0, 0, 2, 0)
        path = tmp_path / "a.bmp"
        table = bytes(4) + b"\x50\x50\x50\0"
        path.write_bytes(b"BM" + struct.pack("<IHHI", 62 + len(body), 0, 0, 62) + info + table + body)
        if refused:
            with pytest.raises(InputError, match="leave the picture"):
                read_picture(path)
        else:
            assert (read_picture(path).pixels == 0x50).all()


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("packed", [False, True])
def test_colours_that_no_pixel_has_may_be_missing(tmp_path: Path, fill: bytes, packed: bool) -> None:
    """Of a system's colours the first and last ten are there; pixels of others tell that they are lost."""
    path = tmp_path / "a.bmp"
    kept = [*range(10), *range(246, 256)]
    for numbers, is_read in ((kept, True), (list(range(100, 220)), False)):
        pixels = np.random.default_rng(3).choice(numbers, (64, 64)).astype(np.uint8)
        table = np.random.default_rng(4).integers(1, 255, (256, 4), np.uint8)
        table[:, 3] = 0
        data = b"".join(bytes([1, number]) for number in pixels[0].tolist()) + b"\0\0"
        data = data * 64 + b"\0\1" if packed else pixels.tobytes()
        info = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, packed, len(data), 0, 0, 256, 0)
        size = 54 + 1024 + len(data)
        whole = b"BM" + struct.pack("<IHHI", size, 0, 0, 54 + 1024) + info + table.tobytes() + data
        path.write_bytes(whole)
        assert read_picture(path).width == 64
        path.write_bytes(whole[:512] + fill * 512 + whole[1024:])
        if is_read:
            assert read_picture(path).width == 64
            continue
        with pytest.raises(InputError, match="bytes of its colours are lost"):
            read_picture(path)

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


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("kind", ["core-24", "info-24", "masks-32", "v5-32"])
def test_a_lost_last_sector_is_noticed_though_the_file_ends_within_it(
    tmp_path: Path, kind: str, fill: bytes
) -> None:
    path = tmp_path / "a.bmp"
    for width in range(WIDE, WIDE + 12, 2):
        # By chance pixels ahead of a sector may be of its value, which is let pass in so small an end.
        whole = _stored(kind, scene(TALL, width).clip(1, 254))
        sector = (len(whole) - 1) // 512 * 512
        if len(whole) - sector < 32:
            continue
        path.write_bytes(whole)
        assert read_picture(path).pixels.shape[:2] == (TALL, width)
        path.write_bytes(whole[:sector] + fill * (len(whole) - sector))
        with pytest.raises(InputError, match="the last 1 of 330 rows hold no data"):
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


@pytest.mark.parametrize(
    ("kind", "table", "colour", "colours"),
    [("info-4", 54, 4, 16), ("info-8", 54, 4, 256), ("core-8", 26, 3, 256)],
)
def test_a_table_of_fewer_colours_passes(
    tmp_path: Path, kind: str, table: int, colour: int, colours: int
) -> None:
    """Its header leaves the number out, and the pixels, of no others, follow the colours that are used."""
    path, start = tmp_path / "a.bmp", table + (colours - 4) * colour
    for picture, is_read in ((np.clip(scene(TALL, WIDE), 80, 175), True), (scene(TALL, WIDE), False)):
        whole = _stored(kind, picture)
        short = whole[:10] + struct.pack("<I", start) + whole[14:start] + whole[table + colours * colour :]
        if is_read:
            expected = _read(path, whole)
            assert np.array_equal(_read(path, short), expected)
            continue
        path.write_bytes(short)
        with pytest.raises(InputError, match=f"colours, its table of {colours - 4}"):
            read_picture(path)


def _read(path: Path, data: bytes) -> NDArray[Any]:
    path.write_bytes(data)
    return read_picture(path).pixels


#: bits and compression, and whether there is such
_KINDS_OF_RUNS = [
    (bits, kind, (bits, kind) in ((8, 1), (4, 2))) for bits in (1, 4, 8, 24) for kind in (1, 2, 7)
]


@pytest.mark.parametrize(("bits", "compression", "known"), _KINDS_OF_RUNS)
def test_bits_of_another_compression_are_refused(
    tmp_path: Path, bits: int, compression: int, known: bool
) -> None:
    path, whole = tmp_path / "a.bmp", _stored(f"info-{bits}", scene(TALL, WIDE))
    path.write_bytes(whole[:30] + struct.pack("<I", compression) + whole[34:])
    with pytest.raises(InputError, match="damaged: its runs" if known else "no pixels of"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["info-1", "info-4", "info-8"])
def test_pixels_of_colours_that_the_table_does_not_have_are_refused(tmp_path: Path, kind: str) -> None:
    path, bits = tmp_path / "a.bmp", int(kind[-1])
    whole = _stored(kind, scene(TALL, WIDE))
    expected = _read(path, whole)
    for number in (0, 1 << bits):
        assert np.array_equal(_read(path, whole[:46] + struct.pack("<I", number) + whole[50:]), expected)
    for number in [1 << power for power in range(bits)]:
        path.write_bytes(whole[:46] + struct.pack("<I", number) + whole[50:])
        with pytest.raises(InputError, match=f"colours, its table of {number}"):
            read_picture(path)


def test_runs_of_colours_that_the_table_does_not_have_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    table = np.arange(1, 1025, dtype=np.uint8)
    for bits, runs, highest in (
        (8, b"\x04\x09\x00\x00\x00\x04\1\2\3\4", 9),
        (8, b"\x04\x01\x00\x00\x00\x04\1\2\3\x0b", 11),
        (4, b"\x04\x19\x00\x00\x00\x04\x12\x34", 9),
        # The lower half of the last byte is no pixel.
        (4, b"\x03\x12\x01\x3f\x00\x00\x00\x03\x12\x3f\x01\x10", 3),
    ):
        body = runs + b"\0\1"
        for colours in (highest, highest + 1):
            info = struct.pack(
                "<IiiHHIIiiII", 40, 4, 2, 1, bits, 1 + (bits == 4), len(body), 0, 0, colours, 0
            )
            start = 54 + 4 * colours
            head = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
            path.write_bytes(head + info + table[: 4 * colours].tobytes() + body)
            if colours > highest:
                assert read_picture(path).pixels.shape == (2, 4, 3)
            else:
                with pytest.raises(InputError, match=f"of {highest + 1} colours, its table of {highest}"):
                    read_picture(path)


@pytest.mark.parametrize("size", [40, 56, 108, 124])
@pytest.mark.parametrize("colours", [256, 200])
@pytest.mark.parametrize("padded", [False, True])
def test_a_header_of_another_size_is_refused(tmp_path: Path, size: int, colours: int, padded: bool) -> None:
    """Colours would be shifted by four; of 200 a table may go on in zeros."""
    path, other = tmp_path / "a.bmp", size ^ 16
    numbers = (np.arange(TALL * 408) * 7 % colours).astype(np.uint8)
    table = np.random.default_rng(5).integers(40, 255, (colours, 4), np.uint8)
    table[:, 3] = 0
    info = struct.pack("<IiiHHIIiiII", size, 408, TALL, 1, 8, 0, numbers.size, 0, 0, colours, 0)
    info += struct.pack("<4I", *_MASKS)[: 16 * (size > 40)]
    info = info.ljust(size, b"\0")
    if size == 124:
        info = info[:108] + struct.pack("<4I", 4, 0, 0, 0)
    data = info + table.tobytes() + bytes(1024 - table.size if padded else 0)
    whole = b"BM" + struct.pack("<IHHI", 14 + len(data) + numbers.size, 0, 0, 14 + len(data)) + data
    whole += numbers.tobytes()
    expected = table[numbers.reshape(TALL, 408)[::-1], 2::-1]
    assert np.array_equal(_read(path, whole), expected)
    path.write_bytes(whole[:14] + struct.pack("<I", other) + whole[18:])
    with pytest.raises(InputError, match=r"its header does not end|among its colours"):
        read_picture(path)


@pytest.mark.parametrize(("size", "first"), [(40, _MASKS), (40, (0,) * 4), (108, (0,) * 4)])
@pytest.mark.parametrize("more", [b"\1" * 16, bytes(range(0, 224, 4)) * 4])
def test_colours_that_are_also_an_end_of_a_header_pass(
    tmp_path: Path, size: int, first: tuple[int, ...], more: bytes
) -> None:
    """Where what lies behind the table is more or other than the four colours that would be left over."""
    table = np.random.default_rng(5).integers(40, 255, (200, 4), np.uint8)
    table[:, 3] = 0
    table[:4] = np.array([value & 0xFFFFFF for value in first], "<u4").view(np.uint8).reshape(4, 4)
    numbers = (np.arange(TALL * 408) * 7 % 200).astype(np.uint8)
    info = struct.pack("<IiiHHIIiiII", size, 408, TALL, 1, 8, 0, numbers.size, 0, 0, 200, 0).ljust(
        size, b"\0"
    )
    data = info + table.tobytes() + more
    whole = b"BM" + struct.pack("<IHHI", 14 + len(data) + numbers.size, 0, 0, 14 + len(data)) + data
    expected = table[numbers.reshape(TALL, 408)[::-1], 2::-1]
    assert np.array_equal(_read(tmp_path / "a.bmp", whole + numbers.tobytes()), expected)


@pytest.mark.parametrize("bits", [4, 24])
def test_pixels_that_begin_ahead_of_their_place_are_refused(tmp_path: Path, bits: int) -> None:
    """There is room for all colours ahead of them, and they count but a part or, of 24 bits, none."""
    path, whole = tmp_path / "a.bmp", _stored(f"info-{bits}", np.clip(scene(TALL, WIDE), 8, 175))
    table = b"" if bits == 4 else bytes(range(1, 65))
    start = 54 + 64
    for count in (12, 16):
        data = whole[:10] + struct.pack("<I", start) + whole[14:46] + struct.pack("<I", count) + whole[50:54]
        data += table + whole[54:]
        path.write_bytes(data)
        is_room = bits == 4 or count == 16
        assert read_picture(path).width == WIDE
        for less in (2, 4, 16) if is_room else ():
            path.write_bytes(data[:10] + struct.pack("<I", start - less) + data[14:])
            with pytest.raises(InputError, match=r"behind its pixels|among its colours"):
                read_picture(path)


@pytest.mark.parametrize("kind", ["masks-16", "v5-16"])
def test_masks_that_would_not_count_are_refused(tmp_path: Path, kind: str) -> None:
    path, whole = tmp_path / "a.bmp", _stored(kind, scene(TALL, WIDE))
    path.write_bytes(whole[:30] + bytes(4) + whole[34:])
    with pytest.raises(InputError, match="says that it has none"):
        read_picture(path)


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


def test_runs_of_another_size_than_stated_are_refused(tmp_path: Path) -> None:
    """All rows would end early, or all of them be ahead of the end."""
    path, whole = tmp_path / "a.bmp", _runs(scene(TALL, WIDE))
    for at in (18, 22):
        for bit in range(16):
            size = struct.unpack_from("<I", whole, at)[0] ^ 1 << bit
            path.write_bytes(whole[:at] + struct.pack("<I", size) + whole[at + 4 :])
            with pytest.raises(InputError, match=r"damaged|cut short|more than the limit"):
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

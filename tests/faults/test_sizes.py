"""The size that a header states and the pixels that are there are one; what names no pixels has none."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.captures import Capture
from tests.faults.grids import grid_of
from tests.faults.hostile import TALL, WIDE, noisy, png_chunk, retagged, tiff
from tests.faults.pictures import encoded, encoded_dng, encoded_tiff, scene

_OFFSETS = 273
_TILE_PART = b"\xff\x90\x00\x0a"


def _codestream(**options: object) -> bytes:
    data = encoded("JPEG2000", noisy(), irreversible=False, **options)
    return data[data.index(b"\xff\x4f\xff\x51") :]


def _tile_starts(stream: bytes) -> list[int]:
    return [at for at in range(len(stream)) if stream.startswith(_TILE_PART, at)]


def _without_tiles(first: int, last: int) -> bytes:
    stream = _codestream(tile_size=(32, 32))
    starts = _tile_starts(stream)
    return stream[: starts[first]] + stream[starts[last] :]


def _of_more_parts() -> bytes:
    """Its only tile says that it has two parts."""
    stream = bytearray(_codestream())
    stream[_tile_starts(bytes(stream))[0] + 11] = 2
    return bytes(stream)


def _codestream_in_tiff() -> bytes:
    file = io.BytesIO()
    piece = _without_tiles(5, 6)
    tifffile.imwrite(
        file, iter([piece]), shape=noisy().shape, dtype="uint8", photometric="rgb", rowsperstrip=TALL,
        compression="jpeg2000",
    )  # fmt: skip
    return file.getvalue()


def _nowhere(data: bytes) -> bytes:
    """The second half of the strips is at byte 0."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tag = file.pages[0].tags[_OFFSETS]  # type: ignore[union-attr]
        at, count, kind = tag.valueoffset, tag.count, {3: "H", 4: "I", 16: "Q"}[tag.dtype]
    changed, size = bytearray(data), struct.calcsize(kind)
    for index in range(count // 2, count):
        struct.pack_into(f"<{kind}", changed, at + index * size, 0)
    return bytes(changed)


def _small_version(cut: bool = False, inside: bool = False) -> bytes:
    """A TIFF whose first page is a small version of the second, or of one in a directory below it."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noisy()[::4, ::4], photometric="rgb", subfiletype=1, subifds=1 if inside else None)
        whole = len(file.getvalue())
        writer.write(noisy(), photometric="rgb", subfiletype=0)
    return file.getvalue()[:whole] if cut else file.getvalue()


def _psd(whole: bool) -> bytes:
    """A Photoshop file that says whether the picture behind its layers is whole; without it is white."""
    version = b"8BIM" + struct.pack(">HHI", 1057, 0, 9) + struct.pack(">IB4x", 1, whole) + b"\0"
    planes = noisy().transpose(2, 0, 1).tobytes() if whole else b"\xff" * noisy().nbytes
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, TALL, WIDE, 8, 3)
    return head + bytes(4) + struct.pack(">I", len(version)) + version + bytes(4) + b"\0\0" + planes


def _png_of_twice_the_rows() -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in np.concatenate([noisy(), noisy()]))
    header = struct.pack(">IIBBBBB", WIDE, TALL, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def _bmp(at: int, value: int) -> bytes:
    changed = bytearray(encoded("BMP", noisy()))
    struct.pack_into("<i", changed, at, value)
    return bytes(changed)


def _bmp_of_runs(rows: list[bytes]) -> bytes:
    """8 bits, of which each row is runs; the picture is 4 pixels wide and as tall as rows are given."""
    body = b"".join(rows) + b"\0\1"
    start = 14 + 40 + 1024
    head = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    info = struct.pack("<IiiHHIIiiII", 40, 4, len(rows), 1, 8, 1, len(body), 0, 0, 256, 0)
    return head + info + b"".join(bytes([n, n, n, 0]) for n in range(256)) + body


def _grid(tile: tuple[int, int] = (96, 128), said: tuple[int, int] = (192, 256)) -> bytes:
    """An AVIF of four tiles, of which the last may be smaller than all are said to be."""
    whole = scene(192, 256)
    tiles = [np.ascontiguousarray(whole[y : y + 96, x : x + 128]) for y in (0, 96) for x in (0, 128)]
    tiles[3] = np.ascontiguousarray(tiles[3][: tile[0], : tile[1]])
    return grid_of(tiles, (192, 256), (96, 128), said)


def _packed(kind: str, **options: Any) -> bytes:
    return encoded_tiff(scene(160, 200), photometric="rgb", compression=kind, **options)


def _restated(kind: str, rows: int, tag: int, value: int) -> bytes:
    """Packed strips of so many rows, and another value of a tag."""
    return retagged(_packed(kind, rowsperstrip=rows), tag, 4, 1, value)


def _half_of_tiles(tag: int, capture: Capture) -> bytes:
    """A DNG that states half of its height, or width, where so many tiles are needed for either."""
    whole = encoded_dng(capture, 480, 600)
    stated = 260 if tag == 257 else 330
    return retagged(whole, tag, 4, 1, stated if capture.tile == (256, 320) else stated // 2 + 100)


def _runs_with_hole(fill: bytes) -> bytes:
    """Rows of runs, of which a sector is lost; zeros are rows without pixels."""
    row = b"".join(bytes([1, n]) for n in range(4)) + b"\0\0"
    data = _bmp_of_runs([row] * 600)
    return data[:3000] + fill * 512 + data[3512:]


_ROW, _SHORT_ROW, _STEP = b"\4\x50\0\0", b"\2\x50\0\0", b"\1\x50\0\2\2\0\1\x50\0\0"

HALVES: dict[str, Callable[[], bytes]] = {
    "a-tile-missing.j2k": lambda: _without_tiles(5, 6),
    "half-the-tiles.j2k": lambda: _without_tiles(6, 12 - 1),
    "a-part-missing.j2k": _of_more_parts,
    "a-tile-missing.tif": _codestream_in_tiff,
    **{
        f"nowhere-{kind}.tif": (lambda kind=kind: _nowhere(tiff("uint8", compression=kind)))
        for kind in (None, "lzw", "zlib", "zstd", "packbits", "jpeg", "webp", "jpeg2000", "png")
    },
    "nowhere.dng": lambda: retagged(encoded_dng(height=TALL, width=WIDE), 273, 4, 1, 0),
    "one-strip-of-two.dng": lambda: retagged(encoded_dng(height=TALL, width=WIDE), 278, 4, 1, TALL // 2),
    "half-the-height.dng": lambda: retagged(encoded_dng(height=TALL, width=WIDE), 257, 4, 1, TALL // 2),
    "half-the-width.dng": lambda: retagged(encoded_dng(height=TALL, width=WIDE), 256, 4, 1, WIDE // 2),
    **{
        f"half-the-{side}-of-{name}.dng": partial(_half_of_tiles, tag, capture)
        for side, tag in (("height", 257), ("width", 256))
        for name, capture in (
            ("a-tile", Capture(tile=(512, 640))),
            ("the-area", Capture(tile=(256, 320), active_area=(0, 0, 480, 600))),
            ("what-is-shown", Capture(tile=(256, 320), crop=(480, 600))),
        )
    },
    "half-the-height.tif": lambda: retagged(tiff("uint8", compression="zlib"), 257, 4, 1, TALL // 2),
    "half-the-width.tif": lambda: retagged(
        encoded_tiff(scene(160, 200), photometric="rgb"), 256, 4, 1, 100
    ),
    **{
        f"half-the-width-{kind}-{rows}.tif": partial(_restated, kind, rows, 256, 100)
        for kind in ("lzw", "lzma", "zlib", "zstd", "packbits")
        for rows in (160, 16, 1)
    },
    **{
        f"{name}-{kind}.tif": partial(_restated, kind, 160, tag, value)
        for kind in ("lzw", "lzma", "zlib")
        for name, tag, value in (
            ("a-column-less", 256, 199),
            ("a-column-more", 256, 201),
            ("half-the-height", 257, 80),
            ("half-the-bits", 258, 4),
        )
    },
    "half-the-tile.tif": lambda: retagged(
        _packed("lzw", tile=(256, 256)), 322, 4, 1, 208
    ),
    "small-version-of-what-is-cut.tif": lambda: _small_version(cut=True),
    "small-version-of-what-is-below-and-cut.tif": lambda: _small_version(cut=True, inside=True),
    "a-smaller-tile.avif": lambda: _grid(tile=(48, 64)),
    "half-of-the-grid.avif": lambda: _grid(said=(96, 256)),
    "twice-the-rows.png": _png_of_twice_the_rows,
    "in-the-header.bmp": lambda: _bmp(10, 20),
    "runs-without-end.bmp": lambda: _bmp_of_runs([_ROW, _SHORT_ROW, _ROW])[:-2],
    "steps-out-of-the-picture.bmp": lambda: _bmp_of_runs([_ROW, b"\0\2\0\x09", _ROW]),
    **{
        f"lost-{fill}-in-runs.bmp": partial(_runs_with_hole, bytes([fill])) for fill in (0, 255)
    },
    "half-the-height.bmp": lambda: _bmp(22, TALL // 2),
}  # fmt: skip

UNSUPPORTED: dict[str, tuple[Callable[[], bytes], str]] = {
    "layers.psd": (lambda: _psd(whole=False), "saved without a whole picture"),
    "small-version-of-what-is-below.tif": (
        lambda: _small_version(inside=True),
        "only small versions in its pages",
    ),
}


@pytest.mark.parametrize("name", HALVES)
def test_a_size_that_is_not_that_of_the_pixels_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HALVES[name]())
    with pytest.raises(InputError) as caught:
        read_picture(path)
    reason = caught.value.reason
    assert any(word in reason for word in ("incomplete", "damaged", "cut short")), reason


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_kind_without_its_whole_picture_is_named(tmp_path: Path, name: str) -> None:
    make, reason = UNSUPPORTED[name]
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(InputError, match=reason):
        read_picture(path)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("tiles.j2k", lambda: _codestream(tile_size=(32, 32))),
        ("whole.psd", lambda: _psd(whole=True)),
        ("first-is-small.tif", _small_version),
        ("whole.dng", lambda: encoded_dng(height=TALL, width=WIDE)),
        ("in-a-tile.dng", lambda: encoded_dng(Capture(tile=(256, 256)), TALL, WIDE)),
        (
            "areas.dng",
            lambda: encoded_dng(
                Capture(tile=(48, 64), active_area=(0, 0, TALL, WIDE), crop=(TALL, WIDE)), TALL, WIDE
            ),
        ),
        ("pixels-behind-the-header.bmp", lambda: _bmp(10, 0)),
        ("any-number-of-bytes.bmp", lambda: _bmp(34, 0x7FFFFFFF)),
    ],
)
def test_what_is_whole_passes(tmp_path: Path, name: str, make: Callable[[], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(make())
    assert read_picture(path).pixels.shape == (TALL, WIDE, 3)


@pytest.mark.parametrize("kind", ["lzw", "lzma"])
def test_a_last_strip_of_as_many_rows_as_the_others_passes(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    whole = encoded_tiff(scene(192, 200), photometric="rgb", compression=kind, rowsperstrip=48)
    path.write_bytes(retagged(whole, 257, 4, 1, 160))
    assert np.array_equal(read_picture(path).pixels, scene(192, 200)[:160])


@pytest.mark.parametrize("options", [{"rowsperstrip": 16}, {"tile": (32, 32)}, {"rowsperstrip": TALL}])
@pytest.mark.parametrize("kind", [None, "lzw", "zlib"])
def test_a_piece_too_many_that_is_nowhere_passes(
    tmp_path: Path, kind: str | None, options: dict[str, Any]
) -> None:
    path = tmp_path / "a.tif"
    data = encoded_tiff(noisy(), photometric="rgb", compression=kind, **options)
    for start, length in ((0, 0), (8, 0), (1 << 30, 100)):
        path.write_bytes(_with_piece(data, start, length))
        assert np.array_equal(read_picture(path).pixels, noisy())
    path.write_bytes(_with_piece(data, len(data) // 2 + 1, 100))
    with pytest.raises(InputError, match="pieces of its pixels, its size asks for"):
        read_picture(path)


def _with_piece(data: bytes, start: int, length: int) -> bytes:
    """A TIFF that lists one more strip or tile than it has."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
    tags = (324, 325) if page.is_tiled else (273, 279)
    for tag, values in zip(tags, ((*page.dataoffsets, start), (*page.databytecounts, length)), strict=True):
        at, data = len(data), data + struct.pack(f"<{len(values)}I", *values)
        data = retagged(data, tag, 4, len(values), at)
    return data


def test_a_grid_whose_tiles_are_as_they_say_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(_grid())
    difference = read_picture(path).pixels.astype(int) - scene(192, 256)
    assert np.abs(difference).mean() < 16


def test_runs_without_gaps_pass(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    whole = _bmp_of_runs([_ROW, _ROW, b"\0\4\1\2\3\4\0\0"])
    path.write_bytes(whole[:-2])
    assert read_picture(path).pixels[0, :, 0].tolist() == [1, 2, 3, 4]
    path.write_bytes(whole)
    assert read_picture(path).pixels[..., 0].tolist() == [[1, 2, 3, 4], [80] * 4, [80] * 4]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([_ROW, _SHORT_ROW, _ROW], [[80] * 4, [80, 80, 0, 0], [80] * 4]),
        ([_ROW, _STEP, _ROW], [[80] * 4, [80, 0, 0, 80], [80] * 4]),
        ([_ROW, b"\0\0", _ROW], [[80] * 4, [0] * 4, [80] * 4]),
        ([_ROW, b"\0\2\1\1", b"\2\x51"], [[0, 81, 81, 0], [0] * 4, [80] * 4]),
        ([b"\2\x50\0\1", b"", b""], [[0] * 4, [0] * 4, [80, 80, 0, 0]]),
    ],
)
def test_what_runs_leave_out_is_background(
    tmp_path: Path, rows: list[bytes], expected: list[list[int]]
) -> None:
    path = tmp_path / "a.bmp"
    path.write_bytes(_bmp_of_runs(rows))
    assert read_picture(path).pixels[..., 0].tolist() == expected


def test_a_small_version_alone_is_read_and_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(encoded_tiff(noisy(), photometric="rgb", subfiletype=1))
    assert any("small version of another picture" in note for note in read_picture(path).metadata.notes)


def test_what_a_heif_decoder_leaves_undone_is_noticed(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(scene(128, 160))).save(file, quality=80)
    data = bytearray(file.getvalue())
    start = data.index(b"mdat") + 4
    (length,) = struct.unpack_from(">I", data, start)
    # The data of its one slice ends early, and every length says so.
    cut = length // 2
    struct.pack_into(">I", data, start, length - cut)
    at = data.index(struct.pack(">I", length + 4), data.index(b"iloc"))
    struct.pack_into(">I", data, at, length + 4 - cut)
    path = tmp_path / "a.heic"
    path.write_bytes(data[: len(data) - cut])
    struct.pack_into(">I", data, start - 8, struct.unpack_from(">I", data, start - 8)[0] - cut)
    path.write_bytes(data[: len(data) - cut])
    with pytest.raises(InputError, match="incomplete"):
        read_picture(path)
    path.write_bytes(file.getvalue())
    assert read_picture(path).pixels.shape == (128, 160, 3)


def test_green_light_is_not_taken_for_what_a_heif_decoder_leaves_undone() -> None:
    """A lamp in the dark: no red, no blue, and greens around those of nothing, nowhere quite even."""
    from srnet_cli.imaging.codecs.further.heif import _check_decoded

    lamp = np.zeros((96, 1024, 3), np.uint8)
    lamp[..., 1] = np.linspace(60, 150, 1024)[None].round() + np.arange(96)[:, None] % 2
    _check_decoded(Path("a.heic"), lamp, 255)
    lamp[16:32, 16:48, 1] = 135
    with pytest.raises(InputError, match=r"0\.5% of its pixels cannot be decoded"):
        _check_decoded(Path("a.heic"), lamp, 255)

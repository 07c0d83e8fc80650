"""A TIFF says in one way only what its pixels are, and each of them comes from a piece of its own."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from tests.faults.hostile import TALL, WIDE, noisy, retagged
from tests.faults.pictures import encoded_tiff

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _PLANAR, _PREDICTOR = (
    256,
    257,
    258,
    259,
    277,
    278,
    284,
    317,
)
_COMPRESSIONS = (None, "lzw", "deflate", "packbits", "lzma", "zstd", "jpeg", "jpeg2000", "png", "webp")


def _read(path: Path, data: bytes) -> NDArray[Any]:
    path.write_bytes(data)
    return read_picture(path, max_pixels=1 << 22).pixels


def _strips(compression: str | None = None, rows: int = 16, **options: Any) -> bytes:
    return encoded_tiff(noisy(), photometric="rgb", rowsperstrip=rows, compression=compression, **options)


def _entry_at(data: bytes, tag: int) -> int:
    """Where the entry of a tag is in the only directory of a little-endian file."""
    (at,) = struct.unpack("<I", data[4:8])
    (count,) = struct.unpack_from("<H", data, at)
    entries = range(at + 2, at + 2 + 12 * count, 12)
    return next(place for place in entries if data[place : place + 2] == struct.pack("<H", tag))


def _without_values(data: bytes, tag: int) -> bytes:
    changed, at = bytearray(data), _entry_at(data, tag)
    changed[at + 4 : at + 8] = bytes(4)
    return bytes(changed)


def _page(tags: dict[int, ifd.Entry], pieces: list[bytes]) -> bytes:
    """A file of one page with the given strips of 16 rows, directory behind them."""
    starts, position = [], 8
    for piece in pieces:
        starts.append(position)
        position += len(piece) + len(piece) % 2
    entries = {
        _WIDTH: ifd.entry(ifd.LONG, WIDE),
        _HEIGHT: ifd.entry(ifd.LONG, TALL),
        _BITS: ifd.entry(ifd.SHORT, 8, 8, 8),
        _COMPRESSION: ifd.entry(ifd.SHORT, 1),
        262: ifd.entry(ifd.SHORT, 2),
        273: ifd.entry(ifd.LONG, *starts),
        _SAMPLES: ifd.entry(ifd.SHORT, 3),
        _ROWS: ifd.entry(ifd.SHORT, 16),
        279: ifd.entry(ifd.LONG, *map(len, pieces)),
    }
    body = b"".join(piece + bytes(len(piece) % 2) for piece in pieces)
    directory = ifd.pack(ifd.Directory({**entries, **tags}), position)
    return struct.pack("<2sHI", b"II", 42, position) + body + directory


@pytest.mark.parametrize("layout", [{"rowsperstrip": 16}, {"rowsperstrip": TALL}, {"tile": (32, 32)}])
@pytest.mark.parametrize("compression", _COMPRESSIONS)
def test_planes_without_a_number_are_refused(
    tmp_path: Path, compression: str | None, layout: dict[str, Any]
) -> None:
    """A decoder takes pixels of three planes for one, or one for three: memory that no piece filled."""
    data = encoded_tiff(noisy(), photometric="rgb", compression=compression, **layout)
    assert _read(tmp_path / "a.tif", data).shape == (TALL, WIDE, 3)
    with pytest.raises(InputError, match="tag 284"):
        _read(tmp_path / "b.tif", _without_values(data, _PLANAR))


@pytest.mark.parametrize("tag", [_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _PLANAR, 273, 279])
def test_tags_of_the_layout_without_values_are_refused(tmp_path: Path, tag: int) -> None:
    with pytest.raises(InputError):
        _read(tmp_path / "a.tif", _without_values(_strips("lzw"), tag))


@pytest.mark.parametrize("tag", [_BITS, _SAMPLES])
@pytest.mark.parametrize("compression", [1, 5])
def test_pixels_of_no_bits_are_refused(tmp_path: Path, tag: int, compression: int) -> None:
    data = bytearray(_page({_COMPRESSION: ifd.entry(ifd.SHORT, compression)}, [bytes(16 * WIDE * 3)] * 6))
    at = _entry_at(bytes(data), tag)
    data[at + 2 : at + 12] = struct.pack("<HIHH", ifd.SHORT, 1, 0, 0)
    with pytest.raises(InputError, match=f"tag {tag} of its directory has no clear value"):
        _read(tmp_path / "a.tif", bytes(data))


@pytest.mark.parametrize(
    ("tag", "value"), [(_PLANAR, 2), (_ROWS, 32), (_COMPRESSION, 5), (_BITS, 4), (_HEIGHT, 48)]
)
def test_a_tag_with_two_values_is_refused(tmp_path: Path, tag: int, value: int) -> None:
    """The first counts here, the last for others; the same value twice is no harm."""
    pieces = [row.tobytes() for row in noisy().reshape(6, 16, WIDE, 3)]
    tags = {_PLANAR: ifd.entry(ifd.SHORT, 1), 65_000: ifd.entry(ifd.SHORT, value)}
    twice = bytearray(_page(tags, pieces))
    at = _entry_at(bytes(twice), 65_000)
    twice[at : at + 2] = struct.pack("<H", tag)
    with pytest.raises(InputError, match=f"tag {tag}"):
        _read(tmp_path / "a.tif", bytes(twice))
    entry = struct.Struct("<HHIHH")
    same = _page(tags, pieces).replace(
        entry.pack(65_000, ifd.SHORT, 1, value, 0), entry.pack(_PLANAR, ifd.SHORT, 1, 1, 0)
    )
    assert (_read(tmp_path / "b.tif", same) == noisy()).all()


@pytest.mark.parametrize(
    ("tag", "kind", "count", "value"),
    [(_PLANAR, 1, 1, 1), (_PLANAR, 3, 2, 1), (_PLANAR, 8, 1, 1), (_PLANAR, 99, 1, 1),
     (_PREDICTOR, 3, 1 << 28, 2),
     (_ROWS, 9, 1, 16), (_COMPRESSION, 3, 2, 5), (_SAMPLES, 1, 1, 3)],
)  # fmt: skip
def test_tags_of_a_type_that_readers_differ_on_are_refused(
    tmp_path: Path, tag: int, kind: int, count: int, value: int
) -> None:
    """Such as a byte, of which one reader takes the number, the other the string."""
    data = _strips("lzw", predictor=True)
    with pytest.raises(InputError):
        _read(tmp_path / "a.tif", retagged(data, tag, kind, count, value))


@pytest.mark.parametrize("compression", [None, "lzw", "jpeg"])
def test_a_piece_that_is_decoded_in_part_gives_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str | None
) -> None:
    """What a decoder leaves out would be memory as it was."""
    path = tmp_path / "a.tif"
    path.write_bytes(_strips(compression))
    whole = tifffile.TiffPage.decode

    def half(page: Any) -> Any:
        def decode(*args: Any, **options: Any) -> Any:
            segment, place, shape = whole.func(page)(*args, **options)  # type: ignore[attr-defined]
            return segment[:, : segment.shape[1] // 2], place, shape

        return decode

    monkeypatch.setattr(tifffile.TiffPage, "decode", property(half))
    with pytest.raises(InputError, match="does not fill its place"):
        read_picture(path, max_pixels=1 << 20)


def _padded(compression: int) -> bytes:
    """Strips of 40 rows, of which the last has 16 and is padded to 40."""
    pack: dict[int, Callable[[bytes], Any]] = {
        1: bytes,
        5: imagecodecs.lzw_encode,
        8: zlib.compress,
        32773: imagecodecs.packbits_encode,
        34925: imagecodecs.lzma_encode,
        50000: imagecodecs.zstd_encode,
    }
    rows = np.concatenate([noisy(), np.full((24, WIDE, 3), 7, np.uint8)])
    pieces = [pack[compression](rows[at : at + 40].tobytes()) for at in (0, 40, 80)]
    tags = {_COMPRESSION: ifd.entry(ifd.SHORT, compression), _ROWS: ifd.entry(ifd.SHORT, 40)}
    return _page(tags, pieces)


@pytest.mark.parametrize("compression", [1, 5, 8, 32773, 34925, 50000])
def test_a_last_strip_that_is_padded_to_full_rows_passes(tmp_path: Path, compression: int) -> None:
    assert (_read(tmp_path / "a.tif", _padded(compression)) == noisy()).all()


@pytest.mark.parametrize("ink", [(0, 0), (0, 255)])
def test_a_padded_last_strip_is_not_taken_for_packed(tmp_path: Path, ink: tuple[int, int]) -> None:
    """By PackBits these are half as many: as many as its rows have, which are half of the others'."""
    rows = np.concatenate([noisy()[:64], np.zeros((32, WIDE, 3), np.uint8)])
    rows[64:80] = np.resize(ink, rows[64:80].shape)
    tags = {
        _COMPRESSION: ifd.entry(ifd.SHORT, 1),
        _ROWS: ifd.entry(ifd.SHORT, 32),
        257: ifd.entry(ifd.SHORT, 80),
    }
    data = _page(tags, [rows[at : at + 32].tobytes() for at in (0, 32, 64)])
    assert (_read(tmp_path / "a.tif", data) == rows[:80]).all()


def test_a_last_strip_of_more_than_full_rows_is_refused(tmp_path: Path) -> None:
    parts = (noisy()[:40], noisy()[40:80], noisy()[40:90])
    tags = {_COMPRESSION: ifd.entry(ifd.SHORT, 8), _ROWS: ifd.entry(ifd.SHORT, 40)}
    data = _page(tags, [zlib.compress(part.tobytes()) for part in parts])
    with pytest.raises(InputError, match="is damaged"):
        _read(tmp_path / "a.tif", data)


def _placed(data: bytes, changes: dict[int, int], lengths: bool = True) -> bytes:
    """A TIFF in which pieces stand at the place, and have the length, of others."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
    tags = (324, 325) if page.is_tiled else (273, 279)
    tables = [list(page.dataoffsets), list(page.databytecounts)]
    for tag, values in zip(tags[: 1 + lengths], tables, strict=False):
        for index, other in changes.items():
            values[index] = values[other]
        at, data = len(data), data + struct.pack(f"<{len(values)}I", *values)
        data = retagged(data, tag, 4, len(values), at)
    return data


def _moved(data: bytes, move: Callable[[list[int]], list[int]]) -> bytes:
    """A TIFF whose strips begin elsewhere."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        starts = move(list(file.pages[0].dataoffsets))
    at = len(data)
    return retagged(data + struct.pack(f"<{len(starts)}I", *starts), 273, 4, len(starts), at)


@pytest.mark.parametrize("changes", [dict.fromkeys(range(1, 6), 0), {2: 1}, {5: 0}])
@pytest.mark.parametrize("options", [{"rowsperstrip": 16}, {"tile": (32, 64)}])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "lzma", "jpeg"])
def test_one_piece_in_several_places_is_refused(
    tmp_path: Path, compression: str | None, options: dict[str, Any], changes: dict[int, int]
) -> None:
    data = encoded_tiff(noisy(), photometric="rgb", compression=compression, **options)
    with pytest.raises(InputError, match="are the same"):
        _read(tmp_path / "a.tif", _placed(data, changes))


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "lzma", "jpeg"])
def test_a_blank_piece_in_several_places_passes(tmp_path: Path, compression: str | None) -> None:
    """Writers of large pictures store one tile for all empty ones."""
    picture = noisy()
    picture[:64, 64:] = (250, 250, 200)
    data = encoded_tiff(picture, photometric="rgb", compression=compression, tile=(32, 64))
    right = _read(tmp_path / "a.tif", data)
    assert (_read(tmp_path / "b.tif", _placed(data, {3: 1})) == right).all()


@pytest.mark.parametrize(
    "move",
    [
        lambda starts: [starts[0] + n * 512 for n in range(6)],
        lambda starts: [*starts[:3], starts[3] - 100, *starts[4:]],
        lambda starts: [start - 64 for start in starts],
        lambda starts: [*starts[:5], 8],
        lambda starts: [9, *starts[1:]],
    ],
)
def test_pieces_that_overlap_each_other_or_the_directory_are_refused(
    tmp_path: Path, move: Callable[[list[int]], list[int]]
) -> None:
    with pytest.raises(InputError, match="its pieces"):
        _read(tmp_path / "a.tif", _moved(_strips(), move))


def test_pieces_do_not_lie_in_the_directory_of_another_page(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noisy(), photometric="rgb", rowsperstrip=16)
        behind = len(file.getvalue())
        writer.write(noisy(), photometric="rgb", rowsperstrip=16)
    with pytest.raises(InputError, match="its pieces"):
        _read(tmp_path / "a.tif", _moved(file.getvalue(), lambda starts: [*starts[:5], behind + 16]))


def test_what_is_behind_the_rows_of_a_strip_may_be_the_next(tmp_path: Path) -> None:
    """Some programs state the length of a full strip for the last, too."""
    rows = noisy()[:90]
    data = encoded_tiff(rows, photometric="rgb", rowsperstrip=16)
    with tifffile.TiffFile(io.BytesIO(data)) as opened:
        lengths = [opened.pages[0].databytecounts[0]] * 6
    at = len(data)
    data += struct.pack("<6I", *lengths) + bytes(4096)
    assert (_read(tmp_path / "a.tif", retagged(data, 279, 4, 6, at)) == rows).all()


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_directory_that_breaks_off_is_refused(tmp_path: Path, fill: bytes, lost: int) -> None:
    """Its last entries, of which the predictor is one, or what says that it is the last directory."""
    tags = {
        _PREDICTOR: ifd.entry(ifd.SHORT, 2),
        320 + 12: ifd.entry(ifd.SHORT, 1),
        _COMPRESSION: ifd.entry(3, 8),
    }
    whole = _page(tags, [zlib.compress(noisy()[at : at + 16].tobytes()) for at in range(0, TALL, 16)])
    (at,) = struct.unpack("<I", whole[4:8])
    (count,) = struct.unpack_from("<H", whole, at)
    end = at + 2 + 12 * count
    assert whole[end : end + 4] == bytes(4)
    assert _read(tmp_path / "a.tif", whole).shape[:2] == (TALL, WIDE)
    start = end - 12 * (lost - 1) - (0 if lost > 1 or fill == b"\xff" else 12)
    with pytest.raises(InputError, match="a part of its directory is lost"):
        _read(tmp_path / "a.tif", whole[:start] + fill * (end + 4 - start) + whole[end + 4 :])


@pytest.mark.parametrize("changed", ["without a pointer", "beyond the end", "unsorted"])
def test_a_directory_that_is_only_odd_passes(tmp_path: Path, changed: str) -> None:
    """Old scanners leave tags unsorted, and the pointer to a next directory out; a next page may be cut."""
    pieces = [noisy()[at : at + 16].tobytes() for at in range(0, TALL, 16)]
    whole = _page({}, pieces)
    (at,) = struct.unpack("<I", whole[4:8])
    (count,) = struct.unpack_from("<H", whole, at)
    end = at + 2 + 12 * count
    table = [whole[place : place + 12] for place in range(at + 2, end, 12)]
    if changed == "unsorted":
        whole = whole[: at + 2] + b"".join(table[::-1]) + whole[end:]
    elif changed == "beyond the end":
        whole = whole[:end] + struct.pack("<I", len(whole) + 1000) + whole[end + 4 :]
    else:
        # Behind everything, so that the file ends with the last entry.
        whole = whole[:4] + struct.pack("<I", len(whole)) + whole[8:] + whole[at:end]
    assert np.array_equal(_read(tmp_path / "a.tif", whole), noisy())


def test_a_predictor_without_compression_is_left_alone(tmp_path: Path) -> None:
    """As by libtiff, whose writers store it so."""
    data = _page(
        {_PREDICTOR: ifd.entry(ifd.SHORT, 2)}, [part.tobytes() for part in noisy().reshape(6, 16, WIDE, 3)]
    )
    assert (_read(tmp_path / "a.tif", data) == noisy()).all()

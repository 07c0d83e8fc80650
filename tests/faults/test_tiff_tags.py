"""Tags of a TIFF whose number, type or value was changed, and pieces that are not what they say."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry, entry
from tests.faults.hostile import TALL, WIDE, noisy, retagged
from tests.faults.pictures import encoded, encoded_tiff

_WIDTH, _HEIGHT, _COMPRESSION, _FILL, _PLANAR, _PREDICTOR, _COLOUR_MAP = 256, 257, 259, 266, 284, 317, 320
_KINDS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 16},
    "tiles": {"tile": (32, 32)},
    "LZW": {"compression": "lzw"},
    "deflate": {"compression": "deflate", "predictor": True},
    "JPEG": {"compression": "jpeg"},
    "BigTIFF": {"bigtiff": True},
}


def _read(path: Path, data: bytes) -> NDArray[Any]:
    path.write_bytes(data)
    return read_picture(path, max_pixels=1 << 22).pixels


def _entries(data: bytes, page: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the tags of a little-endian classic TIFF's page, and where their entries are."""
    (at,) = struct.unpack("<I", data[4:8])
    for _ in range(page):
        (at,) = struct.unpack_from("<I", data, at + 2 + 12 * struct.unpack_from("<H", data, at)[0])
    for place in range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12):
        yield struct.unpack_from("<H", data, place)[0], place


def _flipped(data: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[place + bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("kind", _KINDS)
def test_planes_are_one_or_as_many_as_samples(tmp_path: Path, kind: str) -> None:
    data = encoded_tiff(noisy(), photometric="rgb", **_KINDS[kind])
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place = file.pages[0].tags[_PLANAR].valueoffset  # type: ignore[union-attr]
    assert _read(tmp_path / "a.tif", data).shape == (TALL, WIDE, 3)
    for bit in range(16):
        with pytest.raises(InputError):
            _read(tmp_path / "b.tif", _flipped(data, place, bit))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
@pytest.mark.parametrize(("tag", "known"), [(_FILL, {1, 2}), (_PLANAR, {1, 2}), (339, set(range(1, 7)))])
def test_an_enumerated_tag_has_one_of_its_values(
    tmp_path: Path, compression: str | None, tag: int, known: set[int]
) -> None:
    image = Image.fromarray(noisy()[..., 0])
    data = encoded("TIFF", image, compression=compression, tiffinfo={tag: 1})
    assert _read(tmp_path / "a.tif", data).shape == (TALL, WIDE, 3)
    for value in {0, *range(3, 9), *(1 ^ 1 << bit for bit in range(16))} - known:
        with pytest.raises(InputError, match=f"tag {tag}"):
            _read(tmp_path / "b.tif", retagged(data, tag, ifd.SHORT, 1, value))


@pytest.mark.parametrize("kind", [kind for kind in _KINDS if kind != "BigTIFF"])
def test_a_tag_that_lost_its_number_by_one_bit_is_missed(tmp_path: Path, kind: str) -> None:
    """Its neighbours tell, as tags are in order, and numbers far beyond them have no tags."""
    data = encoded_tiff(noisy(), photometric="rgb", **_KINDS[kind])
    right = _read(tmp_path / "a.tif", data)
    wrong = []
    for tag, place in _entries(data):
        for bit in range(16):
            try:
                pixels = _read(tmp_path / "b.tif", _flipped(data, place, bit))
            except InputError:
                continue
            wrong += [(tag, bit)] if not np.array_equal(pixels, right) else []
    # Other tags beside that of the predictor are known, and keep the order.
    assert {tag for tag, _ in wrong} <= {_PREDICTOR}
    assert len(wrong) <= 7


def _reordered(data: bytes, source: int, target: int, more: bytes = b"") -> bytes:
    """Move an entry of a little-endian TIFF of one page to another place; ``more`` is appended first."""
    (at,) = struct.unpack("<I", data[4:8])
    table = [data[place : place + 12] for _, place in _entries(data)] + ([more] if more else [])
    table.insert(target, table.pop(source))
    directory = struct.pack("<H", len(table)) + b"".join(table) + bytes(4)
    if not more:
        return data[:at] + directory + data[at + len(directory) :]
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory


def _bilevel() -> bytes:
    return encoded("TIFF", Image.fromarray(noisy()).convert("1"), compression="group4")


@pytest.mark.parametrize("kind", [kind for kind in _KINDS if kind != "BigTIFF"] + ["palette", "fax", "grey"])
def test_one_tag_that_is_out_of_order_passes(tmp_path: Path, kind: str) -> None:
    """It is itself, as no other of its type, count and value is missing that the page would need."""
    data = {
        "palette": _palette,
        "fax": _bilevel,
        "grey": lambda: encoded_tiff(noisy()[..., 0]),
    }.get(kind, lambda: encoded_tiff(noisy(), photometric="rgb", **_KINDS[kind]))()
    right, count = _read(tmp_path / "a.tif", data), len(list(_entries(data)))
    for source in range(count):
        for target in {0, count // 3, count // 2, count - 1} - {source}:
            pixels = _read(tmp_path / "b.tif", _reordered(data, source, target))
            assert np.array_equal(pixels, right), (source, target)


def test_an_orientation_in_the_place_of_rows_passes(tmp_path: Path) -> None:
    """Tiles need no rows of strips, whose number differs from it by one bit."""
    data = encoded_tiff(noisy(), photometric="rgb", **_KINDS["tiles"])
    tags = [tag for tag, _ in _entries(data)]
    stated = struct.pack("<HHII", 274, ifd.SHORT, 1, 1)
    for target in range(len(tags) + 1):
        changed = _reordered(data, len(tags), target, stated)
        assert np.array_equal(_read(tmp_path / "a.tif", changed), noisy()), target


@pytest.mark.parametrize("kind", ["RGB", "alpha", "alpha without a name"])
def test_an_orientation_that_was_appended_passes(tmp_path: Path, kind: str) -> None:
    alpha = noisy()[..., :1] // 2 + 100
    picture = noisy() if kind == "RGB" else np.dstack([noisy(), alpha])
    data = encoded_tiff(picture, photometric="rgb", extrasamples=None if kind == "RGB" else ["unassalpha"])
    count, place = len(list(_entries(data))), list(_entries(data))[-1][1]
    stated = struct.pack("<HHII", 274, ifd.SHORT, 1, 1)
    if kind == "alpha without a name":  # which is the last tag
        changed = data[:place] + stated + data[place + 12 :]
    else:
        changed = _reordered(data, count, count, stated)
    assert np.array_equal(_read(tmp_path / "a.tif", changed), _read(tmp_path / "b.tif", data))


@pytest.mark.parametrize(
    ("kind", "tag", "value"),
    [("strips", tag, value) for tag, value in {256: 128, 257: 96, 259: 1, 262: 2, 277: 3, 278: 16}.items()]
    + [("strips", 284, 1), ("tiles", 322, 32), ("tiles", 323, 32), ("grey", 258, 8), ("deflate", 317, 2)],
)  # fmt: skip
def test_sizes_in_bytes_are_named(tmp_path: Path, kind: str, tag: int, value: int) -> None:
    """Which TIFF allows, and no program is known to write."""
    options = {"photometric": "rgb", **_KINDS["strips" if kind == "grey" else kind]}
    picture = noisy()[..., 0] if kind == "grey" else noisy()
    data = encoded_tiff(picture, **({} if kind == "grey" else options))
    with pytest.raises(InputError, match=f"not supported .tag {tag} is stated in bytes"):
        _read(tmp_path / "a.tif", retagged(data, tag, ifd.BYTE, 1, value))


def _palette() -> bytes:
    return encoded("TIFF", Image.fromarray(noisy()).quantize(64))


@pytest.mark.parametrize(
    ("kind", "count"), [(ifd.BYTE, 768), (ifd.UNDEFINED, 768), (6, 768), (8, 768), *[(ifd.SHORT, n) for n in
    (767, 512, 384, 256, 3, 769)]],
)  # fmt: skip
def test_a_palette_has_three_values_of_16_bits_for_each_number(tmp_path: Path, kind: int, count: int) -> None:
    data = _palette()
    place = dict(_entries(data))[_COLOUR_MAP]
    (at,) = struct.unpack_from("<I", data, place + 8)
    with pytest.raises(InputError, match="tag 320"):
        _read(tmp_path / "a.tif", retagged(data, _COLOUR_MAP, kind, count, at))


def test_a_palette_lies_apart_from_all_else(tmp_path: Path) -> None:
    data = _palette()
    place = dict(_entries(data))[_COLOUR_MAP]
    assert _read(tmp_path / "a.tif", data).shape == (TALL, WIDE, 3)
    (at,) = struct.unpack_from("<I", data, place + 8)
    for bit in range(1, 16):
        with pytest.raises(InputError):
            _read(tmp_path / "a.tif", retagged(data, _COLOUR_MAP, ifd.SHORT, 768, at ^ 1 << bit))


def _pages() -> bytes:
    return encoded_tiff(np.stack([noisy(), noisy()[::-1]]), photometric="rgb")


@pytest.mark.parametrize("tag", [_WIDTH, _HEIGHT])
def test_a_first_page_that_lost_its_size_is_not_passed_over(tmp_path: Path, tag: int) -> None:
    data = _pages()
    assert np.array_equal(_read(tmp_path / "a.tif", data), noisy())
    for bit in range(16):
        with pytest.raises(InputError):
            _read(tmp_path / "a.tif", _flipped(data, dict(_entries(data))[tag], bit))


def test_a_first_page_that_is_said_to_be_small_is_smaller(tmp_path: Path) -> None:
    data = _pages()
    for small, is_read in ((noisy(), False), (noisy()[::2, ::2], True)):
        file = io.BytesIO()
        with tifffile.TiffWriter(file) as writer:
            writer.write(small, photometric="rgb", subfiletype=1)
            writer.write(noisy()[::-1], photometric="rgb")
        data = file.getvalue()
        if is_read:
            assert np.array_equal(_read(tmp_path / "a.tif", data), noisy()[::-1])
        else:
            with pytest.raises(InputError, match="not small"):
                _read(tmp_path / "a.tif", data)


def test_a_small_version_stays_one(tmp_path: Path) -> None:
    """Whatever else than its value, which has nothing beside it, was changed of what says so."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noisy()[::3, ::3], photometric="rgb", subfiletype=1)
        writer.write(noisy(), photometric="rgb")
    data = file.getvalue()
    assert np.array_equal(_read(tmp_path / "a.tif", data), noisy())
    for bit in range(64):
        try:
            pixels = _read(tmp_path / "b.tif", _flipped(data, dict(_entries(data))[254], bit))
        except InputError:
            continue
        assert np.array_equal(pixels, noisy()), bit


@pytest.mark.parametrize("shift", [-32_768, -4096, -512, -16, -4])
def test_pieces_do_not_lie_in_those_of_another_page(tmp_path: Path, shift: int) -> None:
    data = _pages()
    starts = [struct.unpack_from("<I", data, dict(_entries(data, page))[273] + 8)[0] for page in (0, 1)]
    moved = retagged(data, 273, ifd.LONG, 1, starts[1] + shift)
    with pytest.raises(InputError, match="lie in"):
        _read(tmp_path / "a.tif", moved)


@pytest.mark.parametrize("compression", ["lzw", "packbits", "zstd", "deflate"])
@pytest.mark.parametrize("rows", [16, TALL])
def test_packed_pixels_that_are_said_to_be_plain_are_refused(
    tmp_path: Path, compression: str, rows: int
) -> None:
    """Of noise, which takes more bytes so than its rows."""
    noise = np.random.default_rng(3).integers(0, 1 << 16, (TALL, WIDE, 3)).astype(np.uint16)
    data = encoded_tiff(noise, photometric="rgb", compression=compression, rowsperstrip=rows)
    assert np.array_equal(_read(tmp_path / "a.tif", data), noise)
    with pytest.raises(InputError, match=r"damaged|incomplete"):
        _read(tmp_path / "b.tif", retagged(data, _COMPRESSION, ifd.SHORT, 1, 1))


def test_padding_behind_a_plain_strip_passes(tmp_path: Path) -> None:
    data = encoded_tiff(noisy(), photometric="rgb", rowsperstrip=TALL)
    for more in (1, 16, 512, 2048):
        padded = retagged(data + bytes(more), 279, ifd.LONG, 1, TALL * WIDE * 3 + more)
        assert np.array_equal(_read(tmp_path / "a.tif", padded), noisy())


@pytest.mark.parametrize("more", [b"\xff", b"\0", b"\xff" * 9])
def test_padding_behind_a_white_strip_passes(tmp_path: Path, more: bytes) -> None:
    """Which is as many white bytes by PackBits."""
    white = np.full_like(noisy(), 255)
    data = encoded_tiff(white, photometric="rgb", rowsperstrip=TALL)
    padded = retagged(data + more, 279, ifd.LONG, 1, white.size + len(more))
    assert np.array_equal(_read(tmp_path / "a.tif", padded), white)


@pytest.mark.parametrize(("tag", "values"), [(_WIDTH, (64, 112, 120, 127)), (_HEIGHT, (32, 80, 88, 95))])
def test_a_jpeg_strip_is_as_large_as_its_place(tmp_path: Path, tag: int, values: tuple[int, ...]) -> None:
    data = encoded("TIFF", Image.fromarray(noisy()), compression="jpeg")
    assert _read(tmp_path / "a.tif", data).shape == (TALL, WIDE, 3)
    for value in values:
        with pytest.raises(InputError):
            _read(tmp_path / "b.tif", retagged(data, tag, ifd.LONG, 1, value))


def _planes(photometric: int, planes: list[NDArray[Any]]) -> bytes:
    """A JPEG for each plane, as ImageMagick and libtiff's tiffcp write them."""
    pieces = [imagecodecs.jpeg8_encode(np.ascontiguousarray(plane), level=98) for plane in planes]
    starts, position = [], 8
    for piece in pieces:
        starts.append(position)
        position += len(piece) + len(piece) % 2
    tags: dict[int, Entry] = {
        _WIDTH: entry(ifd.LONG, WIDE),
        _HEIGHT: entry(ifd.LONG, TALL),
        258: entry(ifd.SHORT, *[8] * len(planes)),
        _COMPRESSION: entry(ifd.SHORT, 7),
        262: entry(ifd.SHORT, photometric),
        273: entry(ifd.LONG, *starts),
        277: entry(ifd.SHORT, len(planes)),
        278: entry(ifd.LONG, TALL),
        279: entry(ifd.LONG, *map(len, pieces)),
        _PLANAR: entry(ifd.SHORT, 2),
        530: entry(ifd.SHORT, 1, 1),
    }
    body = b"".join(piece + bytes(len(piece) % 2) for piece in pieces)
    return struct.pack("<2sHI", b"II", 42, position) + body + ifd.pack(Directory(tags), position)


@pytest.mark.parametrize("photometric", [2, 6])
def test_jpeg_in_planes_is_read(tmp_path: Path, photometric: int) -> None:
    picture = np.asarray(Image.fromarray(noisy()).resize((16, 12)).resize((WIDE, TALL)))
    stored = picture if photometric == 2 else np.asarray(Image.fromarray(picture).convert("YCbCr"))
    read = _read(tmp_path / "a.tif", _planes(photometric, list(np.moveaxis(stored, -1, 0))))
    assert np.abs(read.astype(int) - picture).mean() < 2


def test_subsampled_colour_in_planes_is_named(tmp_path: Path) -> None:
    data = _planes(6, list(np.moveaxis(noisy(), -1, 0)))
    with pytest.raises(InputError, match="subsampled"):
        _read(tmp_path / "a.tif", retagged(data, 530, ifd.SHORT, 2, 2 | 2 << 16))

"""Fax data of another size, and JPEG tables that are none, in TIFF."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from tests.faults.hostile import retagged
from tests.faults.pictures import encoded, encoded_tiff, scene

_TALL, _WIDE = 212, 300
_PACKED = ("packbits", "tiff_adobe_deflate", "tiff_lzw", "zstd", "lzma")
_FAX = ("group3", "group4", "tiff_ccitt")

needs_libtiff = pytest.mark.skipif(not features.check("libtiff"), reason="Pillow without libtiff")


def _bilevel(compression: str, rows: int | None = None) -> bytes:
    image = Image.fromarray(scene(_TALL, _WIDE)[..., 0]).convert("1")
    return encoded("TIFF", image, compression=compression, tiffinfo={} if rows is None else {278: rows})


def _refuse(path: Path, data: bytes, reason: str = "is (damaged|incomplete)") -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=reason):
        read_picture(path, max_pixels=1 << 20)


@needs_libtiff
@pytest.mark.parametrize("compression", _PACKED + _FAX)
@pytest.mark.parametrize(("tag", "value"), [(256, 150), (256, 236), (257, 106), (257, 196)])
def test_bits_of_another_size_are_refused(tmp_path: Path, compression: str, tag: int, value: int) -> None:
    _refuse(tmp_path / "a.tif", retagged(_bilevel(compression), tag, 4, 1, value))


@needs_libtiff
@pytest.mark.parametrize("compression", _FAX)
@pytest.mark.parametrize("rows", [None, 1, 40])
@pytest.mark.parametrize("picture", ["noise", "lines", "white", "black"])
def test_whole_fax_data_passes(tmp_path: Path, compression: str, rows: int | None, picture: str) -> None:
    bits = np.asarray(Image.fromarray(scene(_TALL, _WIDE)[..., 0]).convert("1"))
    if picture == "lines":
        bits = np.ones((_TALL, _WIDE), bool)
        bits[20:30, 40:200] = bits[100:, 120:123] = False
    elif picture != "noise":
        bits = np.full((_TALL, _WIDE), picture == "white")
    path = tmp_path / "a.tif"
    options = {} if rows is None else {278: rows}
    path.write_bytes(encoded("TIFF", Image.fromarray(bits), compression=compression, tiffinfo=options))
    found = read_picture(path, max_pixels=1 << 20).pixels
    assert (found == bits[..., None] * np.uint8(255)).all()


@pytest.mark.parametrize("compression", ["deflate", "lzw", "lzma", "packbits", "zstd"])
@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_fewer_bits_than_there_are_are_refused(
    tmp_path: Path, compression: str, bits: int, channels: int
) -> None:
    picture = scene(_TALL, _WIDE)[..., :channels].squeeze()
    kind = "rgb" if channels == 3 else "minisblack"
    data = encoded_tiff(picture, photometric=kind, compression=compression, rowsperstrip=64)
    _refuse(tmp_path / "a.tif", _with_bits(data, bits, channels))


def _with_bits(data: bytes, bits: int, channels: int) -> bytes:
    if channels == 1:
        return retagged(data, 258, ifd.SHORT, 1, bits)
    at = len(data) + len(data) % 2
    data = data.ljust(at, b"\0") + bits.to_bytes(2, "little") * channels
    return retagged(data, 258, ifd.SHORT, channels, at)


def _jpeg() -> bytes:
    return encoded("TIFF", scene(_TALL, _WIDE), compression="jpeg")


def _tables(data: bytes) -> tuple[int, int]:
    """Where the tables are that all pieces share, and their length."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        tag = page.tags[347]
        return tag.valueoffset, tag.count


def _with_steps_of_0(data: bytes) -> bytes:
    at, _ = _tables(data)
    start = data.index(b"\xff\xdb", at) + 10
    return data[:start] + bytes(20) + data[start + 20 :]


def _with_zeros_at_the_end(data: bytes) -> bytes:
    at, length = _tables(data)
    return data[: at + length - 64] + bytes(64) + data[at + length :]


def _with_a_symbol_twice(data: bytes) -> bytes:
    at, _ = _tables(data)
    start = data.index(b"\xff\xc4", at) + 5 + 16
    return data[: start + 1] + data[start : start + 1] + data[start + 2 :]


def _with_codes_too_many(data: bytes) -> bytes:
    """Three codes of a single bit."""
    at, _ = _tables(data)
    start = data.index(b"\xff\xc4", at) + 5
    counts = bytearray(data[start : start + 16])
    longest = max(range(16), key=counts.__getitem__)
    counts[longest] -= 3
    counts[0] += 3
    return data[:start] + bytes(counts) + data[start + 16 :]


@needs_libtiff
@pytest.mark.parametrize(
    "damage", [_with_steps_of_0, _with_zeros_at_the_end, _with_a_symbol_twice, _with_codes_too_many]
)
def test_tables_of_jpeg_that_are_none_are_refused(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(_jpeg())
    assert _distance(read_picture(path, max_pixels=1 << 20).pixels) < 20
    _refuse(path, damage(_jpeg()), "its JPEG data")


@needs_libtiff
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_tables_of_jpeg_that_break_off_are_refused(tmp_path: Path, fill: bytes) -> None:
    """Encoders write them last in the file; libjpeg has others for codes that are not there."""
    whole = _jpeg()
    at, length = _tables(whole)
    for start in range(1, length, 7):
        for first, end in ((start, length), (0, start), (start, min(start + 400, length))):
            if fill == b"\0" or end - first > 20:
                _refuse(tmp_path / "a.tif", whole[: at + first] + fill * (end - first) + whole[at + end :])


@needs_libtiff
@pytest.mark.parametrize("value", [0, 3, 257])
def test_an_order_of_colours_that_is_none_is_refused(tmp_path: Path, value: int) -> None:
    _refuse(tmp_path / "a.tif", retagged(_jpeg(), 284, ifd.SHORT, 1, value), "tag 284")


def _distance(pixels: NDArray[Any]) -> float:
    return float(np.abs(pixels.astype(np.int16) - scene(_TALL, _WIDE)).mean())


@pytest.mark.parametrize("options", [{"rowsperstrip": 16}, {"tile": (64, 64)}])
def test_tables_in_each_piece_are_checked(tmp_path: Path, options: dict[str, Any]) -> None:
    data = encoded_tiff(scene(_TALL, _WIDE), photometric="rgb", compression="jpeg", **options)
    start = data.rindex(b"\xff\xdb") + 10
    _refuse(tmp_path / "a.tif", data[:start] + bytes(8) + data[start + 8 :], "steps of 0")


@needs_libtiff
@pytest.mark.parametrize("options", [0, 1, 4, 5])
def test_fax_of_rows_that_refer_to_others_passes(tmp_path: Path, options: int) -> None:
    """It takes up to a third more than rows that do not where these do not repeat, as dithered ones."""
    grey = scene(_TALL, _WIDE)[..., 1].copy()
    grey[1::2] = 0
    for image in (Image.fromarray(grey), Image.fromarray(scene(_TALL, _WIDE))):
        bits = image.convert("1")
        stated = {292: options, 278: _TALL}
        (tmp_path / "a.tif").write_bytes(encoded("TIFF", bits, compression="group3", tiffinfo=stated))
        found = read_picture(tmp_path / "a.tif").pixels[..., 0] > 0
        assert (found == np.asarray(bits)).all()


@needs_libtiff
@pytest.mark.parametrize("rows", [24, 32])
def test_fax_data_of_fewer_rows_is_refused(tmp_path: Path, rows: int) -> None:
    """Behind the code for the end decoders leave rows white."""
    _refuse(tmp_path / "a.tif", retagged(_bilevel("group4", rows), 257, 4, 1, _TALL + 3))


@needs_libtiff
@pytest.mark.parametrize("bits", [2, 8, 16])
def test_fax_of_more_bits_is_named(tmp_path: Path, bits: int) -> None:
    _refuse(tmp_path / "a.tif", retagged(_bilevel("group4"), 258, ifd.SHORT, 1, bits), "fax of")


@pytest.mark.parametrize("kind", ["jpeg", "png", "jpeg2000"])
@pytest.mark.parametrize("bits", [1, 4])
def test_pictures_of_more_bits_than_stated_are_refused(tmp_path: Path, kind: str, bits: int) -> None:
    data = encoded_tiff(scene(_TALL, _WIDE), photometric="rgb", compression=kind, tile=(64, 64))
    _refuse(tmp_path / "a.tif", _with_bits(data, bits, 3), "a picture of 8 bits")


def test_a_jpeg_of_fewer_bits_than_stated_is_refused(tmp_path: Path) -> None:
    data = encoded_tiff(scene(_TALL, _WIDE), photometric="rgb", compression="jpeg")
    _refuse(tmp_path / "a.tif", _with_bits(data, 16, 3), "a picture of 8 bits")


@pytest.mark.parametrize("width", [204, 236, 299])
@pytest.mark.parametrize(
    "options",
    [
        {"rowsperstrip": 16},
        {},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "rowsperstrip": 64},
    ],
)
def test_uncompressed_rows_of_another_width_are_refused(
    tmp_path: Path, options: dict[str, Any], width: int
) -> None:
    picture = scene(_TALL, _WIDE)
    if "planarconfig" in options:
        picture = np.ascontiguousarray(picture.transpose(2, 0, 1))
    data = encoded_tiff(picture, photometric="rgb", **options)
    _refuse(tmp_path / "a.tif", retagged(data, 256, 4, 1, width), "its size asks for")


@pytest.mark.parametrize(("tag", "value"), [(322, 48), (323, 48), (322, 63), (323, 63)])
def test_uncompressed_tiles_of_another_size_are_refused(tmp_path: Path, tag: int, value: int) -> None:
    data = encoded_tiff(scene(192, 256), photometric="rgb", tile=(64, 64))
    _refuse(tmp_path / "a.tif", retagged(data, tag, 3, 1, value))


def test_channels_without_a_meaning_are_refused(tmp_path: Path) -> None:
    """What is left when the statement of colours is lost: the first as grey, or its negative."""
    data = encoded_tiff(scene(_TALL, _WIDE), photometric="rgb", compression="lzw")
    _refuse(tmp_path / "a.tif", retagged(data, 262, 3, 1, 1), "the others not named")
    at = data.index(b"\x06\x01\x03\x00\x01\x00\x00\x00")
    _refuse(tmp_path / "b.tif", data[:at] + b"\xe8\xfd" + data[at + 2 :], "tag 262")


@pytest.mark.parametrize("options", [{"rowsperstrip": 128}, {"tile": (256, 256)}, {}])
@pytest.mark.parametrize("length", [64, 512, 4096])
def test_ones_ahead_of_a_zero_in_jpeg_are_refused(
    tmp_path: Path, options: dict[str, Any], length: int
) -> None:
    """To libjpeg they are one code, with filling ahead of it."""
    data = encoded_tiff(scene(512, 512), photometric="rgb", compression="jpeg", **options)
    zeros = [at for at in range(data.index(b"\xff\xda") + 20, len(data)) if data[at] == 0]
    first = next(at for at in zeros if at - length > data.rindex(b"\xff\xda", 0, at) + 20)
    damaged = data[: first - length] + b"\xff" * length + data[first:]
    _refuse(tmp_path / "a.tif", damaged, "of its pixels are lost")


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_run_in_packed_rows_is_refused(tmp_path: Path, fill: bytes) -> None:
    data = encoded_tiff(scene(512, 512)[..., 0] > 90, photometric="minisblack", compression="packbits")
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert read_picture(path).width == 512
    for start in (len(data) // 2, len(data) - 600):
        _refuse(path, data[:start] + fill * 512 + data[start + 512 :])


def test_zeros_that_packing_stores_pass(tmp_path: Path) -> None:
    """Some encoders go on with bytes as they are where zeros follow them."""
    picture = scene(160, 256)[..., 0].copy()
    picture[40:, 50:] = 0
    rows = [row.tobytes() for row in picture]
    coded = b"".join(b"\x7f" + row[:128] + b"\x7f" + row[128:] for row in rows)
    plain = encoded_tiff(picture, photometric="minisblack")
    data = retagged(retagged(plain, 259, 3, 1, 32773), 273, 4, 1, len(plain))
    path = tmp_path / "a.tif"
    path.write_bytes(retagged(data, 279, 4, 1, len(coded)) + coded)
    assert bytes(128) in coded
    assert (read_picture(path).pixels[..., 0] == picture).all()


@pytest.mark.parametrize("width", [8, 16, 24, 32, 1040, 2064])
@pytest.mark.parametrize("white", [False, True])
def test_rows_of_one_colour_in_packed_rows_pass(tmp_path: Path, width: int, white: bool) -> None:
    picture = np.full((400, width), white)
    picture[:50] ^= np.random.default_rng(0).integers(0, 2, (50, width)) > 0
    path = tmp_path / "a.tif"
    for data in (
        encoded_tiff(picture, photometric="minisblack", compression="packbits"),
        encoded("TIFF", Image.fromarray(picture), compression="packbits"),
    ):
        path.write_bytes(data)
        assert ((read_picture(path).pixels[..., 0] > 0) == picture).all()


@needs_libtiff
@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_a_sector_of_ones_in_fax_is_refused(tmp_path: Path, compression: str) -> None:
    """They repeat the row above, and take as many codes as were there."""
    grey = Image.fromarray(scene(400, 900)).convert("1")
    whole = encoded("TIFF", grey, compression=compression)
    assert len(whole) > 8 * 512
    (tmp_path / "b.tif").write_bytes(whole)
    assert read_picture(tmp_path / "b.tif").height == 400
    for start in (1024, len(whole) // 1024 * 512):
        for length in (512, 1024):
            _refuse(tmp_path / "a.tif", whole[:start] + b"\xff" * length + whole[start + length :])


@needs_libtiff
@pytest.mark.parametrize("ahead", [0, 3, 200])
def test_rules_and_margins_in_fax_pass(tmp_path: Path, ahead: int) -> None:
    """Ones for longer than a sector: of columns that go on, and of a blank page."""
    for columns in (0, 40):
        page = np.full((3000, 400), 255, np.uint8)
        page[50 + ahead :: 1000] = 0
        page[100 + ahead : 2900, 4 : 4 + 8 * columns : 8] = 0
        whole = encoded("TIFF", Image.fromarray(page).convert("1"), compression="group4")
        assert columns == 0 or b"\xff" * 512 in whole
        (tmp_path / "a.tif").write_bytes(whole)
        assert np.array_equal(read_picture(tmp_path / "a.tif").pixels[..., 0], page)

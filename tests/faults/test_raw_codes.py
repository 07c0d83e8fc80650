"""Lossless JPEG in RAW files: as many codes as pixels, and no more behind them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Structure, entry
from srnet_cli.imaging.raw.layout.leftover import check_needed, usual_bits
from tests.faults.dngs import HEIGHT, WIDTH, dng_of, lossless, short, tiles_of, values

END = b"\xff\xd9"
SECTOR = 512
FEWER, MORE = "piece 1 of its pixels has fewer codes than pixels", "piece 1 of its pixels has more codes"
BITS = 14
TILE = 64


def _photo(height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint16]:
    generator = np.random.default_rng(3)
    light = np.cumsum(generator.normal(0, 40, (height, width)), 1) + 6000 + 3 * np.arange(height)[:, None]
    return np.asarray(light + generator.normal(0, 5 + np.arange(width) / 2), np.uint16)


def _in_pairs(samples: NDArray[np.uint16]) -> bytes:
    """Lossless JPEG whose two components are the even and the odd columns."""
    pairs = samples.reshape(samples.shape[0], -1, 2)
    return bytes(imagecodecs.jpeg_encode(pairs, lossless=True, predictor=1, bitspersample=16))


def _scan(data: bytes) -> int:
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _passes(data: bytes, behind: bytes = b"") -> None:
    check_needed(Path("a.dng"), 1, data, behind)


def _is_refused(data: bytes, reason: str, behind: bytes = b"", bits: int = 16) -> None:
    with pytest.raises(InputError, match=reason):
        check_needed(Path("a.dng"), 1, data, behind, bits)


def _restarting(samples: NDArray[np.uint16], rows: int) -> bytes:
    """Lossless JPEG with a restart after so many rows; each code has five bits."""
    height, width = samples.shape
    parts = []
    for top in range(0, height, rows):
        part = samples[top : top + rows].astype(np.int64)
        before = np.roll(part, 1, 1)
        before[1:, 0] = part[:-1, 0]
        before[0, 0] = 1 << BITS - 1
        bits = ""
        for change in (part - before).ravel().tolist():
            size = abs(change).bit_length()
            bits += f"{size:05b}" + (
                f"{change if change > 0 else change + (1 << size) - 1:0{size}b}" if size else ""
            )
        bits += "1" * (-len(bits) % 8)
        parts.append(int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0"))
    coded = b"".join(
        b"\xff" + bytes([0xD0 + index % 8]) * bool(index + 1) + part for index, part in enumerate(parts[1:])
    )
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    return b"".join(
        [
            b"\xff\xd8\xff\xc4" + struct.pack(">H", len(table) + 2) + table,
            b"\xff\xc3" + struct.pack(">HBHHB3B", 11, BITS, height, width, 1, 1, 0x11, 0),
            b"\xff\xdd" + struct.pack(">HH", 4, rows * width),
            b"\xff\xda\0\x08\x01\x01\0\x01\0\0" + parts[0] + coded + END,
        ]
    )


_CODED: dict[str, Callable[[NDArray[np.uint16]], bytes]] = {
    "strip": lossless,
    "pairs": _in_pairs,
    "restarts": lambda light: _restarting(light, 20),
}


def _file(kind: str) -> tuple[list[bytes], bytes]:
    """Pieces of a DNG, and the DNG."""
    light = values()
    if kind == "tiles":
        pieces = [_in_pairs(tile) for tile in tiles_of(light, TILE, TILE)]
        return pieces, dng_of(pieces, {259: short(7), 322: short(TILE), 323: short(TILE)}, True)
    coded = _CODED[kind](light)
    return [coded], dng_of([coded], {259: short(7), 278: short(HEIGHT)})


@pytest.mark.parametrize("kind", ["strip", "pairs", "tiles", "restarts"])
def test_a_sector_that_is_there_twice_or_in_the_place_of_another(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.dng"
    pieces, whole = _file(kind)
    path.write_bytes(whole)
    assert read_picture(path).height == HEIGHT
    start = whole.index(pieces[0])
    first = start + _scan(pieces[0])
    places = range(first - first % -SECTOR, start + len(pieces[0]) - 2 * SECTOR, 3 * SECTOR)
    refused = 0
    for at in places:
        path.write_bytes(whole[: at + SECTOR] + whole[at:])
        with pytest.raises(InputError):
            read_picture(path)
        path.write_bytes(whole[: at + SECTOR] + whole[at : at + SECTOR] + whole[at + 2 * SECTOR :])
        try:
            read_picture(path)
        except InputError:
            refused += 1
    # Two sectors may be as many pixels.
    assert len(places) > 1 and refused > len(places) // 3


def test_codes_that_end_early_or_late() -> None:
    whole = lossless(_photo())
    start = _scan(whole)
    middle = start + 4000
    for lost in (4, 40, 400):
        _is_refused(whole[: -2 - lost] + END, FEWER)
        _is_refused(whole[: -2 - lost], FEWER)
        _is_refused(whole[:middle] + whole[middle + lost :], FEWER)
    for more in (20, 400):
        _is_refused(whole[:middle] + whole[middle - more :], MORE)
        _is_refused(whole[:-2] + whole[start + 900 : start + 900 + more] + END, MORE)


def test_a_frame_of_more_pixels_than_its_bytes_can_be() -> None:
    """No memory is taken for them."""
    whole = lossless(_photo())
    at = whole.index(b"\xff\xc3") + 5
    _is_refused(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :], FEWER)


def test_an_end_that_was_pushed_out_of_its_piece() -> None:
    whole = lossless(_photo())
    piece, start = whole[:-2], _scan(whole)
    sector = whole[start + 1000 : start + 1000 + SECTOR].replace(b"\xff", b"\x7f")
    _passes(whole, sector + END)
    for lost in (sector, b"\x05\x77\x01"):
        _is_refused(piece, MORE, lost + END)
    for behind in (b"", END, bytes(SECTOR) + END, b"\xff\xff" + END, whole, sector + whole, sector):
        _passes(piece, behind)


@pytest.mark.parametrize("rows", [1, 4, 20, 100])
def test_restarts(rows: int) -> None:
    whole = _restarting(_photo(), rows)
    np.testing.assert_array_equal(imagecodecs.jpeg_decode(whole), _photo())
    _passes(whole)
    parts = re.split(rb"(?=\xff[\xd0-\xd7])", whole)
    assert len(parts) == HEIGHT // rows
    index = len(parts) // 2
    part = parts[index]
    at = len(part) * 2 // 3
    for other in (part[: at - 50] + part[at:], part[:at] + part[at - 50 :]):
        _is_refused(b"".join([*parts[:index], other, *parts[index + 1 :]]), "codes than pixels")
    if len(parts) > 1:
        _is_refused(b"".join(parts[:-1]) + END, FEWER)


@pytest.mark.parametrize("components", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_correct_pieces_pass(bits: int, components: int) -> None:
    generator = np.random.default_rng(bits)
    for predictor in range(1, 8):
        for height, width in ((1, 1), (1, 70), (64, 3), (33, 40)):
            shape = (height, width, components) if components > 1 else (height, width)
            noise = generator.integers(0, 1 << bits, shape)
            half = np.where(np.arange(height).reshape(-1, *[1] * (len(shape) - 1)) < height // 2, noise, 7)
            for light in (noise, half, half[::-1], noise % 2, noise * 0, noise * 0 + (1 << bits - 1)):
                samples = np.ascontiguousarray(light, np.uint8 if bits == 8 else np.uint16)
                _passes(
                    bytes(
                        imagecodecs.jpeg_encode(
                            samples, lossless=True, predictor=predictor, bitspersample=bits
                        )
                    )
                )


@pytest.mark.parametrize(
    "padding",
    [bytes(3), bytes(500), b"\xff" * 31, b"\xff\0" * 20, b"\x55" * 30, b"\xaa\x55" * 40, b"\x12\x34\x56"],
)
def test_padding_behind_the_codes_passes(padding: bytes) -> None:
    flat = np.concatenate([_photo()[:40], np.full((60, WIDTH), 9000, np.uint16)])
    for samples in (_photo(), flat):
        whole = lossless(samples)
        for data in (whole[:-2] + padding + END, whole + padding):
            _passes(data)
        # Without an end what is one byte and a half may be codes.
        if len(set(padding)) == 1:
            _passes(whole[:-2] + padding)


def test_codes_that_are_not_those_of_the_standard_are_not_counted() -> None:
    def structure(tags: dict[int, ifd.Entry]) -> Structure:
        found = ifd.parse(ifd.pack_file(Directory({256: short(8), **tags}, {})))
        assert found is not None
        return found

    version, maker = 50706, 271
    old, new = ({version: entry(ifd.BYTE, 1, minor, 0, 0)} for minor in (0, 4))
    canon, hasselblad = ({maker: ifd.ascii_entry(name)} for name in ("Canon", "Hasselblad"))
    expected = [(old, 15), (new, 16), (canon, 16), (hasselblad, 0), ({**hasselblad, **new}, 16)]
    assert [usual_bits(structure(tags)) for tags, _ in expected] == [bits for _, bits in expected]
    assert usual_bits(None) == 16
    damaged = lossless(_photo())[:-400]
    for bits in (BITS, 16):
        _is_refused(damaged, FEWER, bits=bits)
    for bits in (BITS - 1, 0):
        check_needed(Path("a.dng"), 1, damaged, b"", bits)


def _zeroed(data: bytes, count: int) -> bytes:
    return data[:-count] + bytes(count)


@pytest.mark.parametrize("kind", ["strip", "pairs"])
@pytest.mark.parametrize("count", [5, 12, 39, 120, 255])
def test_an_end_that_became_zeros(kind: str, count: int) -> None:
    """They would be as many pixels as are missing, and padding behind these."""
    piece = _CODED[kind](_photo())
    # Behind the piece is no end of it: nothing, padding, or another piece.
    for behind in (b"", bytes(SECTOR), piece, bytes(SECTOR) + piece):
        _is_refused(_zeroed(piece, count), FEWER, behind)
        _is_refused(_zeroed(piece, count) + bytes(40), FEWER, behind)
    for whole in (piece, piece[:-2], piece[:-2] + bytes(count), piece[:-2] + bytes(count) + END):
        _passes(whole)
        _passes(whole, END)


@pytest.mark.parametrize("kind", ["strip", "pairs", "restarts"])
def test_a_last_sector_that_became_zeros(tmp_path: Path, kind: str) -> None:
    """Its length is that of what the file is more than whole sectors, which a text ahead of it moves."""
    path, coded = tmp_path / "a.dng", _CODED[kind](values())
    counts = set()
    for text in range(0, SECTOR, 50):
        software = ifd.ascii_entry("a" * (text + 8))
        whole = dng_of([coded], {259: short(7), 278: short(HEIGHT), 305: software})
        count = len(whole) % SECTOR
        counts.add(count // 64)
        path.write_bytes(whole)
        assert read_picture(path).height == HEIGHT
        if count > 4:
            path.write_bytes(_zeroed(whole, count))
            with pytest.raises(InputError):
                read_picture(path)
    assert len(counts) > 5


def test_zeros_that_say_that_nothing_changes_may_be_pixels_but_from_a_sector_on() -> None:
    flat = np.concatenate([_photo()[:40], np.full((60, WIDTH), 9000, np.uint16)])
    piece = lossless(flat)[:-2]
    run = len(piece) - len(piece.rstrip(b"\0"))
    assert run > SECTOR
    at_sector = run % SECTOR + SECTOR - len(piece) % SECTOR
    name = Path("a.dng")
    for start in (at_sector + SECTOR // 2, at_sector - 9, at_sector + 9):
        check_needed(name, 1, piece, start=start)
    for behind in (b"", bytes(SECTOR)):
        with pytest.raises(InputError, match=FEWER):
            check_needed(name, 1, piece, behind, start=at_sector)
    # A lost sector does not end where another piece begins.
    check_needed(name, 1, piece, piece, start=at_sector)

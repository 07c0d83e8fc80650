"""Tables of the JPEG data in a TIFF: with wrong ones decoders make a picture of anything (T.81, annex B)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.jpeg import check_codes
from srnet_cli.imaging.codecs.proof.segments import EOI, segments

_DHT, _DQT = 0xC4, 0xDB
_COUNTS = 16


def shared_tables(path: Path, page: Any) -> bytes:
    """Return the tables that all pieces of tifffile's ``page`` share, without the end marker; maybe none.

    Raises:
        InputError: they are not segments from their first byte to the end marker, as all encoders write them.
    """
    data = page.jpegtables or b""
    end = 2 if data.startswith(b"\xff\xd8") else -1
    for segment in segments(data):
        end = (
            segment.start if segment.start == end + (segment.marker != EOI) * (len(segment.body) + 4) else -1
        )
        if segment.marker == EOI and end >= 0:
            return data[:end]
    if data:
        raise InputError("is damaged: the tables of its JPEG data are not whole", path=path)
    return b""


def check_tables(path: Path, data: bytes) -> None:
    """Refuse tables that no encoder writes: steps of 0, codes without room, or two for one symbol.

    Arithmetic codes, whose tables show nothing, are refused as well.

    Raises:
        InputError: saying which.
    """
    check_codes(path, data)
    for segment in segments(data):
        if segment.marker == _DQT and not all(_steps(segment.body)):
            raise InputError("is damaged: its JPEG data has steps of 0", path=path)
        if segment.marker == _DHT and not all(_is_code(*table) for table in _codes(segment.body)):
            raise InputError("is damaged: its JPEG data has a table of codes that are none", path=path)


def _steps(body: bytes) -> Iterator[int]:
    """Yield the steps of quantisation tables, a 0 for those that are not there."""
    while body:
        size = 2 if body[0] >> 4 else 1
        values = body[1 : 1 + 64 * size]
        yield len(values) == 64 * size
        for at in range(0, len(values), size):
            yield int.from_bytes(values[at : at + size], "big")
        body = body[1 + 64 * size :]


def _codes(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield how many codes of each length a Huffman table has, and its symbols."""
    while body:
        counts = body[1 : 1 + _COUNTS]
        yield counts, body[1 + _COUNTS : 1 + _COUNTS + sum(counts)]
        body = body[1 + _COUNTS + sum(counts) :]


def _is_code(counts: bytes, symbols: bytes) -> bool:
    room = sum(count << (_COUNTS - bits) for bits, count in enumerate(counts, 1))
    is_whole = len(counts) == _COUNTS and len(symbols) == sum(counts)
    return is_whole and 0 < room <= 1 << _COUNTS and len(set(symbols)) == len(symbols)

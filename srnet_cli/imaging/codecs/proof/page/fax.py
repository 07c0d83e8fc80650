"""Fax data in a TIFF (ITU-T T.4 and T.6): whether its codes are those of as many rows, and as wide.

Decoders stop at the height they are told, and find codes of any width in the data of another.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.layout import decoding
from srnet_cli.imaging.codecs.proof.bitmap.beside import SECTOR
from srnet_cli.imaging.codecs.proof.tails import ends_in_run, holds_run

FAX = frozenset({2, 3, 4})
_NAMES = {2: "tiff_ccitt", 3: "group3", 4: "group4"}
_STRIPS, _ROWS_PER_STRIP, _LENGTHS, _OPTIONS, _REVERSED_BITS = 273, 278, 279, 292, 2
#: rows that refer to those above, and ends of lines that end with a byte
_T4 = 1 | 4
#: fax of one line after the other, from byte to byte
_WITHOUT_ENDS = 2
#: behind a line of T.4; two of them are behind T.6
_END_OF_LINE = bytes(11) + b"\1"
#: bytes of codes for the end behind the last row, and of padding
_END_BYTES = 24
#: encoders are free in little; fill bits and ends of lines are a few bytes for each row
_MOST_SHARE, _MOST_PER_ROW = 1.25, 3
#: how far beyond a sector ones may go on by chance, and those that count
_BY_CHANCE, _ONES = 2, re.compile(rb"\xff{506,}")
#: strips that are looked at: another width shows in all, another height in the last
_MOST_STRIPS = 256


def check_fax(path: Path, page: Any, starts: Sequence[int], segments: Sequence[bytes]) -> None:
    """Refuse pieces that hold nothing, end before their rows do, or go on behind them.

    ``page`` is tifffile's; ``starts`` says where pieces begin in the file.

    Raises:
        InputError: naming the piece.
    """
    every = -(-len(segments) // _MOST_STRIPS)
    for index, data in enumerate(segments):
        # Blank lines of T.6 are ones, but behind them comes an end-of-block code.
        empty = holds_run(data, only_zeros=True) or ends_in_run(data) or not any(data[-16:])
        empty = empty or _lacks_sector(data, starts[index])
        if empty or _needs_more(page, index, data):
            raise InputError(f"is incomplete: piece {index + 1} of its pixels holds no data", path=path)
        if (index % every == 0 or index == len(segments) - 1) and _is_of_another_size(
            path, page, index, data
        ):
            raise InputError(
                f"is damaged: piece {index + 1} of its pixels is fax data of another size", path=path
            )


def _lacks_sector(data: bytes, start: int) -> bool:
    """Return whether ones in data, from byte ``start`` of a file on, begin and end where sectors do.

    They are codes for "as in the row above", of which rules and margins have as many, but not from sector to
    sector.
    """
    return any(
        max(-(start + run.start()) % SECTOR, (start + run.end()) % SECTOR) <= _BY_CHANCE
        for run in _ONES.finditer(data)
    )


def _needs_more(page: Any, index: int, data: bytes) -> bool:
    """Return whether what follows fax data makes a difference: then its rows are not all in it."""
    results = []
    for seed in (1, 2):
        more = random.Random(seed).randbytes(64)
        try:
            results.append(page.decode(data + more, index)[0])
        except Exception:  # whatever it meets there, it should not have looked
            return True
    return bool((results[0] != results[1]).any())


def _is_of_another_size(path: Path, page: Any, index: int, data: bytes) -> bool:
    """Return whether data has more or fewer codes than the rows that it is decoded to.

    There is one way to write rows in T.6, which few encoders leave, and in T.4 one for each of its options,
    which say whether rows refer to those above.
    """
    import imagecodecs

    if not features.check("libtiff"):
        return False
    with decoding(path):
        rows = page.decode(data, index)[0][0, :, :, 0]
        again = _written(rows, _NAMES[int(page.compression)], page.tags.valueof(_OPTIONS, 0))
    codes = bytes(imagecodecs.bitorder_decode(data)) if page.fillorder == _REVERSED_BITS else data
    found, right = _bits(codes), _bits(again)
    if found == right:
        return False
    is_part = found.startswith(right) or right.startswith(found)
    most = len(again) * _MOST_SHARE + len(rows) * _MOST_PER_ROW + _END_BYTES
    return is_part or page.compression == _WITHOUT_ENDS or len(codes.rstrip(b"\0")) > most


def _bits(codes: bytes) -> bytes:
    """Return the bits of codes as bytes of 0 and 1, without codes for the end and padding."""
    bits = np.unpackbits(np.frombuffer(codes, np.uint8)).tobytes().rstrip(b"\0")
    while bits.endswith(_END_OF_LINE):
        bits = bits[: -len(_END_OF_LINE)]
    return bits.rstrip(b"\0")


def _written(rows: NDArray[Any], compression: str, options: int) -> bytes:
    """Return H×W samples of 0 and 1 as codes, of T.4 with its options."""
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(rows) != 0)
    stated = {_ROWS_PER_STRIP: image.height, _OPTIONS: int(options) & _T4}
    image.save(file, "TIFF", compression=compression, tiffinfo=stated)
    structure = ifd.parse(file.getvalue())
    top = ifd.Directory() if structure is None else structure.directories[0]
    start, length = top.integer(_STRIPS, 0), top.integer(_LENGTHS, 0)
    return file.getvalue()[start : start + length]

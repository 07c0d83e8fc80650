"""Holes in a colour profile: what a copy or a disk did not bring, which readers take for curves and colours.

Format: ICC.1:2010; its tables are values of 8 or 16 bits, the most significant byte first.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator

import numpy as np

_HEADER_BYTES, _TAG_BYTES = 128, 12
#: place of the checksum (7.2.18), and of what may change without it: flags and rendering intent
_CHECKSUM = slice(84, 100)
_UNSUMMED = (slice(44, 48), slice(64, 68), _CHECKSUM)
#: tags of the white and of three colours
_XYZ = frozenset({b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"})
_CURVES = frozenset({b"rTRC", b"gTRC", b"bTRC", b"kTRC"})
#: how the tags begin that lead from a picture's values to colours
_TO_COLOURS = b"A2B"
_CURVE_HEAD, _CURVE_KINDS = 12, 5
#: tables of 8 and of 16 bits: bytes ahead of them
_TABLE_HEADS = {b"mft1": 48, b"mft2": 52}
#: bytes of one value that count: in a curve, in a table of Lab, where no colour is such, and elsewhere
_LEAST_OF_CURVE, _LEAST_OF_LAB, _LEAST = 64, 128, 512
#: what a curve does not rise or fall at once after so long: of its range, and of its steps behind
_LEAST_JUMP, _STEPS, _TIMES_STEP = 1 / 128, 8, 8
#: what may be a hole where a checksum says that there is one
_GAP = re.compile(rb"\0{32}|\xff{32}")
_RUN = re.compile(rb"\0{%d,}|\xff{%d,}" % (_LEAST_OF_CURVE, _LEAST_OF_CURVE))


def is_whole(icc: bytes) -> bool:
    """Return whether a profile, which has a header, has no hole where it says what colours are.

    Its tags lie in it and have types, its colours are not black, its curves and tables hold no stretches of
    zeros or ones that none of them has, and those elsewhere agree with its own checksum, if it has one.
    """
    (size,) = struct.unpack(">I", icc[:4])
    # A program that changed a description may have left the checksum as it was.
    if _GAP.search(icc, _HEADER_BYTES) and not _is_summed(icc[:size]):
        return False
    (count,) = struct.unpack(">I", icc[_HEADER_BYTES : _HEADER_BYTES + 4].rjust(4, b"\0"))
    table = icc[_HEADER_BYTES + 4 : _HEADER_BYTES + 4 + _TAG_BYTES * count]
    tags = list(struct.iter_unpack(">4sII", table[: len(table) // _TAG_BYTES * _TAG_BYTES]))
    is_lab = icc[20:24] == b"Lab "
    return 0 < count == len(tags) and all(
        start + length <= len(icc) and _is_tag_whole(name, icc[start : start + length], is_lab)
        for name, start, length in tags
    )


def _is_summed(icc: bytes) -> bool:
    """Return whether a profile has the checksum that it states, or states none."""
    summed = bytearray(icc)
    for part in _UNSUMMED:
        summed[part] = bytes(part.stop - part.start)
    stated = icc[_CHECKSUM]
    return not any(stated) or hashlib.md5(summed, usedforsecurity=False).digest() == stated


def _is_tag_whole(name: bytes, data: bytes, is_lab: bool) -> bool:
    """Return whether a tag has a type and, where it says what colours are, no hole."""
    if not data[:4].isascii() or not any(data[:4]) or (name in _XYZ and not any(data[8:])):
        return False
    if name in _CURVES:
        return _is_curve(data)
    if not name.startswith(_TO_COLOURS):
        return True
    least = _LEAST_OF_LAB if is_lab else _LEAST
    if data[:4] not in _TABLE_HEADS:
        return not _holds_run(data, _LEAST)
    curves, colours = _parts(data)
    unit = 2 if data[:4] == b"mft2" else 1
    return bool(colours) and not _holds_run(colours, least) and not any(_jumps(c, unit) for c in curves)


def _is_curve(data: bytes) -> bool:
    """Return whether a curve is one: by a formula that has a power, or values that are all there."""
    if len(data) < _CURVE_HEAD:
        return False
    if data[:4] == b"para":
        (kind,) = struct.unpack_from(">H", data, 8)
        return kind < _CURVE_KINDS and any(data[_CURVE_HEAD : _CURVE_HEAD + 4])
    (count,) = struct.unpack_from(">I", data, 8)
    values = data[_CURVE_HEAD : _CURVE_HEAD + 2 * count]
    # Behind the values there is padding.
    is_as_long = 0 <= len(data) - _CURVE_HEAD - 2 * count < 4
    return data[:4] != b"curv" or (is_as_long and not _jumps(values, 2))


def _parts(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the curves of a table, ahead of and behind its colours, and these; nothing if one is missing."""
    kind, unit = data[:4], 2 if data[:4] == b"mft2" else 1
    head = _TABLE_HEADS[kind]
    if len(data) < head:
        return [], b""
    inputs, outputs, grid = data[8:11]
    ahead, behind = struct.unpack_from(">HH", data, 48) if unit == 2 else (256, 256)
    first = head + inputs * ahead * unit
    end = first + grid**inputs * outputs * unit
    last = end + outputs * behind * unit
    if not 0 < end - first <= len(data) or not min(ahead, behind) or last > len(data):
        return [], b""
    curves = [*_cut(data[head:first], ahead * unit), *_cut(data[end:last], behind * unit)]
    return curves, data[first:end]


def _cut(data: bytes, length: int) -> Iterator[bytes]:
    return (data[at : at + length] for at in range(0, len(data), length))


def _holds_run(data: bytes, least: int) -> bool:
    return any(len(run[0]) >= least for run in _RUN.finditer(data))


def _jumps(curve: bytes, unit: int) -> bool:
    """Return whether a curve of values of ``unit`` bytes leaves a stretch of zeros or ones in one step."""
    values = np.frombuffer(curve, f">u{unit}", len(curve) // unit).astype(np.float64)
    values /= (1 << 8 * unit) - 1
    for run in _RUN.finditer(curve):
        level = run[0][0] / 255
        # Of the value beside it a byte may be lost, too.
        before, behind = values[: run.start() // unit][::-1], values[-(-run.end() // unit) :]
        for beside in (before[: _STEPS + 1], behind[: _STEPS + 1]):
            step = float(np.abs(np.diff(beside)).max(initial=0))
            jump = abs(float(beside[0]) - level) if beside.size else 0.0
            if jump > max(_LEAST_JUMP, _TIMES_STEP * step):
                return True
    return False

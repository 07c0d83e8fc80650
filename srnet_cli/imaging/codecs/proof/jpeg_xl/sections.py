"""The sections of a JPEG XL frame: whether each of them is needed to its end.

Of the lowest efforts, 1 and 2, they are prefix codes, of which a decoder makes a picture whatever their bits
are. Other values in them are another number of pixels, and leave bytes over. All other efforts end in a state
that decoders compare. Format: ISO/IEC 18181-1, annex C.2 (sections) and F.3 (table of their lengths).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.jpeg_xl.behind import (
    LONGEST_MOVE,
    PADDING,
    end_of_needed,
    error_behind,
)
from srnet_cli.imaging.codecs.proof.jpeg_xl.quick import BEGINS, GROUP, coded_quickly
from srnet_cli.imaging.codecs.proof.tails import LEAST_RUN

#: forms of a length: so many bits, and what is added to them
_FORMS = ((10, 0), (14, 1024), (22, 17_408), (30, 4_211_712))
#: sides of the smallest group, and of the area whose means are together; each may be up to 8 times as large
_GROUP, _AREA, _SHIFTS = 128, 1024, range(4)
_MOST_PASSES = 3
#: where the table begins at the latest, behind header and profile
_MOST_HEAD = 1 << 14
#: lengths that are read to find it
_MOST_STEPS = 1 << 20
#: bytes at the end of a section that no pixel may be in need of; libjxl's quickest coder without loss ends
#: with the last bit of the last pixel
_MOST_UNUSED, _LEAST_CUT = 16, 1
#: sections with runs of one value, of which so many are tried, and sections that are all tried
_LEAST_TRIED, _MOST_WORK, _MOST_TO_TRY = 4, 1024, 32
#: bytes that are changed, one after the other, to see whether a decoder notices
_PROBES = 4
#: libjxl's quickest coder without loss has no such runs in its sections, and rarely one of so few at their
#: end: it counts equal pixels, by eight of a row; of groups of fewer columns each is a code of one bit
_LEAST_LOST, _LEAST_LOST_END, _COUNTED = 128, 3, 8
_RUN = re.compile(rb"\0{%d,}|\xff{%d,}" % (LEAST_RUN, LEAST_RUN))
_END = re.compile(rb"(?:\0{%d,}|\xff{%d,})\Z" % (_LEAST_LOST_END, _LEAST_LOST_END))


@dataclass(frozen=True)
class _Sections:
    """A codestream whose table of ``lengths`` begins at byte ``at``, and what that is of at ``start``."""

    stream: bytes
    at: int
    start: int
    lengths: tuple[int, ...]

    def pieces(self) -> list[bytes]:
        ends = accumulate(self.lengths, initial=self.start)
        return [self.stream[end : end + length] for end, length in zip(ends, self.lengths, strict=False)]

    def with_pieces(self, pieces: Sequence[bytes]) -> bytes:
        """Return the codestream of other contents."""
        value = position = 0
        for piece in pieces:
            form = max(index for index, (_, least) in enumerate(_FORMS) if len(piece) >= least)
            value |= (form | (len(piece) - _FORMS[form][1]) << 2) << position
            position += 2 + _FORMS[form][0]
        table = value.to_bytes(-(-position // 8), "little")
        return self.stream[: self.at] + table + b"".join(pieces)


def check_sections(
    path: Path, stream: bytes, size: tuple[int, int], bits: int, behind: int = 0
) -> str | None:
    """Refuse a codestream that is decoded without the end of a section as well, but for padding behind it.

    Returns why its end may have moved, or be lost: of the quickest coder without loss nothing else shows it
    where so few bytes lie behind, there or ``behind`` the boxes of the file, or are of one value.

    Raises:
        InputError: saying so.
    """
    end = end_of_needed(path, stream, _is_decoded) if stream[-1:] in PADDING else len(stream)
    doubt = _check_needed(path, stream[:end], size, bits)
    left = len(stream) - end + behind
    if 0 < left <= LONGEST_MOVE and BEGINS in stream:
        return f"{left} bytes are behind its pixels, which may have moved: look at it"
    return doubt


def _check_needed(path: Path, stream: bytes, size: tuple[int, int], bits: int) -> str | None:
    """Refuse a codestream of which the end of a section, or its own, is not needed.

    Sections with long runs of zeros or ones are tried first, and the others where changed bytes are not
    noticed, as long as there are few: each is decoded for. Of libjxl's quickest coder without loss the last
    one is tried in any case, and such runs are enough, as a blank margin at the end may be of any length,
    unless it writes them again for the pixels, of so many ``bits``: even ramps from corner to corner are such
    runs. Where it has no room to do so, ends alone are looked at. Where no table of lengths ends with the
    codestream, its own end must be needed; so of an animation there is nothing to say. Returns why what is
    left of its end may be lost.

    Raises:
        InputError: saying so.
    """

    def passes(pieces: Sequence[bytes]) -> bool:
        return _is_decoded(found.with_pieces(pieces))

    for found in _found(stream, *size):
        pieces = found.pieces()
        is_quick = any(BEGINS in piece[:64] for piece in pieces)
        # Found by chance, within the data of the quickest coder, or such that no pixel is in.
        if (not is_quick and BEGINS in stream) or passes([b""] * len(pieces)):
            continue
        runs = [max(map(len, _RUN.findall(piece)), default=0) for piece in pieces]
        runs[0] *= len(runs) == 1  # of a large picture the first, of all, is filled up with zeros
        again: bytes | None = b""
        lost = _END.search(stream) if is_quick and not _is_narrow(-1, size[1]) else None
        if is_quick and (lost or max(runs) >= _LEAST_LOST):
            again = coded_quickly(_decoded(stream), bits)
            if again is not None and again.endswith(b"".join(pieces)):
                return None
        tried = [index for index in _largest(runs) if runs[index]]
        tried = tried[: max(_LEAST_TRIED, _MOST_WORK // len(pieces))]
        is_few = len(pieces) <= _MOST_TO_TRY
        if is_quick or (is_few and any(passes(_changed(pieces, probe)) for probe in range(_PROBES))):
            first = len(pieces) > 1 if is_few else len(pieces) - 1
            tried += [index for index in range(first, len(pieces)) if index not in tried]
        for index in tried:
            shorter = pieces[index][: -_LEAST_CUT if is_quick else -_MOST_UNUSED]
            counts = is_quick and again is not None and not _is_narrow(index - len(pieces), size[1])
            if (counts and runs[index] >= _LEAST_LOST) or (
                len(shorter) >= _MOST_UNUSED and passes([*pieces[:index], shorter, *pieces[index + 1 :]])
            ):
                end = found.start + sum(found.lengths[: index + 1])
                raise InputError(
                    f"is damaged: its data up to byte {end:,} of the codestream belongs to no pixels",
                    path=path,
                )
        return f"its last {len(lost[0])} bytes hold nothing, and may be lost: look at it" if lost else None
    if _is_decoded(stream[:-1]):
        raise error_behind(path)
    return None


def _is_decoded(stream: bytes) -> bool:
    try:
        _decoded(stream)
    except (ValueError, RuntimeError):
        return False
    return True


def _decoded(stream: bytes) -> NDArray[Any]:
    import imagecodecs

    # As it is stored, turned or not.
    return np.asarray(imagecodecs.jpegxl_decode(stream, index=0, keeporientation=True))


def _is_narrow(index: int, width: int) -> bool:
    """Return whether a group, counted from behind from -1 on, has too few columns to count pixels."""
    columns = -(-width // GROUP)
    return 0 < width % GROUP < _COUNTED and (index + 1) % columns == 0


def _largest(values: Sequence[int]) -> list[int]:
    """Return the indices of values, the largest first."""
    return sorted(range(len(values)), key=lambda index: -values[index])


def _changed(pieces: Sequence[bytes], probe: int) -> list[bytes]:
    """Return pieces of which a large one has another byte, at a place of its own for each ``probe``."""
    index = _largest(list(map(len, pieces)))[:_PROBES][probe % len(pieces)]
    piece = bytearray(pieces[index])
    if piece:
        piece[len(piece) * (probe + 1) // (_PROBES + 1)] ^= 0x10
    return [*pieces[:index], bytes(piece), *pieces[index + 1 :]]


def _found(stream: bytes, height: int, width: int) -> Iterator[_Sections]:
    """Yield what may be the sections of the last frame: a table of lengths that are those of all the rest."""
    counts = set(_counts(height, width))
    steps = 0
    for at in range(2, min(len(stream), _MOST_HEAD)):
        lengths: list[int] = []
        position, rest = 8 * at, len(stream) - at
        while rest >= 0 and len(lengths) < max(counts) and steps < _MOST_STEPS:
            bits = int.from_bytes(stream[position // 8 : position // 8 + 5], "little") >> position % 8
            count, least = _FORMS[bits & 3]
            lengths.append(least + (bits >> 2 & (1 << count) - 1))
            position, rest, steps = position + 2 + count, rest - lengths[-1], steps + 1
            start = -(-position // 8)
            if len(lengths) in counts and start - at == rest:
                yield _Sections(stream, at, start, tuple(lengths))


def _counts(height: int, width: int) -> Iterable[int]:
    """Yield how many sections a frame may have."""
    for shift in _SHIFTS:
        groups, areas = (-(-height // side) * -(-width // side) for side in (_GROUP << shift, _AREA << shift))
        for passes in range(1, _MOST_PASSES + 1):
            yield 1 if groups * passes == 1 else 2 + areas + groups * passes

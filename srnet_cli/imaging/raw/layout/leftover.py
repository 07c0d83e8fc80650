"""Codes of lossless JPEG, as many as pixels: LibRaw takes those that it needs, and zeros for what is missing.

A sector that is there twice, or in the place of another, falls into step with the codes around it, and leaves
more or fewer of them. Nothing says where they end, so what follows them is replaced: the first pixel that
changes is the first without a code. Layout: ITU-T T.81, annexes F.2.2.5 and H.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.proof.bitmap.beside import BY_CHANCE, SECTOR
from srnet_cli.imaging.codecs.proof.holes import zero_codes
from srnet_cli.imaging.codecs.proof.segments import SOS, Segment, end_of_scan, segments
from srnet_cli.imaging.raw.dng import is_dng
from srnet_cli.imaging.raw.layout.statements import maker_of

_LOSSLESS, _INTERVAL, _TABLES = 0xC3, 0xDD, 0xC4
_DNG_VERSION = 50706
#: bits of samples; before this DNG a difference of 16 bits had more behind its code than T.81 has
_ALL_BITS, _FIRST_USUAL_DNG = 16, (1, 1)
#: makers whose codes are two by two, under the header of a JPEG
_OWN_CODES = ("HASSELBLAD", "IMACON")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_ONE = b"\xff"
_END = b"\xff\xd9"
_FILLERS = b"\0\xff"
#: across and down, of a component that has a sample for each pixel
_NOT_REDUCED = 0x11
#: what is put behind the codes: the first two differ in their first bit, the others where these are no codes
_FILLINGS = (bytes(256), b"\xaa" * 256, b"\x80" + bytes(255), b"\x55" * 256)
#: samples behind the last that are decoded as well, and those that the last bits may be taken for
_BEHIND, _MOST_OF_BITS = 64, 2
#: bytes at the end that may be no codes: what a coder had in hand
_MOST_LEFT = 8
#: bytes of zeros that stand for samples which are all the same
_LEAST_ZEROS = 64
#: zeros behind which a piece has no end, in the place of it and of codes, and those that the codes may end in
_LEAST_LOST, _MOST_OF_CODES = 3, 1


def usual_bits(structure: ifd.Structure | None) -> int:
    """Return up to how many bits of a sample a file's lossless JPEG has the codes of the standard."""
    if structure is not None and is_dng(structure):
        versions = [tuple(top.integers(_DNG_VERSION)[:2]) for top in structure.directories]
        is_old = any(version < _FIRST_USUAL_DNG for version in versions if version)
        return _ALL_BITS - is_old
    return 0 if structure is not None and maker_of(structure).startswith(_OWN_CODES) else _ALL_BITS


def check_needed(
    path: Path, number: int, data: bytes, behind: bytes = b"", bits: int = _ALL_BITS, start: int = 0
) -> None:
    """Refuse a piece of lossless JPEG that has more codes than pixels, or fewer, or goes on ``behind`` it.

    ``bits`` is up to how many of them a sample has codes of the standard; of other pieces nothing is said.
    ``start`` is where the piece begins in the file.

    Raises:
        InputError: naming the piece.
    """
    frame, scan = _frame_and_scan(data)
    if frame is None or scan is None or not frame.body or frame.body[0] > bits:
        return
    is_open = scan.end == len(data)
    problem = "more" if is_open and _ahead_of_end(behind) else None
    part = None
    for part in _parts(data, frame, scan):
        problem = problem or _problem(part)
    if part is not None and not problem and is_open and _needs_lost_end(part, data, behind, start):
        problem = "fewer"
    if problem:
        raise InputError(
            f"is damaged: piece {number} of its pixels has {problem} codes than pixels", path=path
        )


@dataclass(frozen=True)
class _Part:
    """A scan, or what is of it between two restarts, that can be decoded by itself.

    Attributes:
        head: all that is ahead of the codes.
        height: where in it the number of rows stands.
        rows: how many of them.
        row: samples in one.
        codes: with stuffed zeros, without markers.
    """

    head: bytes
    height: int
    rows: int
    row: int
    codes: bytes

    @property
    def count(self) -> int:
        return self.rows * self.row

    def first_unsaid(self, codes: bytes) -> int | None:
        """Return the first sample, of these and of some behind them, for which the codes do not last.

        That is how many there are where no code depends on what it is; None where only LibRaw decodes them.
        """
        rows = self.rows + -(-_BEHIND // self.row)
        if rows >> 16:
            return None
        head = self.head[: self.height] + rows.to_bytes(2, "big") + self.head[self.height + 2 :]
        # The zero of a one at the end may have been left out, or cut off.
        stuffed = head + codes + b"\0" * codes.endswith(_ONE)
        first = _decoded(stuffed + _FILLINGS[0] + _END)
        if first is None:
            return None
        for filling in _FILLINGS[1:]:
            other = _decoded(stuffed + filling + _END)
            if other is None:
                return None
            changed = other != first
            found = int(changed.argmax())
            if changed[found]:
                return found
        return first.size


def _frame_and_scan(data: bytes) -> tuple[Segment | None, Segment | None]:
    """Return the frame of lossless JPEG and its first scan, which is all that LibRaw reads."""
    frame = None
    for segment in segments(data):
        if segment.marker == _LOSSLESS:
            frame = segment
        elif segment.marker == SOS:
            return frame, segment
    return frame, None


def _ahead_of_end(behind: bytes) -> bytes | None:
    """Return what is ahead of the end of a scan behind its piece, without filling; None where there is none.

    An end that is not counted as the piece's, or filling ahead of it, is no damage.
    """
    end = end_of_scan(behind, 0)
    return behind[:end].strip(_FILLERS) if behind[end : end + 2] == _END else None


def _needs_lost_end(last: _Part, data: bytes, behind: bytes, start: int) -> bool:
    """Return whether a piece without an end has too few codes in its ``last`` part but for zeros behind them.

    They are in the place of codes and of the end. Where they say that nothing changes a picture may have
    them, though hardly from a sector of the file on, to the end of one.
    """
    stop = start + len(data)
    zeros = len(data) - len(data.rstrip(b"\0"))
    if _ahead_of_end(behind) == b"" or zeros < _LEAST_LOST:
        return False
    is_sector = (zeros - stop) % SECTOR <= BY_CHANCE and not any(behind[: -stop % SECTOR])
    if not is_sector and _may_stand_still(last.head):
        return False
    first = last.first_unsaid(last.codes[:-zeros] + bytes(_MOST_OF_CODES))
    return first is not None and first < last.count


def _may_stand_still(head: bytes) -> bool:
    """Return whether in one of the tables zeros stand for no difference."""
    tables = (segment.body for segment in segments(head) if segment.marker == _TABLES)
    return any(not symbol for body in tables for _, (symbol, _) in zero_codes(body))


def _parts(data: bytes, frame: Segment, scan: Segment) -> Iterator[_Part]:
    """Yield the parts of a piece whose codes are one for each sample; none of another."""
    body = frame.body
    if len(body) < 9 or body[5:6] != scan.body[:1] or set(body[7::3]) != {_NOT_REDUCED}:
        return
    row, rows = int.from_bytes(body[3:5], "big") * body[5], int.from_bytes(body[1:3], "big")
    if not row or not rows:
        return
    head, coded, each = data[: scan.start], [data[scan.start : scan.end]], rows
    interval = next((found for found in segments(head) if found.marker == _INTERVAL), None)
    if interval is not None and any(interval.body[:2]):
        each, rest = divmod(int.from_bytes(interval.body[:2], "big") * body[5], row)
        if rest:
            return
        start = interval.start - len(interval.body)
        head = head[:start] + b"\0\0" + head[start + 2 :]
        coded = _RESTART.split(coded[0])
    # What is there too often is left over for the last, what is not there has no codes.
    last = -(-rows // each) - 1
    coded = [*coded[:last], b"".join(coded[last:])] + [b""] * (last - len(coded))
    for index, codes in enumerate(coded):
        stripped = codes[: len(codes.rstrip(_ONE)) + 1]
        yield _Part(head, frame.start - len(body) + 1, min(each, rows - index * each), row, stripped)


def _problem(part: _Part) -> str | None:
    """Say whether a part has more or fewer codes than pixels."""
    if part.count > 8 * len(part.codes):
        return "fewer"
    first = part.first_unsaid(part.codes)
    if first is None or part.count <= first <= part.count + _MOST_OF_BITS:
        return None
    if first < part.count:
        return "fewer"
    needed = _without_padding(part.codes)
    # Where zeros stand for pixels, those at the end may be some, and no padding.
    if part.codes.endswith(b"\0\0") and bytes(_LEAST_ZEROS) in needed:
        needed = part.codes[:-_MOST_LEFT]
    least = part.first_unsaid(needed[:-_MOST_LEFT])
    # Where there is but one code nothing is to be seen.
    return "more" if least is not None and least >= part.count and part.first_unsaid(b"") != least else None


def _without_padding(codes: bytes) -> bytes:
    """Return codes without bytes of one value, or of two in turn, at their end."""
    values = np.frombuffer(codes, np.uint8)[::-1]
    others = values[2:] != values[:-2]
    return codes[: -int(others.argmax()) - 2] if others.any() else b""


def _decoded(data: bytes) -> NDArray[np.uint16] | None:
    """Return the samples in the order of their codes; None of a kind that only LibRaw decodes."""
    import imagecodecs

    try:
        return np.asarray(imagecodecs.jpeg_decode(data)).ravel()
    except (ValueError, RuntimeError):
        return None

"""Sectors of a disk that were lost in pixels that are stored as they are: the rule for all formats.

A sector that was lost is a run of zeros or ones that begins and ends, in the file, where sectors do. Runs of
a picture do so by chance, once in some thousands of them, so that each is looked at for itself: are its rows,
or those above and below, of other values that go on at its very columns? Of runs that have a photograph ahead
and behind, but rows beside that are of their value as well, those at sectors are weighed against the others.
"""

from __future__ import annotations

import io
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import (
    BY_CHANCE,
    LEAST_VALUES_AT,
    LEAST_VALUES_NEAR,
    SECTOR,
    Stored,
    Stretch,
    begins_row,
    beside,
    ends_row,
    is_full_at_sectors,
)

#: different values beside a run at a row's start or end
_LEAST_OF_PHOTOGRAPH = 8
#: bytes ahead of and behind a run that show a photograph
_AROUND = 64
#: of a picture's own runs, those that begin and end at sectors by chance; and files that are misjudged
_CHANCE, _SELDOM = 1 / 5000, 4e-6
#: runs that are looked at for how many there are of a kind
_MOST_OTHERS = 1000
#: rows beside a run that are enough to tell, and bytes that are read at a time
_ROWS, _WINDOW = 33, 1 << 25

_Run = tuple[int, int]
#: a run, the part of the file with pixels that it lies in, and its value
_Found = tuple[_Run, _Run, int]
_IsSuch = Callable[[_Run, _Run, int], bool]
_VALUES = (0, 255)


def first_lost(
    file: BinaryIO,
    extents: Sequence[_Run],
    stored: Stored | None = None,
    *,
    aligned: bool = False,
    is_padding: Callable[[int, int], bool] | None = None,
) -> _Run | None:
    """Return first byte and end, in the file, of a sector or more that were lost of its pixels.

    ``extents`` are the parts of the file with pixels, in its order, each of which begins with a row, of which
    ``stored`` gives the size, if known. Unless rows may be ``aligned`` with sectors, a run that has a
    photograph on both sides has to be within rows. ``is_padding`` says whether there is padding, which does
    not count, from one byte of the file to another.
    """
    size = file.seek(0, io.SEEK_END)
    at_sectors, others = list[_Found](), list[_Found]()
    for (start, end), value in itertools.product(extents, _VALUES):
        for run in long_runs(file, start, end, size, value):
            if is_padding is None or not is_padding(max(run[0], start), min(run[1], end)):
                is_at = max(_off(start, *run)) <= BY_CHANCE
                (at_sectors if is_at else others).append((run, (start, end), value))
    stands_out = partial(_stands_out, file, stored) if stored is not None else None
    in_photograph = partial(_is_in_photograph, file, None if aligned else stored)
    for value in _VALUES:
        mine, like = ([found for found in part if found[2] == value] for part in (at_sectors, others))
        # Lines of a drawing are black and white; white around a photograph says nothing of zeros in it.
        for is_such, rest in ((stands_out, others), (in_photograph, like)):
            lost = [found for found in mine if is_such is not None and is_such(*found)]
            barred = _in_bars(lost, sorted([*mine, *like]), stored) if lost else []
            left = [run for run, is_bar in zip(lost, barred, strict=True) if not is_bar]
            if left and is_such and _more_than_chance(left, len(lost) - len(left), rest, is_such, stored):
                return left[0][0]
    return None


def lost_bytes(path: Path, first: int, end: int) -> InputError:
    """Return the error that says which bytes of a file are lost."""
    return InputError(
        f"is damaged: {end - first:,} bytes of its pixels are lost, from byte {first:,} on", path=path
    )


def _off(start: int, first: int, end: int) -> tuple[int, int]:
    """Return how many bytes ahead of a sector a run begins, and behind one it ends.

    What began ahead of the pixels, which ``start``, may have had its value there for other reasons.
    """
    is_ahead = first <= start - _AROUND and end % SECTOR == 0
    return 0 if is_ahead else -first % SECTOR, end % SECTOR


def _stands_out(file: BinaryIO, stored: Stored, run: _Run, extent: _Run, value: int) -> bool:
    """Return whether the rows beside a run go on in other values where it begins and ends."""
    start, row = extent[0], stored.row_bytes
    rows = max(_ROWS, -(-1024 // row) + 1)
    top = start + max((max(run[0], start) - start) // row - rows, 0) * row
    file.seek(top)
    bottom = min(start + ((min(run[1], extent[1]) - start) // row + rows) * row, extent[1])
    pixels = np.frombuffer(file.read(bottom - top), np.uint8)
    part = replace(stored, start=top, rows=-(-pixels.size // row), planes=1)
    stretch = Stretch(value, run[0] - top, run[1] - top)
    off = _off(start, *run)
    begins = run[0] >= start and begins_row(part, stretch.first)
    ends = run[1] <= extent[1] and ends_row(part, stretch.end)
    # Where a row begins with a sector, either may be what is missing.
    if (begins and ends) or (begins and off[0]) or (ends and off[1]) or extent[0] == run[0]:
        return False
    # A bar of the picture at padding ahead of its pixels or behind them.
    if (begins or ends) and (run[0] < start or run[1] > extent[1]):
        return False
    full, values = beside(pixels, part, stretch)
    # Of flat areas no shape goes on from one row to the next, at sectors in both.
    is_one_row = max(stretch.first, 0) // row == (stretch.end - 1) // row
    least = LEAST_VALUES_NEAR if any(off) else LEAST_VALUES_AT if is_one_row else 1
    if begins or ends or run[0] < start:
        least = _LEAST_OF_PHOTOGRAPH
    return is_full_at_sectors(full, stored.bits) and values >= least


def _is_in_photograph(file: BinaryIO, stored: Stored | None, run: _Run, extent: _Run, _: int) -> bool:
    """Return whether many values are ahead of and behind a run in the pixels and, if given, within rows."""
    if not extent[0] < run[0] < run[1] < extent[1]:
        return False
    if stored is not None:
        columns = [(place - extent[0]) % stored.row_bytes for place in run]
        if not all(BY_CHANCE < column < stored.row_bytes - BY_CHANCE for column in columns):
            return False
    file.seek(max(run[0] - _AROUND, 0))
    before = file.read(min(_AROUND, run[0]))
    file.seek(run[1])
    return min(len(set(before)), len(set(file.read(_AROUND)))) >= _LEAST_OF_PHOTOGRAPH


def _more_than_chance(
    lost: Sequence[_Found], barred: int, others: Sequence[_Found], is_such: _IsSuch, stored: Stored | None
) -> bool:
    """Return whether there are more runs at sectors than the others of their kind make likely.

    Where rows are as long as sectors, lines of a drawing that begin and end below each other do so as one.
    """
    row = 0 if stored is None or stored.row_bytes % SECTOR else stored.row_bytes
    count = len(
        {((run[0] - start) % row, (run[1] - start) % row) for run, (start, _), _ in lost} if row else lost
    )
    step = -(-len(others) // _MOST_OTHERS) or 1
    alike = barred + step * sum(is_such(*found) for found in others[::step])
    expected = alike * _CHANCE
    return not alike or count * math.log(expected) - math.lgamma(count + 1) <= math.log(_SELDOM)


def _in_bars(runs: Sequence[_Found], every: Sequence[_Found], stored: Stored | None) -> list[bool]:
    """Return which of some runs have one of their columns a row above or below; rows may be unknown."""
    mine, places = (np.array([run for run, *_ in found]) for found in (runs, every))
    starts = places[:, 0]
    if stored is None:
        # The usual step from one to the next is a row.
        usual = Counter(np.diff(starts).tolist()).most_common(1)
        if not usual or usual[0][1] < 2:
            return [False] * len(runs)
    row = usual[0][0] if stored is None else stored.row_bytes
    barred = np.zeros(len(runs), np.bool_)
    for step in (-row, row):
        at = np.searchsorted(starts, mine[:, 0] + step - BY_CHANCE).clip(max=len(starts) - 1)
        barred |= (np.abs(places[at] - mine - step) <= BY_CHANCE).all(axis=1)
    return barred.tolist()


def long_runs(file: BinaryIO, start: int, end: int, size: int, value: int) -> Iterator[_Run]:
    """Yield start and end of each run of a value in the pixels that is as long as a sector.

    It may have begun ahead of them, or go on behind; one to the end of the file is looked for elsewhere.
    """
    wanted, other = bytes([value]) * SECTOR, _other(value)
    at, until = max(start - SECTOR + 1, 0), min(end + SECTOR - 1, size)
    while at < until:
        file.seek(at)
        data, place = file.read(min(_WINDOW, until - at)), 0
        if not data:
            return
        read_to = at + len(data)
        following = read_to - SECTOR + 1 if read_to < until else until
        while (place := data.find(wanted, place)) >= 0:
            found = other.search(data, place)
            first = at + place if at + place >= start else _begin(file, start, value)
            last = _end(file, read_to, size, value) if found is None else at + found.start()
            if start < last < size and first < end:
                yield first, last
            if found is None:
                following = last
                break
            place = found.start()
        at = following


def _other(value: int) -> re.Pattern[bytes]:
    return re.compile(rb"[^\0]" if value == 0 else rb"[^\xff]")


def _end(file: BinaryIO, at: int, end: int, value: int) -> int:
    """Return where bytes of a value that go on from byte ``at`` of a file end, at ``end`` at the latest."""
    while at < end:
        file.seek(at)
        data = file.read(min(_WINDOW, end - at))
        found = _other(value).search(data)
        if found is not None or not data:
            return at + (found.start() if found is not None else 0)
        at += len(data)
    return end


def _begin(file: BinaryIO, at: int, value: int) -> int:
    """Return where bytes of a value that end at byte ``at`` of a file begin."""
    while at:
        length = min(1 << 16, at)
        file.seek(at - length)
        data = file.read(length).rstrip(bytes([value]))
        at -= length - len(data)
        if data:
            break
    return at

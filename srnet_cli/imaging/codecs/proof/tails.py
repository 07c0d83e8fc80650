"""Parts that hold nothing: ends, of an interrupted copy, and sectors in the middle that a disk lost."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import BY_CHANCE, Stored, differs
from srnet_cli.imaging.codecs.proof.bitmap.sectors import first_lost, lost_bytes
from srnet_cli.imaging.codecs.proof.page.grid import Grid
from srnet_cli.reading import open_input

#: no compression of a picture writes so many bytes of one value
LEAST_RUN = 64
#: rows that are missing before it is said
_LEAST_ROWS, _LEAST_SHARE = 8, 0.01
#: and of rows that no picture has
_LEAST_IMPOSSIBLE = 2
#: a black part of this share below a full row is taken for what is missing, unless the top is black as well
_LARGE_SHARE = 0.25
#: of a row with picture in it, the samples that are not the value of the end
_FULL = 0.9
#: and of the parts of rows beside a band that begins and ends within them
_FULL_BESIDE = 0.7
#: where a row breaks off, of the part of those beside it that goes on; and samples that are enough to tell
_FULL_BEYOND = 0.5
_LEAST_TO_TELL = 32
#: of a row, what counts as its very start or end
_EDGE = 0.02
#: different values in a row of a photograph; masks and drawings, which may end in one, have fewer
_LEAST_VALUES = 8


def holds_run(data: bytes, only_zeros: bool = False, least: int = LEAST_RUN) -> bool:
    """Return whether data holds ``least`` zeros or, unless left out, ones on end."""
    return bytes(least) in data or (not only_zeros and b"\xff" * least in data)


def ends_in_run(data: bytes, least: int = LEAST_RUN) -> bool:
    """Return whether data ends in so many bytes that are all zero or all ones."""
    tail = data[-least:]
    return len(tail) == least and tail[:1] in (b"\0", b"\xff") and not tail.strip(tail[:1])


def check_end(
    path: Path,
    samples: NDArray[Any],
    values: Iterable[int] | None = None,
    *,
    borders: bool = False,
    first: bool = False,
) -> None:
    """Refuse uncompressed samples, H×W or H×W×C, that break off: nothing shows it but their end.

    A picture may be black or white below. What is missing starts at some byte: within a row whose left part,
    and the row above it, are picture. Black that starts with a row is refused where it is a quarter of the
    picture or more, lies under a row without any black, and the top is not black (as of a frame).

    ``values`` are those that the missing part may have, by default zeros and ones; then one in the middle is
    refused as by :func:`check_band`. With ``borders`` the picture may well have an empty one, which is
    refused only where it begins within a row. With ``first`` the upper end is looked at in place of the lower
    one, and refused as such a border: what was ahead of it in the file is lost, too.

    Raises:
        InputError: with the number of rows.
    """
    rows, pixel = samples.reshape(samples.shape[0], -1), samples.shape[2] if samples.ndim == 3 else 1
    if samples.dtype.kind not in "ui" or rows.shape[0] < 2 * _LEAST_ROWS:
        return
    if values is None:
        values = (0, int(np.iinfo(samples.dtype).max))
        check_band(path, samples, values)
    rows, which = (rows[::-1, ::-1], "first") if first else (rows, "last")
    for value in values:
        missing = _rows_of(rows, value)
        if missing < max(_LEAST_ROWS, rows.shape[0] * _LEAST_SHARE) or missing > rows.shape[0] - 2:
            continue
        near = differs(rows[max(len(rows) - missing - 1 - _LEAST_TO_TELL, 0) : -missing], value, pixel)
        if np.unique(rows[-missing - 2]).size < _LEAST_VALUES or near[-2].mean() < _FULL:
            continue
        last, above = near[-1], rows[-missing - 2] != value
        filled = int(np.flatnonzero(rows[-missing - 1] != value)[-1]) + 1
        is_full = last[:filled].mean() >= _FULL
        goes_on = _goes_on(near[:-1, filled:])
        is_cut = goes_on and is_full and _EDGE * last.size < filled < (1 - _EDGE) * last.size
        # Ink that is 0 is paper.
        is_large = not (borders or first) and value == 0 and missing >= rows.shape[0] * _LARGE_SHARE
        is_large = is_large and above.mean() >= _FULL
        is_sharp = goes_on and is_large and (is_full or filled <= _EDGE * last.size) and bool(rows[0].any())
        if is_cut or is_sharp:
            raise InputError(
                f"is incomplete: the {which} {missing} of {rows.shape[0]} rows hold no data",
                path=path,
                remedy="if they are meant to be so, save it with compression" if is_sharp else None,
            )


def _goes_on(beside: NDArray[np.bool_]) -> bool:
    """Return whether columns of rows, of which the last is the nearest, have other values than the end.

    Where a row breaks off, the rows beside it go on at that very column; a frame or a box does not. Of
    narrow columns many rows are looked at, and the outer half: some are of the value by chance.
    """
    width = beside.shape[1]
    if not width:
        return True
    nearest = beside[-max(-(-_LEAST_TO_TELL // width), 1) :]
    outer = nearest[:, width // 2 :] if width < 2 * _LEAST_TO_TELL else nearest
    return bool(min(nearest.mean(), outer.mean()) >= _FULL_BEYOND) if nearest.size else True


def _rows_of(rows: NDArray[Any], value: int) -> int:
    """Return how many rows at the end hold this value alone."""
    count = 0
    while count < rows.shape[0] and rows[-1 - count, -1] == value and (rows[-1 - count] == value).all():
        count += 1
    return count


def check_band(
    path: Path,
    samples: NDArray[Any],
    values: Iterable[int],
    *,
    impossible: bool = False,
    bars: bool = True,
) -> None:
    """Refuse uncompressed samples, H×W or H×W×C, with a band of one value that begins and ends within a row.

    Bars of a picture begin and end with rows; what is lost begins at some byte. Where there are no ``bars``,
    one of both ends within a row is enough. ``impossible`` says that no such row can be in a picture,
    wherever it ends; one alone may be a line of a sensor that is broken.

    Raises:
        InputError: with the number of rows.
    """
    rows, pixel = samples.reshape(samples.shape[0], -1), samples.shape[2] if samples.ndim == 3 else 1
    if samples.dtype.kind not in "ui" or rows.shape[0] < 2 * _LEAST_ROWS:
        return
    least = max(_LEAST_ROWS, int(np.ceil(rows.shape[0] * _LEAST_SHARE)))
    for value in values:
        for first, end in _bands(rows, value):
            above = differs(rows[max(first - 1 - _LEAST_TO_TELL, 0) : first], value, pixel)
            below = differs(rows[end : end + 1 + _LEAST_TO_TELL], value, pixel)
            filled = int(np.flatnonzero(rows[first - 1] != value)[-1]) + 1
            begun = int(np.argmax(rows[end] != value))
            sides = [
                (filled, above[-1, :filled].mean(), above[:-1, filled:]),
                (begun, below[0, begun:].mean(), below[:0:-1, begun - 1 :: -1] if begun else below[:0]),
            ]
            cut = [
                _EDGE * rows.shape[1] < place < (1 - _EDGE) * rows.shape[1]
                and share >= _FULL_BESIDE
                and _goes_on(beside)
                for place, share, beside in sides
            ]
            is_cut = all(cut) if bars else any(cut)
            # Of the rows at both ends there may be little left.
            pairs = rows[max(first - 2, 0) : first], rows[end : end + 2]
            is_picture = min(np.unique(pair).size for pair in pairs) >= _LEAST_VALUES
            if end - first >= (_LEAST_IMPOSSIBLE if impossible else least) and (
                impossible or (is_cut and is_picture)
            ):
                raise InputError(
                    f"is damaged: {end - first} of {rows.shape[0]} rows hold no data, from row {first} on",
                    path=path,
                )


def _bands(rows: NDArray[Any], value: int) -> Iterator[tuple[int, int]]:
    """Yield first row and end of each group of rows of one value that has other rows on both sides."""
    ends = (rows[:, 0] == value) & (rows[:, -1] == value)
    for row in np.flatnonzero(ends):
        ends[row] = bool((rows[row] == value).all())
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ends.view(np.int8), [0]])))
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if first > 0 and end < rows.shape[0]:
            yield first, end


def check_sectors(
    path: Path,
    starts: Sequence[int],
    lengths: Sequence[int],
    grid: Grid | None = None,
    *,
    aligned: bool = False,
) -> None:
    """Refuse pieces of pixels, not compressed to codes, in which sectors of a disk hold one value.

    ``grid`` is that of the rows, if known, which may be ``aligned`` with sectors. Padding of tiles does not
    count.

    Raises:
        InputError: saying where the first is.
    """
    stored = is_padding = None
    if grid is not None:
        if grid.tiled:
            is_padding = partial(_is_padding, grid, sorted(zip(starts, range(grid.count), strict=False)))
        stored = Stored(0, grid.row_bytes, 0, grid.row_bytes, 8 * grid.pixel_bytes)
    with open_input(path) as file:
        lost = first_lost(file, _extents(starts, lengths), stored, aligned=aligned, is_padding=is_padding)
    if lost is not None:
        raise lost_bytes(path, *lost)


def _is_padding(grid: Grid, places: Sequence[tuple[int, int]], first: int, end: int) -> bool:
    """Return whether bytes of one value in a file are padding of tiles, or begin or end as some does.

    ``places`` are the starts of the tiles, in order. Of a run that goes through padding, from pixels to
    pixels, the padding is not the reason.
    """

    def padding_end(place: int) -> int:
        start, index = places[max(bisect.bisect(places, (place, grid.count)) - 1, 0)]
        return start + grid.padding_end(index, place - start)

    def is_edge(place: int, last: bool) -> bool:
        around = range(place - BY_CHANCE - 1, place + BY_CHANCE + 1)
        near = itertools.pairwise(padding_end(each) > each for each in around)
        return (last, not last) in near

    return padding_end(first) >= end or is_edge(first, False) or is_edge(end, True)


def _extents(starts: Sequence[int], lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Return start and end of the parts of a file that pieces cover, neighbours put together."""
    found: list[tuple[int, int]] = []
    for start, length in sorted(zip(starts, lengths, strict=False)):
        if found and start == found[-1][1]:
            found[-1] = found[-1][0], start + length
        else:
            found.append((start, start + length))
    return found

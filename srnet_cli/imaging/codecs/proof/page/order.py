"""Ends of uncompressed pixels in the order of the file: of planes and tiles a picture does not show them.

What a copy did not bring is zeros or ones from some byte on. A plane or a tile may be of one value, in a
grey or blank picture; but it does not go on where the one before it broke off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import (
    BY_CHANCE,
    LEAST_VALUES_AT,
    LEAST_VALUES_NEAR,
    SECTOR,
    differs,
    is_full_at_sectors,
)
from srnet_cli.imaging.codecs.proof.page.grid import Grid, Region

#: rows of a piece, and the share of all samples, that are missing before it is said
_LEAST_ROWS, _LEAST_SHARE = 8, 0.01
#: of a row with picture in it, the pixels that are not the value of the end
_FULL = 0.9
#: of a row, what counts as its very start or end where no sector begins
_EDGE = 0.02
#: where a last row alone is cut, of what it may have at most
_MOST_OF_LAST = 0.75
#: different values ahead of the end, of a photograph; and the rows in which they are looked for
_LEAST_VALUES, _ROWS_AHEAD = 8, 8
#: planes of colours; others are alpha, which may well be one value
_COLOURS = 3


@dataclass(frozen=True)
class _End:
    """The last row with other values than that of the end, in its piece, and the samples that follow it."""

    index: int
    region: Region
    rows: NDArray[Any]
    row: int
    #: up to its last sample of another value
    filled: int
    missing: int
    #: samples of a pixel, and the bytes of one
    pixel: int
    sample_bytes: float
    #: bytes to the next sector of the file
    off: int

    @property
    def at_sector(self) -> bool:
        """Whether a sector begins there, in its sample, or behind it as pixels have its value by chance."""
        within = math.ceil(self.sample_bytes) - 1
        return (self.off + within) % SECTOR <= max(BY_CHANCE, self.pixel * self.sample_bytes - 1) + within

    @property
    def is_within(self) -> bool:
        """Whether it begins within a row."""
        width = self.rows.shape[1]
        edge = BY_CHANCE / self.sample_bytes if self.at_sector else _EDGE * width
        return edge < self.filled and -(-self.filled // self.pixel) * self.pixel < width - edge

    @property
    def following(self) -> int:
        """Rows of the piece that hold the value alone."""
        return int(self.rows.shape[0]) - 1 - self.row


def check_order(
    path: Path,
    grid: Grid,
    starts: Sequence[int],
    samples: NDArray[Any],
    values: Iterable[int],
    whole: Callable[[int], NDArray[Any]] | None = None,
) -> None:
    """Refuse uncompressed H×W×C samples whose file ends in one of ``values``, from within a plane or tile on.

    ``whole`` gives a tile, h×w×C, with its padding.

    Raises:
        InputError: saying how much is missing.
    """
    order = sorted(range(grid.count), key=starts.__getitem__)
    for value in values:
        parts: list[Callable[[int], NDArray[Any]]] = [lambda index: grid.part_of(samples, index)]
        # What is lost may begin in the padding of a tile.
        for part in parts + ([whole] if whole is not None and grid.tiled else []):
            end = _end(grid, order, starts, part, value)
            if end is None or end.missing < max(_LEAST_ROWS * end.rows.shape[1], samples.size * _LEAST_SHARE):
                break
            is_edge = not _EDGE < end.filled / end.rows.shape[1] < 1 - _EDGE
            is_sharp = is_edge and part is parts[0] and order == list(range(grid.count))
            if (end.is_within and _is_cut(end, _row_above(grid, end, part), value)) or (
                is_sharp and _is_sharp(grid, end, samples, value)
            ):
                share = min(end.missing / samples.size, 1)
                raise InputError(f"is incomplete: the last {share:.0%} of its pixels hold no data", path=path)


def _end(
    grid: Grid, order: Sequence[int], starts: Sequence[int], part: Callable[[int], NDArray[Any]], value: int
) -> _End | None:
    """Return where the end of the file begins; None where all is of one value, or the end is not of it."""
    missing = 0
    for index in reversed(order):
        piece = part(index)
        rows = piece.reshape(piece.shape[0], -1)
        row = rows.shape[0] - 1
        while row >= 0 and rows[row, -1] == value and (rows[row] == value).all():
            row -= 1
        missing += (rows.shape[0] - 1 - row) * rows.shape[1]
        if row >= 0:
            filled = int(np.flatnonzero(rows[row] != value)[-1]) + 1
            missing += rows.shape[1] - filled
            pixel = piece.shape[2]
            off = -(starts[index] + grid.place_of(row, filled, pixel)) % SECTOR
            sample_bytes = grid.row_bytes / (grid.wide * pixel)
            return _End(index, grid.region(index), rows, row, filled, missing, pixel, sample_bytes, off)
    return None


def _is_cut(end: _End, above: NDArray[Any] | None, value: int) -> bool:
    """Return whether the end begins within a row, under one that goes on."""
    row = end.rows[end.row]
    if not end.following and end.filled > _MOST_OF_LAST * row.size:
        return False
    ahead = [end.rows[max(end.row - _ROWS_AHEAD, 0) : end.row].ravel(), row[: end.filled]]
    ahead += [] if above is None else [above]
    values = np.unique(np.concatenate(ahead)).size
    shown = [differs(row[None], value, end.pixel)[0, : end.filled]]
    shown += [] if above is None else [differs(above[None], value, end.pixel)[0, end.filled :]]
    full = min(float(part.mean()) for part in shown if part.size)
    if end.at_sector:
        # A plane of one value, as alpha is, or a blank page.
        is_flat = not end.off and full == 1 and above is not None
        least = 1 if is_flat else LEAST_VALUES_NEAR if end.off else LEAST_VALUES_AT
        return is_full_at_sectors(full) and values >= least
    return full >= _FULL and values >= _LEAST_VALUES


def _row_above(grid: Grid, end: _End, part: Callable[[int], NDArray[Any]]) -> NDArray[Any] | None:
    """Return the row above the last one: of its piece, or of the piece above.

    Both are of the same kind of ``part``: where tiles have their padding, a row without would seem to go on.
    """
    above = end.rows[end.row - 1 : end.row] if end.row else None
    if above is None and end.region.top:
        above = part(end.index - grid.across)[-1:]
    return None if above is None else above.ravel()


def _is_sharp(grid: Grid, end: _End, samples: NDArray[Any], value: int) -> bool:
    """Return whether the end begins with a row where no border of a picture does.

    The picture goes on in the tile to the left, or in the plane before while a whole one is missing.
    """
    first = end.row + (end.filled > _EDGE * end.rows.shape[1])
    region, width = end.region, samples.shape[1]
    if not first:
        return False
    last = end.rows[first - 1]
    if not _is_full(last, value) or np.unique(last).size < _LEAST_VALUES:
        return False
    planes = slice(region.plane, region.plane + 1) if grid.planes > 1 else slice(None)
    if first == end.rows.shape[0]:
        following = grid.region(end.index + 1)
        above = samples[max(following.top - 1, 0), following.left :, planes]
        beside = samples[following.top : following.bottom, max(following.left - 1, 0), planes]
        is_amid = following.left > 0 and following.top > 0 and following.plane == region.plane
        return is_amid and _is_full(above, value) and _is_full(beside, value)
    if region.left:
        beside = samples[region.bottom - 1, max(region.left - grid.wide, 0) : region.left, planes]
        return _is_full(beside, value)
    row = region.top + first
    if region.right < width:
        if region.top:
            return _is_full(samples[region.top - 1, region.right :, planes], value)
        return region.plane > 0 and _is_full(samples[row, :, region.plane - 1], value)
    crosses = 0 < region.plane < min(grid.planes, _COLOURS) - 1
    return crosses and _is_full(samples[row, :, region.plane - 1], value)


def _is_full(samples: NDArray[Any], value: int) -> bool:
    """Return whether samples, each for itself, are full: where ink is 0, there is paper."""
    return samples.size == 0 or bool((samples != value).mean() >= _FULL)

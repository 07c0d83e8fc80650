"""Stretches of uncompressed pixels that are lost in the order of the file, ahead of others that are there.

A picture put together from tiles or planes shows such a stretch as blocks or as a wrong colour. What is lost
begins and ends at some byte, within rows that go on above and below; a box or a bar has its own edges there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import BY_CHANCE, SECTOR, differs
from srnet_cli.imaging.codecs.proof.page.grid import Grid

_Side = Literal["start", "end"]
_Cut = Literal["row", "sharp", "padding", "none"]
#: rows of a piece, and the share of all samples, that are missing before it is said
_LEAST_ROWS, _LEAST_SHARE = 8, 0.01
#: of a row's part with picture in it, the pixels that are not the value
_FULL = 0.7
#: of a row, what counts as its very start or end
_EDGE = 0.02
#: different values beside a stretch, of a photograph
_LEAST_VALUES = 8


def check_stretches(
    path: Path, grid: Grid, starts: Sequence[int], samples: NDArray[Any], values: Iterable[int]
) -> None:
    """Refuse uncompressed H×W×C samples with a stretch of one of ``values`` that ends within a row.

    It begins within a row as well, or ahead of the pixels; the end of the file is not looked at.

    Raises:
        InputError: saying how much is missing.
    """
    order = sorted(range(grid.count), key=starts.__getitem__)
    parts = [grid.part_of(samples, index) for index in order]
    pieces = [part.reshape(part.shape[0], -1) for part in parts]
    firsts = np.cumsum([0, *(len(rows) for rows in pieces)])
    sizes = np.concatenate([[0], np.repeat([r.shape[1] for r in pieces], [len(r) for r in pieces])]).cumsum()

    def at(place: int) -> _Row:
        position = int(np.searchsorted(firsts, place, "right")) - 1
        index = order[position]
        return _Row(grid, index, starts[index], pieces[position], place - int(firsts[position]))

    least = max(_LEAST_ROWS * pieces[0].shape[1], samples.size * _LEAST_SHARE)
    for value in values:
        blank = np.concatenate([[False], *(_blank(rows, value) for rows in pieces), [False]])
        edges = np.flatnonzero(np.diff(blank.view(np.int8))).tolist()
        for first, end in zip(edges[::2], edges[1::2], strict=True):
            missing = int(sizes[end] - sizes[first])
            if end == firsts[-1] or missing < least:
                continue
            found = [] if first == 0 else [at(first - 1).cut(samples, value, "start", at(first - 1))]
            found.append(at(end).cut(samples, value, "end", at(end - 1)))
            # Where one end alone shows, it has to be one that no slanted edge of a picture has.
            if "none" in found or (("padding" in found or not first) and "sharp" not in found):
                continue
            share = missing / samples.size
            which = "first" if first == 0 else "middle"
            raise InputError(
                f"is damaged: {share:.0%} of its pixels, the {which} in the file, hold no data", path=path
            )


def _blank(rows: NDArray[Any], value: int) -> NDArray[np.bool_]:
    """Return which rows hold the value alone."""
    blank: NDArray[np.bool_] = (rows[:, 0] == value) & (rows[:, -1] == value)
    found = np.flatnonzero(blank)
    blank[found] = (rows[found] == value).all(axis=1)
    return blank


@dataclass(frozen=True)
class _Row:
    """A row of a piece, the last ahead of a stretch or the first behind it."""

    grid: Grid
    index: int
    #: of its piece in the file
    start: int
    rows: NDArray[Any]
    row: int

    def cut(self, samples: NDArray[Any], value: int, side: _Side, ahead: _Row) -> _Cut:
        """Return how a stretch starts or ends here: within the row, sharply where a sector or within a pixel.

        Padding is looked for behind the row ``ahead``.
        """
        row, beside = self.rows[self.row], self._beside(samples, side)
        pixel = 1 if self.grid.planes > 1 else samples.shape[2]
        if side == "start":
            row, beside = row[::-1], None if beside is None else beside[::-1]
        lost, others = int(np.argmax(row != value)), differs(row[None], value, pixel)[0]
        if lost <= _EDGE * row.size and ahead.is_padded():
            is_picture = others.mean() >= _FULL and np.unique(row).size >= _LEAST_VALUES
            return "padding" if is_picture else "none"
        if not _EDGE < lost / row.size < 1 - _EDGE:
            return "none"
        shown = [row[lost:]] if beside is None else [row[lost:], beside[:lost]]
        full = [others[lost:]]
        full += [] if beside is None else [differs(beside[None], value, pixel)[0, :lost]]
        is_full = all(part.mean() >= _FULL for part in full)
        if not is_full or np.unique(np.concatenate(shown)).size < _LEAST_VALUES:
            return "none"
        place = lost if side == "end" else row.size - lost
        at = self.start + self.grid.place_of(self.row, place, pixel)
        at_sector = (at + BY_CHANCE) % SECTOR <= 2 * BY_CHANCE
        # A colour that is lost in the first pixel has to be in the others.
        begun, rest = lost % pixel, row[-(-lost // pixel) * pixel :].reshape(-1, pixel)
        within_pixel = begun > 0 and bool(((rest[:, :begun] != value).mean(axis=0) >= _FULL).all())
        return "sharp" if at_sector or within_pixel else "row"

    def is_padded(self) -> bool:
        """Return whether padding of its tile follows the row."""
        region, is_last = self.grid.region(self.index), self.row == len(self.rows) - 1
        is_narrow = region.right - region.left < self.grid.wide
        return self.grid.tiled and (is_narrow or (is_last and len(self.rows) < self.grid.tall))

    def _beside(self, samples: NDArray[Any], side: _Side) -> NDArray[Any] | None:
        """Return the row above the start of a stretch, or below its end; None at the picture's border."""
        other = self.row - 1 if side == "start" else self.row + 1
        if 0 <= other < len(self.rows):
            found: NDArray[Any] = self.rows[other]
            return found
        region = self.grid.region(self.index)
        other += region.top
        if not 0 <= other < len(samples):
            return None
        planes = slice(region.plane, region.plane + 1) if self.grid.planes > 1 else slice(None)
        return samples[other, region.left : region.right, planes].ravel()

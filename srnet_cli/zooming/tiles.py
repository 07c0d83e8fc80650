"""The square, overlapping tiles of a picture, and the weights that put their results together.

Along each axis tiles stand ``size - overlap`` apart, so every pixel lies in one tile or in the overlap of
two. Of each overlap the outer quarter on either side, where zero padding spoils a tile, is discarded and the
middle half is cross-faded with a raised cosine. The two weights add up to one exactly, so nothing has to
be normalised. A network that sees only so far needs no fade: of its overlaps either half is discarded, and
what is left equals the picture computed whole. Lengths are LR pixels unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.boxes import Box


@dataclass(frozen=True)
class Grid:
    """Square tiles of side ``size`` that cover ``region``.

    Raises:
        ValueError: when ``overlap`` is negative, not a multiple of 4 (of 2 without a fade), or too large for
            ``size``.
    """

    region: Box
    size: int
    overlap: int
    #: whether neighbouring tiles are cross-faded; else each is cut in the middle of the overlap
    faded: bool = True

    def __post_init__(self) -> None:
        unit, most = (4, self.size / 2) if self.faded else (2, self.size)
        if self.overlap < 0 or self.overlap % unit or self.overlap >= most:
            raise ValueError(
                f"overlap {self.overlap} must be a multiple of {unit} below {most:g} for tiles of {self.size}"
            )

    @property
    def stride(self) -> int:
        return self.size - self.overlap

    @property
    def discard(self) -> int:
        """Pixels of each tile's rim that never reach the result."""
        return self.overlap // (4 if self.faded else 2)

    @property
    def fade(self) -> int:
        """Width of the cross-fade."""
        return self.overlap - 2 * self.discard

    @property
    def rows(self) -> int:
        return self._count(self.region.height)

    @property
    def columns(self) -> int:
        return self._count(self.region.width)

    def _count(self, length: int) -> int:
        # n tiles weigh n·stride - fade pixels fully; the fades at either end must lie outside the region.
        return -(-(length + self.fade) // self.stride)

    def tops(self) -> list[int]:
        """List the first picture row of each row of tiles; may lie outside the picture."""
        return [self.region.top - self._lead + i * self.stride for i in range(self.rows)]

    def lefts(self) -> list[int]:
        """List the first picture column of each column of tiles; may lie outside the picture."""
        return [self.region.left - self._lead + i * self.stride for i in range(self.columns)]

    @property
    def _lead(self) -> int:
        """How far the first tile starts before the region, so that the region starts after the fade."""
        return self.discard + self.fade


def take(pixels: NDArray[np.generic], top: int, left: int, size: int) -> NDArray[np.generic]:
    """Cut a size×size tile of H×W×C pixels; what lies outside the picture is reflected at its border."""
    rows = reflected(top, size, pixels.shape[0])
    columns = reflected(left, size, pixels.shape[1])
    inside_rows = top >= 0 and top + size <= pixels.shape[0]
    inside_columns = left >= 0 and left + size <= pixels.shape[1]
    if inside_rows and inside_columns:
        return pixels[top : top + size, left : left + size]
    return pixels[rows[:, None], columns[None, :]]


def reflected(start: int, count: int, length: int) -> NDArray[np.intp]:
    """Fold indices start … start+count-1 into 0 … length-1 by reflection without repeating the border."""
    if length == 1:
        return np.zeros(count, dtype=np.intp)
    period = 2 * (length - 1)
    folded = np.arange(start, start + count) % period
    return np.where(folded >= length, period - folded, folded).astype(np.intp)


def window(grid: Grid, scale: int) -> NDArray[np.float32]:
    """Weigh one axis of a tile's result, size·scale long: 0 on the rim, 1 inside, a fade between."""
    discard, fade = grid.discard * scale, grid.fade * scale
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(fade, 1))
    weights = np.ones(grid.size * scale, dtype=np.float64)
    weights[:discard] = 0
    weights[discard : discard + fade] = ramp
    weights[len(weights) - discard - fade : len(weights) - discard] = 1 - ramp
    if discard:
        weights[-discard:] = 0
    return weights.astype(np.float32)

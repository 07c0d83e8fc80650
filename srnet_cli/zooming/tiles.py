"""The overlapping tiles of a picture, and the weights that put their results together.

Along each axis tiles stand their size less ``overlap`` apart, so every pixel lies in one tile or in the
overlap of two. Of each overlap the outer quarter on either side, where zero padding spoils a tile, is
discarded and the middle half is cross-faded with a raised cosine. The two weights add up to one exactly, so
nothing has to be normalised. A network that sees only so far needs no fade: of its overlaps either half is
discarded, and what is left equals the picture computed whole. Lengths are LR pixels unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.boxes import Box

#: what sides of tiles are multiples of where any will do: convolutions take columns together
TILE_UNIT = 8
#: the same of squares, of which only certain numbers fit a picture well
SQUARE_UNIT = 4
#: strips of the result are not made larger than this, in bytes of float32, for the sake of larger tiles
LARGEST_STRIP = 1 << 29
#: divisions of a picture's width that are looked at beyond the least
MORE_COLUMNS = 4


@dataclass(frozen=True)
class Grid:
    """Tiles of ``height``×``width`` that cover ``region``.

    Raises:
        ValueError: when ``overlap`` is negative, not a multiple of 4 (of 2 without a fade), or too large for
            the tile.
    """

    region: Box
    height: int
    width: int
    overlap: int
    #: whether neighbouring tiles are cross-faded; else each is cut in the middle of the overlap
    faded: bool = True

    def __post_init__(self) -> None:
        side = min(self.height, self.width)
        unit, most = (4, side / 2) if self.faded else (2, side)
        if self.overlap < 0 or self.overlap % unit or self.overlap >= most:
            raise ValueError(
                f"overlap {self.overlap} must be a multiple of {unit} below {most:g} for tiles of {side}"
            )

    @property
    def strides(self) -> tuple[int, int]:
        """Distance from one tile to the next, down and across."""
        return self.height - self.overlap, self.width - self.overlap

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
        return self._count(self.region.height, self.strides[0])

    @property
    def columns(self) -> int:
        return self._count(self.region.width, self.strides[1])

    @property
    def pixels(self) -> int:
        """Pixels of all tiles together."""
        return self.rows * self.columns * self.height * self.width

    def _count(self, length: int, stride: int) -> int:
        # n tiles weigh n·stride - fade pixels fully; the fades at either end must lie outside the region.
        return -(-(length + self.fade) // stride)

    def tops(self) -> list[int]:
        """List the first picture row of each row of tiles; may lie outside the picture."""
        return [self.region.top - self._lead + i * self.strides[0] for i in range(self.rows)]

    def lefts(self) -> list[int]:
        """List the first picture column of each column of tiles; may lie outside the picture."""
        return [self.region.left - self._lead + i * self.strides[1] for i in range(self.columns)]

    @property
    def _lead(self) -> int:
        """Compute how far the first tile starts before the region, which starts after the fade."""
        return self.discard + self.fade


def computed_pixels(height: int, width: int, radius: int) -> float:
    """Average the pixels of a tile's maps where each layer computes only what the next one needs.

    The maps shrink by ``radius`` on each side in all, evenly from layer to layer.
    """
    sizes = [(height - 2 * k) * (width - 2 * k) for k in range(radius + 1)]
    return sum(sizes) / len(sizes)


def squares(region: Box, sides: tuple[int, int], overlap: int) -> Grid:
    """Choose squares with a side between the two ``sides``, so that the fewest pixels are computed."""
    least, most = sides
    grids = [faded(region, side, overlap) for side in (*range(least, most, SQUARE_UNIT), most)]
    return min(grids, key=lambda grid: (grid.pixels, -grid.height))


def faded(region: Box, side: int, overlap: int) -> Grid:
    """Cover a region with squares; the overlap gets smaller where the tiles are too small for it."""
    return Grid(region, side, side, min(overlap, side // 4) // 4 * 4)


def cut(region: Box, height: int, width: int, radius: int) -> Grid:
    """Cover a region with tiles of a network that sees ``radius`` pixels far."""
    return Grid(region, height, width, min(2 * radius, min(height, width) // 2) // 2 * 2, faded=False)


def fewest(region: Box, side: int, radius: int, scale: int, shrinking: bool) -> Grid:
    """Choose tiles of a network that sees only ``radius`` pixels far, so that the fewest pixels are computed.

    A tile has at most ``side``² pixels and need not be a square. ``shrinking`` maps are those of
    :func:`computed_pixels`.
    """
    halo = 2 * radius

    def parted(length: int, parts: int) -> int:
        return _up(-(-length // parts) + halo)

    highest = max(_up(halo + 1), LARGEST_STRIP // (12 * scale**2 * region.width) + halo)
    found: list[tuple[float, int, Grid]] = []
    for rows in range(1, region.height + 1):
        height = parted(region.height, rows)
        widest = side * side // height // TILE_UNIT * TILE_UNIT - halo
        if rows > 1 and height < 2 * halo:
            break
        if widest < 1 or height > highest:
            continue
        fewest_columns = -(-region.width // widest)
        for columns in range(fewest_columns, fewest_columns + MORE_COLUMNS):
            width = parted(region.width, columns)
            each = computed_pixels(height, width, radius) if shrinking else height * width
            found.append((rows * columns * each, rows * columns, Grid(region, height, width, halo, False)))
    if not found:
        return cut(region, side, side, radius)
    return min(found, key=lambda item: item[:2])[2]


def _up(length: int) -> int:
    """Round up to the unit of tiles."""
    return -(-length // TILE_UNIT) * TILE_UNIT


def fitting(region: Box, overlap: int) -> int:
    """Size a tile that holds the whole region: a larger one would compute more padding only."""
    return _up(max(region.height, region.width) + 2 * overlap)


def take(pixels: NDArray[np.generic], top: int, left: int, height: int, width: int) -> NDArray[np.generic]:
    """Cut a tile of H×W×C pixels; what lies outside the picture is reflected at its border."""
    if 0 <= top <= pixels.shape[0] - height and 0 <= left <= pixels.shape[1] - width:
        return pixels[top : top + height, left : left + width]
    rows = reflected(top, height, pixels.shape[0])
    columns = reflected(left, width, pixels.shape[1])
    return pixels[rows[:, None], columns[None, :]]


def reflected(start: int, count: int, length: int) -> NDArray[np.intp]:
    """Fold indices start … start+count-1 into 0 … length-1 by reflection without repeating the border."""
    if length == 1:
        return np.zeros(count, dtype=np.intp)
    period = 2 * (length - 1)
    folded = np.arange(start, start + count) % period
    return np.where(folded >= length, period - folded, folded).astype(np.intp)


def ramp(length: int) -> NDArray[np.float32]:
    """Weigh the pixels of a cross-fade for the tile that comes in: a raised cosine, 0 to 1."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))).astype(np.float32)

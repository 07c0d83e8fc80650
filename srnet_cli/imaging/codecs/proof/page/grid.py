"""The grid of strips or tiles that the size of a TIFF page asks for (TIFF 6.0, sections 3, 8 and 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from srnet_cli.imaging.codecs.ifd import Directory

_WIDTH, _HEIGHT, _BITS, _SAMPLES, _ROWS_PER_STRIP, _PLANAR = 256, 257, 258, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES = 322, 323, 324


@dataclass(frozen=True)
class Region:
    """The part of a picture that a piece holds: its plane (0 where there is one), rows and columns."""

    plane: int
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Grid:
    """Pieces of ``tall`` rows and ``wide`` columns, row by row, plane by plane, and the bytes of a row."""

    height: int
    width: int
    planes: int
    tiled: bool
    tall: int
    wide: int
    row_bytes: int

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a pixel; one where pixels do not end with bytes."""
        return self.row_bytes // self.wide if self.row_bytes % self.wide == 0 else 1

    @property
    def across(self) -> int:
        return -(-self.width // self.wide)

    @property
    def down(self) -> int:
        return -(-self.height // self.tall)

    @property
    def count(self) -> int:
        return self.down * self.across * self.planes

    def region(self, index: int) -> Region:
        """Return what piece ``index`` holds of the picture, without the padding of tiles."""
        plane, place = divmod(index, self.down * self.across)
        top, left = place // self.across * self.tall, place % self.across * self.wide
        return Region(plane, top, min(top + self.tall, self.height), left, min(left + self.wide, self.width))

    def part_of(self, samples: NDArray[Any], index: int) -> NDArray[Any]:
        """Return what piece ``index`` holds of H×W×C samples, h×w×C or, of a plane, h×w×1."""
        region = self.region(index)
        part = samples[region.top : region.bottom, region.left : region.right]
        return part[..., region.plane : region.plane + 1] if self.planes > 1 else part

    def bytes_of(self, index: int) -> int:
        """Return how many bytes a piece has without compression; tiles are always whole."""
        region = self.region(index)
        return (self.tall if self.tiled else region.bottom - region.top) * self.row_bytes

    def place_of(self, row: int, sample: int, channels: int) -> int:
        """Return at which byte of an uncompressed piece, with so many ``channels``, a sample of a row is."""
        return row * self.row_bytes + -(-sample * self.row_bytes // (self.wide * channels))

    def padding_end(self, index: int, place: int) -> int:
        """Return where the padding ends that a byte of an uncompressed tile is in; in none, where it is."""
        region = self.region(index)
        rows, columns = region.bottom - region.top, region.right - region.left
        shown = -(-columns * self.row_bytes // self.wide)
        row, column = divmod(place, self.row_bytes)
        if not self.tiled or not 0 <= row < self.tall or (row < rows and column < shown):
            return place
        return (row + 1 if row < rows - 1 or rows == self.tall else self.tall) * self.row_bytes


def grid_of(page: Directory) -> Grid:
    """Return the grid that a directory asks for; pieces have a row, a column and a byte at least.

    Its width and height are above 0, but for small versions in a file of a camera.
    """
    height, width = page.integer(_HEIGHT, 0), page.integer(_WIDTH, 0)
    samples = page.integer(_SAMPLES, 1)
    bits = page.integers(_BITS) or (1,)
    planes = samples if page.integer(_PLANAR, 1) == 2 else 1
    pixel_bits = bits[0] if planes > 1 else (sum(bits) if len(bits) == samples else bits[0] * samples)
    tiled = bool(page.integers(_TILES))
    if tiled:
        tall, wide = max(page.integer(_TILE_HEIGHT, 0), 1), max(page.integer(_TILE_WIDTH, 0), 1)
    else:
        tall, wide = max(min(page.integer(_ROWS_PER_STRIP, height), height), 1), max(width, 1)
    return Grid(height, width, planes, tiled, tall, wide, max((wide * pixel_bits + 7) // 8, 1))

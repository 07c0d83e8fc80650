"""The end of samples of a RAW file that are stored as they are: what a copy did not bring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.bitmap.ends import check_stored_end
from srnet_cli.imaging.codecs.proof.page.grid import grid_of

#: bits of a pixel, as they are stored: of makers' own codes they come to others
_BITS = frozenset(samples * bits for samples in (1, 3) for bits in (8, 10, 12, 14, 16))
_SAMPLES = 277


def check_samples_end(path: Path, directory: Directory) -> None:
    """Refuse pieces without compression that end, from a sector on, in zeros or ones.

    Raises:
        InputError: saying how many bytes.
    """
    starts, lengths = directory.pieces()
    grid = grid_of(directory)
    if grid.tiled:
        row, left = grid.row_bytes, 0
    else:
        # Samples of fewer bits may take two bytes each, whatever is stated.
        row, left = divmod(sum(lengths), max(grid.height, 1))
    bits, padding = divmod(8 * row, grid.wide)
    if left or padding >= 8 or bits not in _BITS:
        return
    samples = max(directory.integer(_SAMPLES, 1), 1)
    check_stored_end(path, starts, lengths, replace(grid, row_bytes=row), max(bits // samples, 1))

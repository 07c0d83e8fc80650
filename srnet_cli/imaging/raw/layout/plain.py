"""Uncompressed pixels of a RAW file: whether they are as many bytes as its size and bits ask for.

LibRaw reads on from the start of the first strip, or of each tile, whatever lies there.
"""

from __future__ import annotations

from fractions import Fraction

from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.page.grid import grid_of

_BITS, _COMPRESSION, _SAMPLES, _SAMPLE_FORMAT, _FLOAT = 258, 259, 277, 339, 3
_PLAIN, _PACKED = 1, 32769
#: Pentax has it for what is as long as without compression
_PLAIN_TOO = frozenset({32773})
#: bits that makers take for a sample, besides what they state: 12 of them with one byte in sixteen left empty
_STORED_BITS = (Fraction(16), Fraction(14), Fraction(64, 5), Fraction(12), Fraction(10), Fraction(8))
_PACKED_BITS = (Fraction(64, 5), Fraction(12))
#: a sample that is stated to have more takes two bytes, or is packed as by Sony
_MOST_PACKED = 12
_WORDS = (Fraction(16), Fraction(64, 5))
#: bytes behind a piece that align what follows
_MOST_ALIGNMENT = 16


def plain_problem(directory: Directory, pieces: list[tuple[int, int]]) -> tuple[int, str] | None:
    """Return the number of the first piece of a DNG that is wrong, and what is wrong with it; None for none.

    ``pieces`` are start and length of each.
    """
    grid = grid_of(directory)
    follows = not grid.tiled and directory.integer(_SAMPLE_FORMAT, 1) != _FLOAT
    for index, (start, length) in enumerate(pieces):
        region = grid.region(index)
        rows = region.bottom - region.top
        problem = _problem(length, rows, grid.row_bytes, grid.tall)
        if follows and not problem and index < grid.count - 1 and length != rows * grid.row_bytes:
            problem = _asked(length, rows * grid.row_bytes)
        if follows and index and start != sum(pieces[index - 1]):
            problem = problem or "does not lie behind the one before it"
        if problem:
            return index + 1, problem
    return None


def camera_problem(directory: Directory, pieces: list[tuple[int, int]]) -> str | None:
    """Say what is wrong with the uncompressed strips of a file as cameras write it; None for nothing.

    How many bits they take is not always what the file states, but one of a few numbers.
    """
    grid, length = grid_of(directory), sum(length for _, length in pieces)
    if grid.tiled or directory.integer(_COMPRESSION, _PLAIN) not in (_PLAIN, _PACKED, *_PLAIN_TOO):
        return None
    stored: tuple[Fraction, ...] = _STORED_BITS
    if directory.integer(_COMPRESSION, _PLAIN) == _PACKED:
        stored = _PACKED_BITS
    elif directory.integer(_BITS, 1) > _MOST_PACKED:
        stored = _WORDS
    samples = grid.width * directory.integer(_SAMPLES, 1)
    rows = [-(-int(samples * bits * 2) // 16) for bits in stored]
    if any(0 <= length - grid.height * row <= _MOST_ALIGNMENT for row in rows):
        return None
    fitting = [row for row in rows if grid.height * row <= length]
    usual = rows[0] if stored is _WORDS or not fitting else fitting[0]
    return _problem(length, grid.height, usual, grid.height)


def _problem(length: int, rows: int, row: int, tall: int) -> str | None:
    """Say what is wrong with a piece of so many rows, or of those that the others have.

    What makes it longer are other rows, where it is as much for each or whole ones; else it is padding.
    """
    wanted = rows * row
    more = length - wanted
    if more < 0:
        return _asked(length, wanted)
    if more <= _MOST_ALIGNMENT or length == tall * row:
        return None
    beyond = length - tall * row
    is_other = more % rows == 0 or more % row == 0 or (beyond > _MOST_ALIGNMENT and beyond % tall == 0)
    return f"has rows of another length or number: {_asked(length, wanted)}" if is_other else None


def _asked(length: int, wanted: int) -> str:
    return f"has {length:,} bytes, its size asks for {wanted:,}"

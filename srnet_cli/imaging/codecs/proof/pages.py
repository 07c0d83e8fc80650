"""The pages of a TIFF: which of them is the picture, and whether its pixels lie in the file."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Structure
from srnet_cli.imaging.codecs.proof.page.agreement import check_statements
from srnet_cli.imaging.codecs.proof.tiff import check_claims, check_pieces, listed_pieces

_WIDTH, _HEIGHT, _SUBFILE_TYPE = 256, 257, 254
_REDUCED_PICTURE = 1
#: what makes a directory a page: a size, strips or tiles
_LAYOUT = frozenset({_WIDTH, _HEIGHT, 273, 324})
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
#: a small picture may lie in one large tile
_LEAST_TILE = 1 << 24
#: tags that the decoder takes for text where they have one value of 8 bits, or several, as TIFF allows
_ONE_NUMBER = frozenset({256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 339})
_SEVERAL_NUMBERS = frozenset({273, 278, 279, 324, 325})


def chosen_page(path: Path, structure: Structure) -> tuple[int, Directory]:
    """Return index and directory of the first page in full size.

    Raises:
        InputError: it has no size; or all are small versions of one that is elsewhere.
    """
    pages = list(enumerate(structure.directories))
    full = [(i, d) for i, d in pages if not is_reduced(d) and _LAYOUT & {*d.entries, *d.faulty, *d.lost}]
    small = [(i, d) for i, d in pages if is_reduced(d) and _has_size(d)]
    if (full and not _has_size(full[0][1])) or not (full or small):
        raise InputError("is a damaged TIFF file: its first page has no size", path=path)
    if full:
        index, page = full[0]
        if any(i < index and _area(d) >= _area(page) for i, d in small):
            raise InputError("is a damaged TIFF file: what it calls a small version is not small", path=path)
        return index, page
    if structure.lacks_directories:
        raise InputError("is cut short: only a small version of its picture is left", path=path)
    if any(_has_size(d) and not is_reduced(d) for d in structure.walk()):
        raise InputError(
            "is a TIFF file of a kind that is not supported (only small versions in its pages)",
            path=path,
            remedy="save it as TIFF of one page",
        )
    below = [child for d in structure.walk() for child in d.children.get(ifd.SUB_DIRECTORIES, [])]
    leads_nowhere = any(ifd.SUB_DIRECTORIES in d.faulty for d in structure.walk())
    if leads_nowhere or not all(map(_has_size, (*below, *structure.directories))):
        refuse_small(path)
    return small[0]


def refuse_small(path: Path) -> NoReturn:
    """Refuse a file of which only the small version is left.

    Raises:
        InputError: always.
    """
    raise InputError("is damaged or cut short: only a small version of its picture can be read", path=path)


def _has_size(directory: Directory) -> bool:
    return _area(directory) > 0


def _area(directory: Directory) -> int:
    return directory.integer(_WIDTH, 0) * directory.integer(_HEIGHT, 0)


def is_reduced(directory: Directory) -> bool:
    """Return whether a directory says that its pixels are a small version of others."""
    return bool(directory.integer(_SUBFILE_TYPE, 0) & _REDUCED_PICTURE)


def check_page(path: Path, page: Directory, max_pixels: int) -> None:
    """Refuse a page whose pixels are missing or reach beyond the end of the file; decoders fill these grey.

    Raises:
        InputError: with the reason.
    """
    check_statements(path, page)
    for tag, value in page.entries.items():
        if value.kind == ifd.BYTE and tag in (_ONE_NUMBER if value.count == 1 else _SEVERAL_NUMBERS):
            raise InputError(
                f"is a TIFF file of a kind that is not supported (tag {tag} is stated in bytes)",
                path=path,
                remedy="save it again as TIFF, with another program",
            )
    if not page.pieces()[0]:
        raise InputError("is a damaged TIFF file: it lists no pixels", path=path)
    if page.integer(_TILE_WIDTH, 0) * page.integer(_TILE_HEIGHT, 0) > max(max_pixels, _LEAST_TILE):
        raise InputError("is a damaged TIFF file: its tiles are larger than any picture", path=path)
    check_claims(path, page, max_pixels)
    starts, lengths = listed_pieces(path, page)
    present = path.stat().st_size
    if any(start >= present for start in starts):
        raise InputError("is cut short: its pixels lie behind the end of the file", path=path)
    # The length of a single piece may be missing when nothing is compressed.
    if lengths and (len(lengths) != len(starts) or min(lengths) < 1):
        raise InputError("is a damaged TIFF file: some of its pixels are missing", path=path)
    end = max((a + b for a, b in zip(starts, lengths, strict=False)), default=0)
    if end > present:
        raise InputError(
            f"is cut short: its pixels end at byte {end:,}, the file at byte {present:,}", path=path
        )
    check_pieces(path, page)

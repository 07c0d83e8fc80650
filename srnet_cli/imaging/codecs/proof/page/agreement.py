"""Agreement of two readers on the layout of a TIFF page: ours, which proves its pieces, and the decoder's.

Where they differ, what was proved is not what is decoded: a decoder that takes one plane for three fills a
third of the picture and leaves the rest as memory was.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.page.grid import grid_of

_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES = 258, 259, 262, 266, 273, 277
_PLANAR, _PREDICTOR, _TILE_WIDTH, _TILES, _FORMAT = 284, 317, 322, 324, 339
#: with one value each, which counts something
_SINGLE = frozenset({256, 257, 259, 262, 266, 277, 278, 284, 317, 322, 323})
#: colours beside one another, or each by itself; of others decoders of JPEG make grey
_PLANES = frozenset({1, 2})
_DEPTHS = frozenset({32997, 32998})
#: of a pixel, bits and samples: with none there is no picture
_ABOVE_ZERO = frozenset({258, 277})
#: and bits, places and lengths of pieces, options of fax, palette, extra samples, format, tables of JPEG
_LAYOUT = _SINGLE | _DEPTHS | {258, 273, 279, 292, 293, 320, 324, 325, 338, 339, 347, 530}
#: inks, of which a profile tells the colours
_CMYK, _PROFILE = 5, 34675
#: numbers of colours in a table
_PALETTE, _COLOUR_MAP = 3, 320
#: what its first form lacks, decoders add
_OLD_JPEG = 6


def check_statements(
    path: Path, page: Directory, further: frozenset[int] = frozenset(), *, kind: str = "TIFF file"
) -> None:
    """Refuse a directory that does not say what its pixels are, or says it twice.

    ``further`` are tags that a ``kind`` of file has besides those of the layout.

    Raises:
        InputError: naming the tag.
    """
    if page.torn:
        raise InputError(f"is a damaged {kind}: a part of its directory is lost", path=path)
    layout = _LAYOUT | further | ({_PROFILE} if page.integer(_PHOTOMETRIC, 0) == _CMYK else set())
    if page.lost & layout:
        raise InputError("is cut short: a part of its directory lies behind the end of the file", path=path)
    wrong = {tag for tag in _SINGLE & set(page.entries) if len(page.integers(tag)) != 1}
    # Some programs say how many rows of how many strips are in the file.
    wrong -= {278} if len(set(page.integers(278))) == 1 else set()
    if page.integer(_COMPRESSION, 1) != _OLD_JPEG and _PHOTOMETRIC not in page.entries:
        wrong |= {_PHOTOMETRIC}
    if page.integer(_PHOTOMETRIC, 0) == _PALETTE and _COLOUR_MAP not in page.entries:
        wrong |= {_COLOUR_MAP}
    wrong |= {tag for tag in _ABOVE_ZERO if 0 in page.integers(tag)}
    for tag in sorted(page.faulty & layout | wrong):
        raise InputError(f"is a damaged {kind}: tag {tag} of its directory has no clear value", path=path)


def check_agreement(path: Path, directory: Directory, page: Any) -> None:
    """Refuse a page that tifffile, whose ``page`` this is, takes for something else than its directory.

    Raises:
        InputError: naming the first difference.
    """
    grid = grid_of(directory)
    rows = 0 if grid.tiled else grid.tall
    wide, tall = (grid.wide, grid.tall) if grid.tiled else (0, 0)
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    planar = directory.integer(_PLANAR, 1) if directory.integer(_PLANAR, 1) in _PLANES else None
    statements: dict[str, tuple[Any, Any]] = {
        "place": (directory.extents[0][0] if directory.extents else 0, page.offset),
        "size": ((grid.width, grid.height), (page.imagewidth, page.imagelength)),
        "tiles": (grid.tiled, page.is_tiled),
        "tile size": ((wide, tall), (page.tilewidth, page.tilelength) if page.is_tiled else (0, 0)),
        "depth of tiles": (1, page.tiledepth),
        "rows of strips": (rows, 0 if page.is_tiled else page.rowsperstrip),
        "compression": (directory.integer(_COMPRESSION, 1), page.compression),
        "order of bits": (directory.integer(_FILL_ORDER, 1), page.fillorder),
        "planes": ((planar, grid.planes), (page.planarconfig, planes)),
        "predictor": (directory.integer(_PREDICTOR, 1), page.predictor),
        "format of samples": (_one_of(directory.integers(_FORMAT) or (1,)), page.sampleformat),
        "pieces": (grid.count, math.prod(page.chunked)),
        "own header": (None, page.jpegheader),
    }
    if directory.integer(_COMPRESSION, 1) != _OLD_JPEG:
        statements |= {
            "channels": (directory.integer(_SAMPLES, 1), page.samplesperpixel),
            "bits": (_one_of(directory.integers(_BITS) or (1,)), page.bitspersample),
            "colours": (directory.integer(_PHOTOMETRIC, 0), page.photometric),
        }
    if directory.integers(_STRIPS) and directory.integers(_TILES):
        raise InputError("is a damaged TIFF file: it lists both strips and tiles", path=path)
    for name, (stated, taken) in statements.items():
        if stated != taken:
            raise InputError(
                f"is a TIFF file of a kind that is not supported ({name}: {stated} or {taken})",
                path=path,
                remedy="save it as TIFF of 8 or 16 bits, RGB or grey",
            )


def _one_of(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return the value that all of them have, or else them."""
    return values[0] if len(set(values)) == 1 else values

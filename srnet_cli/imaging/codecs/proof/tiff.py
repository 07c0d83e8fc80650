"""The pieces of a TIFF page: whether strips or tiles are as many and as long as its size asks for.

Decoders leave black or white what is missing. Layout: TIFF 6.0, sections 3 and 15.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.layout import decoding
from srnet_cli.imaging.codecs.proof.bitmap.ends import check_stored_end
from srnet_cli.imaging.codecs.proof.coded import check_jpeg_2000
from srnet_cli.imaging.codecs.proof.page.grid import Grid, grid_of
from srnet_cli.imaging.codecs.proof.page.stored import coded_parts, without_small_gains
from srnet_cli.imaging.codecs.proof.tails import check_sectors, ends_in_run, holds_run
from srnet_cli.imaging.codecs.proof.unpacked import BYTE_PACKINGS
from srnet_cli.imaging.codecs.proof.webp.coded import check_webp, check_webp_end
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import open_input

_BITS, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_NONE, _LZW, _PACKED, _YCBCR = 1, 5, 32773, 6
#: of PackBits, which may store 128 bytes as they are
_LEAST_PACKED = 256
#: JPEG and deflate: an encoder writes no long runs at their end
_DENSE = frozenset({7, 8, 32946})
#: LZMA and Zstandard write no runs at all, but for what they find nothing to pack in and store as it is
_PACKERS = frozenset({34925, 34926, 50000})
#: and where they found nothing for long, they still look at every 512th byte, and pack what is gain enough
_LEAST_FOUND = 512
_WEBP = frozenset({34927, 50001})
_JPEG_2000 = frozenset({33003, 33004, 33005, 34712})
#: strips or tiles: each costs its decoder some ten microseconds, however small it is
_MOST_PIECES = 500_000
#: of any TIFF
_HEADER_BYTES = 8
#: rows, and bytes of one, from which on they are not taken for padding; and what aligns the next piece
_LEAST_ROWS, _CLEAR_SHARE, _MOST_ALIGNMENT = 8, 1.05, 16
#: bytes behind an uncompressed piece that mean nothing
_MOST_PADDING = 4096
#: bytes that the samples of a pixel may take: four channels of 16 bits
_MOST_PIXEL_BYTES = 8


def check_claims(path: Path, page: Directory, max_pixels: int) -> None:
    """Refuse a page that claims more memory than a picture may take, or more pieces than there is time for.

    Raises:
        InputError: with the limit.
    """
    pieces = grid_of(page)
    claimed = pieces.count * pieces.tall * pieces.row_bytes
    if claimed > max(max_pixels, 1 << 22) * _MOST_PIXEL_BYTES:
        raise InputError(
            f"would take {claimed:,} bytes, more than a picture of the limit of {max_pixels:,} pixels",
            path=path,
            remedy="--max-pixels raises the limit",
        )
    if pieces.count > _MOST_PIECES:
        raise InputError(
            f"has its pixels in {pieces.count:,} pieces, more than the {_MOST_PIECES:,} that are given time",
            path=path,
            remedy="save it with larger strips or tiles",
        )


def check_pieces(path: Path, page: Directory) -> None:
    """Refuse a page that lacks pieces of its pixels.

    Raises:
        InputError: with what is missing.
    """
    pieces = grid_of(page)
    starts, lengths = listed_pieces(path, page)
    plain = page.integer(_COMPRESSION, _NONE) == _NONE and page.integer(_PHOTOMETRIC, 0) != _YCBCR
    if not lengths and (pieces.count > 1 or not plain):
        raise InputError("is a damaged TIFF file: it does not say how long its pieces are", path=path)
    present = path.stat().st_size
    if sum(dict(zip(starts, lengths, strict=False)).values()) > present:
        raise InputError("is a damaged TIFF file: its pieces overlap", path=path)
    if plain:
        known = lengths or (present - starts[0],)
        _check_plain(path, pieces, known)
        check_surplus(path, page)
        _check_rows(path, pieces, lengths)
        longer = (index for index, length in enumerate(lengths) if length > pieces.bytes_of(index))
        if (first := next(longer, None)) is not None:
            _check_is_plain(path, starts[first], lengths[first], pieces.bytes_of(first))
        check_sectors(path, starts, known, pieces)
        check_stored_end(path, starts, known, pieces, max(page.integer(_BITS, 1), 1))


def listed_pieces(path: Path, page: Directory) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return start and length of the pieces that the size of a page asks for.

    Some writers list one more, which is empty or nowhere; one with data of its own is of a larger picture.

    Raises:
        InputError: it lists fewer, more, or one in the header, which is nowhere.
    """
    wanted, (starts, lengths) = grid_of(page).count, page.pieces()
    if len(starts) < wanted:
        raise InputError(
            f"is incomplete: it lists {len(starts):,} of the {wanted:,} pieces of its pixels", path=path
        )
    own, present = frozenset(starts[:wanted]), path.stat().st_size
    for start, length in itertools.zip_longest(starts[wanted:], lengths[wanted:], fillvalue=1):
        if length and _HEADER_BYTES <= start < present and start not in own:
            raise InputError(
                f"is damaged: it lists {len(starts):,} pieces of its pixels, its size asks for {wanted:,}",
                path=path,
            )
    check_places(path, starts[:wanted])
    return starts[:wanted], lengths[:wanted]


def check_places(path: Path, starts: Sequence[int]) -> None:
    """Refuse pieces that would begin in the header of the file: decoders leave them black, or read that.

    Raises:
        InputError: naming the first.
    """
    for index, start in enumerate(starts):
        if start < _HEADER_BYTES:
            raise InputError(f"is incomplete: piece {index + 1} of its pixels is nowhere", path=path)


def check_surplus(path: Path, page: Directory, least_bits: int = 1) -> None:
    """Refuse uncompressed pieces that are longer by half than their rows: the size is not that of the pixels.

    Some programs pad a little, or the last strip to the rows of the others. ``least_bits`` of a sample may
    be stored whatever is stated.

    Raises:
        InputError: naming the first.
    """
    pieces = grid_of(page)
    stated = page.integer(_BITS, 1)
    whole = pieces.tall * pieces.row_bytes * max(least_bits, stated) // stated if stated else 0
    for index, length in enumerate(page.pieces()[1]):
        if whole and length >= whole + max(whole // 2, _MOST_PADDING):
            raise InputError(
                f"is damaged: piece {index + 1} of its pixels has {length:,} bytes, "
                f"its size asks for {whole:,}",
                path=path,
            )


def _check_plain(path: Path, pieces: Grid, lengths: tuple[int, ...]) -> None:
    """Refuse uncompressed pieces that are shorter than their rows; the last of a plane may end early."""
    for index, length in enumerate(lengths[: pieces.count]):
        wanted = pieces.bytes_of(index)
        if length < wanted:
            raise InputError(
                f"is incomplete: piece {index + 1} of its pixels has {length:,} of {wanted:,} bytes",
                path=path,
            )


def _check_is_plain(path: Path, start: int, length: int, wanted: int) -> None:
    """Refuse a piece that is said to be uncompressed, and unpacks to exactly the bytes that are wanted.

    White ones would unpack to white, and what is behind those with padding is zeros.
    """
    import tifffile

    with open_input(path) as file:
        file.seek(start)
        data = file.read(length)
    if not data[:wanted].strip(b"\xff") or not data[wanted:].strip(b"\0"):
        return
    for packing in sorted(BYTE_PACKINGS):
        try:
            found = len(tifffile.TIFF.DECOMPRESSORS[packing](data, out=wanted + 1))
        except (RuntimeError, ValueError, KeyError):
            continue
        if found == wanted:
            raise InputError("is damaged: its pixels are packed, and it says that they are not", path=path)


def _check_rows(path: Path, pieces: Grid, lengths: tuple[int, ...]) -> None:
    """Refuse uncompressed pieces whose lengths are those of other rows, or not of one number of rows.

    The last of a plane may have the rows of the others, and all of them padding, which is no number of rows.
    """
    rows = pieces.tall
    full = [n for i, n in enumerate(lengths) if pieces.tiled or (i + 1) % (pieces.down * pieces.across)]
    full = full or list(lengths if pieces.down == 1 else ())
    if not full or max(full) == rows * pieces.row_bytes:
        return
    row, rest = divmod(full[0], rows)
    pixel = max(pieces.row_bytes // pieces.wide, 1)
    more = row - pieces.row_bytes
    is_wider = rest == 0 and more > 0 and (more % pixel == 0 or row % pieces.wide == 0)
    is_clear = rows >= _LEAST_ROWS or row > pieces.row_bytes * _CLEAR_SHARE
    is_taller = pieces.tiled and full[0] % pieces.row_bytes == 0 and rows >= _LEAST_ROWS
    if max(full) - min(full) > _MOST_ALIGNMENT or is_taller or (is_wider and is_clear):
        raise InputError(
            f"is damaged: its pieces have {full[0]:,} bytes, its size asks for {rows * pieces.row_bytes:,}",
            path=path,
        )


def check_compressed(path: Path, page: Any, grid: Grid, segments: Sequence[bytes]) -> None:
    """Refuse compressed pieces that hold nothing, or end before their rows do.

    Raises:
        InputError: naming the piece.
    """
    compression = int(page.compression)
    for index, data in enumerate(segments):
        if compression == _LZW:
            empty = holds_run(data) or ends_in_run(data)
        elif compression == _PACKED:
            # Rows of one byte without ink are zeros, and those of two white ones are ones.
            may_be = {1: b"\0", 2: b"\xff"}.get(grid.row_bytes)
            empty = any(v * _LEAST_PACKED in data for v in (b"\0", b"\xff") if v != may_be)
        elif compression in _PACKERS:
            empty = holds_run(data) and (
                any(map(holds_run, coded_parts(data)))
                or (holds_run(data, least=_LEAST_FOUND) and _lacks_sector(path, data, grid))
            )
        else:
            empty = compression in _DENSE and ends_in_run(data)
        if compression in _WEBP:
            import imagecodecs

            check_webp(path, data, partial(_webp_samples, path, data))
            check_webp_end(path, data, imagecodecs.webp_decode)
        if compression in _JPEG_2000:
            check_jpeg_2000(path, data, partial(_jpeg_2000_samples, path, data))
        if empty:
            raise InputError(f"is incomplete: piece {index + 1} of its pixels holds no data", path=path)


def _lacks_sector(path: Path, data: bytes, grid: Grid) -> bool:
    """Return whether stored parts of packed data hold runs as long as a sector that are no rows."""

    def unpacked() -> bytes:
        import imagecodecs

        with decoding(path):
            return bytes(imagecodecs.zstd_decode(data, out=grid.tall * grid.row_bytes))

    return holds_run(without_small_gains(data, unpacked, grid.row_bytes), least=_LEAST_FOUND)


def _webp_samples(path: Path, data: bytes) -> Pixels:
    import imagecodecs

    with decoding(path):
        return np.atleast_3d(imagecodecs.webp_decode(data))


def _jpeg_2000_samples(path: Path, data: bytes) -> Pixels:
    import imagecodecs

    with decoding(path):
        return np.atleast_3d(imagecodecs.jpeg2k_decode(data))

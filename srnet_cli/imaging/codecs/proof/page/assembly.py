"""A TIFF page put together from its pieces, each of which has to be decoded and none has to be missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs.proof.inner import JPEG
from srnet_cli.imaging.codecs.proof.page.grid import Grid

_GREY = 1


def read_pieces(file: Any, starts: Sequence[int], lengths: Sequence[int]) -> Iterator[bytes]:
    """Yield the bytes of pieces of a tifffile's file handle; those that share a place share their bytes."""
    known: dict[tuple[int, int], bytes] = {}
    shared = len(set(starts)) < len(starts)
    for place in zip(starts, lengths, strict=True):
        data = known.get(place)
        if data is None:
            file.seek(place[0])
            data = file.read(place[1])
            if shared:
                known[place] = data
        yield data


def assembled(page: Any, grid: Grid, pieces: Iterator[bytes], padded: Collection[int] = ()) -> NDArray[Any]:
    """Return H×W×C samples of tifffile's ``page``, 0 where a decoder leaves any out.

    Strips in ``padded``, the last of a plane, unpack to as many rows as the others.

    Raises:
        ValueError: a piece is missing, has no pixels or those of other bits, or is decoded to a place that
            is not its own.
    """
    channels = 1 if grid.planes > 1 else page.samplesperpixel
    values = np.zeros((grid.planes, grid.height, grid.width, channels), page._dtype)
    tables = {"jpegtables": page.jpegtables} if page.compression in JPEG else {}
    decode, count = _decoder(page, grid), 0
    for index, data in enumerate(pieces):
        region = grid.region(index)
        rows, columns = region.bottom - region.top, region.right - region.left
        # Rows are decoded by the place of a strip: the first has all of them.
        segment, at, _ = decode(data, 0 if index in padded else index, **tables)
        at = (region.plane, 0, region.top, 0, 0) if index in padded else at
        if segment is None or tuple(at) != (region.plane, 0, region.top, region.left, 0):
            raise ValueError(f"piece {index + 1} of its pixels is not decoded")
        if segment.dtype.itemsize != values.dtype.itemsize:
            raise ValueError(
                f"piece {index + 1} of its pixels has samples of {8 * segment.dtype.itemsize} bits"
            )
        part = segment[0, :rows, :columns]
        if part.shape != (rows, columns, channels):
            raise ValueError(f"piece {index + 1} of its pixels does not fill its place")
        values[region.plane, region.top : region.bottom, region.left : region.right] = part
        count += 1
    if count != grid.count:
        raise ValueError(f"{count} of {grid.count} pieces of its pixels are decoded")
    return np.moveaxis(values[..., 0], 0, -1) if grid.planes > 1 else values[0]


def _decoder(page: Any, grid: Grid) -> Any:
    """Return tifffile's decoder of pieces, which takes a JPEG of one plane of RGB for one of RGB."""
    kind = page.photometric
    if grid.planes > 1 and page.compression in JPEG:
        page.photometric = _GREY
    try:
        return page.decode  # made once
    finally:
        page.photometric = kind

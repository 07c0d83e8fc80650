"""Lost sectors in the coded pixels of AVIF, HEIF and JPEG 2000.

Their decoders make a picture of anything. The coders of the first two write no long runs of one value.
Format: ISO/IEC 23008-12 (items).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import SECTOR
from srnet_cli.imaging.codecs.proof.codestream import check_tiles, most_empty_packets
from srnet_cli.imaging.codecs.proof.tails import LEAST_RUN, ends_in_run
from srnet_cli.imaging.picture import Pixels

HOLE = re.compile(rb"\0{%d,}|\xff{%d,}" % (LEAST_RUN, LEAST_RUN))
#: of JPEG 2000: what repeats in its blocks, of 64 or 32 values a side, repeats after so many
_PERIOD = 32
#: from a pattern's least to its greatest value, or back, within that; of an edge it is one, of a line two
_LEAST_WAYS = 2.25
#: in JPEG 2000 (ISO/IEC 15444-1, annex A)
_START_OF_TILE = b"\xff\x90"


def check_extents(path: Path, data: bytes, extents: Iterable[tuple[int, int]]) -> None:
    """Refuse coded pixels, at these starts and lengths, that have a hole.

    Raises:
        InputError: saying where.
    """
    for start, length in extents:
        hole = HOLE.search(data, start, start + length)
        if hole is not None:
            refuse_hole(path, hole.start(), hole.end() - hole.start())


def check_jpeg_2000(path: Path, data: bytes, decode: Callable[[], Pixels]) -> None:
    """Refuse coded pixels that lack tiles, end in one value, or hold ones, which never are neighbours.

    Zeros in the middle are empty packets, or patterns that repeat in every block: of a picture without these,
    H×W×C, they are lost. What it is decoded to is only asked for then.

    Raises:
        InputError: saying where.
    """
    if ends_in_run(data):
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)
    check_tiles(path, data)
    start = max(data.find(_START_OF_TILE), 0)
    ones = data.find(b"\xff" * LEAST_RUN, start)
    if ones >= 0:
        refuse_hole(path, ones, len(data[ones:]) - len(data[ones:].lstrip(b"\xff")))
    empty = most_empty_packets(data)
    zeros = -1 if empty is None else data.find(bytes(max(SECTOR, LEAST_RUN + empty)), start)
    if zeros >= 0 and not _repeats(decode()):
        refuse_hole(path, zeros, len(data[zeros:]) - len(data[zeros:].lstrip(b"\0")))


def _repeats(samples: Pixels) -> bool:
    """Return whether there are patterns that repeat after so many values, flat areas left out.

    Blocks side by side are alike in gradients too, which are coded to less zeros than a sector has: patterns
    are alike from top to bottom as well, or go up and down within a block.
    """
    blocks = in_blocks(samples[..., 0], _PERIOD)
    step = int(np.iinfo(samples.dtype).max) // 128
    values = blocks.astype(np.int32)
    alike = _alike(values, 2, step) & (spreads(blocks)[:, 1:] > 4 * step)
    down = _alike(values, 0, step)[:, 1:]
    if (alike[1:] & down).any() or (alike[:-1] & down).any():
        return True
    found = values.transpose(0, 2, 1, 3)[:, 1:][alike]
    return any(_go_up_and_down(found, axis, step) for axis in (1, 2))


def _alike(blocks: NDArray[np.int32], axis: int, step: int) -> NDArray[np.bool_]:
    """Return of each block, Y×side×X×side, whether the next one is the same, give or take a step."""
    alike: NDArray[np.bool_] = np.abs(np.diff(blocks, axis=axis)).max(axis=(1, 3), initial=0) <= step
    return alike


def _go_up_and_down(blocks: NDArray[np.int32], axis: int, step: int) -> bool:
    """Return whether in one of N×side×side the values do so several times, small changes left out."""
    changes = np.abs(np.diff(blocks, axis=axis))
    changes[changes <= step] = 0
    ways = changes.sum(axis=axis).max(axis=1)
    return bool((ways >= _LEAST_WAYS * np.ptp(blocks, axis=(1, 2))).any())


def refuse_hole(path: Path, start: int, length: int) -> None:
    """Refuse a file in which so many bytes of coded pixels are lost.

    Raises:
        InputError: always.
    """
    raise InputError(
        f"is damaged: {length:,} bytes of its pixels are lost, from byte {start:,} on", path=path
    )


def in_blocks(plane: Pixels, side: int) -> NDArray[Any]:
    """Return H×W values as blocks, Y×side×X×side; what does not fill one is left out."""
    height, width = (length - length % side for length in plane.shape)
    return plane[:height, :width].reshape(height // side, side, width // side, side)


def spreads(blocks: NDArray[Any]) -> NDArray[np.int32]:
    """Return the largest difference within each block."""
    spreads: NDArray[np.int32] = blocks.max(axis=(1, 3)).astype(np.int32) - blocks.min(axis=(1, 3))
    return spreads

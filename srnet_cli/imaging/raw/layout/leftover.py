"""Bytes of lossless JPEG that no pixel needs: what zeros stand for is often the shortest code.

Where these took the place of longer ones there are more codes than pixels, and the last are not read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.segments import SOS, segments

_LOSSLESS = 0xC3
#: bytes of zeros that are looked into
_LEAST_ZEROS = 64
#: bytes at the end that may be no codes
_MOST_LEFT = 16


def check_needed(path: Path, number: int, data: bytes) -> None:
    """Refuse a piece of lossless JPEG that has zeros in it, and its picture without its last bytes.

    Raises:
        InputError: naming the piece.
    """
    found = {segment.marker: segment for segment in segments(data)}
    if _LOSSLESS not in found or SOS not in found:
        return
    start, end = found[SOS].start, found[SOS].end
    if data.find(bytes(_LEAST_ZEROS), start, end) < 0 or end - start <= _MOST_LEFT:
        return
    whole = _decoded(data)
    other = _decoded(data[: end - _MOST_LEFT] + b"\x55" * _MOST_LEFT + data[end:])
    if whole is not None and other is not None and np.array_equal(whole, other):
        raise InputError(
            f"is damaged: piece {number} of its pixels has more codes than pixels, and zeros among them",
            path=path,
        )


def _decoded(data: bytes) -> NDArray[np.uint16] | None:
    """Return the samples; None where they are of a kind that only LibRaw decodes."""
    import imagecodecs

    try:
        return np.asarray(imagecodecs.jpeg_decode(data))
    except (ValueError, RuntimeError):
        return None

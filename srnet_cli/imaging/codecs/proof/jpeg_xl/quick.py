"""libjxl's quickest coder without loss (effort 1), asked for what it writes of pixels.

It has no more room for the first channel of a picture of one group than most pictures need, does not look
whether it is enough, and writes on: of noise of 15 and 16 bits into what belongs to others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: how its sections begin, and how long the sides of a group are
BEGINS = bytes.fromhex("4b189b9c71840338800338204ac039")
GROUP = 256
#: bits of room for each sample of the first channel and besides them, without those that tables take; bits
#: of the longest code; and bits of a sample up to which no code is longer than its room
_ROOM, _BESIDES, _LONGEST_CODE, _ALWAYS_ENOUGH = 16, 90_000, 8, 8


def coded_quickly(samples: NDArray[Any], bits: int) -> bytes | None:
    """Return a codestream of samples of so many bits, H×W or H×W×C; none where its room may not do."""
    import imagecodecs

    is_one_group = max(samples.shape[:2]) <= GROUP
    if is_one_group and bits > _ALWAYS_ENOUGH and most_bits(samples) > _ROOM * _area(samples) + _BESIDES:
        return None
    return bytes(imagecodecs.jpegxl_encode(samples, lossless=True, effort=1, bitspersample=bits))


def most_bits(samples: NDArray[Any]) -> int:
    """Return how many bits the first channel takes at the most, as differences to what is expected."""
    values = np.atleast_3d(samples).astype(np.int64)
    first = values[..., 0] if values.shape[2] < 3 else _luma(values)
    left, top, corner = np.zeros_like(first), np.empty_like(first), np.empty_like(first)
    left[:, 1:], left[1:, 0] = first[:, :-1], first[:-1, 0]
    top[0], top[1:] = left[0], first[:-1]
    corner[0], corner[1:, 0], corner[1:, 1:] = left[0], first[:-1, 0], first[:-1, :-1]
    expected = np.clip(left + top - corner, np.minimum(left, top), np.maximum(left, top))
    further = np.floor(np.log2(np.maximum(2 * np.abs(first - expected), 1)))
    return int(further.sum()) + _LONGEST_CODE * first.size


def _luma(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return Y of YCoCg, as it is without loss."""
    red, green, blue = (values[..., index] for index in range(3))
    middle = blue + (red - blue >> 1)
    luma: NDArray[np.int64] = middle + (green - middle >> 1)
    return luma


def _area(samples: NDArray[Any]) -> int:
    return int(samples.shape[0] * samples.shape[1])

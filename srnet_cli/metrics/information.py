"""The information that a picture holds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# OpenCV counts many times as fast as numpy and answers in float32, which holds counts up to here exactly.
_EXACT = 1 << 24


def histogram(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count 0..255 over all values of an array of any shape.

    Example:
        >>> histogram(np.array([0, 7, 7], np.uint8))[7].item()
        2
    """
    flat = np.ascontiguousarray(values).reshape(-1, 1)
    counts = np.zeros(256, np.int64)
    for start in range(0, flat.size, _EXACT):
        part = cv2.calcHist([flat[start : start + _EXACT]], [0], None, [256], [0, 256])
        counts += np.asarray(part, np.int64).reshape(-1)
    return counts


def entropy(values: NDArray[np.uint8]) -> float:
    """Compute the Shannon entropy in bits of all values, in 256 bins: 0 (constant) to 8 (uniform).

    Raises:
        ValueError: no values, or not 8 bit.

    Example:
        >>> entropy(np.array([0, 0, 7, 7], np.uint8))
        1.0
    """
    if values.dtype != np.uint8 or values.size == 0:
        raise ValueError(f"entropy needs 8-bit values, not {values.shape} {values.dtype}")
    return entropy_of_counts(histogram(values))


def entropy_of_counts(counts: NDArray[np.int64]) -> float:
    """Compute the Shannon entropy in bits of a histogram.

    Example:
        >>> entropy_of_counts(np.array([1, 1, 2]))
        1.5
    """
    shares = counts[counts > 0] / counts.sum()
    return max(0.0, float(-(shares * np.log2(shares)).sum()))

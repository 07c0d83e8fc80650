"""Turning stored pixels upright."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

#: from this orientation on height and width are swapped
FIRST_TURNED = 5

_Sample = TypeVar("_Sample", bound=np.generic)


def upright(pixels: NDArray[_Sample], orientation: int) -> NDArray[_Sample]:
    """Turn ``pixels`` (H×W or H×W×C) as EXIF ``orientation`` 1..8 says they are meant, C-contiguous.

    Example:
        >>> upright(np.array([[1, 2]]), 6).tolist()
        [[1], [2]]

    Orientations 5 to 8 swap height and width. Source: EXIF 2.32, tag 274.
    """
    turned = pixels
    if orientation >= FIRST_TURNED:
        turned = turned.swapaxes(0, 1)
    # After the transposition, 6 is a quarter turn clockwise and 8 one counter-clockwise.
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def upright_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Return height and width of what :func:`upright` makes of so many pixels.

    Example:
        >>> upright_size(24, 36, 6)
        (36, 24)
    """
    return (width, height) if orientation >= FIRST_TURNED else (height, width)

"""Samples of 8 and 16 bits, and of any other depth, as one another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.picture import Pixels

#: how many 16-bit steps one 8-bit step has: 255 and 65,535 are the same white
STEPS = 257


def to_bit_depth(pixels: Pixels, bit_depth: int) -> Pixels:
    """Return the same picture with 8 or 16 bits a sample; from 16 to 8 bits it is rounded.

    Example:
        >>> to_bit_depth(np.array([0, 128, 65535], np.uint16), 8)
        array([  0,   0, 255], dtype=uint8)
    """
    return to_8_bit(pixels) if bit_depth == 8 else to_16_bit(pixels)


def to_8_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Return the same picture with 8 bits a sample, rounded to the nearest."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return ((pixels.astype(np.uint32) + 128) // STEPS).astype(np.uint8)


def to_16_bit(pixels: Pixels) -> NDArray[np.uint16]:
    """Return the same picture with 16 bits a sample."""
    if pixels.dtype == np.uint16:
        return pixels.astype(np.uint16, copy=False)
    return pixels.astype(np.uint16) * np.uint16(STEPS)


def to_float_255(pixels: Pixels) -> NDArray[np.float32]:
    """Return samples of either depth on the 0..255 scale of the networks."""
    values = pixels.astype(np.float32)
    return values / np.float32(STEPS) if pixels.dtype == np.uint16 else values


def from_bits(values: NDArray[Any], bits: int) -> Pixels:
    """Return whole numbers of 0..2^bits-1 on the full range of 8 bits, or of 16 for more than 8 bits.

    Example:
        >>> from_bits(np.array([0, 4095], np.uint16), 12)
        array([    0, 65535], dtype=uint16)
    """
    peak = 255 if bits <= 8 else 65_535
    if peak != 2**bits - 1:
        values = np.rint(values.astype(np.float64) * (peak / (2**bits - 1)))
    return values.astype(np.uint8) if bits <= 8 else values.astype(np.uint16)

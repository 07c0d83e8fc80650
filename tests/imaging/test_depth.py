"""Conversions between depths."""

from __future__ import annotations

import numpy as np
import pytest

from srnet_cli.imaging.depth import from_bits, to_8_bit, to_16_bit, to_bit_depth, to_float_255


def test_rounding_from_16_to_8_bits_is_to_the_nearest() -> None:
    every = np.arange(65_536, dtype=np.uint16)
    np.testing.assert_array_equal(to_8_bit(every), np.floor(every / 257.0 + 0.5))
    eight = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_8_bit(to_16_bit(eight)), eight)
    np.testing.assert_array_equal(to_bit_depth(to_bit_depth(eight, 16), 8), eight)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_networks_see_the_same_white_at_either_depth(dtype: type) -> None:
    peak = np.iinfo(dtype).max
    assert to_float_255(np.array([0, peak], dtype)).tolist() == [0, 255]


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16, 32])
def test_any_number_of_bits_reaches_from_black_to_white(bits: int) -> None:
    values = from_bits(np.array([0, 2**bits - 1], np.uint32), bits)
    assert values.tolist() == [0, 255 if bits <= 8 else 65_535]

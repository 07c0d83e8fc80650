"""Arithmetic that turns trained weights into the fewer, larger kernels of the inference form.

Everything is computed in float64 on the CPU and is exact up to rounding. Kernels are O×I×Kh×Kw.
"""

from __future__ import annotations

from itertools import product

from torch import Tensor


def group_columns(kernel: Tensor, bias: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    """Turn a stride-1 convolution into the same for ``columns`` neighbouring pixels at a time.

    In channels_last memory an N×I×H×W map is also an N×(columns·I)×H×(W/columns) map. Few channels become
    enough to fill a matrix unit, which more than pays for the zeros in the kernel. Padding is
    half the kernel's size before and after.
    """
    out_maps, in_maps, height, width = kernel.shape
    reach = width // 2
    taps = (reach + columns - 1) // columns
    grouped = kernel.new_zeros(columns, out_maps, columns, in_maps, height, 2 * taps + 1)
    for out_column in range(columns):
        for in_column in range(columns):
            for tap in range(-taps, taps + 1):
                column = columns * tap + in_column - out_column + reach
                if 0 <= column < width:
                    grouped[out_column, :, in_column, :, :, tap + taps] = kernel[..., column]
    return grouped.flatten(2, 3).flatten(0, 1), bias.repeat(columns)


def split_subpixel_rows(kernel: Tensor, bias: Tensor, factor: int) -> list[tuple[Tensor, Tensor]]:
    """Split an upsampler convolution C→factor²·C into ``factor`` ones C→factor·C, one per sub-pixel row.

    The output channels of each are ordered (column, channel), so that in channels_last memory each output
    already is every ``factor``-th row of the shuffled map: pixel shuffle becomes a copy of whole rows.
    """
    channels = kernel.shape[0] // factor**2
    kernels = kernel.view(channels, factor, factor, *kernel.shape[1:])
    biases = bias.view(channels, factor, factor)
    return [
        (kernels[:, row].transpose(0, 1).flatten(0, 1), biases[:, row].t().flatten()) for row in range(factor)
    ]


def fold_last_shuffle(kernel: Tensor, factor: int) -> Tensor:
    """Turn the last 3×3 convolution (C→3, after a pixel shuffle) into one on the map before the shuffle.

    Input channels are ordered (sub-pixel row, sub-pixel column, channel), output channels (sub-pixel row,
    sub-pixel column, colour): factor²·C → factor²·3, again 3×3 and with zeros in more than half
    of it. Only three colours are left to be put in order.
    """
    colours, channels = kernel.shape[:2]
    folded = kernel.new_zeros(factor, factor, colours, factor, factor, channels, 3, 3)
    for out_row, out_column, in_row, in_column, row, column in product(
        *[range(factor)] * 4, range(3), range(3)
    ):
        kernel_row = in_row + factor * (row - 1) - out_row + 1
        kernel_column = in_column + factor * (column - 1) - out_column + 1
        if 0 <= kernel_row < 3 and 0 <= kernel_column < 3:
            tap = kernel[:, :, kernel_row, kernel_column]
            folded[out_row, out_column, :, in_row, in_column, :, row, column] = tap
    return folded.flatten(3, 5).flatten(0, 2)

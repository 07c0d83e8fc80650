"""Arithmetic that turns trained weights into the fewer, larger kernels of the inference form.

Everything is computed in float64 on the CPU and is exact up to rounding. Kernels are O×I×Kh×Kw.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from srnet_cli.network.attention import GROUPS, MPRSA, GateConv, over_finest_groups

TURNS = 4


def fold_batchnorm(gate: GateConv) -> tuple[Tensor, Tensor]:
    """Kernel and bias of the convolution that equals ``gate`` (convolution, then BatchNorm in eval mode)."""
    bn = gate.bn
    assert bn.running_mean is not None and bn.running_var is not None
    scale = bn.weight.detach().double() / torch.sqrt(bn.running_var.double() + bn.eps)
    kernel = gate.conv.weight.detach().double() * scale.view(-1, 1, 1, 1)
    return kernel, bn.bias.detach().double() - bn.running_mean.double() * scale


def merge_gate_branches(attention: MPRSA) -> tuple[Tensor, Tensor]:
    """The three branches of MPR-SA as one kernel 8×16×7×7 over the turned means of four channel groups.

    The branches are summed without an activation between, so their kernels over the same maps add up.
    """
    folded = [fold_batchnorm(branch) for branch in attention.branches]
    kernels = [over_finest_groups(kernel, groups) for (kernel, _), groups in zip(folded, GROUPS, strict=True)]
    return torch.stack(kernels).sum(0).cpu(), torch.stack([bias for _, bias in folded]).sum(0).cpu()


def group_columns(kernel: Tensor, bias: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    """The same stride-1 convolution for ``columns`` neighbouring pixels at a time.

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
    """An upsampler convolution C→factor²·C as ``factor`` convolutions C→factor·C, one per sub-pixel row.

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
    """The last 3×3 convolution (C→3, after a pixel shuffle) as one on the map before the shuffle.

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

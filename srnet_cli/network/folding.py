"""Arithmetic that turns trained weights into the fewer, larger kernels of the inference form.

Everything is computed in float64 on the CPU and is exact up to rounding. Kernels are O×I×Kh×Kw.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from srnet_cli.network.attention import GATES, GROUPS, MPRSA, GateConv

#: groups whose means MPR-SA's merged kernel reads; the coarser means are means of these
FINEST = max(GROUPS)
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

    The mean over a coarse group is the mean of the finer ones in it, and the branches are summed without
    an activation between, so a coarse branch's kernel spreads evenly over the finer inputs.
    """
    kernel = torch.zeros(GATES, TURNS, FINEST, 7, 7, dtype=torch.float64)
    bias = torch.zeros(GATES, dtype=torch.float64)
    for groups, branch in zip(
        GROUPS, (attention.spatial1, attention.spatial2, attention.spatial3), strict=True
    ):
        branch_kernel, branch_bias = fold_batchnorm(branch)
        share = FINEST // groups
        spread = branch_kernel.view(GATES, TURNS, groups, 7, 7).repeat_interleave(share, dim=2) / share
        kernel += spread.cpu()
        bias += branch_bias.cpu()
    return kernel.flatten(1, 2), bias


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


def subpixel_row_offsets(factor: int, row: int) -> Sequence[int]:
    """Low-resolution rows, relative to the output's, at which a 3-high kernel reads sub-pixel row ``row``."""
    return [
        offset
        for offset in (-1, 0, 1)
        if any(0 <= row + factor * offset - out_row + 1 <= 2 for out_row in range(factor))
    ]


def split_last_kernel(kernel: Tensor, factor: int) -> list[Tensor]:
    """The last 3×3 convolution (C→3, after a pixel shuffle) for maps kept as separate sub-pixel rows.

    Kernel ``row`` reads sub-pixel row ``row`` (N×C×H×factor·W) with stride (1, factor) and gives its share
    of all factor²·3 sub-pixels of a block, ordered (row, column, colour); the picture is the shares' sum.
    Kernel rows stand for the offsets of :func:`subpixel_row_offsets`, kernel columns start one to the left.
    """
    colours, channels = kernel.shape[:2]
    split = []
    for row in range(factor):
        offsets = subpixel_row_offsets(factor, row)
        share = kernel.new_zeros(factor, factor, colours, channels, len(offsets), factor + 2)
        for out_row in range(factor):
            for index, offset in enumerate(offsets):
                kernel_row = row + factor * offset - out_row + 1
                if not 0 <= kernel_row <= 2:
                    continue
                for out_column in range(factor):
                    share[out_row, out_column, :, :, index, out_column : out_column + 3] = kernel[
                        :, :, kernel_row
                    ]
        split.append(share.flatten(0, 2))
    return split

"""Convolutions of the inference form: fused with ReLU and addition where the processor's library allows.

On the CPU PyTorch can hand such a convolution to oneDNN in one call with weights in oneDNN's own layout.
These operators are not part of PyTorch's stable interface, so they are tried once and left alone where
they are missing or give another answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FusedConv(nn.Module):
    """A stride-(1, s) convolution with frozen weights, optionally followed by ReLU or an addition.

    Input and output are N×C×H×W in channels_last memory and of the weights' type.
    """

    kernel: Tensor
    bias: Tensor | None

    def __init__(
        self,
        kernel: Tensor,
        bias: Tensor | None,
        *,
        dtype: torch.dtype,
        device: torch.device,
        padding: tuple[int, int] | None = None,
        column_stride: int = 1,
        relu: bool = False,
    ) -> None:
        super().__init__()
        height, width = kernel.shape[2:]
        self.padding = (height // 2, width // 2) if padding is None else padding
        self.stride = (1, column_stride)
        self.relu = relu
        kernel = _kernel(kernel, dtype, device)
        self.register_buffer("kernel", kernel, persistent=False)
        self.register_buffer(
            "bias", None if bias is None else bias.detach().to(device, dtype).contiguous(), persistent=False
        )
        self.packed = _pack(kernel, self.padding, self.stride) if can_fuse(dtype, device.type) else None

    def forward(self, x: Tensor, add: Tensor | None = None) -> Tensor:
        """The convolution, plus ``add`` (same shape as the output), then ReLU if the layer has one."""
        if self.packed is not None:
            return _fused(x, self.packed, self.bias, self.padding, self.stride, self.relu, add)
        y = F.conv2d(x, self.kernel, self.bias, self.stride, self.padding)
        if add is not None:
            y = y.add_(add)
        return y.relu_() if self.relu else y


class PreciseConv(nn.Module):
    """A convolution without bias whose result is float32, whatever type its input has.

    Where the CPU multiplies the input's type natively, converting a wide map to float32 costs more than
    the convolution itself. There, the kernel is split into a rounded part and the rest, and the rounded
    part is applied twice: once for a rounded result, and once with that result taken away inside the
    float32 accumulator, which leaves the rounding error. The sum is exact to about 16 bits.
    """

    kernel: Tensor

    def __init__(
        self,
        kernel: Tensor,
        *,
        dtype: torch.dtype,
        device: torch.device,
        padding: tuple[int, int],
        column_stride: int,
    ) -> None:
        super().__init__()
        self.padding, self.stride = padding, (1, column_stride)
        self.maps = len(kernel)
        self.register_buffer("kernel", _kernel(kernel, torch.float32, device), persistent=False)
        self.packed: tuple[Tensor, Tensor] | None = None
        if dtype != torch.float32 and can_fuse(dtype, device.type):
            rounded = _kernel(kernel, dtype, device)
            rest = _kernel(kernel - rounded, dtype, device)
            both = torch.cat([rounded, rest]).contiguous(memory_format=torch.channels_last)
            self.packed = (_pack(both, padding, self.stride), _pack(rounded, padding, self.stride))

    def add_to(self, total: Tensor, x: Tensor) -> None:
        """Add the convolution of ``x`` to ``total`` (float32, of the result's shape)."""
        if self.packed is None:
            total += F.conv2d(x.float(), self.kernel, None, self.stride, self.padding)
            return
        both, rounded = self.packed
        result = _fused(x, both, None, self.padding, self.stride, False, None)
        main, rest = result[:, : self.maps], result[:, self.maps :]
        error = _fused_in_place(main.neg(), x, rounded, self.padding, self.stride)
        total += main
        total += rest
        total += error


@cache
def can_fuse(dtype: torch.dtype, device_type: str) -> bool:
    """Whether the fused operators are there for ``dtype`` and give the plain convolution's answer."""
    if device_type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if dtype == torch.bfloat16 and not bfloat16_is_native():
        return False
    values = torch.linspace(-1, 1, 8 * 6 * 6, dtype=dtype).view(1, 8, 6, 6)
    x = values.contiguous(memory_format=torch.channels_last)
    kernel = torch.linspace(-1, 1, 8 * 8 * 9, dtype=dtype).view(8, 8, 3, 3)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    bias = torch.linspace(-1, 1, 8, dtype=dtype)
    try:
        with torch.inference_mode():
            packed = _pack(kernel, (1, 1), (1, 1))
            got = _fused(x, packed, bias, (1, 1), (1, 1), True, x)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    expected = F.conv2d(x.float(), kernel.float(), bias.float(), padding=1).add_(x.float()).relu_()
    return torch.allclose(got.float(), expected, rtol=1e-2, atol=1e-2)


@cache
def bfloat16_is_native() -> bool:
    """Whether this CPU multiplies bfloat16 itself; elsewhere it is emulated and slower than float32."""
    try:
        # Private names; not every release that we support has them.
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported() and torch.cpu._is_avx512_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


def _kernel(kernel: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    return kernel.detach().to(device, dtype).contiguous(memory_format=torch.channels_last)


def _pack(kernel: Tensor, padding: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    # The size is only a hint for the choice of layout.
    size = (1, kernel.shape[1], 128, 128)
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed: Tensor = reorder(kernel.to_mkldnn(), padding, stride, (1, 1), 1, size)
    return packed


def _fused(
    x: Tensor,
    packed: Tensor,
    bias: Tensor | None,
    padding: tuple[int, int],
    stride: tuple[int, int],
    relu: bool,
    add: Tensor | None,
) -> Tensor:
    y: Tensor
    operator = torch.ops.mkldnn._convolution_pointwise
    if add is None:
        y = operator(x, packed, bias, padding, stride, (1, 1), 1, "relu" if relu else "none", [], "")
        return y
    activation = "relu" if relu else None
    y = operator.binary(x, add, packed, bias, padding, stride, (1, 1), 1, "add", 1.0, activation, [], None)
    return y


def _fused_in_place(
    total: Tensor, x: Tensor, packed: Tensor, padding: tuple[int, int], stride: tuple[int, int]
) -> Tensor:
    """``total`` plus the convolution, added in the accumulator's precision and rounded once."""
    operator = torch.ops.mkldnn._convolution_pointwise_
    y: Tensor = operator.binary(
        total, x, packed, None, padding, stride, (1, 1), 1, "add", 1.0, None, [], None
    )
    return y

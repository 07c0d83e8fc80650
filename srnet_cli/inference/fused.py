"""Convolutions of the inference form: fused with ReLU and addition where the processor's library allows.

On the CPU PyTorch can hand such a convolution to oneDNN in one call with weights in oneDNN's own layout.
These operators are not part of PyTorch's stable interface, so they are tried once and left alone where
they are missing or give another answer.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.compute import processor

Activation = Literal["relu", "sigmoid"]


class FusedConv(nn.Module):
    """A stride-1 convolution with frozen weights, optionally followed by an addition and an activation.

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
        activation: Activation | None = None,
    ) -> None:
        super().__init__()
        height, width = kernel.shape[2:]
        self.padding = (height // 2, width // 2) if padding is None else padding
        self.activation = activation
        kernel = _kernel(kernel, dtype, device)
        self.register_buffer("kernel", kernel, persistent=False)
        self.register_buffer(
            "bias", None if bias is None else bias.detach().to(device, dtype).contiguous(), persistent=False
        )
        self.packed = _pack(kernel, self.padding) if can_fuse(dtype, device.type) else None

    def forward(self, x: Tensor, add: Tensor | None = None, inside: bool = False) -> Tensor:
        """Convolve, add ``add`` (same shape as the output), and activate.

        ``inside`` leaves out the padding: the output is smaller by the kernel's size less one.
        """
        padding = (0, 0) if inside else self.padding
        if self.packed is not None:
            return _fused(x, self.packed, self.bias, padding, self.activation, add)
        y = F.conv2d(x, self.kernel, self.bias, padding=padding)
        if add is not None:
            y = y.add_(add)
        return _activate(y, self.activation)

    def accumulate(self, total: Tensor, x: Tensor) -> Tensor:
        """Add the convolution of ``x`` to ``total`` in the accumulator's precision, rounded once."""
        assert self.packed is not None and self.activation is None
        operator = torch.ops.mkldnn._convolution_pointwise_
        y: Tensor = operator.binary(
            total, x, self.packed, self.bias, self.padding, (1, 1), (1, 1), 1, "add", 1.0, None, [], None
        )
        return y


class PreciseConv(nn.Module):
    """A 3×3 convolution without bias whose result is more precise than its input's type.

    Making a wide input float32 costs more than the convolution itself. Where the CPU can, a map close to the
    result is subtracted inside the float32 accumulator instead: the small difference loses little when
    it is rounded. Elsewhere the input is made float32.
    """

    kernel: Tensor

    def __init__(self, kernel: Tensor, *, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.exact = dtype == torch.float32 or not can_fuse(dtype, device.type)
        dtype = torch.float32 if self.exact else dtype
        self.conv = FusedConv(kernel, None, dtype=dtype, device=device)

    def forward(self, x: Tensor, guess: Tensor | None) -> list[Tensor]:
        """Return maps whose sum is the convolution of ``x``, less ``guess`` if one is given.

        ``guess`` has the shape of the result and the type of ``x``; without it, the convolution is first
        computed roughly.
        """
        if self.exact:
            y = self.conv(x.float())
            return [y if guess is None else y.sub_(guess)]
        if guess is not None:
            return [self.conv.accumulate(guess.neg(), x)]
        rough = self.conv(x)
        return [rough, self.conv.accumulate(rough.neg(), x)]


def weights(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Return kernel and bias of a convolution in float64 on the CPU."""
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    return layer.weight.detach().double().cpu(), layer.bias.detach().double().cpu()


@cache
def can_fuse(dtype: torch.dtype, device_type: str) -> bool:
    """Tell whether the fused operators are there for ``dtype`` and give the plain convolution's answer."""
    if device_type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if dtype == torch.bfloat16 and not _has_fast_bfloat16():
        return False
    values = torch.linspace(-1, 1, 8 * 6 * 6, dtype=dtype).view(1, 8, 6, 6)
    x = values.contiguous(memory_format=torch.channels_last)
    kernel = torch.linspace(-1, 1, 8 * 8 * 9, dtype=dtype).view(8, 8, 3, 3)
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    bias = torch.linspace(-1, 1, 8, dtype=dtype)
    try:
        with torch.inference_mode():
            packed = _pack(kernel, (1, 1))
            got = _fused(x, packed, bias, (1, 1), "relu", x)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    expected = F.conv2d(x.float(), kernel.float(), bias.float(), padding=1).add_(x.float()).relu_()
    return torch.allclose(got.float(), expected, rtol=1e-2, atol=1e-2)


@cache
def _has_fast_bfloat16() -> bool:
    """Tell whether the library uses the bfloat16 arithmetic that the processor has."""
    try:
        # A private name; not every release that we support has it.
        return processor.has_bf16() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


def _kernel(kernel: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    return kernel.detach().to(device, dtype).contiguous(memory_format=torch.channels_last)


def _activate(y: Tensor, activation: Activation | None) -> Tensor:
    match activation:
        case "relu":
            return y.relu_()
        case "sigmoid":
            return y.sigmoid_()
    return y


def _pack(kernel: Tensor, padding: tuple[int, int]) -> Tensor:
    # The size is only a hint for the choice of layout.
    size = (1, kernel.shape[1], 128, 128)
    reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
    packed: Tensor = reorder(kernel.to_mkldnn(), padding, (1, 1), (1, 1), 1, size)
    return packed


def _fused(
    x: Tensor,
    packed: Tensor,
    bias: Tensor | None,
    padding: tuple[int, int],
    activation: Activation | None,
    add: Tensor | None,
) -> Tensor:
    y: Tensor
    operator = torch.ops.mkldnn._convolution_pointwise
    if add is None:
        y = operator(x, packed, bias, padding, (1, 1), (1, 1), 1, activation or "none", [], "")
        return y
    y = operator.binary(x, add, packed, bias, padding, (1, 1), (1, 1), 1, "add", 1.0, activation, [], None)
    return y

"""The fast form of SRNetRaw, and of what networks for mosaics have in common."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from srnet_cli.inference.attention import cropped
from srnet_cli.inference.body import InferenceBlock, InferenceBody, one_by_one
from srnet_cli.inference.fused import FusedConv, weights
from srnet_cli.inference.tail import as_picture
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.raw import MIDDLE, SRNetRaw, extended


class InferencePlain(FusedConv):
    """The plain interpolation of a mosaic: N×4×(H+2)×(W+2), extended, as N×H×s×W×s×3 float32."""

    def __init__(self, plain: Tensor, scale: int, device: torch.device) -> None:
        # In float32: in bfloat16 the picture itself would be half a level off.
        kernel = plain.cpu()[colours_last(len(plain))]
        super().__init__(kernel, None, dtype=torch.float32, device=device, padding=(0, 0))
        self.scale = scale

    def picture(self, lr: Tensor) -> Tensor:
        """Interpolate; the result is a view."""
        return as_picture(self(lr.contiguous(memory_format=torch.channels_last)), self.scale)


def colours_last(count: int) -> Tensor:
    """Order the outputs of a convolution before pixel shuffle: then a pixel's parts lie together."""
    return torch.arange(count).view(3, -1).t().flatten()


class InferenceRaw(InferenceBody):
    """:class:`~srnet_cli.network.raw.SRNetRaw` fused; forward only, weights frozen."""

    def __init__(self, network: SRNetRaw, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(network, dtype, device)
        self.scale = network.scale
        self.receptive_radius = network.receptive_radius
        kernel, bias = weights(network.tail)
        # Only rows are put in order then.
        order = colours_last(len(bias))
        self.tail = FusedConv(kernel[order], bias[order], dtype=dtype, device=device)
        self.plain = InferencePlain(network.plain, self.scale, device)

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return one_by_one(self._run, lr, residual)

    @torch.inference_mode()
    def interior(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        """Compute only what does not see beyond the input: less by ``receptive_radius`` on each side."""
        return one_by_one(self._run_inside, lr, residual)

    def shifted(self, lr: Tensor) -> Tensor:
        """Subtract the middle of the range from the input."""
        return (lr - MIDDLE).contiguous(memory_format=torch.channels_last)

    def _run(self, lr: Tensor, residual: bool) -> NetworkOutput:
        shallow = self.shallow(self.shifted(lr))
        features = self.deep(shallow, add=shallow)
        return NetworkOutput(self._picture(self.tail(features), extended(lr)))

    def _run_inside(self, lr: Tensor, residual: bool) -> NetworkOutput:
        x = shallow = self.shallow(self.shifted(lr), inside=True)
        for block in self.blocks:
            x = cast(InferenceBlock, block).inside(x)
        # The head and the convolution at the end of the body take one pixel each.
        features = self.last(x, cropped(shallow, self.receptive_radius - 2), inside=True)
        parts = self.tail(features, inside=True)
        return NetworkOutput(self._picture(parts, cropped(lr, self.receptive_radius - 1)))

    def _picture(self, parts: Tensor, lr: Tensor) -> Tensor:
        """Add the mosaic's interpolation to N×(s²·3)×H×W: N×3×sH×sW float32; ``lr`` is a pixel larger."""
        n, _, height, width = parts.shape
        picture = parts.new_empty(n, height, self.scale, width, self.scale, 3, dtype=torch.float32)
        picture.copy_(self.plain.picture(lr))
        picture.add_(as_picture(parts, self.scale))
        return picture.view(n, height * self.scale, width * self.scale, 3).permute(0, 3, 1, 2)

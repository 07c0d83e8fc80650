"""The fast form of SRNetLite."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from srnet_cli.inference.attention import cropped
from srnet_cli.inference.body import InferenceBlock, InferenceBody, one_by_one
from srnet_cli.inference.fused import FusedConv, weights
from srnet_cli.inference.tail import as_picture
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.lite import SRNetLite


class InferenceLite(InferenceBody):
    """:class:`~srnet_cli.network.lite.SRNetLite` fused; forward only, weights frozen."""

    def __init__(self, network: SRNetLite, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(network, dtype, device)
        self.scale = network.scale
        self.receptive_radius = network.receptive_radius
        self.tail = self._tail(network.tail, dtype, device)
        self.residual_tail = self._tail(network.residual_tail, dtype, device)

    def _tail(self, tail: nn.Module, dtype: torch.dtype, device: torch.device) -> FusedConv:
        # Colours last: then the parts of a pixel lie together, and only rows are put in order.
        kernel, bias = weights(tail)
        order = torch.arange(len(bias)).view(3, -1).t().flatten()
        return FusedConv(kernel[order], bias[order], dtype=dtype, device=device)

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return one_by_one(self._run, lr, residual)

    @torch.inference_mode()
    def interior(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        """Compute only what does not see beyond the input: less by ``receptive_radius`` on each side.

        Each layer computes what the next one needs, and no map is padded.
        """
        return one_by_one(self._run_inside, lr, residual)

    def _run(self, lr: Tensor, residual: bool) -> NetworkOutput:
        shallow = self.shallow(self.shifted(lr))
        features = self.deep(shallow, add=shallow)
        return self._output(features, lr, residual, inside=False)

    def _run_inside(self, lr: Tensor, residual: bool) -> NetworkOutput:
        x = shallow = self.shallow(self.shifted(lr), inside=True)
        for block in self.blocks:
            x = cast(InferenceBlock, block).inside(x)
        # The head and the convolution at the end of the body take one pixel each.
        features = self.last(x, cropped(shallow, self.receptive_radius - 2), inside=True)
        return self._output(features, cropped(lr, self.receptive_radius), residual, inside=True)

    def _output(self, features: Tensor, lr: Tensor, residual: bool, inside: bool) -> NetworkOutput:
        sr = self._picture(self.tail(features, inside=inside), lr)
        if not residual:
            return NetworkOutput(sr)
        assert self.shift is not None
        label = self.residual_tail(features, inside=inside)
        return NetworkOutput(sr, self._picture(label, -self.shift.expand_as(lr)))

    def _picture(self, parts: Tensor, add: Tensor) -> Tensor:
        """Add ``add`` (N×3×H×W) to each of the s² pixels of N×(s²·3)×H×W: N×3×sH×sW float32."""
        n, _, height, width = parts.shape
        picture = parts.new_empty(n, height, self.scale, width, self.scale, 3, dtype=torch.float32)
        picture.copy_(as_picture(parts, self.scale))
        row = self.scale * width * 3
        rows = add.permute(0, 2, 3, 1).repeat(1, 1, 1, self.scale).reshape(n, height, 1, row)
        picture.view(n, height, self.scale, row).add_(rows)
        return picture.view(n, height * self.scale, width * self.scale, 3).permute(0, 3, 1, 2)

"""Networks without a fast form: the training form, run for its result only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srnet_cli.network.blocks import NetworkOutput


class PlainInference(nn.Module):
    """A network as it is, in eval mode and channels_last memory, under autocast below float32."""

    def __init__(self, network: nn.Module, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.network = network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dtype = dtype
        radius: int | None = getattr(network, "receptive_radius", None)
        if radius is not None:
            self.receptive_radius = radius

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        lr = lr.contiguous(memory_format=torch.channels_last)
        with torch.autocast(lr.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.network(lr, residual)
        label = None if output.residual is None else output.residual.float()
        return NetworkOutput(output.sr.float(), label)

"""The layers at work: ncnn runs them on a graphics card through Vulkan, or on the processor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srnet_cli.compute import vulkan
from srnet_cli.inference.ncnn_form.networks import PICTURE, RESIDUAL, Written, write_network
from srnet_cli.network.blocks import NetworkOutput

#: maps whose sides are not multiples of it are wrong by some levels here and there when stored in float16
HALF_UNIT = 4


class NcnnNetwork(nn.Module):
    """A network on the Vulkan card ``device``, or on the processor by ncnn's own kernels.

    ``forward(lr, residual=False)`` as the other inference forms; tensors stay on the CPU. Weights are frozen.

    Raises:
        DeviceError: the network is not one that is written for ncnn, or ncnn does not take it.
        MissingExtraError: ncnn is not installed.
    """

    def __init__(self, network: nn.Module, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        vulkan.demand()
        self._written: Written = write_network(network)
        self.scale = self._written.scale
        if self._written.radius is not None:
            self.receptive_radius = self._written.radius
        self.card = (device.index or 0) if device.type == "vulkan" else None
        self._short = dtype == torch.float16
        #: by whether maps are stored in float16; each is made when it is first needed
        self._runners: dict[bool, vulkan.Runner] = {}
        self._runner(self._short)

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        outputs = [self._one(tile.unsqueeze(0), residual) for tile in lr.float().unbind()]
        labels = [output.residual for output in outputs if output.residual is not None]
        return NetworkOutput(torch.cat([o.sr for o in outputs]), torch.cat(labels) if labels else None)

    def _one(self, lr: Tensor, residual: bool) -> NetworkOutput:
        names = (PICTURE, RESIDUAL) if residual and self._written.predicts_residual else (PICTURE,)
        short = self._short and lr.shape[2] % HALF_UNIT == 0 == lr.shape[3] % HALF_UNIT
        parts = self._runner(short)(self._written.shifted(lr), names)
        sr, *label = (torch.from_numpy(part).unsqueeze(0) for part in parts)
        return self._written.output(lr, sr, label[0] if label else None)

    def _runner(self, short: bool) -> vulkan.Runner:
        if short not in self._runners:
            threads = torch.get_num_threads()
            program = self._written.program
            self._runners[short] = vulkan.Runner(program, card=self.card, half=short, threads=threads)
        return self._runners[short]

"""Which of the installed engines computes a network on the processor."""

from __future__ import annotations

import torch
from torch import nn

from srnet_cli.compute import processor, vulkan
from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.ncnn_form.network import NcnnNetwork
from srnet_cli.network.lite import SRNetLite

#: networks that ncnn's Winograd convolutions compute faster than oneDNN on processors with AVX2 and no more:
#: docs/devices.md has the figures. Of SRNet half the time goes to gates, where ncnn is slower.
FASTER_BY_NCNN: tuple[type[nn.Module], ...] = (SRNetLite,)


def processor_form(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Make the form of ``network`` that is fastest on this processor, as :func:`to_inference` does."""
    cpu = torch.device("cpu")
    if (
        dtype == torch.float32
        and type(network) in FASTER_BY_NCNN
        and processor.is_without_avx512()
        and vulkan.installed()
    ):
        return NcnnNetwork(network, dtype, cpu)
    return to_inference(network, dtype=dtype, device=cpu)

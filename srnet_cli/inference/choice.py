"""Which of the installed libraries computes a network on the processor."""

from __future__ import annotations

import torch
from torch import nn

from srnet_cli.compute import processor, vulkan
from srnet_cli.compute.devices import processor_device
from srnet_cli.compute.measurements import Engine, measured
from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.ncnn_form.network import NcnnNetwork
from srnet_cli.inference.ncnn_form.networks import is_writable
from srnet_cli.network.lite import SRNetLite


def processor_form(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Make the form of ``network`` that is fastest on this processor, as :func:`to_inference` does.

    What ``srnet devices --measure`` found decides. Without it ncnn computes the light network on processors
    that have AVX2 and nothing wider: docs/devices.md has the figures.
    """
    engines = engines_for(network, dtype)
    return form_by(_preferred(network) if len(engines) > 1 else engines[0], network, dtype)


def engines_for(network: nn.Module, dtype: torch.dtype) -> tuple[Engine, ...]:
    """List the libraries that can compute a network on the processor; ncnn where it may be the faster one.

    Where bf16 is native nothing is faster than torch in it; float32 that is asked for there is for exactness.
    """
    fitting = dtype == torch.float32 and not processor.has_bf16() and vulkan.installed()
    return ("torch", "ncnn") if fitting and is_writable(network) else ("torch",)


def form_by(engine: Engine, network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Make the form of ``network`` for the processor by one library."""
    cpu = torch.device("cpu")
    if engine == "ncnn":
        return NcnnNetwork(network, dtype, cpu)
    return to_inference(network, dtype=dtype, device=cpu)


def _preferred(network: nn.Module) -> Engine:
    speed = measured(processor_device())
    if speed is not None:
        return speed.light_engine if type(network) is SRNetLite else speed.full_engine
    return "ncnn" if type(network) is SRNetLite and processor.is_without_avx512() else "torch"

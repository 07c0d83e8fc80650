"""The ways in which a model can be computed on this machine, the wanted one first."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import torch
from torch import Tensor, nn

from srnet_cli.compute import vulkan
from srnet_cli.compute.device import choose_device, choose_precision
from srnet_cli.console import warn
from srnet_cli.inference.choice import processor_form
from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.graphed import GraphedNetwork
from srnet_cli.inference.ncnn_form.network import NcnnNetwork
from srnet_cli.inference.ncnn_form.networks import is_writable, write_network
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.zooming.guarding.guard import SMALLEST_SIDE, GuardedNetwork, Way

#: share of a card's memory that the tile and what is computed of it may take
MEMORY_SHARE = 0.6
#: sides of tiles are multiples of it
UNIT = 8


def device_for(name: str, network: nn.Module) -> torch.device:
    """Choose the device called ``name``; ``auto`` takes Vulkan for networks only that are written for it.

    Raises:
        UsageError, DeviceError, MissingExtraError: as :func:`~srnet_cli.compute.device.choose_device`.
    """
    device = choose_device(name, training=False)
    if device.type == "vulkan" and name == "auto" and not is_writable(network):
        return choose_device(name, training=True)
    return device


def open_network(
    network: nn.Module,
    device: torch.device,
    dtype: torch.dtype,
    *,
    strict: bool = False,
    tell: Callable[[str], None] = warn,
) -> nn.Module:
    """Make the form of ``network`` that runs on ``device``; on all but the processor it is looked after.

    Raises:
        DeviceError: Vulkan cannot compute this network; with ``strict``, the device gives wrong pictures.
    """
    if device.type == "cpu":
        return processor_form(network, dtype)
    ways = _vulkan(network, device) if device.type == "vulkan" else _torch(network, device)
    kept = [way for way in ways if way.dtype in (dtype, torch.float32)]
    kept.append(_processor(network))
    return GuardedNetwork(network, kept, strict=strict, tell=tell)


def largest_tile(network: nn.Module, device: torch.device, dtype: torch.dtype, tile: int) -> int:
    """Shorten the side of a tile to what the card has memory for, though not to less than is worth trying."""
    if device.type != "vulkan":
        return tile
    memory = vulkan.cards()[device.index or 0].memory
    pixel = write_network(network).pixel_bytes // (2 if dtype == torch.float16 else 1)
    return min(tile, max(isqrt(int(memory * MEMORY_SHARE) // pixel) // UNIT * UNIT, SMALLEST_SIDE))


def _vulkan(network: nn.Module, device: torch.device) -> list[Way]:
    written = write_network(network)

    def way(dtype: torch.dtype) -> Way:
        def open_way(tile: Tensor) -> tuple[nn.Module, Tensor]:
            # First in a process of its own, which a driver may take down with it.
            half = dtype == torch.float16
            parts, *_ = vulkan.try_in_child(written.program, written.shifted(tile), device.index or 0, half)
            made = written.output(tile, torch.from_numpy(parts).unsqueeze(0), None)
            return NcnnNetwork(network, dtype, device), made.sr

        return Way(device, dtype, open_way)

    return [way(torch.float16), way(torch.float32)]


def _torch(network: nn.Module, device: torch.device) -> list[Way]:
    def way(dtype: torch.dtype) -> Way:
        def open_way(tile: Tensor) -> tuple[nn.Module, Tensor]:
            form = to_inference(network, dtype=dtype, device=device)
            made: NetworkOutput = form(tile.to(device), False)
            return (GraphedNetwork(form) if device.type == "cuda" else form), made.sr

        return Way(device, dtype, open_way)

    return [way(torch.bfloat16), way(torch.float16), way(torch.float32)]


def _processor(network: nn.Module) -> Way:
    cpu = torch.device("cpu")
    dtype = choose_precision("auto", cpu)
    return Way(cpu, dtype, lambda tile: (processor_form(network, dtype), None))

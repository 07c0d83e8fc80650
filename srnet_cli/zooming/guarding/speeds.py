"""How fast this machine's devices enlarge: a tile of the light and of the full model on each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import nn

from srnet_cli.compute import cuda
from srnet_cli.compute.device import choose_precision, is_out_of_memory
from srnet_cli.compute.devices import Device
from srnet_cli.compute.measurements import Engine, Speed
from srnet_cli.errors import DeviceError, SrnetError
from srnet_cli.inference.choice import engines_for, form_by
from srnet_cli.models.released import find_model
from srnet_cli.models.store import load_model
from srnet_cli.zooming.guarding.ways import open_network

#: the scale whose models are timed
SCALE = 4
#: side of the tile, and of the one on a processor that imitates a card
SIDE, SOFTWARE_SIDE = 128, 48
#: calls that are timed, of which the fastest counts
CALLS = 2


def measure_device(device: Device) -> Speed:
    """Time both models on a device.

    Raises:
        DeviceError: it fails, or gives wrong pictures.
        WeightsError: a model is not installed.
    """
    (light, by_light), (full, by_full) = (
        _measure_model(find_model(SCALE, light=light), device) for light in (True, False)
    )
    return Speed(light, full, by_light, by_full)


def measure_devices(
    devices: Sequence[Device], tell: Callable[[Device, Speed | SrnetError], None]
) -> dict[Device, Speed]:
    """Time all devices one after the other; ``tell`` hears of each, also that it failed."""
    speeds: dict[Device, Speed] = {}
    for device in devices:
        outcome: Speed | SrnetError
        try:
            outcome = speeds[device] = measure_device(device)
        except SrnetError as error:
            outcome = error
        except (RuntimeError, MemoryError) as error:
            reason = "out of memory" if is_out_of_memory(error) else str(error)
            outcome = DeviceError(f"{device.name}: {reason}")
        tell(device, outcome)
    return speeds


def _measure_model(model: str, device: Device) -> tuple[float, Engine]:
    """Time a model by each library that can compute it there: seconds per megapixel, and the fastest."""
    network: nn.Module = load_model(model).network
    where = device.torch_device
    dtype = choose_precision("auto", where)
    if where.type != "cpu":
        form = open_network(network, where, dtype, strict=True)
        return _seconds_per_megapixel(form, device), "ncnn" if where.type == "vulkan" else "torch"
    engines = engines_for(network, dtype)
    return min((_seconds_per_megapixel(form_by(e, network, dtype), device), e) for e in engines)


def _seconds_per_megapixel(form: nn.Module, device: Device) -> float:
    where = device.torch_device
    side = SOFTWARE_SIDE if device.place == "software" else SIDE
    lies = torch.device("cpu") if where.type == "vulkan" else where
    lr = (torch.linspace(0, 255, 3 * side * side).view(1, 3, side, side)).to(lies)
    best = float("inf")
    form(lr, False)
    for _ in range(CALLS):
        cuda.synchronise(where)
        begun = time.perf_counter()
        form(lr, False).sr.cpu()
        best = min(best, time.perf_counter() - begun)
    return best / side**2 * 1e6

"""The device and the precision to compute with."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from srnet_cli.compute import cuda
from srnet_cli.errors import DeviceError, UsageError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]

PRECISIONS: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """Find the device called ``name``; ``auto`` takes CUDA, then MPS, then the CPU.

    A CUDA device always comes with its index, which some of its calls demand.

    Raises:
        UsageError: for an unknown name.
        DeviceError: when it is not there.
    """
    if name == "auto":
        if cuda.count():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    known = get_args(DeviceName)
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in known:
        remedy = f"one of {', '.join(known)}"
        raise UsageError(f"--device: there is no kind of device called {name!r}", remedy=remedy)
    if device.type == "cuda":
        return _cuda_device(device.index or 0)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("MPS was asked for, but there is none", remedy="use --device auto or cpu")
    return device


def _cuda_device(index: int) -> torch.device:
    found = cuda.count()
    if found == 0:
        raise DeviceError("CUDA was asked for, but there is none", remedy="use --device auto or cpu")
    if index >= found:
        raise DeviceError(f"there are {found} CUDA devices, so no cuda:{index}")
    return torch.device("cuda", index)


def device_title(device: torch.device) -> str:
    """Name the device as a person knows it."""
    return cuda.card_name(device) if device.type == "cuda" else device.type


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Find the type to compute in; ``auto`` takes half precision only where the hardware is fast at it.

    Raises:
        UsageError: for an unknown name.
    """
    if name != "auto":
        if name not in PRECISIONS:
            remedy = f"one of auto, {', '.join(PRECISIONS)}"
            raise UsageError(f"--precision: there is none called {name!r}", remedy=remedy)
        return PRECISIONS[name]
    if device.type == "cuda":
        return cuda.fast_type(device)
    if device.type == "cpu" and _cpu_has_bf16():
        return torch.bfloat16
    return torch.float32


def _cpu_has_bf16() -> bool:
    """Tell whether bf16 arithmetic is native; without it bf16 is emulated, slower than fp32."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    # torch gained these probes after the oldest release that we support, under private names.
    return any(bool(getattr(torch.cpu, probe, bool)()) for probe in probes)

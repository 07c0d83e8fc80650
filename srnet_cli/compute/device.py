"""Where and with which precision to compute."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from srnet_cli.errors import DeviceError, UsageError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]

PRECISIONS: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """The device called ``name``; ``auto`` takes CUDA, then MPS, then the CPU.

    Raises:
        UsageError: for an unknown name.
        DeviceError: when it is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    known = get_args(DeviceName)
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in known:
        remedy = f"one of {', '.join(known)}"
        raise UsageError(f"--device: there is no kind of device called {name!r}", remedy=remedy)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError("CUDA was asked for, but there is none", remedy="use --device auto or cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"there are {torch.cuda.device_count()} CUDA devices, so no {name}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("MPS was asked for, but there is none", remedy="use --device auto or cpu")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The type to compute in; ``auto`` takes half precision only where the hardware is fast at it.

    Raises:
        UsageError: for an unknown name.
    """
    if name != "auto":
        if name not in PRECISIONS:
            remedy = f"one of auto, {', '.join(PRECISIONS)}"
            raise UsageError(f"--precision: there is none called {name!r}", remedy=remedy)
        return PRECISIONS[name]
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= 8 else torch.float16 if major >= 7 else torch.float32
    if device.type == "cpu" and _cpu_has_bf16():
        return torch.bfloat16
    return torch.float32


def _cpu_has_bf16() -> bool:
    """Native bf16 arithmetic; without it bf16 is emulated, slower than fp32."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    # torch gained these probes after the oldest release that we support, under private names.
    return any(bool(getattr(torch.cpu, probe, bool)()) for probe in probes)

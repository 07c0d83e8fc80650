"""The device and the precision to compute with."""

from __future__ import annotations

import torch

from srnet_cli.compute import cuda, processor, vulkan, xpu
from srnet_cli.compute.devices import KINDS, Choice, choose, find_devices, kind_named
from srnet_cli.compute.measurements import measured
from srnet_cli.console import warn
from srnet_cli.errors import DeviceError, UsageError

PRECISIONS: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: Vulkan computes through ncnn, which is not built for bf16 on every card
VULKAN_PRECISIONS = ("fp32", "fp16")


def choose_device(name: str = "auto", *, training: bool = True) -> torch.device:
    """Find the device called ``name``; ``auto`` takes the one that :func:`automatic` does.

    Where there may be several of a kind the device comes with its index, which some calls demand. Without
    ``training`` it may be one that only enlarges.

    Raises:
        UsageError: for an unknown name, or one that cannot train.
        DeviceError: when it is not there.
        MissingExtraError: when what it needs is not installed.
    """
    if name == "auto":
        return automatic(training=training).device.torch_device
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    kind = None if device is None else kind_named(device.type)
    if device is None or kind is None:
        known = ", ".join(["auto", *(kind.name for kind in reversed(KINDS))])
        raise UsageError(f"--device: there is no kind of device called {name!r}", remedy=f"one of {known}")
    if training and not kind.trains:
        raise UsageError(f"{kind.title} enlarges pictures and does not train", remedy="use --device auto")
    if kind.name == "cpu":
        return torch.device("cpu")
    if kind.name == "vulkan":
        vulkan.demand()
    found = kind.count()
    if not found:
        raise DeviceError(f"{kind.title} was asked for, but there is none", remedy="use --device auto or cpu")
    if (device.index or 0) >= found:
        raise DeviceError(f"there are {found} {kind.title} devices, so no {name}")
    return device if kind.name == "mps" else torch.device(kind.name, device.index or 0)


def automatic(*, training: bool = False) -> Choice:
    """Choose the device for ``auto``: by what was measured, else CUDA, XPU or MPS, a Vulkan card, the CPU.

    A driver is not asked for Vulkan cards as long as a better kind is there.
    """
    for kind in KINDS:
        if kind.trains and kind.name != "cpu" and kind.count():
            training = True
    found = find_devices(training=training)
    speeds = {device.name: measured(device) for device in found}
    return choose(found, {name: speed.joint for name, speed in speeds.items() if speed is not None})


def device_title(device: torch.device) -> str:
    """Name the device as a person knows it."""
    if device.type == "cuda":
        return cuda.card_name(device)
    if device.type == "xpu":
        return xpu.card_name(device)
    if device.type == "vulkan":
        return vulkan.cards()[device.index or 0].title
    return device.type


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Find the type to compute in; ``auto`` takes half precision only where the hardware is fast at it.

    Raises:
        UsageError: for an unknown name, or one that the device does not have.
    """
    if name != "auto":
        if name not in PRECISIONS:
            remedy = f"one of auto, {', '.join(PRECISIONS)}"
            raise UsageError(f"--precision: there is none called {name!r}", remedy=remedy)
        if device.type == "vulkan" and name not in VULKAN_PRECISIONS:
            raise UsageError(f"--precision {name}: Vulkan computes in {' or '.join(VULKAN_PRECISIONS)}")
        return PRECISIONS[name]
    if device.type == "cuda":
        return cuda.fast_type(device)
    if device.type == "xpu":
        return xpu.fast_type(device)
    if device.type == "vulkan":
        return next(d.dtype for d in find_devices() if d.torch_device == device)
    if device.type == "cpu" and processor.has_bf16():
        return torch.bfloat16
    return torch.float32


def precision_name(dtype: torch.dtype) -> str:
    """Name a type as ``--precision`` does."""
    return next(name for name, known in PRECISIONS.items() if known == dtype)


def check_precision(name: str, device: torch.device) -> torch.dtype:
    """Find the type as :func:`choose_precision`, and say so where it is emulated; once in a command.

    Raises:
        UsageError: as there.
    """
    dtype = choose_precision(name, device)
    if name == "bf16" and device.type == "cpu" and not processor.has_bf16():
        warn("this processor has no bf16: it is emulated and several times slower than --precision fp32")
    return dtype


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether torch could not allocate: on the CPU that is a plain RuntimeError."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "can't allocate memory" in text
        or "out of memory" in text
    )

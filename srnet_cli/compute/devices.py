"""The table of devices: which kinds there are, what this machine has of each, what ``auto`` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from srnet_cli.compute import cuda, mps, processor, vulkan, xpu
from srnet_cli.version import extra_command

Place = Literal["processor", "card", "integrated", "software"]


@dataclass(frozen=True)
class Device:
    """A device of this machine."""

    #: as ``--device`` takes it
    name: str
    #: as a person knows it
    title: str
    place: Place
    #: the type that is computed in when none is asked for
    dtype: torch.dtype
    #: bytes; None where nobody says
    memory: int | None

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]

    @property
    def torch_device(self) -> torch.device:
        return torch.device(self.name)


@dataclass(frozen=True)
class Kind:
    """A row of the table."""

    name: str
    #: what messages call it
    title: str
    #: how many devices of this kind are there
    count: Callable[[], int]
    #: what they are
    find: Callable[[], tuple[Device, ...]]
    #: what there has to be
    need: str
    #: whether it can train, too
    trains: bool = True
    #: the extra that it needs besides
    extra: str | None = None

    @property
    def remedy(self) -> str:
        """Say what to do where there is none."""
        return self.need if self.extra is None else f"{self.need}, and {extra_command(self.extra)}"


def _cuda() -> tuple[Device, ...]:
    found = [torch.device("cuda", index) for index in range(cuda.count())]
    return tuple(
        Device(str(d), cuda.card_name(d), "card", cuda.fast_type(d), cuda.total_memory(d)) for d in found
    )


def _xpu() -> tuple[Device, ...]:
    found = [torch.device("xpu", index) for index in range(xpu.count())]
    return tuple(
        Device(str(d), xpu.card_name(d), "card", xpu.fast_type(d), xpu.total_memory(d)) for d in found
    )


def _mps() -> tuple[Device, ...]:
    return (Device("mps", "Apple GPU", "card", torch.float32, mps.total_memory()),) if mps.is_there() else ()


def _vulkan() -> tuple[Device, ...]:
    places: dict[vulkan.CardKind, Place] = {"discrete": "card", "software": "software"}
    return tuple(
        Device(
            f"vulkan:{card.index}",
            card.title,
            places.get(card.kind, "integrated"),
            # A processor that imitates a card is slower in float16.
            torch.float32 if card.kind == "software" else torch.float16,
            card.memory,
        )
        for card in vulkan.cards()
    )


def processor_device() -> Device:
    """Describe the processor."""
    dtype = torch.bfloat16 if processor.has_bf16() else torch.float32
    return Device("cpu", processor.title(), "processor", dtype, processor.memory())


#: in the order in which ``auto`` prefers them as long as nothing is measured
KINDS: tuple[Kind, ...] = (
    Kind(
        "cuda",
        "CUDA",
        lambda: cuda.count(),
        _cuda,
        "a card of NVIDIA, or AMD's under ROCm, and torch's build for it",
    ),
    Kind("xpu", "XPU", lambda: xpu.count(), _xpu, "an Intel card, and torch's build for it"),
    Kind("mps", "MPS", lambda: int(mps.is_there()), _mps, "a Mac with Apple silicon"),
    Kind(
        "vulkan",
        "Vulkan",
        lambda: len(vulkan.cards()),
        _vulkan,
        "any card with a driver",
        trains=False,
        extra="vulkan",
    ),
    Kind("cpu", "the processor", lambda: 1, lambda: (processor_device(),), ""),
)


def kind_named(name: str) -> Kind | None:
    """Find a row of the table."""
    return next((kind for kind in KINDS if kind.name == name), None)


def find_devices(*, training: bool = False) -> tuple[Device, ...]:
    """List the devices of this machine in the order of the table; with ``training`` those that can train."""
    return tuple(device for kind in KINDS if kind.trains or not training for device in kind.find())


@dataclass(frozen=True)
class Choice:
    """The device that ``auto`` takes, and why."""

    device: Device
    reason: str


def choose(found: tuple[Device, ...], seconds: Mapping[str, float]) -> Choice:
    """Choose among devices; ``seconds`` are the times measured on some of them, by name, for equal work.

    The first of the table's order is taken, unless it is measured and another one is measured to be faster. A
    software device is never taken, an integrated Vulkan card only when it was measured to be faster.
    """
    ready = [device for device in found if _is_taken_unasked(device)]
    first = ready[0]
    if first.name not in seconds:
        why = "no card of another kind is here" if first.place == "processor" else "cards come first"
        return Choice(first, f"{why}; nothing is measured (--measure)")
    candidates = [d for d in found if d.name in seconds and d.place != "software"]
    fastest = min(candidates, key=lambda device: (seconds[device.name], device is not first))
    return Choice(fastest, "the fastest of those measured")


def _is_taken_unasked(device: Device) -> bool:
    return device.kind != "vulkan" or device.place == "card"

"""Everything that the program asks of ``torch.xpu``, Intel's cards, in one place that a test can replace."""

from __future__ import annotations

from typing import Any

import torch

#: None in releases of torch that do not have it
xpu: Any = getattr(torch, "xpu", None)


def count() -> int:
    """Count the Intel cards that can be used."""
    return int(xpu.device_count()) if xpu is not None and xpu.is_available() else 0


def card_name(device: torch.device) -> str:
    """Name the card as a person knows it."""
    return str(xpu.get_device_name(device))


def total_memory(device: torch.device) -> int:
    """Read the bytes of the card's memory."""
    return int(xpu.get_device_properties(device).total_memory)


def fast_type(device: torch.device) -> torch.dtype:
    """Choose the shortest floating-point type that the card computes with: float16 on all but a few."""
    return torch.float16 if xpu.get_device_properties(device).has_fp16 else torch.float32

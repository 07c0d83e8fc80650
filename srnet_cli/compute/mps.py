"""Everything that the program asks of ``torch.mps``, Apple's GPUs, in one place that a test can replace."""

from __future__ import annotations

from typing import Any

import torch

mps: Any = torch.mps


def is_there() -> bool:
    """Tell whether there is one."""
    return bool(torch.backends.mps.is_available())


def total_memory() -> int | None:
    """Read the bytes that the system lets the GPU have; None where torch cannot say."""
    try:
        return int(mps.recommended_max_memory())
    except (AttributeError, RuntimeError):
        return None

"""Cost of a call: seconds, and working memory beyond what was held before it."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from srnet_cli.compute import cuda

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
#: written to ``clear_refs``, makes the peak of the resident memory start again
_RESET_PEAK = "5"


@dataclass
class Cost:
    """Seconds and bytes; the memory is None where the system does not tell it."""

    seconds: float = 0.0
    memory: int | None = None


@contextmanager
def measured(device: torch.device) -> Iterator[Cost]:
    """Time the block and note the most memory it held beyond what was held before.

    On CUDA that is what torch allocated; on the CPU the growth of the process's resident memory (Linux).
    """
    cost = Cost()
    if device.type == "cuda":
        cuda.synchronise(device)
        before: int | None = cuda.restart_peak(device)
    else:
        _give_back_free_memory()
        before = _resident("VmRSS") if _peak_restarted() else None
    started = time.perf_counter()
    yield cost
    cuda.synchronise(device)
    cost.seconds = time.perf_counter() - started
    peak = cuda.peak_memory(device) if device.type == "cuda" else _resident("VmHWM")
    if before is not None and peak is not None:
        cost.memory = max(0, peak - before)


def _give_back_free_memory() -> None:
    """Return memory that earlier calls freed: kept by the C library, it would hide what this one needs."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return  # another C library


def _peak_restarted() -> bool:
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _resident(field: str) -> int | None:
    """Read a line of the process's status in bytes."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), None)

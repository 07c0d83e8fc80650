"""Everything that the program asks about the processor: name, instruction sets, what it is fast at."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

#: torch's probes, by the set that they ask for; private names, of which not every release has each
_PROBES = (
    ("AVX2", "_is_avx2_supported"),
    ("AVX-512", "_is_avx512_supported"),
    ("AVX-512 bf16", "_is_avx512_bf16_supported"),
    ("AMX", "_is_amx_tile_supported"),
)
_WITH_BF16 = ("AVX-512 bf16", "AMX")


def title() -> str:
    """Name the processor as its maker does, where the system says it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine() or "processor"


def instruction_sets() -> tuple[str, ...]:
    """List the sets that matter here and that torch found; what torch itself compiles for, elsewhere."""
    found = tuple(name for name, probe in _PROBES if _answers(probe))
    return found or (torch.backends.cpu.get_cpu_capability(),)


def has_bf16() -> bool:
    """Tell whether bf16 arithmetic is native; without it bf16 is emulated, slower than fp32.

    A processor that has it while torch was told to stay within AVX2 (``ATEN_CPU_CAPABILITY``) does not count.
    """
    return not is_without_avx512() and any(_answers(probe) for name, probe in _PROBES if name in _WITH_BF16)


def is_without_avx512() -> bool:
    """Tell whether this is an x86 processor with AVX2 and nothing wider: the kind ncnn was measured on."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def memory() -> int | None:
    """Read the bytes of the machine's memory; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _answers(probe: str) -> bool:
    return bool(getattr(torch.cpu, probe, bool)())

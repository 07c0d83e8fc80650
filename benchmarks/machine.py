"""Facts about the machine of a measurement that tell one result from another."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from srnet_cli.compute import cuda

#: instruction sets that decide which convolution kernels run, as Linux calls them
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8")


def machine_facts(device: torch.device) -> dict[str, object]:
    """List processor, memory, versions; no host name and no path."""
    facts: dict[str, object] = {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "instruction_sets": _instruction_sets(),
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "cache_kib": _caches(),
        "memory_gib": _memory_gib(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if device.type == "cuda":
        facts["gpu"] = cuda.card_name(device)
        facts["gpu_memory_gib"] = round(cuda.total_memory(device) / 2**30, 1)
        facts["cuda"] = torch.version.cuda
        facts["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return facts


def load_per_core() -> float | None:
    """Tell how busy other processes keep each core, over the last minute; above 0.1 timings suffer."""
    try:
        return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)
    except (AttributeError, OSError):
        return None


def _cpuinfo(field: str) -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), None)


def _cpu_model() -> str:
    name = _cpuinfo("model name") or platform.processor() or platform.machine()
    family, model = _cpuinfo("cpu family"), _cpuinfo("model\t")
    return f"{name} (family {family}, model {model})" if family and model else name


def _instruction_sets() -> list[str]:
    flags = (_cpuinfo("flags") or "").split()
    return [name for name in INSTRUCTION_SETS if name in flags]


def _caches() -> dict[str, str]:
    caches = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            caches[f"L{level}"] = size
    return caches


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None

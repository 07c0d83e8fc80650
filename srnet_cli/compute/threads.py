"""The number of threads that computing may take, decided before torch is imported.

torch asks the machine for its number of cores. What a scheduler or a container allows this process is often
less, and threads beyond it wait for each other's turn.
"""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

_ROOT = Path("/")


def limit_threads(root: Path = _ROOT) -> None:
    """Set the OpenMP variables that the user has not set; to be called before torch is imported.

    Waiting threads sleep instead of spinning: they would take the cores from those that decode and write
    pictures.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = str(usable_cores(root))


def usable_cores(root: Path = _ROOT) -> int:
    """Count the cores that this process may use: by its affinity, and by its control groups' quota.

    ``root`` is where ``proc`` and ``sys`` are.
    """
    try:
        cpus = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
    return max(1, min([len(_cores(root, cpus)), *(ceil(quota) for quota in _quotas(root))]))


def _cores(root: Path, cpus: set[int]) -> set[str]:
    """Name the physical cores behind ``cpus``: two threads on one core only get in each other's way."""
    folder = root / "sys/devices/system/cpu"
    return {_read(folder / f"cpu{cpu}/topology/thread_siblings_list") or str(cpu) for cpu in cpus}


def _quotas(root: Path) -> list[float]:
    """List the limits, in CPUs, of the process's control group (either version) and those around it."""
    found = []
    mounted = root / "sys/fs/cgroup"
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Seen from inside a container the group's path may name folders that only exist outside it.
        group = Path(path.lstrip("/"))
        for part in (group, *group.parents):
            if not controllers:
                found.append(_quota(*(_read(mounted / part / "cpu.max") or "max").split()))
                continue
            folder = mounted / "cpu" / part
            quota, period = (_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
            found.append(_quota(quota or "-1", period or "0"))
    return [quota for quota in found if quota is not None]


def _quota(allowed: str, period: str = "0") -> float | None:
    """Divide microseconds by microseconds; None where there is not a limit ("max" or -1)."""
    return int(allowed) / int(period) if allowed.isdecimal() and int(period) else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None

"""Times that were measured on this machine's devices, kept in the user's cache folder."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from srnet_cli.compute import processor
from srnet_cli.compute.devices import Device
from srnet_cli.errors import OutputError
from srnet_cli.kept import keep as keep_table
from srnet_cli.kept import read_kept

FILE = "devices.json"
NAMES = ("light", "full")

Engine = Literal["torch", "ncnn"]


@dataclass(frozen=True)
class Speed:
    """Seconds that a device takes for a megapixel of LR, by the light model and by the full one, ×4."""

    light: float
    full: float
    #: the library that was the fastest for each; on the processor there may be two
    light_engine: Engine = "torch"
    full_engine: Engine = "torch"

    @property
    def joint(self) -> float:
        """One figure to rank devices by: the geometric mean."""
        return math.sqrt(self.light * self.full)


def user_cache() -> Path | None:
    """Find the user's cache: ``XDG_CACHE_HOME``, else by the platform's custom; None without a home.

    A relative one is none, as the rules for it say: it would be another in each folder, with what lies there.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "srnet"
    try:
        folder = platformdirs.user_cache_path("srnet", appauthor=False)
    except RuntimeError:
        return None
    # Older versions of platformdirs leave "~" as it is.
    return folder if folder.is_absolute() else None


def measured(device: Device) -> Speed | None:
    """Look up what was measured on this device beside this processor; None where nothing was."""
    folder = user_cache()
    entry = None if folder is None else read_kept(folder / FILE).get(_key(device))
    if not isinstance(entry, Mapping):
        return None
    values = [entry.get(name) for name in NAMES]
    light, full = (float(v) if isinstance(v, int | float) and v > 0 else math.nan for v in values)
    if not (math.isfinite(light) and math.isfinite(full)):
        return None
    engines: list[Engine] = ["ncnn" if entry.get(f"{name}_engine") == "ncnn" else "torch" for name in NAMES]
    return Speed(light, full, *engines)


def keep(speeds: Mapping[Device, Speed]) -> Path:
    """Write what was measured beside what was there, and return the file.

    Raises:
        OutputError: there is no place for it, or it cannot be written.
    """
    folder = user_cache()
    if folder is None:
        raise OutputError("no home directory to keep measurements in", remedy="set XDG_CACHE_HOME")
    path = folder / FILE
    keep_table(path, {**read_kept(path), **{_key(device): asdict(speed) for device, speed in speeds.items()}})
    return path


def _key(device: Device) -> str:
    # A home folder may be that of several machines.
    return f"{device.name} {device.title} / {processor.title()} {os.cpu_count()}"

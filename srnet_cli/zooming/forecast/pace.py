"""How long this machine takes for a pixel: from earlier runs, else from one tile computed for the purpose."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from srnet_cli.compute.device import device_title
from srnet_cli.data.cache import default_cache
from srnet_cli.errors import DataError, SrnetError
from srnet_cli.files import atomic_path, folder_for
from srnet_cli.imaging.boxes import Box
from srnet_cli.reading import read_text_input
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.frame import Frame

_FILE = "paces.json"
#: more entries than all models on some devices have; older ones are dropped
_MOST = 200
#: seconds; a shorter zoom says little about the pace
_LEAST_SECONDS = 2.0


class Paces:
    """Seconds per computed pixel of each engine, kept in a file from run to run.

    ``file`` is where; None keeps them in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known = {} if file is None else _read(file)
        self._changed = False

    @classmethod
    def of_user(cls) -> Paces:
        """Open those in the user's cache; without one they are not kept."""
        try:
            return cls(default_cache() / _FILE)
        except DataError:
            return cls()

    def seconds(self, frame: Frame, engines: Sequence[Engine]) -> float:
        """Estimate the computing time of a frame; a pace that is not known is measured first.

        Raises:
            DeviceError, WeightsError: as :meth:`Engine.strips`.
        """
        return sum(
            pixels * self._pace(engine)
            for pixels, engine in zip(_computed(frame, engines), engines, strict=True)
        )

    def learn(self, frame: Frame, engines: Sequence[Engine], seconds: float) -> None:
        """Take the time that a zoom really took into account."""
        estimate = self.seconds(frame, engines)
        if seconds < _LEAST_SECONDS or estimate <= 0:
            return
        for key in {_key(engine) for engine in engines}:
            # Half of the way: one run beside other work is no reason to forget those before.
            self._known[key] *= math.sqrt(seconds / estimate)
        self._changed = True

    def save(self) -> None:
        """Keep what was measured; a cache that cannot be written is no loss."""
        if not self._changed or self._file is None:
            return
        newest = dict(list(self._known.items())[-_MOST:])
        with contextlib.suppress(SrnetError, OSError):
            with folder_for(self._file.parent), atomic_path(self._file, overwrite=True) as temporary:
                temporary.write_text(json.dumps(newest, indent=1), encoding="utf-8")
            self._changed = False

    def _pace(self, engine: Engine) -> float:
        key = _key(engine)
        if key not in self._known:
            self._known[key] = _measured(engine)
            self._changed = True
        return self._known[key]


def _read(file: Path) -> dict[str, float]:
    try:
        values = json.loads(read_text_input(file))
    except (SrnetError, ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {k: v for k, v in values.items() if isinstance(v, float) and math.isfinite(v) and v > 0}


def _key(engine: Engine) -> str:
    """Name everything that the pace depends on."""
    title = engine.card.sha256[:12] or f"{engine.card.architecture}×{engine.scale}"
    device = device_title(engine.device)
    threads = torch.get_num_threads() if engine.device.type == "cpu" else 0
    tile, ensemble = engine.tile, "ensemble" if engine.options.ensemble else "once"
    return f"{title} {device} {threads} {engine.dtype} {tile} {ensemble} torch {torch.__version__}"


def _computed(frame: Frame, engines: Sequence[Engine]) -> list[float]:
    """Count the pixels that each engine reads, overlaps and padding too."""
    counts, region = [], frame.region
    for engine in engines:
        grid = engine.grid(region)
        counts.append(engine.computed(grid))
        region = Box(0, 0, region.height * engine.scale, region.width * engine.scale)
    return counts


def _measured(engine: Engine) -> float:
    """Compute a part that fits one batch of tiles, twice: the first time kernels are loaded."""
    side = max(16, engine.tile // 2 if engine.device.type == "cpu" else engine.tile * 2)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    region = Box(0, 0, side, side)
    for _ in engine.strips(pixels, region):
        pass
    started = time.perf_counter()
    for _ in engine.strips(pixels, region):
        pass
    taken = time.perf_counter() - started
    (count,) = _computed(Frame(region, engine.scale, side, side), [engine])
    return taken / count

"""How long this machine takes for a pixel: from earlier runs, else from one tile computed for the purpose."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from srnet_cli.compute.device import device_title
from srnet_cli.compute.measurements import user_cache
from srnet_cli.errors import SrnetError
from srnet_cli.imaging.boxes import Box
from srnet_cli.kept import keep, read_kept
from srnet_cli.zooming.engine import Engine, grids
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
        folder = user_cache()
        return cls(None if folder is None else folder / _FILE)

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
            keep(self._file, newest)
            self._changed = False

    def _pace(self, engine: Engine) -> float:
        key = _key(engine)
        if key not in self._known:
            self._known[key] = _measured(engine)
            self._changed = True
        return self._known[key]


def _read(file: Path) -> dict[str, float]:
    return {k: v for k, v in read_kept(file).items() if isinstance(v, float) and math.isfinite(v) and v > 0}


def _key(engine: Engine) -> str:
    """Name everything that the pace depends on."""
    title = engine.card.sha256[:12] or f"{engine.card.architecture}×{engine.scale}"
    device = device_title(engine.device)
    threads = torch.get_num_threads() if engine.device.type == "cpu" else 0
    tile, ensemble = engine.tile, "ensemble" if engine.options.ensemble else "once"
    return f"{title} {device} {threads} {engine.dtype} {tile} {ensemble} torch {torch.__version__}"


def _computed(frame: Frame, engines: Sequence[Engine]) -> list[float]:
    """Count the pixels that each engine reads, overlaps and padding too."""
    return [engine.computed(grid) for engine, grid in grids(frame.region, engines)]


def _measured(engine: Engine) -> float:
    """Compute a part that fits one batch of tiles, twice: the first time kernels are loaded."""
    side = max(16, engine.tile // 2 if engine.device.type == "cpu" else engine.tile * 2)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, engine.planes), dtype=np.uint8)
    region = Box(0, 0, side, side)
    for _ in engine.strips(pixels, region):
        pass
    started = time.perf_counter()
    for _ in engine.strips(pixels, region):
        pass
    taken = time.perf_counter() - started
    return taken / engine.computed(engine.grid(region))

"""How long this machine takes for a pixel: from earlier runs, else from one tile computed for the purpose."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from srnet_cli.compute.device import device_title
from srnet_cli.compute.measurements import user_cache
from srnet_cli.errors import SrnetError
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.picture import Pixels
from srnet_cli.kept import keep, read_kept
from srnet_cli.zooming.effort.texture import plain_share
from srnet_cli.zooming.engine import Engine, grids
from srnet_cli.zooming.frame import Frame

_FILE = "paces.json"
#: more entries than all models on some devices have; older ones are dropped
_MOST = 200
#: seconds; a shorter zoom says little about the pace
_LEAST_SECONDS = 1.0
#: times that a part is computed to measure a pace; the fastest counts, as other programs may take turns
MEASURED = 2


@dataclass(frozen=True)
class Pace:
    """How fast a model was on this machine."""

    #: of a million pixels of the input, the overlaps of its tiles not counted
    seconds_per_megapixel: float
    #: what computed it, and how: "cpu, 2 threads, bfloat16"
    device: str


class Paces:
    """Seconds per computed pixel of each engine, kept in a file from run to run.

    ``file`` is where; None keeps them in memory. ``clock`` gives the seconds of what is measured.
    """

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._file, self._clock = file, clock
        self._known = {} if file is None else _read(file)
        self._changed = False

    @classmethod
    def of_user(cls) -> Paces:
        """Open those in the user's cache; without one they are not kept."""
        folder = user_cache()
        return cls(None if folder is None else folder / _FILE)

    def seconds(self, frame: Frame, engines: Sequence[Engine], pixels: Pixels | None = None) -> float:
        """Estimate the computing time of a frame; a pace that is not known is measured first.

        Without the ``pixels`` nobody knows which tiles are left to a light network: then none is.

        Raises:
            DeviceError, WeightsError: as :meth:`Engine.strips`.
        """
        return sum(count * self._pace(engine) for engine, count in _computed(frame, engines, pixels))

    def known(self, sha256: str) -> Pace | None:
        """Return the pace of a model that was measured last, on whatever device; None where none was."""
        found = [_read_key(key, pace) for key, pace in self._known.items() if key.startswith(sha256[:12])]
        return next((pace for pace in reversed(found) if pace is not None), None)

    def learn(
        self, frame: Frame, engines: Sequence[Engine], seconds: float, pixels: Pixels | None = None
    ) -> None:
        """Take the time that a zoom really took into account."""
        estimate = self.seconds(frame, engines, pixels)
        if seconds < _LEAST_SECONDS or estimate <= 0:
            return
        for key in {_key(engine) for engine, _ in _computed(frame, engines, pixels)}:
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
            self._known[key] = self._measured(engine)
            self._changed = True
        return self._known[key]

    def _measured(self, engine: Engine) -> float:
        """Compute a part that fits one batch of tiles, the first time so that kernels are loaded."""
        side = max(16, engine.tile // 2 if engine.device.type == "cpu" else engine.tile * 2)
        pixels, region = _drawn(side, engine.planes), Box(0, 0, side, side)
        taken = []
        for _ in range(MEASURED + 1):
            started = self._clock()
            for _strip in engine.strips(pixels, region):
                pass
            taken.append(self._clock() - started)
        return min(taken[1:]) / engine.computed(engine.grid(region))


def _drawn(side: int, planes: int) -> NDArray[np.uint8]:
    """Draw slopes and edges as a photograph has them: in noise, correcting colours takes much longer."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, planes), dtype=np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.float32)
    return np.asarray(np.clip((smooth - 127) * 6 + 127, 0, 255), np.uint8)


def _read(file: Path) -> dict[str, float]:
    return {k: v for k, v in read_kept(file).items() if isinstance(v, float) and math.isfinite(v) and v > 0}


def _key(engine: Engine) -> str:
    """Name everything that the pace depends on."""
    title = engine.card.sha256[:12] or f"{engine.card.architecture}×{engine.scale}"
    device = device_title(engine.device)
    threads = torch.get_num_threads() if engine.device.type == "cpu" else 0
    tile, ensemble = engine.tile, "ensemble" if engine.options.ensemble else "once"
    return f"{title} {device} {threads} {engine.dtype} {tile} {ensemble} torch {torch.__version__}"


def _read_key(key: str, pace: float) -> Pace | None:
    """Read a name that :func:`_key` gave; None for eight views at once, and for another version of torch."""
    parts = key.split(" ")
    if len(parts) < 8:
        return None
    _, *device, threads, dtype, _, views, _, version = parts
    if views != "once" or version != torch.__version__:
        return None
    cores = "" if threads == "0" else f", {threads} thread{'' if threads == '1' else 's'}"
    return Pace(1e6 * pace, f"{' '.join(device)}{cores}, {dtype.removeprefix('torch.')}")


def _computed(frame: Frame, engines: Sequence[Engine], pixels: Pixels | None) -> list[tuple[Engine, float]]:
    """Count the pixels that each engine computes, overlaps and padding too."""
    found: list[tuple[Engine, float]] = []
    for number, (engine, grid) in enumerate(grids(frame.region, engines)):
        count, lighter = engine.computed(grid), engine.lighter
        if lighter is not None and pixels is not None and number == 0:
            share, around = plain_share(pixels, grid), lighter.radius or 0
            each = (grid.height + 2 * around) * (grid.width + 2 * around)
            found.append((lighter, share * grid.rows * grid.columns * each))
            count *= 1 - share
        found.append((engine, count))
    return [each for each in found if each[1]]

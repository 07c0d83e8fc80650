"""How long a zoom will take, where its device was measured."""

from __future__ import annotations

from collections.abc import Sequence

from srnet_cli.compute.devices import kind_named
from srnet_cli.compute.measurements import measured
from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.guarding.guard import computed_in

#: networks of which two models were timed
_TIMED = ("srnet", "srnet_lite")


def estimate_seconds(engines: Sequence[Engine], region: Box) -> float | None:
    """Estimate the time for ``region`` through all models; None where one was not timed.

    Times are those of the models for ×4, by pixels of all tiles: the overlaps are computed twice.
    """
    total = 0.0
    for engine in engines:
        seconds = _per_megapixel(engine)
        if seconds is None:
            return None
        grid = engine.grid(region)
        views = 8 if engine.options.ensemble else 1
        total += grid.rows * grid.columns * grid.size**2 / 1e6 * seconds * views
        region = Box(0, 0, region.height * engine.scale, region.width * engine.scale)
    return total


def _per_megapixel(engine: Engine) -> float | None:
    device, _ = computed_in(engine.network, engine.device, engine.dtype)
    kind = kind_named(device.type)
    found = [] if kind is None else [d for d in kind.find() if d.torch_device == device]
    speed = measured(found[0]) if found else None
    if speed is None or engine.card.architecture not in _TIMED:
        return None
    return speed.light if engine.card.light else speed.full

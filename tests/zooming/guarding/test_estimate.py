"""The estimate of a zoom's time, from what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.compute.devices import processor_device
from srnet_cli.compute.measurements import Speed, keep
from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.guarding.estimate import estimate_seconds
from tests.zooming.models import nearest_model, random_model

REGION = Box(0, 0, 300, 400)


def test_time_is_that_of_the_pixels_of_all_tiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    engine = Engine(random_model(), EngineOptions(device="cpu"))
    assert estimate_seconds([engine], REGION) is None
    keep({processor_device(): Speed(5, 50)})
    grid = engine.grid(REGION)
    one = estimate_seconds([engine], REGION)
    assert one == pytest.approx(grid.rows * grid.columns * grid.size**2 * 50e-6)
    two = estimate_seconds([engine, engine], REGION)
    assert two is not None and one is not None and two > 4 * one
    assert estimate_seconds([Engine(nearest_model(), EngineOptions(device="cpu"))], REGION) is None

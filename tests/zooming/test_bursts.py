"""Networks that finest patterns set off: no garbage, no refusal, nothing else changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from srnet_cli.errors import WeightsError
from srnet_cli.imaging import Picture
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture
from tests.zooming.models import Nearest, smooth_scene


class Bursting(Nearest):
    """Repeats pixels, and gives ``level`` where neighbours differ by far."""

    def __init__(self, scale: int, level: float, always: bool = False) -> None:
        super().__init__(scale)
        self.level, self.always = level, always

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        output = super().forward(lr, residual)
        wild = (lr - lr.roll(1, dims=3)).abs() > 200
        wild = (wild | self.always).repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
        output.sr[wild] = self.level
        return output


def engine(level: float, always: bool = False) -> Engine:
    card = Card(name="bursting", architecture="nearest", scale=2, tile=96, overlap=8)
    model = LoadedModel(Bursting(2, level, always), card, Path())
    return Engine(model, EngineOptions(device="cpu", precision="fp32"))


@pytest.mark.parametrize("level", [1e3, 1e6, -1e6, float("inf"), float("nan")])
def test_a_burst_becomes_bicubic_and_the_rest_stays(level: float) -> None:
    pixels = smooth_scene(60, 120) // 2 + 40
    y, x = np.mgrid[20:40, 20:40]
    pixels[20:40, 20:40] = ((x + y) % 2 * 255)[..., None]
    bursting, calm = engine(level), engine(0)
    calm.network = Nearest(2)
    frame = plan_frame(60, 120, 2)
    found, expected = (zoom_picture(Picture(pixels), frame, [e]).pixels for e in (bursting, calm))
    assert bursting.burst and not calm.burst
    assert np.array_equal(found[:, 140:], expected[:, 140:])
    inside = found[44:76, 44:76].astype(float)
    assert np.abs(inside.mean(axis=(0, 1)) - 127.5).max() < 3
    assert inside.min() > 0 and inside.max() < 255


@pytest.mark.parametrize("level", [1e6, float("nan")])
def test_a_network_that_is_out_of_order_is_refused(level: float) -> None:
    with pytest.raises(WeightsError, match="far beyond any picture"):
        zoom_picture(Picture(smooth_scene(40, 50)), plan_frame(40, 50, 2), [engine(level, always=True)])

"""The result has the input's mean colours, whatever the network does to them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from srnet_cli.imaging.boxes import Box
from srnet_cli.models.card import Card
from srnet_cli.models.released import picture_models
from srnet_cli.models.store import LoadedModel, load_model
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.rows.colours import FADE, FLAT_RADIUS, ColourTie

from .models import Nearest, nearest_model, noise, random_model, smooth_scene

LEVELS = (0, 64, 128, 191, 255)


class Casting(Nearest):
    """Repeats pixels in other colours, and with a pattern of its own."""

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        output = super().forward(lr, residual)
        output.sr[:, 0] *= 0.8
        output.sr[:, 2] += 12
        output.sr[:, :, ::2, ::2] += 9
        return output


def casting_model(scale: int, tile: int = 32) -> LoadedModel:
    card = Card(name="casting", architecture="nearest", scale=scale, tile=tile, overlap=8)
    return LoadedModel(Casting(scale), card, nearest_model(scale).path)


def zoomed(model: LoadedModel, pixels: NDArray[np.uint8], keep_colours: bool = True) -> NDArray[np.float32]:
    engine = Engine(model, EngineOptions(device="cpu", precision="fp32", keep_colours=keep_colours))
    strips = list(engine.strips(pixels, Box(0, 0, *pixels.shape[:2])))
    return np.concatenate([strip.sr.numpy() for strip in strips])


def off(result: NDArray[np.float32], colours: NDArray[np.uint8]) -> float:
    scale = len(result) // len(colours)
    return float(np.abs(np.rint(result) - colours.repeat(scale, 0).repeat(scale, 1)).max())


@pytest.mark.parametrize("name", [card.name for card in picture_models() if card.light])
def test_flat_colours_stay_with_the_light_models(name: str) -> None:
    model = load_model(name)
    for colour in list(itertools.product(LEVELS, repeat=3))[::4]:
        flat = np.full((24, 24, 3), colour, np.uint8)
        assert off(zoomed(model, flat), flat) <= 1, colour


def sets() -> list[tuple[str, float]]:
    """Every released set of weights: a model's name, and the share of its crisp set."""
    shares = {card.name: (0.0, 1.0) if card.crisp else (0.0,) for card in picture_models()}
    return [(name, share) for name in shares for share in shares[name]]


def colour_chart(side: int = 20, across: int = 12) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """All 125 colours as patches of one picture, and where the surroundings are flat."""
    colours = np.array(list(itertools.product(LEVELS, repeat=3)), np.uint8)
    order = np.random.default_rng(5).permutation(len(colours))
    filled = np.resize(colours[order], (-(-len(colours) // across) * across, 3)).reshape(-1, across, 3)
    inner = np.zeros((side, side), bool)
    reach = FLAT_RADIUS + FADE + 1  # what lies between two input pixels is interpolated
    inner[reach:-reach, reach:-reach] = True
    return filled.repeat(side, 0).repeat(side, 1), np.tile(inner, filled.shape[:2])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "crisp"), sets())
def test_colours_stay_with_every_released_model(name: str, crisp: float) -> None:
    """125 colours side by side, which is harder than each alone, and the eight strongest alone."""
    model = load_model(name, crisp)
    chart, inner = colour_chart()
    scale = model.card.scale
    result = zoomed(model, chart)
    assert np.abs(result.clip(0, 255) - result).max() < 1
    expected, where = (each.repeat(scale, 0).repeat(scale, 1) for each in (chart, inner))
    assert np.abs(np.rint(result) - expected)[where].max() <= 1
    for colour in itertools.product((0, 255), repeat=3):
        flat = np.full((24, 24, 3), colour, np.uint8)
        assert off(zoomed(model, flat), flat) <= 1, colour


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "crisp"), sets())
def test_fine_patterns_keep_their_mean_with_every_released_model(name: str, crisp: float) -> None:
    model = load_model(name, crisp)
    for pattern, pixels in patterns().items():
        result = zoomed(model, pixels)
        assert np.abs(result.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() <= 3, pattern
        assert result.min() >= 0 and result.max() <= 255


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (3, 5), (24, 24), (60, 70)])
def test_flat_colours_stay_whatever_the_network_and_the_size(height: int, width: int) -> None:
    flat = np.full((height, width, 3), (0, 64, 255), np.uint8)
    for model in (casting_model(2), casting_model(3), random_model(2)):
        assert off(zoomed(model, flat), flat) <= 1


def patterns() -> dict[str, NDArray[np.uint8]]:
    y, x = np.mgrid[0:48, 0:48]
    masks = {
        "checkers": (x + y) % 2,
        "rows": y % 2,
        "dither": np.random.default_rng(0).integers(0, 2, (48, 48)),
        "columns in pairs": x // 2 % 2,
    }
    return {name: (mask * 255).astype(np.uint8)[..., None].repeat(3, 2) for name, mask in masks.items()}


@pytest.mark.parametrize("pattern", patterns())
@pytest.mark.parametrize("name", ["srnet-lite-x4", "srnet-lite-x2"])
def test_fine_patterns_keep_their_mean(name: str, pattern: str) -> None:
    pixels = patterns()[pattern]
    result = zoomed(load_model(name), pixels)
    assert np.abs(result.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max() <= 3
    assert result.min() >= 0 and result.max() <= 255


def test_a_cast_goes() -> None:
    pixels = smooth_scene(90, 120)

    def means_off(result: NDArray[np.float32]) -> float:
        return float(np.abs(result.reshape(90, 2, 120, 2, 3).mean(axis=(1, 3)) - pixels).mean())

    tied, untied = (means_off(zoomed(casting_model(2), pixels, keep)) for keep in (True, False))
    assert tied < min(5, untied / 2)


def test_the_tie_does_not_depend_on_how_rows_are_cut() -> None:
    pixels, region = noise(60, 40), Box(4, 3, 50, 30)
    result = np.random.default_rng(1).uniform(-20, 275, (100, 60, 3)).astype(np.float32)

    def tied(cuts: list[int]) -> NDArray[np.float32]:
        tie = ColourTie(pixels, region, 2)
        parts = np.split(result, cuts)
        return np.concatenate(
            [rows.numpy() for part in parts for rows in tie.push(torch.from_numpy(part.copy()))]
        )

    whole = tied([])
    assert whole.shape == result.shape
    for cuts in ([2], [10, 12, 60], list(range(2, 100, 2))):
        assert np.allclose(tied(cuts), whole, atol=1e-3)


def test_the_residual_comes_with_its_own_rows() -> None:
    pixels = noise(70, 50)
    strips = list(
        Engine(nearest_model(2), EngineOptions(device="cpu")).strips(pixels, Box(0, 0, 70, 50), True)
    )
    assert [s.top for s in strips] == np.cumsum([0, *(len(s.sr) for s in strips)])[:-1].tolist()
    residual = np.concatenate([s.residual.numpy() for s in strips if s.residual is not None])
    assert np.allclose(residual, 255.0 - pixels.repeat(2, 0).repeat(2, 1), atol=1e-3)

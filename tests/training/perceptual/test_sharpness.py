"""The loss that asks for as much slope in a window as HR has."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.metrics.detail import sharpness_ratio
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.training.perceptual.sharpness import sharpness_loss
from tests.training.runs import hybrid_loss
from tests.training.sources import Drawings


def texture(sigma: float = 20, side: int = 64) -> Tensor:
    return 120 + sigma * torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))


def blurred(picture: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool2d(picture, 3, 1, 1, count_include_pad=False)


def test_it_is_the_formula_of_its_docstring() -> None:
    sr, hr = texture(10)[:1, :, :36, :37], texture(30)[:1, :, :36, :37]

    def slope(picture: Tensor, top: int, left: int) -> float:
        smooth = picture[0].mean(0)
        for _ in range(2):  # of (1, 2, 1) both ways
            rows = (smooth[:-2] + 2 * smooth[1:-1] + smooth[2:]) / 4
            smooth = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
        part = smooth[top : top + 9, left : left + 9]
        across, down = part[1:, 1:] - part[1:, :-1], part[1:, 1:] - part[:-1, 1:]
        return float((across.abs() + down.abs()).mean())

    places = [(top, left) for top in range(0, 24, 4) for left in range(0, 25, 4)]
    pairs = [(slope(sr, *place), slope(hr, *place)) for place in places]
    wanted = sum(abs(made - true) * true**2 / (true + 6) ** 3 for made, true in pairs) / len(pairs)
    assert sharpness_loss(sr, hr, 2).item() == pytest.approx(wanted, rel=1e-4)


def test_softness_costs_and_too_much_does_too() -> None:
    hr = texture()
    assert sharpness_loss(hr, hr, 4) == 0
    once, twice = blurred(hr), blurred(blurred(hr))
    assert 0.005 < sharpness_loss(once, hr, 4) < sharpness_loss(twice, hr, 4)
    assert sharpness_loss(120 + 2 * (hr - 120), hr, 4) > 0.03


def test_where_in_a_window_is_free() -> None:
    hr = texture(30)
    assert sharpness_loss(hr.roll((1, 1), (2, 3)), hr, 4) < 0.1 * sharpness_loss(blurred(hr), hr, 4)


def test_grain_and_every_second_pixel_count_little() -> None:
    flat, soft = torch.full((2, 3, 64, 64), 120.0), blurred(texture())
    assert sharpness_loss(flat, texture(1), 4) < 0.1 * sharpness_loss(blurred(texture()), texture(), 4)
    lines = torch.zeros_like(soft)
    lines[..., ::2] = 20
    assert sharpness_loss(soft + lines, texture(), 4) == pytest.approx(
        sharpness_loss(soft, texture(), 4).item(), rel=1e-3
    )


def test_its_gradient_sharpens() -> None:
    hr = blurred(texture(60))
    made = blurred(blurred(hr)).requires_grad_(True)
    descent = torch.optim.Adam([made], 0.3)

    def sharpness() -> float:
        first, true = (p[0].detach().permute(1, 2, 0).clamp(0, 255).byte().numpy() for p in (made, hr))
        found = sharpness_ratio(first, true)
        assert found is not None
        return found

    before = sharpness()
    for _ in range(40):
        descent.zero_grad()
        sharpness_loss(made, hr, 4).backward()  # type: ignore[no-untyped-call]
        descent.step()
    assert before < 0.5
    assert 1.3 * before < sharpness() < 1.2


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_a_run_has_it_for_the_smallest_patches(scale: int) -> None:
    loss = hybrid_loss(sharpness_weight=2.0, residual_weight=0.0)
    batch = Drawings(2).batch([0], 1, 16, "cpu")
    values = dict(zip(loss.names, loss(NetworkOutput(batch.hr * 0.5), batch), strict=True))
    assert values["total"].item() == pytest.approx((values["sr"] + 2 * values["sharpness"]).item())
    assert values["sharpness"] > 0
    assert torch.isfinite(sharpness_loss(texture(side=8 * scale), texture(side=8 * scale), scale))

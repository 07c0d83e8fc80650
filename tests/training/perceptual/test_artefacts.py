from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.errors import UsageError
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.training.perceptual.artefacts import grid_loss, ldl
from srnet_cli.training.perceptual.bands import high_band
from tests.training.runs import hybrid_loss, tiny
from tests.training.sources import Drawings


def noise(count: int = 2, side: int = 96, sigma: float = 5) -> Tensor:
    return 120 + sigma * torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


# --- the high band ---


def test_the_high_band_holds_detail_only() -> None:
    flat = torch.full((1, 3, 48, 48), 99.0)
    assert high_band(flat, 4).abs().max() < 1e-3
    wave = torch.arange(192.0).mul(2 * torch.pi / 4).cos().expand(1, 3, 192, 192)
    assert torch.allclose(high_band(wave, 4)[..., 20:-20], wave[..., 20:-20], atol=1e-3)
    # A Gaussian of sigma 3 leaves exp(−σ²ω²/2) of a wave, and the band the rest.
    slow = torch.arange(192.0).mul(2 * torch.pi / 16).cos().expand(1, 3, 192, 192)
    left = 1 - torch.exp(torch.tensor(-(3**2) * (2 * torch.pi / 16) ** 2 / 2))
    assert torch.allclose(high_band(slow, 4)[..., 20:-20], left * slow[..., 20:-20], atol=0.02)
    assert high_band(torch.rand(1, 3, 16, 16), 8).shape == (1, 3, 16, 16)  # smaller than the kernel


# --- locally discriminative learning ---


def published(sr: Tensor, hr: Tensor, average: Tensor) -> Tensor:
    """The formula with windows cut out one by one, for values 0..1."""
    sr, hr, average = (x / 255 for x in (sr, hr, average))
    error, steadier = ((hr - x).abs().sum(1, keepdim=True) for x in (sr, average))
    padded = torch.nn.functional.pad(error, (3, 3, 3, 3), mode="reflect")
    windows = padded.unfold(2, 7, 1).unfold(3, 7, 1)
    local = windows.reshape(*windows.shape[:4], 49).var(-1, unbiased=True)
    weight = error.var((-1, -2, -3), keepdim=True) ** (1 / 5) * local
    weight[error < steadier] = 0
    return (weight * sr - weight * hr).abs().mean()


def test_ldl_is_the_published_formula() -> None:
    hr = noise(3, 24, 30)
    sr, average = hr + 10 * torch.randn_like(hr), hr + 10 * torch.randn_like(hr)
    assert ldl(sr, hr, average).item() == pytest.approx(255 * published(sr, hr, average).item(), rel=1e-3)


def test_ldl_passes_even_errors_and_those_that_the_average_has_too() -> None:
    hr = noise()
    assert ldl(hr + 7, hr, hr).item() == pytest.approx(0, abs=1e-6)
    rough = hr + 9 * torch.randn(hr.shape, generator=torch.Generator().manual_seed(1))
    assert ldl(rough, hr, hr) > 0
    assert ldl(rough, hr, rough + (rough - hr)) == 0


def test_ldl_needs_the_average_and_uses_it() -> None:
    with pytest.raises(UsageError, match="--ldl-weight"):
        hybrid_loss(ldl_weight=1.0)


# --- the grid ---


def with_lines(picture: Tensor, period: int, height: float) -> Tensor:
    lined = picture.clone()
    lined[..., ::period] += height
    return lined


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_lines_cost_and_equal_pictures_do_not(scale: int) -> None:
    hr = noise(2, 24 * scale)
    assert grid_loss(hr, hr, scale) == 0
    costs = [grid_loss(with_lines(hr, scale, height), hr, scale).item() for height in (1, 4, 16)]
    assert 0 < costs[0] < costs[1] < costs[2] and costs[2] > 2
    # What HR itself has is not forbidden.
    lined = with_lines(hr, scale, 16)
    assert grid_loss(lined, lined, scale) == 0
    # Fewer lines than in HR cost by their phases only.
    assert grid_loss(hr, lined, scale) <= grid_loss(lined, hr, scale)


def test_texture_without_a_lattice_is_free() -> None:
    """Twice the noise elsewhere: no line, no phase."""
    hr = noise(4, 128)
    other = 120 + 10 * torch.randn(4, 3, 128, 128, generator=torch.Generator().manual_seed(5))
    assert grid_loss(other, hr, 4) < 0.2
    assert grid_loss(with_lines(hr, 4, 8), hr, 4) > 2


def test_its_gradient_removes_the_lines() -> None:
    hr = noise(1, 64)
    made = with_lines(hr, 4, 8).requires_grad_(True)
    descent = torch.optim.Adam([made], 0.3)
    costs = []
    for _ in range(40):
        descent.zero_grad()
        cost = grid_loss(made, hr, 4)
        cost.backward()  # type: ignore[no-untyped-call]
        descent.step()
        costs.append(cost.item())
    assert costs[-1] < 0.1 * costs[0]
    columns = (made.detach() - hr).mean((0, 1, 2))
    assert columns[::4].mean() - columns.mean() < 4.5  # of 6 at first


@pytest.mark.parametrize("side", [16, 17, 24])
def test_the_smallest_patches_have_a_grid_loss(side: int) -> None:
    scale = 2
    loss = hybrid_loss(grid_weight=1.0, residual_weight=0.0)
    hr = noise(1, side * scale)
    batch = Drawings(scale).batch([0], 1, side, "cpu")
    values = dict(zip(loss.names, loss(NetworkOutput(batch.hr + hr - 120), batch), strict=True))
    assert torch.isfinite(values["grid"]) and values["total"] > values["sr"]


def test_options_carry_the_weights() -> None:
    options = tiny(grid_weight=0.25, ldl_weight=2.0)
    assert options.weights["grid"] == 0.25 and options.weights["adversarial"] == 0

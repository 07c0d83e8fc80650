"""The light network: what it depends on, its inference form, and that its files are recognised."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.inference.forms import to_inference
from srnet_cli.network.lite import SRNetLite, SRNetLiteOptions
from srnet_cli.network.registry import build_network, recognise
from tests.network.fixtures import error


def small(scale: int = 2, seed: int = 0) -> SRNetLite:
    torch.manual_seed(seed)
    return SRNetLite(SRNetLiteOptions(scale, n_feats=16, n_resblocks=2)).eval()


def picture(height: int, width: int, n: int = 1) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(1)) * 255


def test_a_pixel_reaches_exactly_as_far_as_stated() -> None:
    network = small().double()
    lr = picture(40, 40).double().requires_grad_()
    # LR pixel 20 becomes rows and columns 40 and 41.
    network(lr).sr[0, :, 40:42, 40:42].sum().backward()
    assert lr.grad is not None
    rows = lr.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    radius = network.receptive_radius
    assert (int(rows[0]), int(rows[-1])) == (20 - radius, 20 + radius)


def test_moving_the_picture_moves_the_result() -> None:
    network, lr = small(), picture(48, 48)
    inside = slice(2 * network.receptive_radius, -2 * network.receptive_radius)
    with torch.no_grad():
        still, moved = network(lr).sr, network(lr.roll((5, 3), dims=(2, 3))).sr
    expected = still.roll((10, 6), dims=(2, 3))[:, :, 10:, 6:]
    assert error(moved[:, :, 10:, 6:][:, :, inside, inside], expected[:, :, inside, inside]) <= 5e-6


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_inference_form_is_the_same_function(scale: int) -> None:
    network, lr = small(scale), picture(19, 16, n=2)
    with torch.no_grad():
        expected = network(lr, residual=True)
    got = to_inference(network)(lr, residual=True)
    assert expected.residual is not None and got.residual is not None
    assert got.sr.shape == (2, 3, 19 * scale, 16 * scale)
    assert error(got.sr, expected.sr) <= 5e-6
    assert error(got.residual, expected.residual) <= 5e-6
    assert to_inference(network)(lr).residual is None


def test_in_bfloat16_it_is_close() -> None:
    network, lr = small(4), picture(32, 32)
    with torch.no_grad():
        expected = network(lr).sr
    got = to_inference(network, dtype=torch.bfloat16)(lr).sr
    assert got.dtype == torch.float32
    assert 0 < error(got, expected) < 0.01


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_its_files_are_recognised(scale: int) -> None:
    network = build_network("srnet_lite", scale, n_feats=24, n_resblocks=3)
    found = recognise(network.state_dict())
    assert (found.name, found.scale) == ("srnet_lite", scale)
    assert found.options == {"n_feats": 24, "n_resblocks": 3}


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="below 2"):
        SRNetLiteOptions(scale=1)
    with pytest.raises(ValueError, match="multiple of 8"):
        SRNetLite(SRNetLiteOptions(n_feats=20))

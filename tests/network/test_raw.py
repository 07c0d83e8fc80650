"""The light network for mosaics: what it depends on, its inference form, and its files."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.interior import interior_of
from srnet_cli.network.raw import PLACES, PLANES, SRNetRaw, SRNetRawOptions, interpolate
from srnet_cli.network.registry import build_network, recognise
from tests.network.fixtures import error


def small(scale: int = 4, seed: int = 0) -> SRNetRaw:
    torch.manual_seed(seed)
    return SRNetRaw(SRNetRawOptions(scale, n_feats=16, n_resblocks=2)).eval()


def mosaic(height: int, width: int, n: int = 1) -> Tensor:
    return torch.rand(n, 4, height, width, generator=torch.Generator().manual_seed(1)) * 255


def test_parameters() -> None:
    # Head; six blocks of two convolutions and the gates of local attention; the body's end; the tail.
    gates = sum(p.numel() for p in SRNetRaw().body[0].body[3].parameters())
    block = 2 * (9 * 64 * 64 + 64) + gates
    expected = (9 * 4 * 64 + 64) + 6 * block + (9 * 64 * 64 + 64) + (9 * 64 * 192 + 192)
    assert sum(p.numel() for p in SRNetRaw().parameters()) == expected


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_a_slope_is_interpolated_to_itself(scale: int) -> None:
    # Each sample is taken at its own place: value 10 + 3x + 2y at x, y in the sensor's pixels.
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(20.0), indexing="ij")
    slope = 10 + 3 * (x + 0.5) + 2 * (y + 0.5)
    packed = torch.stack([slope[row::2, column::2] for row, column in PLACES])[None]
    made = interpolate(packed, SRNetRaw(SRNetRawOptions(scale)).plain, scale)
    each = 2 / scale
    fine_y, fine_x = torch.meshgrid(
        torch.arange(8 * scale) + 0.5, torch.arange(10 * scale) + 0.5, indexing="ij"
    )
    expected = 10 + 3 * fine_x * each + 2 * fine_y * each
    inside = slice(scale, -scale)
    for colour in range(3):
        difference = made[0, colour, inside, inside] - expected[inside, inside]
        assert float(difference.abs().max()) < 1e-3


def test_flat_colours_stay_what_they_are() -> None:
    colours = torch.tensor([200.0, 90.0, 40.0])
    packed = colours[list(PLANES)].view(1, 4, 1, 1).expand(1, 4, 6, 6)
    made = interpolate(packed, small(8).plain, 8)
    assert torch.allclose(made, colours.view(1, 3, 1, 1).expand_as(made), atol=1e-3)


def test_a_pixel_reaches_exactly_as_far_as_stated() -> None:
    network = small(2).double()
    lr = mosaic(40, 40).double().requires_grad_()
    network(lr).sr[0, :, 40:42, 40:42].sum().backward()
    assert lr.grad is not None
    rows = lr.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    radius = network.receptive_radius
    assert (int(rows[0]), int(rows[-1])) == (20 - radius, 20 + radius)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_the_inference_form_is_the_same_function(scale: int) -> None:
    network, lr = small(scale), mosaic(19, 16, n=2)
    with torch.no_grad():
        expected = network(lr, residual=True)
    got = to_inference(network)(lr, residual=True)
    assert expected.residual is None and got.residual is None
    assert got.sr.shape == (2, 3, 19 * scale, 16 * scale)
    assert error(got.sr, expected.sr) <= 5e-6


def test_its_inside_is_the_inside_of_the_whole() -> None:
    network, lr = small(4), mosaic(40, 44)
    fast = to_inference(network)
    inside = interior_of(fast)
    assert inside is not None
    radius = network.receptive_radius
    rim = 4 * radius
    whole, part = fast(lr).sr, inside(lr, False).sr
    assert part.shape == (1, 3, 160 - 2 * rim, 176 - 2 * rim)
    assert error(part, whole[:, :, rim:-rim, rim:-rim]) <= 5e-6


def test_in_bfloat16_it_is_close() -> None:
    network, lr = small(4), mosaic(32, 32)
    with torch.no_grad():
        expected = network(lr).sr
    got = to_inference(network, dtype=torch.bfloat16)(lr).sr
    assert got.dtype == torch.float32
    assert 0 < error(got, expected) < 0.01


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_its_files_are_recognised(scale: int) -> None:
    network = build_network("srnet_raw", scale, n_feats=24, n_resblocks=3)
    found = recognise(network.state_dict())
    assert (found.name, found.scale) == ("srnet_raw", scale)
    assert found.options == {"n_feats": 24, "n_resblocks": 3}


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        SRNetRawOptions(scale=3)
    with pytest.raises(ValueError, match="4 planes of a mosaic, not 3"):
        SRNetRawOptions(in_channels=3)

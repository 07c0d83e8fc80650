"""The networks that SRNet is compared with against the authors'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from srnet_cli.network.macs import multiply_accumulates, parameter_count
from srnet_cli.network.rdn import RDN, RDNOptions
from srnet_cli.network.registry import build_network, network_names, open_options, recognise
from srnet_cli.network.san import COVARIANCE_WINDOW, SAN, SANOptions, _centre, covariance_root
from tests.network.fixtures import error, load_into, of_shapes, picture, tensors

TRAINED = [
    "edsr",
    "edsr_ca",
    "edsr_sa",
    "edsr_msa",
    "edsr_ca_sa",
    "edsr_rat",
    "edsr_rat_msa",
    "edsr_ca_rat",
    "rcan",
    "srresnet",
    "san",
    "vdsr",
]

#: as published; LapSRN was with 0.87 M at ×4
PARAMETERS = {
    "srnet": (3_134_254, 3_429_678, 3_725_102),
    "edsr": (1_369_859, 1_517_571, 1_665_283),
    "edsr_sa": (1_370_675, 1_518_387, 1_666_099),
    "edsr_msa": (1_546_243, 1_693_955, 1_841_667),
    "edsr_rat": (2_761_766, 3_057_190, 3_352_614),
    "edsr_rat_sa": (2_741_452, 3_036_876, 3_332_300),
    "edsr_rat_msa": (3_114_534, 3_409_958, 3_705_382),
    "rcan_minus": (1_379_139, 1_526_851, 1_674_563),
    "rcan_minus_sa": (1_379_955, 1_527_667, 1_675_379),
    "rcan_minus_msa": (1_555_523, 1_703_235, 1_850_947),
    "rcan_minus_rat": (2_759_438, 3_054_862, 3_350_286),
    "rcan_minus_rat_sa": (2_761_172, 3_056_596, 3_352_020),
    "edsr_p": (40_729_603, 43_089_923, 45_450_243),
    "srresnet": (1_399_552, 1_547_264, 1_694_976),
    "rdn": (22_123_395, 22_271_107, 22_418_819),
    "rcan": (12_467_203, 12_614_915, 12_762_627),
    "san": (12_384_412, 12_532_124, 12_679_836),
    "vdsr": (705_155, 852_867, 1_000_579),
    "lapsrn": (437_776, 873_824, 1_309_872),
}

#: G multiply-accumulates at 64×64, as printed
COSTS = {
    "srnet": ("12.77", "17.78", "37.79"),
    "edsr": ("5.62", "8.12", "18.13"),
    "edsr_p": ("166.8", "205.8", "361.8"),
    "srresnet": ("5.91", "9.09", "21.81"),
    "rdn": ("90.6", "93.1", "103.1"),
    "rcan": ("50.6", "53.1", "63.1"),
    "san": ("50.5", "53.0", "63.0"),
}


@pytest.fixture(scope="module")
def arrays(parity: Path) -> dict[str, Any]:
    with np.load(parity / "comparison_tiny_x2.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", TRAINED)
def test_output_is_the_authors(arrays: dict[str, Any], name: str) -> None:
    state = tensors(arrays, f"{name}/sd/")
    found = recognise(state)
    network = build_network(found.name, found.scale, **found.options)
    load_into(network, arrays, f"{name}/sd/")
    with torch.no_grad():
        output = network(torch.from_numpy(arrays[f"{name}/input"]), residual=True)
    # SAN's matrix root amplifies rounding.
    assert error(output.sr, arrays[f"{name}/sr"]) <= (4e-5 if name == "san" else 5e-6)
    assert (output.residual is not None) == (f"{name}/label" in arrays)
    if output.residual is not None:
        assert error(output.residual, arrays[f"{name}/label"]) <= 5e-6


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_as_published(name: str) -> None:
    with torch.device("meta"):
        assert tuple(parameter_count(build_network(name, scale)) for scale in (2, 4, 8)) == PARAMETERS[name]


def test_parameters_of_the_papers_own_sizes() -> None:
    with torch.device("meta"):
        assert parameter_count(build_network("rcan", 4, n_resblocks=20)) == 15_592_355
        assert parameter_count(build_network("vdsr", 4, n_resblocks=20)) == 1_000_579


def test_every_network_is_counted() -> None:
    assert set(network_names()) - set(PARAMETERS) == {"srnet_figure", "srnet_lite", "srnet_raw"}


def test_transposed_convolutions_are_counted_as_published_where_asked() -> None:
    with torch.device("meta"):
        network = build_network("lapsrn", 4)
    assert f"{multiply_accumulates(network, transposed_by_output=True) / 1e9:.1f}" == "13.1"
    assert multiply_accumulates(network) < 0.75 * multiply_accumulates(network, transposed_by_output=True)


@pytest.mark.parametrize("name", COSTS)
def test_cost_as_published(name: str) -> None:
    for scale, printed in zip((2, 4, 8), COSTS[name], strict=True):
        with torch.device("meta"):
            network = build_network(name, scale)
        decimals = len(printed.split(".")[1])
        assert f"{multiply_accumulates(network) / 1e9:.{decimals}f}" == printed


@pytest.mark.parametrize("name", network_names())
def test_shape_scale_and_repeatability(name: str) -> None:
    small = {"n_resblocks": 2, "n_resgroups": 2, "n_layers": 2}
    accepted = open_options(name)
    options = {key: value for key, value in small.items() if key in accepted}
    if "n_feats" in accepted:
        options["n_feats"] = 16
    network = build_network(name, 4, **options).eval()
    lr = picture(8)[:, [0, 1, 2, 1]] if name == "srnet_raw" else picture(8)
    with torch.no_grad():
        first, second = network(lr), network(lr)
    assert network.scale == 4
    assert first.sr.shape == (1, 3, 32, 32) and first.residual is None
    assert torch.equal(first.sr, second.sr)


STATE_NAMES = {
    "srnet_x2": "srnet",
    "srnet_x4": "srnet",
    "srnet_x8": "srnet",
    "edsr_x4": "edsr",
    "edsr_p_x4": "edsr_p",
    "rcan_g10b16_x4": "rcan",
    "rcan_minus_x4": "rcan_minus",
    "rdn_x4": "rdn",
    "san_g10b16_x4": "san",
    "srresnet_x4": "srresnet",
}


@pytest.mark.parametrize("file", STATE_NAMES)
def test_state_names_are_the_authors(parity: Path, file: str) -> None:
    lines = (parity / "state_names" / f"{file}.txt").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    theirs = {name: () if shape in ("", "scalar") else _shape(shape) for name, shape, *_ in rows}
    scale = int(file[-1])
    with torch.device("meta"):
        network = build_network(STATE_NAMES[file], scale)
    assert {name: tuple(t.shape) for name, t in network.state_dict().items()} == theirs
    frozen = {name for name, _, _, kind in rows if kind == "frozen"}
    assert {name for name, p in network.named_parameters() if not p.requires_grad} == frozen
    found = recognise(of_shapes(theirs))
    assert (found.name, found.scale) == (STATE_NAMES[file], scale)


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split("x"))


# --- RDN ----------------------------------------------------------------------------------------------------


def test_rdn_a_is_smaller_and_another_letter_is_refused() -> None:
    with torch.device("meta"):
        a = RDN(RDNOptions(configuration="A"))
    assert len(a.RDBs) == 20
    assert a.state_dict()["RDBs.0.LFF.weight"].shape == (64, 64 + 6 * 32, 1, 1)
    found = recognise(a.state_dict())
    assert (found.name, found.scale, found.options) == ("rdn", 4, {"configuration": "A"})
    wrong: Any = "C"
    with pytest.raises(ValueError, match="one of A, B"):
        RDNOptions(configuration=wrong)
    with pytest.raises(ValueError, match="power of two"), torch.device("meta"):
        RDN(RDNOptions(scale=6))


# --- SAN ----------------------------------------------------------------------------------------------------


def _features(n: int = 2, channels: int = 16, side: int = 24, spread: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    mixing = torch.randn(channels, channels, generator=generator)
    raw = torch.randn(n, channels, side * side, generator=generator)
    return ((mixing @ raw) * spread).view(n, channels, side, side)


def test_covariance_root_tends_to_the_root() -> None:
    # Five steps reach the root where no direction of the covariance is much weaker than another.
    x = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    root = covariance_root(x)[0]
    flat = x.flatten(2)[0]
    assert torch.allclose(root @ root, torch.cov(flat, correction=0), atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_covariance_root_is_safe_in_low_precision(dtype: torch.dtype) -> None:
    # Features of this size have covariances beyond float16's 65504.
    x = _features(spread=300.0).to(dtype)
    exact = covariance_root(x.double())
    with torch.autocast("cpu", dtype=dtype):
        root = covariance_root(x)
    assert root.dtype == torch.float32
    assert float((root - exact).abs().max() / exact.abs().max()) < 1e-4


def test_covariance_root_of_a_flat_map_is_zero_with_a_gradient() -> None:
    x = torch.full((1, 8, 6, 6), 5.0, requires_grad=True)
    root = covariance_root(x)
    (gradient,) = torch.autograd.grad(root.sum(), x)
    assert bool((root == 0).all())
    assert bool(torch.isfinite(gradient).all())


def test_san_in_bfloat16_stays_near_float32() -> None:
    torch.manual_seed(0)
    network = SAN(SANOptions(scale=2, n_resgroups=2, n_resblocks=2, n_feats=16)).eval()
    torch.nn.init.normal_(network.non_local.non_local.W.weight, 0, 0.1)
    with torch.no_grad():
        exact = network(picture(16)).sr
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = network(picture(16)).sr.float()
    assert bool(torch.isfinite(rough).all())
    assert float((exact - rough).abs().mean()) < 2.0


def test_covariance_is_taken_in_the_central_window() -> None:
    x = torch.zeros(1, 1, COVARIANCE_WINDOW + 10, 7)
    x[:, :, 5:-5] = 1
    assert _centre(x).shape == (1, 1, COVARIANCE_WINDOW, 7)
    assert bool((_centre(x) == 1).all())


# --- LapSRN -------------------------------------------------------------------------------------------------


def test_lapsrn_starts_from_bilinear_and_shows_every_level() -> None:
    network: Any = build_network("lapsrn", 4, n_feats=16, n_layers=2)
    for level in network.levels:
        torch.nn.init.zeros_(level.residual.weight)
    ramp = torch.arange(8.0).expand(1, 3, 8, 8)
    with torch.no_grad():
        pyramid = network.pyramid(ramp)
    assert [tuple(p.shape) for p in pyramid] == [(1, 3, 16, 16), (1, 3, 32, 32)]
    inner = pyramid[0][0, 0, 8, 4:12]
    assert torch.allclose(inner, (torch.arange(4.0, 12.0) + 0.5) / 2 - 0.5)


def test_lapsrn_takes_powers_of_two_only() -> None:
    with pytest.raises(ValueError, match="not a power of two"):
        build_network("lapsrn", 3)


# --- cost ---------------------------------------------------------------------------------------------------


def test_cost_in_closed_form() -> None:
    convolution = torch.nn.Conv2d(3, 8, 3, padding=1)
    transposed = torch.nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1)

    class Both(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(convolution, transposed)

        def forward(self, lr: Tensor, residual: bool = False) -> Tensor:
            result: Tensor = self.layers(lr)
            return result

    network = Both()
    assert multiply_accumulates(network, 10, 12) == 10 * 12 * (3 * 8 * 9 + 8 * 4 * 16)
    assert not convolution._forward_hooks and convolution.weight.device.type == "cpu"


def test_cost_without_the_auxiliary_picture_is_lower() -> None:
    with torch.device("meta"):
        network = build_network("srnet", 4)
    assert multiply_accumulates(network, residual=False) < 0.85 * multiply_accumulates(network)
    with pytest.raises(ValueError, match="square"):
        multiply_accumulates(network, 64, 48)

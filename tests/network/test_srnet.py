"""SRNet against the authors' network, and the variants."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srnet_cli.network.attention import ATTENTIONS
from srnet_cli.network.blocks import RGB_MEAN, MeanShift, Upsampler
from srnet_cli.network.raw import interpolate
from srnet_cli.network.registry import recognise
from srnet_cli.network.srnet import SRNet, SRNetOptions
from tests.network.fixtures import error, load_into, picture, randomise

TINY = SRNetOptions(scale=2, n_feats=16, n_resblocks=2)


@pytest.fixture(scope="module", params=[2, 4])
def tiny(request: pytest.FixtureRequest, parity: Path) -> tuple[SRNet, dict[str, Any]]:
    with np.load(parity / f"srnet_tiny_x{request.param}.npz") as file:
        arrays = dict(file)
    network = SRNet(replace(TINY, scale=request.param))
    load_into(network, arrays, "sd/")
    return network, arrays


@torch.no_grad()
def test_output_is_the_authors(tiny: tuple[SRNet, dict[str, Any]]) -> None:
    network, arrays = tiny
    output = network(torch.from_numpy(arrays["input"]), residual=True)
    assert output.residual is not None
    assert error(output.sr, arrays["sr"]) <= 5e-6
    assert error(output.residual, arrays["label"]) <= 5e-6


@torch.no_grad()
def test_inner_maps(tiny: tuple[SRNet, dict[str, Any]]) -> None:
    network, arrays = tiny
    lr = torch.from_numpy(arrays["input"])
    rat_head, rat_body = network.auxiliary_features(lr)
    assert error(rat_head, arrays["rat_head"]) <= 5e-6
    assert error(rat_body, arrays["rat_body"]) <= 5e-6
    main_head = network.shallow(lr)
    assert error(main_head, arrays["main_head"]) <= 5e-6
    fused = network._attend(network.CALayer_head, main_head - rat_body)
    assert error(fused, arrays["main_fused"]) <= 5e-6


@torch.no_grad()
def test_output_in_float64(tiny: tuple[SRNet, dict[str, Any]]) -> None:
    network, arrays = tiny
    double = SRNet(network.options)
    load_into(double, arrays, "sd/")
    double.double()
    assert error(double(torch.from_numpy(arrays["input"]).double()).sr, arrays["sr_f64"]) <= 2e-7


def test_auxiliary_picture_only_when_asked() -> None:
    network = SRNet(TINY).eval()
    assert network.model_ssl is not None
    calls: list[object] = []
    network.model_ssl.tail.register_forward_hook(lambda *_: calls.append(None))
    with torch.no_grad():
        without = network(picture(16))
        assert without.residual is None and not calls
        with_it = network(picture(16), residual=True)
    assert with_it.residual is not None and len(calls) == 1
    assert torch.equal(without.sr, with_it.sr)


def test_gradients_reach_the_auxiliary_stream_through_the_main_one() -> None:
    network = SRNet(TINY)
    network(picture(16)).sr.mean().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    gradient = gradients["model_ssl.head.0.weight"]
    assert gradient is not None and bool((gradient != 0).any())
    assert gradients["model_ssl.tail.1.weight"] is None


def test_mean_shift_is_frozen_and_in_the_state() -> None:
    network = SRNet(TINY)
    shifts = [m for m in network.modules() if isinstance(m, MeanShift)]
    assert len(shifts) == 4
    assert not any(p.requires_grad for m in shifts for p in m.parameters())
    state = network.state_dict()
    assert torch.allclose(state["sub_mean.bias"], -torch.tensor(RGB_MEAN))
    assert torch.equal(state["model_ssl.add_mean.weight"].view(3, 3), torch.eye(3))


def test_evaluation_is_repeatable_and_independent_of_the_batch() -> None:
    network = randomise(SRNet(TINY))
    batch = picture(16, batch=3)
    with torch.no_grad():
        together, again = network(batch).sr, network(batch).sr
        alone = torch.cat([network(one[None]).sr for one in batch])
    assert torch.equal(together, again)
    assert error(together, alone) <= 5e-6


def test_non_square_input() -> None:
    lr = torch.zeros(1, 3, 16, 24)
    with pytest.raises(ValueError, match="square"), torch.no_grad():
        SRNet(TINY).eval()(lr)
    with torch.no_grad():
        channel_only = SRNet(replace(TINY, attention="ca")).eval()
        assert channel_only(lr).sr.shape == (1, 3, 32, 48)


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("auxiliary", [True, False])
@pytest.mark.parametrize("wiring", ["code", "figure"])
def test_variants_run(attention: Any, auxiliary: bool, wiring: Any) -> None:
    options = replace(TINY, attention=attention, auxiliary=auxiliary, wiring=wiring, scale=3)
    with torch.no_grad():
        output = SRNet(options).eval()(picture(12), residual=True)
    assert output.sr.shape == (1, 3, 36, 36)
    assert (output.residual is not None) == auxiliary
    assert bool(torch.isfinite(output.sr).all())


def test_options_change_the_result() -> None:
    def run(**changes: Any) -> torch.Tensor:
        torch.manual_seed(0)
        with torch.no_grad():
            sr: torch.Tensor = SRNet(replace(TINY, **changes)).eval()(picture(16)).sr
        return sr

    plain = run()
    assert torch.equal(plain, run())
    assert not torch.allclose(plain, run(wiring="figure"))
    assert not torch.allclose(plain, run(res_scale=0.1))


def test_fusion_attention_may_differ_from_the_blocks() -> None:
    network = SRNet(replace(TINY, attention="ca", fusion_attention="ca+mpr-sa"))
    names = set(network.state_dict())
    assert "CALayer_head.attn2.spatial1.conv.weight" in names
    assert "body.0.body.3.conv_du.0.weight" in names
    assert not any("spatial" in name for name in names if name.startswith("body."))


def test_without_attention_the_fusion_modules_are_owned_but_not_applied() -> None:
    network = SRNet(replace(TINY, attention="none")).eval()
    with torch.no_grad():
        before = network(picture(16)).sr
        for parameter in network.CALayer_head.parameters():  # type: ignore[union-attr]
            parameter.fill_(7.0)
        assert torch.equal(before, network(picture(16)).sr)


def test_relu_after_shuffle_only_with_two_streams() -> None:
    def activations(auxiliary: bool) -> int:
        network = SRNet(replace(TINY, scale=4, auxiliary=auxiliary))
        assert isinstance(network.tail[0], Upsampler)
        return sum(isinstance(layer, torch.nn.ReLU) for layer in network.tail[0])

    assert activations(True) == 2 and activations(False) == 0


def test_raw_input_takes_four_channels_and_no_mean_shift() -> None:
    network = SRNet(replace(TINY, auxiliary=False, attention="none", in_channels=4)).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 4, 8, 8)).sr.shape == (1, 3, 16, 16)
    assert not any("mean" in name for name in network.state_dict())


def test_two_streams_of_a_mosaic_add_to_its_interpolation() -> None:
    options = replace(TINY, in_channels=4)
    network = SRNet(options).eval()
    mosaic = torch.rand(1, 4, 8, 8) * 255
    with torch.no_grad():
        for stream in (network, network.model_ssl):
            assert stream is not None
            torch.nn.init.zeros_(stream.tail[1].weight)
            torch.nn.init.zeros_(stream.tail[1].bias)
        made = network(mosaic, residual=True)
    assert network.plain is not None and made.residual is not None
    assert torch.equal(made.sr, interpolate(mosaic, network.plain, 2))
    assert not made.residual.any()
    state = network.state_dict()
    assert not any(part in name for name in state for part in ("sub_mean", "add_mean", "plain"))
    found = recognise(state)
    assert (found.name, found.scale, found.options["in_channels"]) == ("srnet", 2, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wiring": "other"}, "wiring"),
        ({"in_channels": 5}, "in_channels is 3 or 4, not 5"),
        ({"scale": 6}, "neither 3 nor a power of two"),
        ({"scale": 1}, "neither 3 nor a power of two"),
    ],
)
def test_impossible_options(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SRNet(replace(TINY, **changes))


def test_three_training_steps_are_the_authors(parity: Path) -> None:
    with np.load(parity / "srnet_tiny_x2.npz") as start, np.load(parity / "train_step_x2.npz") as file:
        arrays, steps = dict(start), {name: torch.from_numpy(array) for name, array in file.items()}
    norms = json.loads((parity / "train_step_x2_gradnorms.json").read_text())
    network = SRNet(TINY)
    load_into(network, arrays, "sd/").double().train()
    trained = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=1e-4)
    lr, hr, label = (steps[name].double() for name in ("input", "hr", "label"))
    for number, expected in enumerate(steps["losses"]):
        output = network(lr, residual=True)
        losses = (output.sr - hr).abs().mean(), (output.residual - label).abs().mean()
        assert torch.allclose(torch.stack([*losses, sum(losses)]), expected, rtol=1e-6)
        optimiser.zero_grad()
        sum(losses).backward()
        if number == 0:
            for name, parameter in network.named_parameters():
                if parameter.grad is not None and name in norms:
                    assert float(parameter.grad.norm()) == pytest.approx(norms[name], rel=1e-5, abs=1e-6)
        optimiser.step()
    state = network.state_dict()
    for name, tensor in steps.items():
        if name.startswith("after/"):
            assert torch.allclose(state[name[6:]].double(), tensor.double(), rtol=1e-6, atol=1e-6), name

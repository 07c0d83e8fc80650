from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from srnet_cli.compute.processes import Processes
from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.models.card import Card
from srnet_cli.models.store import load_model, save_model
from srnet_cli.network.registry import build_network
from srnet_cli.training.network import build
from srnet_cli.training.setup import prepare
from tests.training.runs import CPU, tiny
from tests.training.sources import Drawings

OPTIONS = {"n_feats": 8, "n_resblocks": 1, "attention": "mpr-sa"}


def saved(folder: Path, scale: int) -> Path:
    torch.manual_seed(5)
    network = build_network("srnet", scale, **OPTIONS)
    save_model(folder, network, Card("tiny", "srnet", scale, dict(OPTIONS), tile=16, overlap=2), half=False)
    return folder


def test_the_same_seed_makes_the_same_network() -> None:
    first, second = (build(tiny(seed=seed), 2).state_dict()["head.0.weight"] for seed in (3, 3))
    assert torch.equal(first, second)
    assert not torch.equal(first, build(tiny(seed=4), 2).state_dict()["head.0.weight"])


def test_a_run_starts_from_a_model_of_another_scale(tmp_path: Path) -> None:
    folder = saved(tmp_path / "x2", 2)
    lines: list[str] = []
    state = prepare(tiny(scale=4, init=str(folder)), 4, Processes(CPU), lines.append)
    torch.manual_seed(5)
    theirs = build_network("srnet", 2, **OPTIONS)
    own = state.network.state_dict()
    same = [name for name, tensor in theirs.state_dict().items() if torch.equal(tensor, own[name])]
    assert {"head.0.weight", "model_ssl.body.0.body.0.weight", "tail.0.0.weight"} <= set(same)
    # What ×2 lacks, or has in another place, is new and reported.
    new = "4 tensors of the tail are of its scale and start from new weights"
    assert lines == [f"started from tiny (×2); {new}"]
    # The second doubling repeats the pixels that the first one makes.
    features = torch.randn(1, 8, 5, 5)
    for stream, their_stream in ((state.network, theirs), (state.network.model_ssl, theirs.model_ssl)):
        doubled = their_stream.tail[0](features)
        repeated = doubled.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        torch.testing.assert_close(stream.tail[0](features), repeated)


@pytest.mark.parametrize(("steps", "said"), [(6, True), (7, False)])
def test_a_run_that_trains_nothing_but_the_new_tail_says_so(tmp_path: Path, steps: int, said: bool) -> None:
    lines: list[str] = []
    prepare(
        tiny(scale=4, init=str(saved(tmp_path / "x2", 2)), warmup=6, steps=steps),
        4,
        Processes(CPU),
        lines.append,
    )
    assert ("only the tail will be trained: 6 steps end within --warmup 6" in lines) is said


def test_the_light_network_starts_from_another_scale_too(tmp_path: Path) -> None:
    torch.manual_seed(5)
    network = build_network("srnet_lite", 4)
    save_model(tmp_path / "lite", network, Card("lite", "srnet_lite", 4, tile=16, overlap=2), half=False)
    plain = {"model": "srnet_lite", "attention": None, "n_feats": None, "n_resblocks": None}
    state = prepare(tiny(scale=2, init=str(tmp_path / "lite"), **plain), 2, Processes(CPU), lambda _: None)
    own, theirs = state.network.state_dict(), network.state_dict()
    assert torch.equal(own["head.0.weight"], theirs["head.0.weight"])
    assert own["residual_tail.weight"].shape != theirs["residual_tail.weight"].shape
    assert state.progress.new_tail


def test_a_model_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "x2", 2)
    with pytest.raises(WeightsError, match="do not match"):
        prepare(tiny(init=str(folder), n_resblocks=2), 2, Processes(CPU), print)
    with pytest.raises(WeightsError, match="no file of that name"):
        prepare(tiny(init=str(tmp_path / "none")), 2, Processes(CPU), print)


def test_options_that_fit_no_network_are_refused() -> None:
    with pytest.raises(UsageError, match="no network 'vgg'"):
        build(tiny(model="vgg"), 2)
    with pytest.raises(UsageError, match="--attention has no meaning for --model edsr"):
        build(tiny(model="edsr"), 2)
    with pytest.raises(UsageError, match="power of two"):
        build(tiny(), 5)
    with pytest.raises(UsageError, match=r"--model rcan cannot read --input raw .*srnet, srnet_figure, edsr"):
        build(tiny(input="raw", model="rcan", attention=None), 4)


def test_losses_that_fit_no_network_are_refused() -> None:
    plain = {"model": "edsr", "attention": None}
    with pytest.raises(UsageError, match="relational losses need"):
        prepare(tiny(rloss_weight=1.0, **plain), 2, Processes(CPU), print)
    with pytest.raises(UsageError, match="nothing to train: edsr has no auxiliary stream"):
        prepare(tiny(sr_weight=0.0, **plain), 2, Processes(CPU), print)
    with pytest.raises(UsageError, match="multiple of 16"):
        prepare(tiny(rnlloss_weight=1.0, patch_size=12), 2, Processes(CPU), print)
    prepare(tiny(rnlloss_weight=1.0, patch_size=8), 2, Processes(CPU), print)


def test_a_mosaic_is_trained_on_with_a_single_stream() -> None:
    options = tiny(input="raw", auxiliary=False)
    state = prepare(options, 4, Processes(CPU), print)
    batch = Drawings(scale=4).batch([0, 1], 1, 6, CPU)
    mosaic = torch.cat([batch.lr, batch.lr[:, 1:2]], dim=1)
    losses = state.stepper(type(batch)(mosaic, batch.hr, None))
    assert losses.shape == (2,) and bool(torch.isfinite(losses).all())


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_teacher_is_a_second_target(tmp_path: Path, share: float) -> None:
    folder = saved(tmp_path / "teacher", 2)
    options = tiny(teacher=str(folder), teacher_weight=2.0, teacher_share=share)
    batch = Drawings().batch(range(4), 1, 16, "cpu")
    seen = round(4 * share)
    losses = {}
    for name, given in (("alone", tiny()), ("taught", options)):
        state = prepare(given, 2, Processes(CPU), print)
        network = build_network("srnet", 2, **OPTIONS)
        network.load_state_dict(state.network.state_dict())
        losses[name] = state.stepper(batch)
    theirs = load_model(folder).network
    with torch.no_grad():
        # In training mode, as the student was: its BatchNorms use the batch's statistics.
        difference = (network.train()(batch.lr).sr - theirs(batch.lr).sr)[:seen].abs().mean()
    assert float(losses["taught"][0] - losses["alone"][0]) == pytest.approx(2 * float(difference), rel=1e-3)
    assert torch.allclose(losses["taught"][1:3], losses["alone"][1:])
    assert float(losses["taught"][3]) == pytest.approx(float(difference), rel=1e-3)


def test_a_teacher_of_another_scale_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "x4", 4)
    with pytest.raises(UsageError, match="must do what is trained: ×2"):
        prepare(tiny(teacher=str(folder)), 2, Processes(CPU), print)


def test_any_option_of_a_network_can_be_set() -> None:
    network = build(tiny(network_option=("res_scale=0.1", "wiring = figure")), 2)
    assert (network.options.res_scale, network.options.wiring) == (0.1, "figure")
    for option, message in {
        "res_scal=1": "srnet has no option 'res_scal'",
        "res_scale=much": "res_scale=much: it is a number",
        "n_feats=8": "--n-feats sets that",
        "wiring=crossed": "wiring is 'code' or 'figure'",
    }.items():
        with pytest.raises(UsageError, match=message):
            build(tiny(network_option=(option,)), 2)
    options = tiny(model="rcan", attention=None, n_feats=16, network_option=("n_resgroups=2",))
    groups = build(options, 2)
    assert groups.options.n_resgroups == 2


def test_mosaics_need_the_network_for_them_and_the_other_way_round(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--model srnet_raw reads mosaics"):
        build(tiny(model="srnet_raw", attention=None, n_feats=8), 4)
    options = tiny(model="srnet_raw", attention=None, n_feats=8, input="raw", n_resblocks=1)
    network = build(options, 4)
    assert network.scale == 4
    save_model(
        tmp_path / "raw",
        network,
        Card("raw", "srnet_raw", 4, {"n_feats": 8, "n_resblocks": 1}, "camera", tile=16, overlap=2),
    )
    again = prepare(replace(options, init=str(tmp_path / "raw")), 4, Processes(CPU), print)
    assert not again.progress.new_tail
    folder = saved(tmp_path / "pictures", 4)
    with pytest.raises(WeightsError, match="it reads pictures, and what is trained reads mosaics"):
        prepare(replace(options, init=str(folder)), 4, Processes(CPU), print)

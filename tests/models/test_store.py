"""Models on disk: what is saved loads again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from srnet_cli.errors import OutputError, WeightsError
from srnet_cli.models.card import CARD_FILE
from srnet_cli.models.store import WEIGHTS_FILE, load_model, save_model
from srnet_cli.network.macs import parameter_count
from tests.models.samples import CARD, SIZES, run, save_pickle, tiny


def test_round_trip_in_full_precision_is_exact(tmp_path: Path) -> None:
    network = tiny()
    card = save_model(tmp_path, network, CARD, half=False)
    loaded = load_model(tmp_path)
    assert torch.equal(run(network), run(loaded.network))
    assert loaded.card == card
    assert card.sha256 == hashlib.sha256((tmp_path / WEIGHTS_FILE).read_bytes()).hexdigest()


def test_round_trip_in_half_precision_is_near_and_half_the_size(tmp_path: Path) -> None:
    network = tiny()
    save_model(tmp_path / "full", network, CARD, half=False)
    save_model(tmp_path / "half", network, CARD)
    loaded = load_model(tmp_path / "half")
    assert float((run(network) - run(loaded.network)).abs().max()) < 0.5
    assert not loaded.network.training
    assert {t.dtype for t in loaded.network.state_dict().values()} == {torch.float32, torch.int64}
    stored = load_file(tmp_path / "half" / WEIGHTS_FILE)
    for name, tensor in stored.items():
        exact = "running_" in name or "_mean." in name
        counter = name.endswith("num_batches_tracked")
        assert tensor.dtype == (torch.int64 if counter else torch.float32 if exact else torch.float16), name
    sizes = [(tmp_path / kind / WEIGHTS_FILE).stat().st_size for kind in ("half", "full")]
    assert sizes[0] < 0.75 * sizes[1]


def test_statistics_beyond_half_precision_are_kept(tmp_path: Path) -> None:
    network = tiny()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.fill_(-7e4)
            module.running_var.fill_(1e5)
    save_model(tmp_path, network, CARD)
    loaded = load_model(tmp_path).network.state_dict()
    variances = [value for name, value in loaded.items() if name.endswith("running_var")]
    assert variances and all(bool((value == 1e5).all()) for value in variances)
    assert all(bool((value == -7e4).all()) for name, value in loaded.items() if name.endswith("running_mean"))


def test_saving_is_reproducible_and_replaces(tmp_path: Path) -> None:
    first = save_model(tmp_path, tiny(), CARD)
    assert save_model(tmp_path, tiny(), CARD) == first
    assert save_model(tmp_path, tiny(seed=1), CARD).sha256 != first.sha256
    assert sorted(file.name for file in tmp_path.iterdir()) == [CARD_FILE, WEIGHTS_FILE]
    load_model(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_cannot_be_stored_leave_the_old_ones(saved: Path, value: float) -> None:
    before = (saved / WEIGHTS_FILE).read_bytes()
    network: Any = tiny()
    with torch.no_grad():
        network.head[0].weight[0, 0, 0, 0] = value
    with pytest.raises(WeightsError, match=r"head\.0\.weight holds NaN, infinity, or a value beyond float16"):
        save_model(saved, network, CARD)
    assert (saved / WEIGHTS_FILE).read_bytes() == before


def test_saving_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be made"):
        save_model(tmp_path / "file", tiny(), CARD)


def test_the_weights_file_may_be_named_instead_of_its_folder(saved: Path) -> None:
    loaded = load_model(saved / WEIGHTS_FILE)
    assert loaded.card.name == "tiny" and loaded.path == saved / WEIGHTS_FILE
    assert load_model(str(saved)).card == loaded.card


def test_safetensors_without_a_card(tmp_path: Path) -> None:
    network = tiny(4)
    save_file(network.state_dict(), tmp_path / "some.safetensors")
    loaded = load_model(tmp_path / "some.safetensors")
    assert (loaded.card.name, loaded.card.architecture, loaded.card.scale) == ("some", "srnet", 4)
    assert torch.equal(run(network), run(loaded.network))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("name", ["srnet", "edsr", "rcan_minus_rat_sa", "srresnet", "vdsr", "san", "rcan"])
def test_authors_checkpoints_need_no_card(tmp_path: Path, name: str, scale: int) -> None:
    groups = {"n_resgroups": 2} if name in ("san", "rcan") else {}
    network = tiny(scale, name, **groups)
    # Both file formats of torch: the authors' time had the older one.
    for zipped in (True, False):
        path = save_pickle(network.state_dict(), tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
        loaded = load_model(path)
        assert (loaded.card.architecture, loaded.card.scale) == (name, scale)
        assert loaded.card.tile == (64 if scale == 8 else 128)
        assert torch.equal(run(network), run(loaded.network))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
@pytest.mark.parametrize("key", [None, "params_ema", "params", "state_dict", "net_g"])
def test_wrapped_checkpoints_need_no_unwrapping(tmp_path: Path, key: str | None, prefix: str) -> None:
    network = tiny()
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    other = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    document: dict[str, Any] = state if key is None else {key: state, "iter": 5}
    if key == "params_ema":
        document = {"params": other, **document}
    loaded = load_model(save_pickle(document, tmp_path / "m.pth"))
    assert loaded.card.architecture == "srnet"
    assert torch.equal(run(network), run(loaded.network))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_checkpoints_of_other_precision(tmp_path: Path, suffix: str, kind: torch.dtype) -> None:
    network = tiny()
    state = {
        "module." + n: t.to(kind) if t.is_floating_point() else t for n, t in network.state_dict().items()
    }
    path = tmp_path / f"m{suffix}"
    if suffix == ".pth":
        save_pickle(state, path)
    else:
        save_file(state, path)
    loaded = load_model(path)
    assert {t.dtype for t in loaded.network.state_dict().values()} == {torch.float32, torch.int64}
    difference = float((run(network) - run(loaded.network)).abs().max())
    assert difference < {torch.float16: 0.5, torch.bfloat16: 5.0, torch.float64: 1e-6}[kind]


def test_training_checkpoint_with_its_own_card(tmp_path: Path) -> None:
    network = tiny(wiring="figure")
    card = {"name": "run", "architecture": "srnet", "scale": 2, "options": {**SIZES, "wiring": "figure"}}
    document = {"network": network.state_dict(), "card": card, "optimiser": {"lr": 0.1}, "step": 7}
    loaded = load_model(save_pickle(document, tmp_path / "last.pt"))
    assert loaded.card.options["wiring"] == "figure"
    assert torch.equal(run(network), run(loaded.network))
    document["card"] = {**card, "scale": 99}
    with pytest.raises(WeightsError, match="the card in it says something impossible: scale 99"):
        load_model(save_pickle(document, tmp_path / "last.pt"))


def test_a_released_model_loads() -> None:
    loaded = load_model("srnet-x4")
    assert (loaded.card.architecture, loaded.card.scale) == ("srnet", 4)
    assert parameter_count(loaded.network) == 3_429_678

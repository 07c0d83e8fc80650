"""Two sets of weights in one folder: what is written, mixed and refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from srnet_cli.errors import OutputError, UsageError, WeightsError
from srnet_cli.models.card import CARD_FILE, Card, read_card, write_card
from srnet_cli.models.crisp import CRISP_FILE, mix
from srnet_cli.models.released import released_models
from srnet_cli.models.store import WEIGHTS_FILE, load_model, save_crisp, save_model
from tests.models.samples import CARD, run, tiny


def lively(seed: int) -> nn.Module:
    """A network whose statistics and counters tell its seed."""
    network = tiny(seed=seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_var is not None and module.num_batches_tracked is not None
            module.running_var.fill_(1e5 + seed)  # beyond float16
            module.num_batches_tracked.fill_(seed)
    return network


def state(model: nn.Module) -> dict[str, Tensor]:
    return model.state_dict()


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A model with a faithful (seed 3) and a crisp set (seed 7), in full precision."""
    save_model(tmp_path / "both", lively(3), CARD, half=False)
    save_crisp(tmp_path / "both", lively(7), {"recipe": {"steps": 5}}, half=False)
    return tmp_path / "both"


def test_the_ends_are_the_two_sets_exactly(both: Path) -> None:
    faithful, crisp = load_model(both, crisp=0), load_model(both, crisp=1)
    assert torch.equal(run(faithful.network), run(lively(3)))
    assert torch.equal(run(crisp.network), run(lively(7)))
    assert (faithful.crisp, crisp.crisp) == (0, 1)
    assert torch.equal(run(load_model(both).network), run(faithful.network))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_between_them_it_is_linear_and_counters_stay(both: Path, share: float) -> None:
    mixed, ends = state(load_model(both, crisp=share).network), [state(lively(s)) for s in (3, 7)]
    moved = 0
    for name, tensor in mixed.items():
        first, second = (end[name] for end in ends)
        if name.endswith("num_batches_tracked"):
            assert int(tensor) == 3
        else:
            expected = first.double() * (1 - share) + second.double() * share
            assert torch.allclose(tensor.double(), expected, rtol=1e-6, atol=1e-7), name
            moved += int(not torch.equal(first, second))
    variances = [value for name, value in mixed.items() if name.endswith("running_var")]
    assert variances and all(
        bool(torch.isclose(v, torch.tensor(1e5 + 3 + 4 * share)).all()) for v in variances
    )
    assert moved > 10


def test_half_precision_keeps_statistics_in_float32(tmp_path: Path) -> None:
    save_model(tmp_path, lively(3), CARD)
    card = save_crisp(tmp_path, lively(7), {}, default=0.5)
    stored = load_file(tmp_path / CRISP_FILE)
    assert stored["head.0.weight"].dtype == torch.float16
    variances = [value for name, value in stored.items() if name.endswith("running_var")]
    assert variances and all(v.dtype == torch.float32 and bool((v == 1e5 + 7).all()) for v in variances)
    mixed = state(load_model(tmp_path, crisp=None).network)
    assert all(v.dtype in (torch.float32, torch.int64) for v in mixed.values())
    assert load_model(tmp_path, crisp=None).crisp == 0.5 == card.default_crisp
    # Halved sets are mixed in float32: half-way lies what float16 could not hold.
    ends = [load_file(tmp_path / file)["head.0.weight"].float() for file in (WEIGHTS_FILE, CRISP_FILE)]
    assert torch.allclose(mixed["head.0.weight"], (ends[0] + ends[1]) / 2, rtol=1e-6, atol=0)


def test_the_card_tells_of_the_crisp_set(both: Path) -> None:
    card = read_card(both)
    assert card.crisp == {
        "sha256": hashlib.sha256((both / CRISP_FILE).read_bytes()).hexdigest(),
        "recipe": {"steps": 5},
    }
    assert card.default_crisp == 0 and "default_crisp" not in (both / CARD_FILE).read_text()
    assert sorted(file.name for file in both.iterdir()) == [CARD_FILE, CRISP_FILE, WEIGHTS_FILE]


def test_new_weights_do_not_replace_those_of_a_crisp_set(both: Path) -> None:
    kept = read_card(both)
    save_model(both, lively(3), replace(kept, licence="other"), half=False)
    assert load_model(both, crisp=1).crisp == 1
    before = {file: file.read_bytes() for file in both.iterdir()}
    with pytest.raises(OutputError, match="belongs to other weights"):
        save_model(both, lively(4), CARD)
    assert {file: file.read_bytes() for file in both.iterdir()} == before


def test_a_model_without_one(saved: Path, tmp_path: Path) -> None:
    assert load_model(saved, crisp=None).crisp == 0
    save_file(tiny().state_dict(), tmp_path / "some.safetensors")
    torch.save(tiny().state_dict(), tmp_path / "some.pt")
    for path in (saved, tmp_path / "some.safetensors", tmp_path / "some.pt"):
        assert not load_model(path, crisp=0).notes
        with pytest.raises(UsageError, match="has no crisp set"):
            load_model(path, crisp=0.1)


def test_a_missing_file_is_said_where_nobody_asked_for_it(both: Path) -> None:
    write_card(both / CARD_FILE, replace(read_card(both), default_crisp=0.4))
    assert load_model(both, crisp=None).crisp == 0.4
    (both / CRISP_FILE).unlink()
    loaded = load_model(both, crisp=None)
    assert loaded.crisp == 0 and len(loaded.notes) == 1 and "faithful" in loaded.notes[0]
    assert torch.equal(run(loaded.network), run(lively(3)))
    with pytest.raises(UsageError, match="has no crisp set"):
        load_model(both, crisp=0.4)


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf")])
def test_shares_beyond_the_ends(both: Path, value: float) -> None:
    with pytest.raises(UsageError, match="not within 0 to 1"):
        load_model(both, crisp=value)


def _without_head(tensors: dict[str, Tensor]) -> None:
    del tensors["head.0.weight"]


def _with_more(tensors: dict[str, Tensor]) -> None:
    tensors["head.9.weight"] = torch.zeros(2)


def _wider(tensors: dict[str, Tensor]) -> None:
    tensors["head.0.weight"] = torch.zeros(32, 3, 3, 3)


def _whole_numbers(tensors: dict[str, Tensor]) -> None:
    tensors["head.0.weight"] = tensors["head.0.weight"].to(torch.int32)


def _not_finite(tensors: dict[str, Tensor]) -> None:
    tensors["head.0.weight"][0, 0, 0, 0] = float("nan")


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (_without_head, "head.0.weight is missing"),
        (_with_more, "head.9.weight is unknown to the faithful set"),
        (_wider, "head.0.weight is 32×3×3×3 instead of 16×3×3×3"),
        (_whole_numbers, "head.0.weight is of type torch.int32"),
        (_not_finite, "head.0.weight holds NaN or infinity"),
    ],
)
def test_forged_sets_are_refused_before_anything_is_built(
    both: Path, monkeypatch: pytest.MonkeyPatch, forge: Callable[[dict[str, Tensor]], None], message: str
) -> None:
    tensors = {name: tensor.clone() for name, tensor in state(lively(7)).items()}
    forge(tensors)
    save_file(tensors, both / CRISP_FILE)
    with pytest.raises(WeightsError, match="checksum does not match"):
        load_model(both, crisp=0.5)
    stated = hashlib.sha256((both / CRISP_FILE).read_bytes()).hexdigest()
    write_card(both / CARD_FILE, replace(read_card(both), crisp={"sha256": stated}))

    def build(*_: Any, **__: Any) -> nn.Module:
        raise AssertionError("built")

    monkeypatch.setattr("srnet_cli.models.store.build_network", build)
    monkeypatch.setattr("srnet_cli.models.claims.build_network", build)
    with pytest.raises(WeightsError) as caught:
        load_model(both, crisp=0.5)
    assert message in caught.value.reason and caught.value.path == both / CRISP_FILE


def test_no_pickle_is_read_in_its_place(both: Path, tmp_path: Path) -> None:
    torch.save(state(lively(7)), both / CRISP_FILE)
    stated = hashlib.sha256((both / CRISP_FILE).read_bytes()).hexdigest()
    write_card(both / CARD_FILE, replace(read_card(both), crisp={"sha256": stated}))
    with pytest.raises(WeightsError, match="not a valid safetensors file"):
        load_model(both, crisp=0.5)


def test_sets_that_cannot_be_mixed() -> None:
    with pytest.raises(WeightsError, match="too far apart: a cannot"):
        mix({"a": torch.tensor([3e38])}, {"a": torch.tensor([-3e38])}, 0.4)


def test_weights_of_another_network_are_not_taken(both: Path) -> None:
    before = {file.name: file.read_bytes() for file in both.iterdir()}
    with pytest.raises(WeightsError, match="do not match"):
        save_crisp(both, tiny(n_resblocks=3), {})
    with pytest.raises(WeightsError, match="default_crisp 2 is not within"):
        save_crisp(both, lively(7), {}, default=2)
    assert {file.name: file.read_bytes() for file in both.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crisp": {"recipe": {}}}, "sha256 of \\[crisp\\]"),
        ({"crisp": {"sha256": 5}}, "sha256 of \\[crisp\\]"),
        ({"default_crisp": 0.5}, "without a table \\[crisp\\]"),
        ({"default_crisp": -1.0}, "not within 0..1"),
        ({"default_crisp": float("nan")}, "not within 0..1"),
        ({"default_crisp": True}, "default_crisp must be a number"),
        ({"crisp": 1}, "crisp must be a table"),
    ],
)
def test_impossible_cards(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CARD, **changes)


def test_a_card_with_a_crisp_set_survives_its_file(tmp_path: Path) -> None:
    card: Card = replace(CARD, crisp={"sha256": "a" * 64, "metrics": {"x": 1.5}}, default_crisp=0.25)
    write_card(tmp_path / CARD_FILE, card)
    assert read_card(tmp_path) == card


def test_released_weights_are_themselves_at_the_faithful_end() -> None:
    for card in released_models():
        loaded = load_model(card.name, crisp=0)
        stored = load_file(loaded.path)
        for name, tensor in state(loaded.network).items():
            assert torch.equal(tensor, stored[name].to(tensor.dtype)), name

"""What a released model's card says about its trainings, and what they were made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.release import (
    COLUMNS,
    LIST_FILE,
    history,
    place_of_list,
    read_list,
    release_crisp,
    write_list,
)
from srnet_cli.errors import WeightsError
from srnet_cli.models.card import CARD_FILE, write_card
from srnet_cli.models.released import models_folder, released_models
from srnet_cli.models.store import load_model, save_model
from tests.models.samples import CARD, run, tiny


def test_only_trainings_that_led_to_the_weights_are_their_history(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    card = replace(
        released_models()[0], name="model", recipe={"history": ["10 steps in 0.1 hours from other"]}
    )
    write_card(folder / CARD_FILE, card)
    run = {"trained_steps": 20, "trained_hours": 0.2}
    further = "20 steps in 0.2 hours from model; slowly"
    assert history(folder, {**run, "init": "model"}, "slowly") == [*card.recipe["history"], further]
    assert history(folder, {**run, "init": "other"}, "") == ["20 steps in 0.2 hours from other"]
    assert history(folder, run, "") == ["20 steps in 0.2 hours from random weights"]


def test_photographs_are_listed_once_for_all_models_that_were_trained_on_them(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    rows = [{**dict.fromkeys(COLUMNS, "x"), "file": name} for name in ("a.jpg", "ünï.jpg")]
    assert place_of_list(folder, rows) == f"../{LIST_FILE}"
    write_list(tmp_path / LIST_FILE, rows)
    assert read_list(tmp_path / LIST_FILE) == rows
    assert place_of_list(folder, rows) == f"../{LIST_FILE}"
    assert place_of_list(folder, rows[:1]) == LIST_FILE


def test_every_released_card_names_the_list_of_its_photographs() -> None:
    for card in released_models():
        found = read_list(models_folder() / card.name / card.data["list"])
        assert len(found) == card.data["photographs"], card.name
        assert all(row["licence"] and len(row["sha256"]) == 64 for row in found), card.name


def test_a_crisp_set_is_put_into_a_released_model(tmp_path: Path) -> None:
    save_model(tmp_path / "model", tiny(), CARD)
    before = load_model(tmp_path / "model")
    save_file(tiny(seed=1).state_dict(), tmp_path / "for-the-eye.safetensors")
    card = release_crisp(tmp_path / "model", tmp_path / "for-the-eye.safetensors", "a card", "by hand", 0.5)
    assert card.crisp["recipe"] == {"hardware": "a card", "history": ["by hand"]}
    faithful, crisp = (load_model(tmp_path / "model", crisp=share) for share in (0, 1))
    assert torch.equal(run(faithful.network), run(before.network))
    assert float((run(crisp.network) - run(tiny(seed=1))).abs().max()) < 0.5
    recipe = {"trained_steps": 5, "trained_hours": 0.1, "init": "/somewhere/model"}
    save_model(tmp_path / "run", tiny(seed=2), replace(CARD, recipe=recipe))
    card = release_crisp(tmp_path / "model", tmp_path / "run", "a card")
    assert card.crisp["recipe"]["history"] == ["5 steps in 0.1 hours from model"]
    assert "somewhere" not in str(card.crisp) and card.default_crisp == 0
    card = release_crisp(tmp_path / "model", tmp_path / "run", "a card", share=1.5)
    assert card.crisp["recipe"]["history"] == [
        "5 steps in 0.1 hours from model; 1.5 of the way from the faithful set to its weights"
    ]
    farther = load_model(tmp_path / "model", crisp=1).network.state_dict()
    start, end = before.network.state_dict(), load_model(tmp_path / "run").network.state_dict()
    for key, tensor in farther.items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, start[key] + 1.5 * (end[key] - start[key]), atol=2e-3), key
    save_file(tiny(scale=4).state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="do not match"):
        release_crisp(tmp_path / "model", tmp_path / "other.safetensors", "a card")

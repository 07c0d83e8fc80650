"""What a released model's card says about its trainings, and what they were made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.release import COLUMNS, LIST_FILE, history, place_of_list, read_list, write_list
from srnet_cli.models.card import CARD_FILE, write_card
from srnet_cli.models.released import models_folder, released_models


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

"""What a released model's card says about its trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.release import history
from srnet_cli.models.card import CARD_FILE, write_card
from srnet_cli.models.released import released_models


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

"""Cards: what their files hold, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from srnet_cli.errors import WeightsError
from srnet_cli.models.card import CARD_FILE, Card, card_text, read_card, write_card
from tests.models.samples import CARD


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    card = Card(
        name='odd "name" \\ ünïcode 🌄 \x7f\n',
        architecture="srnet",
        scale=4,
        options={"n_feats": 64, "res_scale": 1e-05, "auxiliary": True},
        light=True,
        sha256="0" * 64,
        recipe={"steps": 10**6, "rate": 4e-4, "stages": [{"patch": 48}, {"patch": 64}], "none yet": []},
        data={"sets": ["a", "b"], "inner": {"deep": {"x.y": 1.5}}},
        metrics={"Set5 ×4": {"psnr": 31.25, "worse": [-0.5, 3]}},
    )
    write_card(tmp_path / CARD_FILE, card)
    assert read_card(tmp_path / CARD_FILE) == card
    assert read_card(tmp_path) == card


def test_a_card_cannot_hold_nothing() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        card_text(replace(CARD, recipe={"rate": None}))


GOOD = 'name = "a"\narchitecture = "srnet"\nscale = 4\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "tyle = 64\n", "unknown keys: 'tyle'"),
        ('name = "a"\n', "lacks architecture, scale"),
        ("name = a\n", "not valid TOML"),
        ("", "lacks name, architecture, scale"),
        (GOOD + "x" * 1_000_001, "more than the limit of 16,384"),
        (GOOD + "a = " + "[" * 5000, "not valid TOML"),
        (GOOD.replace("4", '"4"'), "scale must be a whole number, not '4'"),
        (GOOD.replace("4", "true"), "scale must be a whole number"),
        (GOOD.replace("4", "17"), "scale 17 is not within 1..16"),
        (GOOD + "tile = 1000000\n", "tile 1000000 is not within"),
        (GOOD + "tile = 64\noverlap = 40\n", "overlap 40 is not within 0..32"),
        (GOOD + "tile = 64\nlargest_tile = 32\n", "largest_tile 32 is not within 64..640"),
        (GOOD + 'input_space = "linear"\n', "input_space 'linear'"),
        (GOOD + 'sha256 = "abc"\n', "64 lower-case hexadecimal digits"),
        (GOOD + 'options = "none"\n', "options must be a table"),
        (GOOD + "light = 1\n", "light must be true or false"),
        (GOOD.replace('"a"', '""'), "must not be empty"),
    ],
)
def test_damaged_cards(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / CARD_FILE
    path.write_text(text)
    with pytest.raises(WeightsError, match=message) as caught:
        read_card(path)
    assert caught.value.path == path


def test_cards_that_are_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / CARD_FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeightsError, match="not valid TOML"):
        read_card(tmp_path)
    with pytest.raises(WeightsError, match="there is no such file"):
        read_card(tmp_path / "none.toml")

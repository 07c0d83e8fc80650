"""``--crisp`` and ``--strength`` through the program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.imaging.resize import resize
from srnet_cli.models.card import CARD_FILE, read_card, write_card
from srnet_cli.models.crisp import CRISP_FILE
from srnet_cli.models.store import save_crisp, save_model
from tests.faults.models import tiny
from tests.faults.pictures import encoded, scene
from tests.faults.program import Program


@pytest.fixture
def crisp_model(tmp_path: Path) -> Path:
    network, card = tiny(2)
    save_model(tmp_path / "both", network, card)
    with_other_weights, _ = tiny(2)
    for parameter in with_other_weights.parameters():
        parameter.data.mul_(1.1)
    save_crisp(tmp_path / "both", with_other_weights, {}, default=0.3)
    return tmp_path / "both"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG", scene(40, 50)))
    return path


def test_what_was_mixed_is_in_the_document(srnet: Program, crisp_model: Path, picture: Path) -> None:
    results = {}
    for name, options in {
        "default": (),
        "faithful": ("--crisp", "0"),
        "stated": ("--crisp", "0.3"),
        "weak": ("--strength", "0.5"),
        "plain": ("--strength", "0"),
    }.items():
        target = picture.with_name(f"{name}.png")
        ended = srnet("zoom", picture, "-s", "2", "--model", crisp_model, *options, "-o", target, "--json")
        assert ended.code == 0, ended.err
        (entry,) = json.loads(ended.out)["results"]
        with Image.open(target) as image:
            results[name] = (entry["crisp"], entry["strength"], np.asarray(image))
    assert {name: result[:2] for name, result in results.items()} == {
        "default": ([0.3], 1),
        "faithful": ([0], 1),
        "stated": ([0.3], 1),
        "weak": ([0.3], 0.5),
        "plain": ([0.3], 0),
    }
    pixels = {name: result[2].astype(int) for name, result in results.items()}
    assert np.array_equal(pixels["default"], pixels["stated"])
    assert not np.array_equal(pixels["default"], pixels["faithful"])
    bicubic = resize(np.asarray(Image.open(picture).convert("RGB")), 80, 100, "bicubic").astype(int)
    assert np.array_equal(pixels["plain"], bicubic)
    inside = (pixels["default"] > 0) & (pixels["default"] < 255)  # beyond, the network's own is not seen
    assert np.abs(pixels["weak"] - (pixels["default"] + bicubic) / 2)[inside].max() <= 1


def test_a_model_without_a_crisp_set(srnet: Program, model: Path, picture: Path) -> None:
    ended = srnet("zoom", picture, "-s", "2", "--model", model, "--crisp", "0.5")
    assert ended.code == 2 and len(ended.errors) == 1
    assert "has no crisp set" in ended.err and not picture.with_name("a_x2.png").exists()
    assert srnet("zoom", picture, "-s", "2", "--model", model, "--crisp", "0").code == 0


def test_a_lost_file_is_one_line_and_no_failure(srnet: Program, crisp_model: Path, picture: Path) -> None:
    (crisp_model / CRISP_FILE).unlink()
    other = picture.with_name("b.png")
    other.write_bytes(picture.read_bytes())
    ended = srnet("zoom", picture, other, "-s", "2", "--model", crisp_model, "-o", f"{picture.parent}/out/")
    assert ended.code == 0, ended.err
    assert ended.err.count(f"{CRISP_FILE} is missing") == 1
    refused = srnet("zoom", picture, "-s", "2", "--model", crisp_model, "--crisp", "0.3")
    assert refused.code == 2 and len(refused.errors) == 1


def test_a_damaged_crisp_set(srnet: Program, crisp_model: Path, picture: Path) -> None:
    content = bytearray((crisp_model / CRISP_FILE).read_bytes())
    content[-3] ^= 1
    (crisp_model / CRISP_FILE).write_bytes(content)
    ended = srnet("zoom", picture, "-s", "2", "--model", crisp_model)
    assert ended.code == 1 and len(ended.errors) == 1 and CRISP_FILE in ended.err
    assert srnet("zoom", picture, "-s", "2", "--model", crisp_model, "--crisp", "0").code == 0


def test_a_card_that_wants_what_cannot_be(srnet: Program, crisp_model: Path, picture: Path) -> None:
    card = read_card(crisp_model)
    write_card(crisp_model / CARD_FILE, replace(card, default_crisp=0.0))
    text = (crisp_model / CARD_FILE).read_text()
    (crisp_model / CARD_FILE).write_text("default_crisp = 1e99\n" + text)
    ended = srnet("zoom", picture, "-s", "2", "--model", crisp_model)
    assert ended.code == 1 and "not within 0..1" in ended.err


@pytest.mark.parametrize("option", ["--crisp", "--strength"])
@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "inf", "much"])
def test_values_beyond_the_ends(srnet: Program, model: Path, picture: Path, option: str, value: str) -> None:
    ended = srnet("zoom", picture, "-s", "2", "--model", model, f"{option}={value}")
    assert ended.code == 2 and option in ended.err and len(ended.errors) == 1

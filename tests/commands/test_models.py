"""``srnet models`` and the completion of model names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from srnet_cli.commands.shell.completion import complete_model
from srnet_cli.main import app
from srnet_cli.models.released import released_models
from srnet_cli.zooming.chain import automatic_chain


def test_every_model_has_a_line_that_fits_a_terminal() -> None:
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    names = [card.name for card in released_models()]
    assert [line.split()[0] for line in lines[1 : 1 + len(names)]] == names


def test_the_document_agrees_with_the_cards_and_with_zoom() -> None:
    result = CliRunner().invoke(app, ["models", "--json"])
    found = {model["name"]: model for model in json.loads(result.stdout)["models"]}
    for card in released_models():
        model = found.pop(card.name)
        assert (model["scale"], model["crisp"]) == (card.enlarges, bool(card.crisp))
        assert model["parameters"] > 100_000
        if card.reads_mosaics:
            # Pictures are enlarged with crisp weights unasked, which it lacks.
            assert model["gain_over_bicubic"] is None
            assert not model["taken_for"] and not model["taken_fast_for"]
            continue
        pictures = model["gain_over_bicubic"]["pictures"]
        assert card.metrics[pictures]["gain_over_bicubic"] == model["gain_over_bicubic"]["value"]
        for scale in (2, 3, 4, 8, 16):
            assert (scale in model["taken_for"]) == (card.name in automatic_chain(scale))
            fast = automatic_chain(scale, light=True)
            assert (scale in model["taken_fast_for"]) == (card.name in fast)
    assert not found


def test_speed_is_what_was_measured_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    listing = CliRunner().invoke(app, ["models"]).stdout
    assert "--dry-run" in listing and "measured on" not in listing
    card = next(card for card in released_models() if card.name == "srnet-x4")
    with_torch = f"once torch {torch.__version__}"
    paces = {
        f"{card.sha256[:12]} Some Card 0 torch.float16 512 {with_torch}": 2e-6,
        f"{card.sha256[:12]} cpu 2 torch.bfloat16 128 {with_torch}": 3.14e-5,
        f"{card.sha256[:12]} cpu 2 torch.bfloat16 128 ensemble torch {torch.__version__}": 1.0,
        f"{card.sha256[:12]} cpu 2 torch.bfloat16 128 once torch 0.1": 1.0,
        f"{card.sha256[:12]} nonsense": 1.0,
    }
    folder = tmp_path / "srnet"
    folder.mkdir()
    (folder / "paces.json").write_text(json.dumps(paces))
    listing = CliRunner().invoke(app, ["models"]).stdout
    assert "  31.4  " in next(line for line in listing.splitlines() if line.startswith("srnet-x4 "))
    assert "measured on cpu, 2 threads, bfloat16" in listing
    found = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)["models"]
    speeds = {model["name"]: model["speed"] for model in found}
    assert speeds["srnet-x4"]["seconds_per_megapixel"] == pytest.approx(31.4)
    assert speeds["srnet-x2"] is None


def test_completion_offers_models_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "srnet-own").mkdir()
    (tmp_path / "srnet-own" / "last.pt").touch()
    (tmp_path / ".hidden").touch()
    names = [card.name for card in released_models()]
    assert sorted(complete_model("srnet-")) == sorted([*names, "srnet-own/"])
    assert "srnet-lite-x4" in complete_model("srnet_l")
    assert sorted(complete_model("")) == sorted([*names, "srnet-own/"])
    assert complete_model("srnet-own/l") == ["srnet-own/last.pt"]
    assert complete_model(f"{tmp_path}/srnet-own/") == [f"{tmp_path}/srnet-own/last.pt"]
    assert complete_model("nowhere/x") == []


@pytest.mark.parametrize(
    "name",
    ["m\\$(touch x)", "m\\`touch x`", 'm"; touch x', "m'x", "m$(x)", "m x", "m\nx", "m:x", "m)x", "m;x"],
)
def test_completion_leaves_out_names_that_a_shell_might_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "inner").mkdir()
    (tmp_path / "models-é").mkdir()
    assert complete_model("m") == ["models-é/"]
    assert complete_model(f"{name}/") == []


def test_completion_leaves_out_what_a_shell_expands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("=ls", "~root", "~", "plain", "plain/=ls"):
        (tmp_path / name).mkdir()
    assert [name for name in complete_model("") if name[0] in "=~"] == []
    assert complete_model("=") == complete_model("~") == []
    assert complete_model("plain/") == ["plain/=ls/"]
    assert "~/plain/" in complete_model("~/")
    for nobody in ("~nobody-of-this-name/", "~nobody-of-this-name/x", "a\0/"):
        assert complete_model(nobody) == []

"""What fills the READMEs: markers, tables from files, commands as they are typed."""

from __future__ import annotations

import copy
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docs import tables
from docs.markers import ROOT, fill
from docs.outputs import EXAMPLES, WIDTH, _typed, _wrapped
from srnet_cli.models.released import picture_models
from srnet_cli.models.store import load_model
from srnet_cli.zooming.chain import automatic_chain


def test_only_what_is_between_markers_changes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table:a -->\nold\n<!-- /table:a -->\nafter\n")
    fill(page, {"table:a": r"new \1", "table:absent": "nothing"})
    assert page.read_text() == "before\n<!-- table:a -->\nnew \\1\n<!-- /table:a -->\nafter\n"


def test_a_marker_that_is_not_closed_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- table:a -->\nold\n")
    with pytest.raises(ValueError, match="closing"):
        fill(page, {"table:a": "new"})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_command_can_be_copied_as_it_is_shown(example: Any) -> None:
    shown = _typed(example.command)
    assert all(len(line) <= WIDTH for line in shown.splitlines())
    assert shlex.split(shown.removeprefix("$ ").replace("\\\n", "")) == shlex.split(example.command)


def test_lines_that_fit_stay_as_they_are() -> None:
    assert _wrapped("a   table    row  ") == ["a   table    row"]


def test_every_marker_of_the_pages_is_filled_by_something() -> None:
    known = {f"output:{example.name}" for example in EXAMPLES}
    names = ("models", "speed", "jobs", "published", "quality", "today", "eye", "rivals")
    known |= {f"table:{name}" for name in names}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    opened = {part.partition(" -->")[0] for part in readme.split("<!-- ")[1:] if not part.startswith("/")}
    assert opened <= known


def quality() -> dict[str, Any]:
    def method(name: str, psnr: float, gain: float | None) -> dict[str, Any]:
        minus = {} if gain is None else {"psnr_rgb": {"value": gain, "low": gain - 0.5, "high": gain + 0.5}}
        means = {"psnr_rgb": {"value": psnr}, "ssim_y": {"value": psnr / 40}}
        return {
            "method": name,
            "parameters": None if gain is None else 3_430_000,
            "macs_64x64": None if gain is None else 17_800_000_000,
            "seconds_per_lr_megapixel": 30.0,
            "means": means,
            "minus_bicubic": minus,
        }

    return {
        "machine": {"cpu": "A processor", "instruction_sets": [], "threads": 2, "load_per_core": 0.5},
        "weights": {},
        "sets": [
            {
                "name": "valid",
                "lr": "LR by simulated camera",
                "methods": [method("bicubic", 20.0, None), method("srnet-x4", 21.0, 1.0)],
                "pictures": [{"name": "p", "results": {"bicubic": {"figures": {"psnr_rgb": 20.0}}}}],
            }
        ],
    }


def others(psnr: float = 20.0) -> dict[str, Any]:
    figures = {"psnr_rgb": psnr, "ssim_y": 0.5}
    pictures = {"p": {"bicubic (Pillow)": figures, "sharpened": {"psnr_rgb": 19.0, "ssim_y": 0.75}}}
    return {"sets": [{"name": "valid", "lr": "LR by simulated camera", "pictures": pictures}]}


def measured_model(monkeypatch: pytest.MonkeyPatch, measured: str, **more: float) -> None:
    """Leave one released model, whose card has figures of a set."""
    figures = {measured: {"psnr": 21.0, "ssim_y": 0.525, **more}}
    card = replace(load_model("srnet-x4").card, metrics=figures, crisp={}, default_crisp=0.0)
    monkeypatch.setattr(tables, "picture_models", lambda: (card,))


def test_others_and_ours_stand_in_one_table_with_the_best_in_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    measured_model(monkeypatch, "valid, LR by simulated camera")
    lines = tables.today_table(others(), quality()).splitlines()
    assert lines[2:5] == [
        "| bicubic (Pillow) | 20.00 / 0.5000 |",
        "| sharpened | 19.00 / **0.7500** |",
        "| srnet-x4 | **21.00** / 0.5250 |",
    ]


def test_figures_for_the_eye_stand_beside_those_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    measured_model(monkeypatch, "City100_valid, LR as supplied", feature_distance=0.5)
    theirs, ours = others(), quality()
    for found in (theirs, ours):
        found["sets"][0].update(name="City100_valid", lr="LR as supplied")
    theirs["sets"][0]["pictures"]["p"]["sharpened"]["feature_distance"] = 0.7
    lines = tables.eye_table(theirs, ours).splitlines()
    assert lines[0].startswith("| method | PSNR RGB | SSIM Y | feature distance |")
    assert lines[3].startswith("| sharpened | 19.00 | **0.750** | 0.700 | – |")
    assert lines[4].startswith("| srnet-x4 | **21.00** | 0.525 | **0.500** | – |")
    with pytest.raises(ValueError, match="City100_valid is missing"):
        tables.eye_table(others(), quality())


def test_figures_of_other_pictures_are_not_set_side_by_side() -> None:
    with pytest.raises(ValueError, match="not the same pictures"):
        tables.today_table(others(20.1), quality())
    anew = quality()
    anew["sets"][0]["lr"] = "LR by simulated camera 2"
    with pytest.raises(ValueError, match="missing"):
        tables.today_table(others(), anew)
    without = copy.deepcopy(quality())
    without["sets"] = []
    with pytest.raises(ValueError, match="missing"):
        tables.today_table(others(), without)


def test_of_several_simulated_cameras_the_newest_has_the_column() -> None:
    old, new = quality(), quality()
    new["sets"][0]["lr"] = "LR by simulated camera 2"
    origins = tables._origins([old, new])
    assert origins[0] == ("simulated camera", ("valid", "LR by simulated camera 2"))
    sets = [origin for _, origin in origins]
    assert tables._quality_cells("srnet-x4", old, sets)[0] == "–"
    assert tables._quality_cells("srnet-x4", new, sets)[0].startswith("+1.00")


def test_figures_of_replaced_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {4: quality()}
    measured[4]["weights"] = {"srnet-x4": "0" * 64}
    monkeypatch.setattr(tables, "picture_models", lambda: (replace(load_model("srnet-x4").card, metrics={}),))
    with pytest.raises(ValueError, match="replaced"):
        tables.models_table(measured, "")


def test_of_weights_trained_further_the_card_has_the_gains() -> None:
    sets = [origin for _, origin in tables._origins([quality()])]
    figures = {"gain_over_bicubic": 1.25, "interval": [0.5, 2.0]}
    cells = tables._quality_cells("srnet-x4", quality(), sets, {"valid, LR by simulated camera": figures})
    assert cells[0] == "+1.25 [+0.50, +2.00]" and cells[-1] == "30.0"
    with pytest.raises(ValueError, match="replaced"):
        tables._quality_cells("srnet-x4", quality(), sets, {})


def scales(**weights: str) -> dict[str, Any]:
    gain = {"value": 1.5, "low": 1.0, "high": 2.0, "count": 12}
    way = {"scale": 2, "light": False, "lost": 1, "gain": gain, "seconds_per_lr_megapixel": 30.0}
    return {
        "machine": quality()["machine"],
        "weights": {card.name: card.sha256 for card in picture_models()} | weights,
        "ways": [
            {**way, "models": automatic_chain(2), "reached": 4},
            {**way, "models": ["one", "other"], "reached": 2, "light": True},
        ],
    }


def test_what_zoom_takes_by_itself_is_in_bold() -> None:
    chosen = ", then ".join(automatic_chain(2))
    assert tables.scales_table(scales()).splitlines()[2:4] == [
        f"| ×2 | **{chosen}**, reduced from ×4 | +1.50 [+1.00, +2.00] | 1 | 30.0 |",
        "| ×2 | one, then other | +1.50 [+1.00, +2.00] | 1 | 30.0 |",
    ]


def test_scales_of_replaced_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="replaced"):
        tables.scales_table(scales(**{"srnet-x4": "0" * 64}))


def test_a_gain_says_when_it_may_be_chance() -> None:
    assert tables._gain({"value": 1.0, "low": 0.5, "high": 1.5}) == "+1.00 [+0.50, +1.50]"
    assert tables._gain({"value": 0.1, "low": -0.2, "high": 0.4}) == "+0.10 [-0.20, +0.40] n.s."

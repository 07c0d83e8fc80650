"""What is measured of a model, and what its card gets of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import quality, today
from benchmarks.quality import CITY100_VALID, SETS, measure, with_figures
from srnet_cli.evaluation.methods import MethodOptions, method_name
from srnet_cli.imaging import read_picture
from srnet_cli.models.store import load_model, save_crisp, save_model
from srnet_cli.zooming.engine import EngineOptions
from tests.evaluation.conftest import draw, save
from tests.models.samples import CARD, tiny


def test_real_pairs_of_two_cameras_are_measured() -> None:
    assert CITY100_VALID in SETS[4] and CITY100_VALID in today.MEASURED
    assert CITY100_VALID in SETS[2] and CITY100_VALID not in SETS[8]


def test_pairs_of_half_the_scale_have_half_the_hr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / CITY100_VALID[0]
    picture = draw(3)[:96, :112]
    save(picture, folder / "HR" / "a.png")
    save(picture[2::4, 2::4], folder / "LR" / "a.png")
    monkeypatch.setattr(quality, "shared_folder", lambda: tmp_path)
    methods = MethodOptions(
        models=("lanczos",), interpolations=("bicubic",), engine=EngineOptions("cpu", "fp32")
    )
    (result,) = measure(*CITY100_VALID, 2, methods)
    assert (result.name, len(result.measured)) == ("City100_valid", 1)
    assert read_picture(quality.halved(folder, tmp_path) / "HR" / "a.png").pixels.shape == (48, 56, 3)


def test_a_card_gets_figures_of_both_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, name in enumerate(("ant", "bee")):
        save(draw(seed)[:80, :80], tmp_path / "photos" / f"{name}.png")
    monkeypatch.setattr(quality, "shared_folder", lambda: tmp_path)
    save_model(tmp_path / "model", tiny(), CARD)
    facts = {"recipe": {"hardware": "a card"}}
    save_crisp(tmp_path / "model", tiny(seed=1), facts)
    methods = MethodOptions(
        models=(str(tmp_path / "model"),),
        crisp=quality.ENDS,
        interpolations=("bicubic",),
        engine=EngineOptions("cpu", "fp32"),
    )
    results = measure("photos", "bicubic", 2, methods)
    names = [summary.info.name for summary in results[0].summaries]
    assert names == ["bicubic", CARD.name, method_name(CARD.name, 1)]
    others = {"others, LR as supplied": {"psnr": 30.0}}
    measured = replace(load_model(tmp_path / "model").card, metrics=others)
    card = with_figures(measured, results)
    assert card.metrics.items() > others.items()
    place = "photos, LR by bicubic reduction"
    faithful, crisp = card.metrics[place], card.crisp["metrics"][place]
    assert faithful["pictures"] == crisp["pictures"] == 2
    assert faithful["psnr"] != crisp["psnr"] and {"psnr_y", "ssim_y"} <= faithful.keys()
    assert card.crisp["recipe"] == facts["recipe"] and len(card.crisp["sha256"]) == 64
    assert with_figures(replace(card, crisp={}, default_crisp=0.0), results).crisp == {}


def test_one_end_is_measured_and_the_figures_of_the_other_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(draw(3)[:80, :80], tmp_path / "photos" / "ant.png")
    monkeypatch.setattr(quality, "shared_folder", lambda: tmp_path)
    save_model(tmp_path / "model", tiny(), CARD)
    save_crisp(tmp_path / "model", tiny(seed=1), {"recipe": {}})
    card = replace(load_model(tmp_path / "model").card, metrics={"photos": {"psnr": 30.0}})
    model = str(tmp_path / "model")
    monkeypatch.setattr(quality, "picture_models", lambda: [replace(card, name=model)])
    monkeypatch.setattr(quality, "SETS", {2: (("photos", "bicubic"),)})
    found = quality.measure_scale(2, (model,), None, ends=(1.0,))
    names = {summary.info.name for summary in found[0].summaries}
    assert names == {"bicubic", "lanczos", method_name(CARD.name, 1)}
    measured = with_figures(card, found)
    assert measured.metrics["photos"] == {"psnr": 30.0}
    assert measured.crisp["metrics"]["photos, LR by bicubic reduction"]["pictures"] == 1

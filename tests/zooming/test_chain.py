"""Which models a zoom passes through, and their crisp sets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import srnet_cli
from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.imaging import Picture
from srnet_cli.models import released, store
from srnet_cli.models.card import Card
from srnet_cli.models.store import load_model, save_crisp, save_model
from srnet_cli.network.registry import build_network
from srnet_cli.zooming.chain import Engines, ModelChoice, automatic_chain, usual_crisp
from srnet_cli.zooming.engine import EngineOptions
from srnet_cli.zooming.frame import Size
from srnet_cli.zooming.raw_engine import mosaic_model, mosaic_use
from srnet_cli.zooming.request import ZoomRequest
from tests.models.samples import CARD, tiny
from tests.zooming.models import noise

Release = Callable[..., None]


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    """Adds released models; ``crisp`` gives them a second set, and that default."""
    folder = tmp_path / "models"
    folder.mkdir()
    for module in (released, store):
        monkeypatch.setattr(module, "models_folder", lambda: folder)

    def add(name: str, scale: int, crisp: float | None = None, **fields: Any) -> None:
        card = replace(CARD, name=name, scale=scale, tile=32, **fields)
        save_model(folder / name, tiny(scale), card)
        if crisp is not None:
            save_crisp(folder / name, tiny(scale, seed=1), {}, default=crisp)

    yield add


def test_light_models_go_on_behind_a_full_one(release: Release) -> None:
    release("lite-x2", 2, light=True)
    release("lite-x4", 4, light=True)
    release("full-x4", 4)
    assert automatic_chain(8) == automatic_chain(5) == ["full-x4", "lite-x2"]
    assert automatic_chain(16) == ["full-x4", "lite-x4"]
    assert automatic_chain(4) == automatic_chain(2) == ["full-x4"]
    assert automatic_chain(8, light=True) == ["lite-x4", "lite-x2"]
    assert automatic_chain(16, light=True) == ["lite-x4", "lite-x4"]
    assert automatic_chain(3, light=True) == ["lite-x4"]
    assert automatic_chain(1) == automatic_chain(1, light=True) == []
    release("full-x8", 8)
    assert automatic_chain(8) == ["full-x8"]
    assert automatic_chain(12) == ["full-x4", "lite-x4"]
    assert automatic_chain(8, light=True) == ["lite-x4", "lite-x2"]


def test_without_light_models_full_ones_go_on(release: Release) -> None:
    release("full-x4", 4)
    assert automatic_chain(16) == ["full-x4", "full-x4"]


def test_cheap_passes_stay(release: Release) -> None:
    release("lite-x2", 2, light=True)
    release("full-x4", 4)
    assert automatic_chain(4, light=True) == ["lite-x2", "lite-x2"]


def test_a_light_model_behind_a_full_one_needs_no_sister(release: Release) -> None:
    release("lite-x2", 2, light=True)
    release("lite-x4", 4, light=True)
    release("full-x4", 4)
    Engines(ModelChoice(effort="auto")).check(8)
    first, second = Engines(ModelChoice(effort="auto")).for_scale(8)
    assert first.lighter is not None and second.lighter is None
    assert (first.card.name, second.card.name) == ("full-x4", "lite-x2")


def test_crisp_reaches_the_models_that_have_it(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    release("a-x4", 4, crisp=0.25)
    release("b-x2", 2)
    both = Engines(ModelChoice(crisp=0.5)).for_scale(8)
    assert [(e.card.name, e.crisp) for e in both] == [("a-x4", 0.5), ("b-x2", 0)]
    assert capsys.readouterr().err.count("b-x2 has no crisp set") == 1
    stated = Engines(ModelChoice()).for_scale(8)
    assert [e.crisp for e in stated] == [0.25, 0]
    assert [e.crisp for e in Engines(ModelChoice(crisp=0)).for_scale(8)] == [0, 0]
    assert capsys.readouterr().err == ""


def test_how_crisp_a_zoom_is_unasked(release: Release) -> None:
    release("with", 4, crisp=0.6)
    release("without", 8)
    assert usual_crisp(3) == usual_crisp(4) == 0.6
    assert usual_crisp(8) is None


def test_crisp_of_models_without_it_is_refused_at_once(release: Release) -> None:
    release("a-x4", 4, crisp=0.25)
    release("b-x2", 2)
    for choice in (ModelChoice(crisp=0.5), ModelChoice("b-x2", crisp=0.5)):
        with pytest.raises(UsageError, match="no crisp set"):
            Engines(choice).check(2)
    Engines(ModelChoice(crisp=0.5)).check(1)
    Engines(ModelChoice("b-x2", crisp=0)).check(2)


def test_zoom_as_a_function(release: Release) -> None:
    release("a-x2", 2, crisp=1)
    picture = Picture(noise(20, 24))

    def zoomed(**options: Any) -> Any:
        return srnet_cli.zoom(picture, 2, **options).pixels

    faithful, crisp, middle = (zoomed(crisp=share) for share in (0, 1, 0.5))
    assert not np.array_equal(faithful, crisp) and not np.array_equal(faithful, middle)
    assert np.array_equal(zoomed(), crisp)
    assert np.array_equal(zoomed(model=load_model("a-x2")), faithful)
    assert np.array_equal(zoomed(model=load_model("a-x2", crisp=0.5)), middle)
    assert not np.array_equal(zoomed(strength=0.5), crisp)
    with pytest.raises(UsageError, match="when a model is loaded"):
        zoomed(model=load_model("a-x2"), crisp=0.5)
    for wrong in ({"strength": 1.5}, {"crisp": float("nan")}):
        with pytest.raises(UsageError, match="not within 0 to 1"):
            zoomed(**wrong)


def release_raw(folder: Path, name: str, **fields: Any) -> None:
    options = {"n_feats": 8, "n_resblocks": 1}
    network = build_network("srnet_raw", 8, **options)
    card = Card(name, "srnet_raw", 8, options, "camera", tile=32, overlap=0, **fields)
    save_model(folder / "models" / name, network, card)


@pytest.mark.parametrize(
    ("fields", "full", "fast", "asked"),
    [
        ({"light": False}, "raw-x4", "raw-x4", "raw-x4"),
        ({"light": True}, None, "raw-x4", "raw-x4"),
        ({"named_only": True}, None, None, "raw-x4"),
    ],
)
def test_a_model_for_mosaics_is_taken_where_its_card_says_it_is_better(
    release: Release, tmp_path: Path, fields: dict[str, Any], full: str | None, fast: str | None, asked: str
) -> None:
    release("full-x4", 4)
    release("lite-x2", 2, light=True)
    release_raw(tmp_path, "raw-x4", **fields)
    assert mosaic_model(engines(), ZoomRequest()) == full
    assert mosaic_model(engines(fast=True), ZoomRequest(fast=True)) == fast
    assert mosaic_model(engines(), ZoomRequest(raw_engine="mosaic")) == asked
    # Crisp weights that pictures would get unasked are what the eye prefers, but for those who want none.
    release("crisp-x4", 4, crisp=0.7)
    (tmp_path / "models" / "full-x4" / "card.toml").unlink()
    assert mosaic_model(engines(), ZoomRequest()) is None
    assert mosaic_model(engines(crisp=0.0), ZoomRequest(crisp=0.0)) == full
    assert mosaic_model(engines(), ZoomRequest(raw_engine="mosaic")) == asked
    shutil.rmtree(tmp_path / "models" / "crisp-x4")
    release("full-x4", 4)
    # It never enlarges pictures.
    assert automatic_chain(4) == ["full-x4"]
    assert automatic_chain(4, light=True) == ["lite-x2", "lite-x2"]
    found = engines().for_scale(8, "raw-x4")
    assert [engine.card.name for engine in found] == ["raw-x4", "lite-x2"]
    assert [engine.scale for engine in found] == [4, 2]
    assert engines().for_scale(1, "raw-x4") == []


def engines(**choice: Any) -> Engines:
    return Engines(ModelChoice(engine=EngineOptions(device="cpu"), **choice))


@pytest.mark.parametrize(
    "changes",
    [
        {"raw_engine": "develop"},
        {"scale": 1.0},
        {"strength": 0.0},
        {"heatmap": True},
        {"crisp": 0.5},
        {"engine": EngineOptions(ensemble=True)},
    ],
)
def test_what_only_pictures_can_have_is_had_of_developed_ones(
    release: Release, tmp_path: Path, changes: dict[str, Any]
) -> None:
    release_raw(tmp_path, "raw-x4")
    assert mosaic_model(engines(), ZoomRequest(**changes)) is None
    assert mosaic_model(engines(), ZoomRequest(), undeveloped=True) is None
    assert mosaic_use(None, ZoomRequest(**changes)) == "none"


def test_developed_pixels_are_made_only_where_they_are_seen() -> None:
    assert mosaic_use("raw-x4", ZoomRequest()) == "alone"
    for changes in ({"strength": 0.5}, {"compare": True}, {"preview": True}, {"size": Size(width=100)}):
        assert mosaic_use("raw-x4", ZoomRequest(**changes)) == "beside"  # type: ignore[arg-type]


def test_mosaics_that_nothing_can_take_are_refused(release: Release) -> None:
    release("full-x4", 4)
    with pytest.raises(WeightsError, match="no model for mosaics is installed"):
        mosaic_model(engines(), ZoomRequest(raw_engine="mosaic"))
    with pytest.raises(WeightsError, match="takes pictures, not mosaics"):
        mosaic_model(engines(model="full-x4"), ZoomRequest(raw_engine="mosaic", model="full-x4"))
    with pytest.raises(UsageError, match="--raw-engine cannot be"):
        ZoomRequest(raw_engine="both")  # type: ignore[arg-type]

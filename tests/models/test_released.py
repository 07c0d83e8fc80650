"""Released models: how one is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from srnet_cli.errors import WeightsError
from srnet_cli.models.released import (
    find_model,
    models_folder,
    near_names,
    released_models,
    released_names,
)
from srnet_cli.models.store import load_model, save_model
from tests.models.samples import CARD, tiny


def test_a_released_model_is_found_by_its_name(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x2", 2)
    loaded = load_model("srnet-x2")
    assert loaded.card.scale == 2 and loaded.path.parent == tmp_path / "models" / "srnet-x2"
    with pytest.raises(WeightsError, match="no released model and no file") as caught:
        load_model("srnet-x3")
    assert caught.value.remedy == "did you mean srnet-x2? released: srnet-x2"
    with pytest.raises(WeightsError) as caught:
        load_model("something-else")
    assert caught.value.remedy == "released: srnet-x2"


@pytest.mark.parametrize("name", ["srnet_lite_x4", "srnet-lite-4x", "SRNet-lite-x4", "srnet-litex4"])
def test_a_name_that_is_nearly_right(release: Callable[..., None], name: str) -> None:
    for known in ("srnet-x2", "srnet-lite-x4"):
        release(known, 4 if "4" in known else 2)
    assert released_names() == ["srnet-lite-x4", "srnet-x2"]
    assert near_names(name)[0] == "srnet-lite-x4"
    with pytest.raises(WeightsError) as caught:
        load_model(name)
    assert (caught.value.remedy or "").startswith("did you mean srnet-lite-x4")


def test_a_path_is_not_a_released_name(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x2", 2)
    for path in (Path("srnet-x2"), "./srnet-x2", str(tmp_path / "srnet-x2"), ".."):
        with pytest.raises(WeightsError):
            load_model(path)


def test_the_smallest_model_that_reaches_the_scale(release: Callable[..., None]) -> None:
    release("srnet-x8", 8)
    release("srnet-x2", 2)
    release("srnet-x4", 4)
    release("srnet-x4-light", 4, light=True)
    release("another-x4", 4)
    assert [card.scale for card in released_models()] == [2, 4, 4, 4, 8]
    expected = {
        1.0: "srnet-x2",
        2: "srnet-x2",
        2.01: "another-x4",
        4: "another-x4",
        5: "srnet-x8",
        16: "srnet-x8",
    }
    assert {scale: find_model(scale) for scale in expected} == expected
    assert find_model(2, light=True) == "srnet-x4-light"


def test_a_model_for_other_pictures_is_taken_by_its_name_only(release: Callable[..., None]) -> None:
    release("a-bicubic-x2", 2, named_only=True)
    release("srnet-x4", 4)
    assert find_model(2) == "srnet-x4"
    assert load_model("a-bicubic-x2").card.named_only


def test_srnet_comes_before_other_architectures(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x2", 2)
    save_model(
        tmp_path / "models" / "edsr-x2",
        tiny(2, "edsr"),
        replace(CARD, name="edsr-x2", architecture="edsr"),
    )
    assert find_model(2) == "srnet-x2"


def test_nothing_released(release: Callable[..., None]) -> None:
    assert released_models() == ()
    with pytest.raises(WeightsError, match="no model is released"):
        find_model(4)
    release("srnet-x4", 4)
    with pytest.raises(WeightsError, match="no light model is released"):
        find_model(4, light=True)


def test_a_released_folder_bears_the_name_of_its_card(release: Callable[..., None], tmp_path: Path) -> None:
    release("srnet-x4", 4)
    (tmp_path / "models" / "srnet-x4").rename(tmp_path / "models" / "other")
    with pytest.raises(WeightsError, match="folder of another name"):
        released_models()


def test_what_this_checkout_releases_loads() -> None:
    for card in released_models():
        loaded = load_model(card.name)
        assert loaded.card == card
        assert card.licence != "unknown"
    assert models_folder().name in ("models", "_models")

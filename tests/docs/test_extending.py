"""The examples of docs/extending.md do what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import srnet_cli
from srnet_cli.data.opening import KINDS, detect_source
from srnet_cli.errors import WeightsError
from srnet_cli.evaluation import metrics as evaluation_metrics
from srnet_cli.imaging import Picture, WriteOptions, read_picture, write_picture
from srnet_cli.imaging.formats import FORMATS, register
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.models.card import Card, read_card, write_card
from srnet_cli.models.store import load_model, save_model
from srnet_cli.network import registry
from srnet_cli.network.attention import ATTENTIONS
from srnet_cli.network.macs import multiply_accumulates
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.session import run_training
from srnet_cli.zooming.batch import ZoomRequest, run_batch
from srnet_cli.zooming.engine import EngineOptions

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"


@pytest.fixture(scope="module")
def page() -> Iterator[dict[str, Any]]:
    """Everything that the page's Python defines, run from top to bottom as one module."""
    module = ModuleType("page")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 6
    formats, kinds = dict(FORMATS), list(KINDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "page", module)  # dataclasses look their module up
        patch.setattr(registry, "ARCHITECTURES", registry.ARCHITECTURES)
        patch.setitem(ATTENTIONS, "contrast", ATTENTIONS["none"])
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), module.__dict__)
        yield module.__dict__
    FORMATS.clear()
    FORMATS.update(formats)
    KINDS[:] = kinds


def trained(folder: Path, **options: Any) -> Path:
    """The folder of a run of two steps on noise."""
    random = np.random.default_rng(0)
    for part, side in (("LR", 40), ("HR", 80)):
        (folder / "data" / part).mkdir(parents=True)
        for name in "abc":
            pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            write_picture(Picture(pixels), folder / "data" / part / f"{name}.png")
    settings: dict[str, Any] = {"steps": 2, "batch_size": 2, "patch_size": 16, "scale": 2, "device": "cpu"}
    settings |= {"validate_every": 2, "validation_crop": 64, "n_feats": 16}
    places = {"data": (folder / "data",), "output": folder / "run", "cache": folder / "cache"}
    assert run_training(resolved(TrainOptions(**places, **settings, **options)), resume=False).step == 2
    return folder / "run"


def assert_zooms(run: Path, name: str) -> None:
    """A run's model zooms with its card, as a bare state dictionary, and as its network computes."""
    loaded = load_model(run)
    assert loaded.card.architecture == name
    bare = run.parent / "bare.pt"
    torch.save(loaded.network.state_dict(), bare)
    picture = Picture(np.random.default_rng(1).integers(60, 200, (24, 24, 3), dtype=np.uint8))
    options = EngineOptions(device="cpu", precision="fp32", tile=24)
    zoomed = [srnet_cli.zoom(picture, 2, model=str(model), engine=options).pixels for model in (run, bare)]
    assert zoomed[0].shape == (48, 48, 3) and np.array_equal(*zoomed)
    network: Any = loaded.network
    with torch.no_grad():
        network.tail[-1].bias.add_(20)
    other = srnet_cli.zoom(picture, 2, model=loaded, engine=options).pixels
    assert not np.array_equal(zoomed[0], other)


def test_the_network_enlarges_and_is_counted(page: dict[str, Any]) -> None:
    network = page["network"]
    assert network(torch.rand(2, 3, 6, 9)).sr.shape == (2, 3, 12, 18)
    convolutions = 3 * 16 + 4 * 16 * 16 + 16 * 64 + 4 * 16 * 3
    means = 3 * 3 * (1 + 4)
    assert multiply_accumulates(network, 10, 10) == 100 * (9 * convolutions + means)


def test_the_network_trains_and_zooms(page: dict[str, Any], tmp_path: Path) -> None:
    assert_zooms(trained(tmp_path, model="plain", n_resblocks=2), "plain")


def test_a_network_that_only_its_card_names_zooms(
    page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread = replace(page["ARCHITECTURE"], traces=(), read=None)
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES[:-1], unread))
    card = Card("mine", "plain", 2, {"n_feats": 16}, tile=32, overlap=4)
    save_model(tmp_path, page["network"], card)
    picture = Picture(np.full((20, 30, 3), 90, np.uint8))
    assert srnet_cli.zoom(picture, 2, model=str(tmp_path)).pixels.shape == (40, 60, 3)
    for options in ({"n_feats": 16, "n_resblocks": 10**9}, {"n_feats": 24}):
        write_card(tmp_path / "card.toml", replace(read_card(tmp_path), options=options))
        with pytest.raises(WeightsError, match=r"of a smaller one|those of|do not match"):
            load_model(tmp_path)


def test_the_attention_trains_and_zooms(page: dict[str, Any], tmp_path: Path) -> None:
    run = trained(tmp_path, model="srnet", n_resblocks=2, attention="contrast")
    loaded = load_model(run)
    assert isinstance(loaded.network.get_submodule("body.0.body.3"), page["ContrastAttention"])
    assert loaded.card.options["attention"] == "contrast"
    assert_zooms(run, "srnet")


def test_the_source_gives_what_training_needs(page: dict[str, Any]) -> None:
    source = page["Gratings"]()
    batch = source.batch(range(3), 5, 16, "cpu")
    assert batch.lr.shape == (3, 3, 16, 16) and batch.hr.shape == (3, 3, 64, 64)
    assert float(batch.lr.min()) >= 0 and float(batch.lr.max()) <= 255
    (item,) = source.validation()
    assert item.lr.shape == (48, 48, 3) and item.hr.shape == (192, 192, 3) and item.hr.dtype == np.uint8


def test_the_metric_is_measured_by_its_entry(page: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_metrics, "METRICS", (*evaluation_metrics.METRICS, page["entry"]))
    grey = np.full((48, 48, 3), 100, np.uint8)
    other = grey.copy()
    other[20, 30, 1] = 250
    assert evaluation_metrics.measure(other, grey, 2)["largest_error"] == 150
    assert evaluation_metrics.metric("largest_error").title == "largest error"


def test_the_source_is_recognised_trained_on_and_zoomed_by(page: dict[str, Any], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_picture(Picture(np.zeros((64, 64, 3), np.uint8)), data / "cover.png")
    assert detect_source(data).kind == "photos"
    (data / "gratings.txt").touch()
    assert detect_source(data, 2).sentence == f"{data}: gratings, drawn ×2"
    options = TrainOptions(
        data=(data,),
        output=tmp_path / "run",
        scale=2,
        attention="mpr-sa",
        auxiliary=False,
        n_feats=8,
        n_resblocks=1,
        steps=3,
        batch_size=2,
        patch_size=16,
        validate_every=3,
        validation_crop=64,
        device="cpu",
    )
    assert run_training(resolved(options), resume=False).step == 3
    picture = Picture(np.random.default_rng(0).integers(0, 256, (24, 30, 3), dtype=np.uint8))
    assert srnet_cli.zoom(picture, 2, model=str(tmp_path / "run")).pixels.shape == (48, 60, 3)


def test_the_metric_refuses_other_shapes(page: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="differ"):
        page["largest_error"](np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))


def test_a_zoom_ends_in_the_format(page: dict[str, Any], tmp_path: Path) -> None:
    card = Card("tiny", "edsr", 2, {"n_feats": 16, "n_resblocks": 1}, tile=32, overlap=8)
    network = registry.build_network("edsr", 2, n_feats=16, n_resblocks=1)
    save_model(tmp_path / "model", network, card)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    write_picture(Picture(pixels), tmp_path / "in" / "a.ppm")
    np.testing.assert_array_equal(read_picture(tmp_path / "in" / "a.ppm").pixels, pixels)
    assert list_pictures(tmp_path / "in") == [tmp_path / "in" / "a.ppm"]
    request = ZoomRequest(scale=2, model=str(tmp_path / "model"), write=WriteOptions("pnm"))
    (result,) = run_batch([tmp_path / "in"], tmp_path / "out", request) or []
    assert result.error is None
    assert (tmp_path / "out" / "a_x2.ppm").read_bytes().startswith(b"P6\n60 40\n255")
    with pytest.raises(ValueError, match="registered already"):
        register(FORMATS["pnm"])

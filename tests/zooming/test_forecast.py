"""What a batch will make and take, and how that is learned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from srnet_cli.imaging import Picture, WriteOptions, read_picture, write_picture
from srnet_cli.models.store import save_model
from srnet_cli.zooming.batch import ZoomRequest, forecast_batch, run_batch
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.forecast.files import reading_seconds, writing_seconds
from srnet_cli.zooming.forecast.pace import Paces, _key
from srnet_cli.zooming.frame import Size, plan_frame
from srnet_cli.zooming.progress import BatchProgress
from tests.captures import Capture, write_dng

from .models import light_model, nearest_model, noise, random_model

CPU = EngineOptions(device="cpu", precision="fp32")


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    loaded = random_model(2)
    save_model(tmp_path / "model", loaded.network, loaded.card, half=False)
    return str(tmp_path / "model")


def test_a_forecast_says_what_a_run_does(model: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, (height, width) in {"a.png": (30, 40), "b.tif": (25, 20), "c.jpg": (16, 24)}.items():
        write_picture(Picture(noise(height, width)), folder / name)
    (folder / "d.png").write_bytes(b"no picture")
    request = ZoomRequest(size=Size(width=50), model=model, engine=CPU)
    found = forecast_batch([folder], tmp_path / "out", request)
    assert not (tmp_path / "out").exists()
    results = run_batch([folder], tmp_path / "out", request)
    assert results is not None
    for said, made in zip(found, results, strict=True):
        assert (said.source, said.target) == (made.source, made.target)
        assert (said.error is None) == (made.status == "written")
        if said.frame is not None:
            assert (said.frame.height, said.frame.width) == (made.height, made.width)
            assert said.models == made.models and said.seconds > 0
            assert 0 < said.bytes_range[0] < said.bytes < said.bytes_range[1]
    assert [made.status for made in results] == ["written"] * 3 + ["failed"]
    again = forecast_batch(
        [folder], tmp_path / "out", ZoomRequest(size=Size(width=50), model=model, skip_existing=True)
    )
    assert [said.skipped for said in again] == [True] * 3 + [False]
    json.dumps([said.document() for said in [*found, *again]])


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_a_forecast_refuses_dng_of_a_finished_picture(model: str, tmp_path: Path, name: str) -> None:
    write_picture(Picture(noise(16, 24)), tmp_path / name)
    request = ZoomRequest(scale=2, model=model, engine=CPU)
    (said,) = forecast_batch([tmp_path / name], tmp_path / "out.dng", request)
    (made,) = run_batch([tmp_path / name], tmp_path / "out.dng", request) or ()
    assert said.error is not None and str(said.error) == made.error


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_forecast_knows_how_a_picture_is_turned(model: str, tmp_path: Path, orientation: int) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(noise(30, 40)).save(tmp_path / "a.jpg", exif=exif)
    (said,) = forecast_batch([tmp_path / "a.jpg"], None, ZoomRequest(scale=2, model=model, engine=CPU))
    turned = orientation >= 5
    assert (said.height, said.width) == ((40, 30) if turned else (30, 40))


def test_paces_are_kept_and_learned(tmp_path: Path) -> None:
    file = tmp_path / "new" / "paces.json"
    paces, engines, frame = Paces(file), [Engine(nearest_model(2), CPU)], plan_frame(100, 100, 2)
    first = paces.seconds(frame, engines)
    assert first > 0
    paces.learn(frame, engines, 100 * max(first, 1))
    slower = paces.seconds(frame, engines)
    assert slower > 5 * first
    paces.save()
    assert Paces(file).seconds(frame, engines) == pytest.approx(slower)
    file.write_text('{"a": "b", "c": -1}')
    assert Paces(file).seconds(frame, engines) < slower


def test_a_cache_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    paces = Paces(tmp_path / "file" / "paces.json")
    assert paces.seconds(plan_frame(50, 50, 2), [Engine(nearest_model(2), CPU)]) > 0
    paces.save()


def test_chained_passes_cost_what_each_reads(tmp_path: Path) -> None:
    paces, one = Paces(), Engine(nearest_model(2, tile=64, overlap=0), CPU)
    single = paces.seconds(plan_frame(512, 512, 2), [one])
    double = paces.seconds(plan_frame(512, 512, 4), [one, one])
    assert double == pytest.approx(5 * single, rel=0.2)


def test_an_estimate_tells_the_light_tiles_when_it_sees_the_picture() -> None:
    both = Engine(random_model(2), CPU, Engine(light_model(2), CPU))
    frame, plain = plan_frame(200, 200, 2), np.full((200, 200, 3), 120, np.uint8)
    paces = Paces()
    paces._known = {_key(both): 1.0, _key(both.lighter or both): 0.125}
    assert paces.seconds(frame, [both], plain) < 0.6 * paces.seconds(frame, [both])
    assert paces.seconds(frame, [both], noise(200, 200)) == paces.seconds(frame, [both])
    paces.learn(frame, [both], 1e9, plain)
    assert paces._known[_key(both)] == 1 and paces._known[_key(both.lighter or both)] > 1


def test_slow_formats_take_their_time() -> None:
    seconds = {
        name: writing_seconds(Path(f"a.{name}"), WriteOptions(), 4000, 6000, deep=False)
        for name in ("png", "jpg", "webp", "avif")
    }
    assert seconds["png"] < seconds["webp"] < seconds["avif"] or torch.get_num_threads() > 4
    assert writing_seconds(Path("a.png"), WriteOptions(), 4000, 6000, deep=True) > seconds["png"]
    webp = writing_seconds(Path("a.webp"), WriteOptions(), 8000, 12000, deep=False)
    assert 10 < webp / seconds["webp"] < 20
    assert reading_seconds(Path("a.ARW"), 4000, 6000) > reading_seconds(Path("a.jpg"), 4000, 6000)


def test_progress_counts_pictures_that_end_early() -> None:
    with BatchProgress([10.0, 0.0, 30.0]) as progress:
        progress.picture_done()
        progress.start_picture("b", 4, "")
        for _ in range(4):
            progress.tile_done()
        progress.picture_done()
        (batch,) = progress._progress.tasks
        assert batch.completed == pytest.approx(10.05)


def test_raw_is_forecast_as_it_is_developed(model: str, tmp_path: Path) -> None:
    for orientation in (1, 6):
        file = tmp_path / f"{orientation}.dng"
        write_dng(file, np.full((48, 64, 3), 0.3) + noise(48, 64) / 1000, Capture(orientation=orientation))
        (said,) = forecast_batch([file], None, ZoomRequest(scale=2, model=model, engine=CPU))
        picture = read_picture(file)
        assert said.error is None and (said.height, said.width) == (picture.height, picture.width)
        # 16 bits a sample, nearly thrice what 8 take.
        assert said.bytes > 4 * said.height * said.width * 3

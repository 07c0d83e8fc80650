"""Names that are odd, and allowed: not UTF-8 (old archives and disks), or a formula to whoever draws them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.console import drawable
from srnet_cli.data.splits import held_out_scenes
from srnet_cli.files import write_text
from tests.faults.pictures import scene
from tests.faults.program import Program

NOT_UTF8 = os.fsdecode(b"M\xfcnchen")
FORMULA = r"5$\frac$ off"
#: both
ODD = NOT_UTF8 + FORMULA


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """OpenCV takes no such names itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: pairs and photographs with odd names in folders with odd names."""
    try:
        (tmp_path / ODD).mkdir()
    except (OSError, UnicodeError):
        pytest.skip("the file system takes names in UTF-8 only")
    monkeypatch.chdir(tmp_path)
    for number in range(3):
        hr = scene(96, 96)
        write_png(tmp_path / ODD / "HR" / f"{ODD}{number}.png", hr)
        write_png(tmp_path / ODD / "LR" / f"{ODD}{number}.png", np.ascontiguousarray(hr[::4, ::4]))
        write_png(tmp_path / "photographs" / f"{ODD}{number}.png", scene(192, 192))
    return tmp_path


@pytest.mark.parametrize(
    "data",
    [(ODD,), ("photographs", "--scale", "4"), ("photographs", "--scale", "4", "--degradation", "camera")],
    ids=["pairs", "reduced", "camera"],
)
def test_an_evaluation_is_written_whole(srnet: Program, here: Path, data: tuple[str, ...]) -> None:
    ended = srnet("eval", "--data", *data, "--baselines", "bicubic", "--model", "bicubic", "-o", "out")
    assert ended.code == 0, ended.err
    document = json.loads((here / "out" / "results.json").read_text(encoding="utf-8"))
    (measured,) = document["sets"]
    assert measured["name"] == data[0]
    assert [picture["name"] for picture in measured["pictures"]] == [f"{ODD}{number}" for number in range(3)]
    for name in ("pictures.csv", "report.html"):
        assert FORMULA[:2] in (here / "out" / name).read_text(encoding="utf-8"), name
    assert len(list((here / "out").rglob("*.png"))) >= 5


def test_data_is_prepared_and_trained_on(srnet: Program, here: Path) -> None:
    small = "--n-feats 8 --n-resblocks 1 --attention none --no-auxiliary --batch-size 1 --patch-size 8"
    small += " --steps 2"
    for data, run in (("photographs", "run"), ("pairs", "pairs run")):
        if data == "pairs":
            (here / "pairs").symlink_to(ODD)
        ended = srnet("train", "--data", data, "--cache", "cache", *small.split(), "-o", run)
        assert ended.code == 0, ended.err
        assert srnet("train", "--resume", "-o", run).code == 0
    again = srnet("train", "--data", "pairs", "--cache", "cache", "--prepare-only")
    assert again.code == 0, again.err


def test_what_a_configuration_cannot_hold_is_named_before_the_work(srnet: Program, here: Path) -> None:
    for option in ("--data", "--output", "--init", "--cache"):
        ended = srnet("train", "--data", "photographs", "--prepare-only", option, ODD)
        assert ended.code == 2
        assert f"{option} M\\udcfcnchen" in ended.errors[0] and "not UTF-8" in ended.errors[0]


def test_a_zoom_is_compared_and_a_model_is_drawn(srnet: Program, here: Path, model: Path) -> None:
    named = here / f"model {ODD}"
    shutil.copytree(model, named)
    zoom = ("zoom", f"{ODD}/LR", "--scale", "2", "--model", named, "-o", "out")
    for beside in ("--compare", "--preview"):
        ended = srnet(*zoom, beside)
        assert ended.code == 0, ended.err
    assert len(list((here / "out").glob("*.html"))) == len(list((here / "out").glob("*_preview.*"))) == 3
    ended = srnet("eval", "--data", "photographs", "--scale", "2", "--model", named, "-o", "measured")
    assert ended.code == 0, ended.err
    for kind, output in (("time", "a.png"), ("parameters", "b.png"), ("table", "c.md")):
        ended = srnet("figure", kind, "measured/results.json", "-o", output)
        assert ended.code == 0, ended.err


def test_names_in_texts_and_figures(tmp_path: Path) -> None:
    write_text(tmp_path / "text", NOT_UTF8, overwrite=False)
    assert (tmp_path / "text").read_bytes() == b"M\\udcfcnchen"
    assert drawable("a$b") == r"a\$b" and drawable(NOT_UTF8) == r"M\udcfcnchen"
    names = [f"{NOT_UTF8}{number}" for number in range(9)]
    assert held_out_scenes(names) == held_out_scenes(reversed(names)) != frozenset()

"""``srnet info``, and what the whole program takes: -V, help, --quiet, --verbose."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srnet_cli.imaging import Picture, write_picture
from srnet_cli.models.store import save_model
from tests.captures import Capture, write_dng
from tests.faults.models import tiny
from tests.faults.program import Program


@pytest.fixture
def srnet(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Program(capfd)


def draw(path: Path, dtype: str = "uint8") -> Path:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (24, 36, 3), dtype=dtype)
    write_picture(Picture(pixels), path)
    return path


def test_info_tells_what_a_picture_is(srnet: Program, tmp_path: Path) -> None:
    raw = tmp_path / "a.dng"
    write_dng(raw, np.random.default_rng(0).random((48, 64, 3)) * 0.5, Capture(orientation=6))
    ended = srnet("info", raw, draw(tmp_path / "b.png", "uint16"), "-s", "3")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == str(raw)
    assert "  size     48×64, 0.0 megapixels" in lines and "  format   RAW (DNG)" in lines
    assert "  camera   SRNet Test camera" in lines
    assert "  shot     35 mm, f/5.6, 1/125 s, ISO 100" in lines
    assert "  taken    2024-06-01 12:00" in lines
    assert any(line.startswith("  ×3       144×192 by srnet-x4, about ") for line in lines)
    assert "  note     made by srnet; in a folder it is passed over" in lines
    assert "  depth    16 bits, RGB" in lines


def test_info_for_programs(srnet: Program, tmp_path: Path) -> None:
    draw(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    ended = srnet("info", tmp_path / "a.jpg", tmp_path / "none.jpg", "--json")
    assert ended.code == 1 and "there is no such file" in ended.err
    found, missing = json.loads(ended.out)["pictures"]
    assert (found["width"], found["height"], found["bit_depth"]) == (36, 24, 8)
    assert found["format"] == "PNG, not JPEG as its name says"
    assert found["zoom"]["result_width"] == 144 and found["zoom"]["models"] == ["srnet-x4"]
    assert "no such file" in missing["error"]


@pytest.mark.parametrize(
    ("module", "name"), [("plan", "read_size"), ("about", "read_picture")], ids=["header", "pixels"]
)
def test_info_goes_on_behind_what_nobody_expects(
    srnet: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    paths = [draw(tmp_path / f"{letter}.png") for letter in "abc"]
    place = f"srnet_cli.zooming.forecast.{module}.{name}"
    reads = getattr(import_module(f"srnet_cli.zooming.forecast.{module}"), name)

    def fails(path: Path, *rest: Any, **more: Any) -> Any:
        if path == paths[1]:
            raise MemoryError
        return reads(path, *rest, **more)

    monkeypatch.setattr(place, fails)
    ended = srnet("info", *paths, "--json")
    assert ended.code == 1
    assert f"{paths[1]}: not enough memory" in "".join(ended.err.splitlines())
    found = json.loads(ended.out)["pictures"]
    assert [each["path"] for each in found] == [str(path) for path in paths]
    assert ["error" in each for each in found] == [False, True, False]


def test_help_is_found_as_people_look_for_it(srnet: Program) -> None:
    assert srnet("-V").out == srnet("--version").out
    assert srnet("help", "zoom").out == srnet("zoom", "--help").out
    assert srnet("help").out == srnet("--help").out


def test_how_much_is_said(srnet: Program, tmp_path: Path) -> None:
    save_model(tmp_path / "model", *tiny(2))
    command = ("zoom", draw(tmp_path / "a.png"), "-s", "2", "--model", tmp_path / "model", "--overwrite")
    assert srnet(*command, "--quiet").err == ""
    usual, more = srnet(*command).err, srnet(*command, "--verbose").err
    assert len(usual.splitlines()) == 1 and "megapixels" in more
    failed = srnet("zoom", tmp_path / "none.png", "--quiet")
    assert failed.code == 1 and len(failed.errors) == 1

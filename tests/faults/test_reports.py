"""What ``srnet eval -o`` writes is named before the work, and what was measured is not lost or replaced."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from srnet_cli.errors import OutputError
from srnet_cli.evaluation import run as evaluation
from srnet_cli.files import atomic_path
from srnet_cli.main import app
from tests.faults.pictures import encoded, scene
from tests.faults.program import Ended, Program, disk


def _pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names or ("a",):
        (folder / f"{name}.png").write_bytes(encoded("PNG", scene(96, 96)))
    return folder


def _evaluated(srnet: Program, output: Path, *data: Path, more: tuple[str, ...] = ()) -> Ended:
    given = [argument for folder in data for argument in ("--data", folder)]
    options = ("--scale", "2", "--model", "bicubic", "--baselines", "bicubic", "--device", "cpu")
    return srnet("eval", *given, *options, "--no-lpips", "--no-feature-distance", "-o", output, *more)


@pytest.mark.parametrize(
    "names",
    [
        ("A/Set-1", "B/Set-1"),
        ("A/Set 1", "B/set-1"),
        ("\u732b" * 80, "B/" + "\u732b" * 80),
        ("A/$x$", "B/$\\bad{$"),
    ],
)
def test_sets_of_one_name_have_files_of_their_own(
    srnet: Program, tmp_path: Path, names: tuple[str, ...]
) -> None:
    data = [_pictures(tmp_path / name, "\u732b" * 80, "$\\bad{$") for name in names]
    for more in ((), ("--overwrite",)):
        ended = _evaluated(srnet, tmp_path / "out", *data, more=more)
        assert ended.code == 0, ended.err
        written = disk(tmp_path / "out")
        assert sum(name.startswith("panels/") for name in written) == 4
        assert len(written) == 5 + 2 * 2 + 4
        assert len(json.loads((tmp_path / "out" / "results.json").read_text())["sets"]) == 2


@pytest.mark.parametrize("name", ["panels", "panels/data-x2-lr-by-bicubic-reduction"])
def test_panels_go_through_no_link(srnet: Program, tmp_path: Path, name: str) -> None:
    others, place = _pictures(tmp_path / "others", "001-a"), tmp_path / "out" / name
    place.parent.mkdir(parents=True)
    place.symlink_to(others)
    before = disk(tmp_path / "others")
    ended = _evaluated(srnet, tmp_path / "out", _pictures(tmp_path / "data"), more=("--overwrite",))
    assert ended.code == 1
    assert f"{place}: is a link where a folder of panels belongs" in ended.err
    assert disk(tmp_path / "others") == before


def test_what_is_in_the_way_is_named_before_the_work(
    srnet: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [_pictures(tmp_path / name) for name in ("A/set", "B/set")]
    place = tmp_path / "out" / "set-x2-lr-by-bicubic-reduction-2-comparison.png"
    place.mkdir(parents=True)
    ended = _evaluated(srnet, tmp_path / "out", *data, more=("--overwrite",))
    assert ended.code == 1
    assert str(place) in ended.err and "psnr" not in ended.err.lower()


@pytest.mark.parametrize("name", ["scatter_png", "comparison_png", "panel_png"])
def test_a_picture_that_cannot_be_drawn_costs_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    from srnet_cli import main

    def broken(*_: object) -> bytes:
        raise ValueError("no such letter")

    monkeypatch.setattr(evaluation, name, broken)
    data = _pictures(tmp_path / "data")
    arguments = ("eval", "--data", data, "--scale", "2", "--model", "bicubic", "--no-lpips", "-o")
    code = main._run([*map(str, arguments), str(tmp_path / "out"), "--no-feature-distance"], debug=False)
    assert code == 1
    assert "no such letter" in capsys.readouterr().err
    written = disk(tmp_path / "out")
    assert {"results.json", "results.csv", "report.html"} <= set(written)
    assert len(written) == 5 + 3 - 1


@pytest.mark.parametrize("name", ["panels", "report.html", "results.csv", "results.json"])
def test_a_disk_that_is_too_full_for_a_file_costs_that_file(
    srnet: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = atomic_path

    def full(target: Path, *, overwrite: bool) -> AbstractContextManager[Path]:
        if name in target.parts:
            raise OutputError("cannot be written: the disk is full", path=target)
        return real(target, overwrite=overwrite)

    monkeypatch.setattr(evaluation, "atomic_path", full)
    ended = _evaluated(srnet, tmp_path / "out", _pictures(tmp_path / "data"), more=("--json",))
    assert ended.code == 1 and ended.err.count("the disk is full") == 1
    assert json.loads(ended.out)["sets"]
    assert ("results.json" in disk(tmp_path / "out")) == (name != "results.json")


#: what ``srnet eval -o`` leaves besides the file that figures are made of
OF_AN_EVALUATION = (
    "results.md",
    "report.html",
    "pictures.csv",
    "set-x4-comparison.png",
    "set-x4-psnr-over-time.png",
    "panels/set-x4/001-a.png",
)


@pytest.mark.parametrize("name", [*OF_AN_EVALUATION, "mine.png"])
@pytest.mark.parametrize("kind", ["table", "time"])
@pytest.mark.parametrize("given", ["", "results.json", "first.json", "../link.json", "linked"])
def test_a_figure_never_replaces_a_part_of_an_evaluation(
    tmp_path: Path, name: str, kind: str, given: str
) -> None:
    """One of its own may lie in the folder, and be drawn again."""
    tmp_path = tmp_path / "evaluation"
    method = {
        "method": "srnet",
        "parameters": 10,
        "macs_64x64": 5,
        "seconds_per_picture": 0.5,
        "means": {"psnr_y_published": {"value": 25.0}},
    }
    sets = [{"name": "set", "scale": 4, "pictures": [{}], "methods": [method]}]
    (tmp_path / "panels" / "set-x4").mkdir(parents=True)
    for each in (*OF_AN_EVALUATION, "mine.png"):
        (tmp_path / each).write_text("there")
    for each in ("results.json", "first.json"):
        (tmp_path / each).write_text(json.dumps({"sets": sets}))
    (tmp_path.parent / "link.json").symlink_to(tmp_path / "results.json")
    if given == "linked":
        # The results are kept elsewhere.
        (tmp_path / "results.json").rename(tmp_path.parent / "kept.json")
        (tmp_path / "results.json").symlink_to("../kept.json")
        given = ""
    before = disk(tmp_path)
    command = ("figure", kind, tmp_path / given, "-o", tmp_path / name, "--overwrite")
    ended = CliRunner().invoke(app, [*map(str, command)])
    if name == "mine.png":
        assert ended.exit_code == 0
        assert {each for each, content in disk(tmp_path).items() if before[each] != content} == {name}
    else:
        assert isinstance(ended.exception, OutputError)
        assert f"the result would replace {tmp_path / name}" in str(ended.exception)
        assert disk(tmp_path) == before

"""Numbers, streams, names and places that are not what they should be: one line, never "a bug"."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from srnet_cli.console import emit_json
from srnet_cli.errors import OutputError
from srnet_cli.evaluation.outputs.exports import _csv, as_markdown
from srnet_cli.evaluation.run import _output_folder
from tests.faults.pictures import encoded
from tests.faults.program import Program, assert_civil, finish, start


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--hours", "inf"),
        ("--hours", "nan"),
        ("--hours", "1e300"),
        ("--seed", "1" * 20),
        ("--seed", "9" * 400),
    ],
)
def test_numbers_are_bounded_where_they_are_read(
    srnet: Program, tmp_path: Path, flag: str, value: str
) -> None:
    ended = srnet("train", "--data", tmp_path, "--scale", "2", flag, value, "-o", tmp_path / "run")
    assert ended.code == 2
    assert flag in ended.err and not (tmp_path / "run").exists()


def test_a_closed_stdout_is_named(tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    command = ("zoom", "a.png", "-s", "2", "--model", model, "--json")
    import os

    ended = finish(start(*command, folder=tmp_path, preexec_fn=lambda: os.close(1), stdout=None))
    assert_civil(ended)
    assert ended.code == 1
    assert "standard output is closed" in ended.err


def test_cells_that_a_spreadsheet_would_compute_are_text() -> None:
    names = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\uff1d1+1",
        "\uff20a",
        "  =1",
        "\u3000+1",
        "\n=1",
        "plain.png",
    ]
    rows = list(csv.reader(io.StringIO(_csv(iter([{"name": name, "psnr": -1.5} for name in names])))))
    # Behind a tab or on another line another cell may begin, which is marked, too.
    marked = ["'" + name.replace("\t", "\t'").replace("\n", "\n'") for name in names[:-1]]
    assert rows[1:] == [[name, "-1.5"] for name in marked] + [["plain.png", "-1.5"]]
    # Another cell begins at a semicolon where numbers have a comma.
    assert _csv(iter([{"name": "a;=1+1; -1;b"}])).splitlines() == ["name", "a;'=1+1;' -1;b"]


def test_names_steer_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may hold what sets its title or colours, or turns the direction of writing."""
    name = "a\x1b]0;b\x07\x9bc\u202ed\U000e0001.png"
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    emit_json({"name": name})
    assert json.loads(stream.getvalue()) == {"name": name}
    for text in (stream.getvalue(), as_markdown(name)):
        assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["report.html", "results.csv", "set-psnr-over-time.png", "panels/a/001.png"])
@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "device"])
def test_what_is_in_the_way_of_results_is_named_before_the_work(tmp_path: Path, name: str, kind: str) -> None:
    place = tmp_path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    {
        "file": partial(place.write_text, "mine"),
        "folder": place.mkdir,
        "pipe": partial(os.mkfifo, place),
        "device": partial(place.symlink_to, "/dev/null"),
    }[kind]()
    with pytest.raises(OutputError) as caught, _output_folder(tmp_path, overwrite=kind != "file"):
        pass
    assert caught.value.path == tmp_path / name


def test_a_file_where_panels_belong_is_named_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "panels").write_text("mine")
    with pytest.raises(OutputError, match="where a folder of panels belongs"), _output_folder(tmp_path, True):
        pass

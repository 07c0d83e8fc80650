"""Evaluations and runs of others: what they say is a figure, or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import srnet
from tests.faults.program import Program

__all__ = ["srnet"]

KINDS = ("table", "time", "parameters", "ablation")


def _evaluation(**changes: Any) -> dict[str, Any]:
    method = {
        "method": "srnet",
        "parameters": 10,
        "macs_64x64": 5,
        "seconds_per_picture": 0.5,
        "means": {"psnr_y_published": {"value": 25.0}},
    }
    one = {"name": "set", "scale": 4, "pictures": [{}], "methods": [method]}
    for name, value in changes.items():
        (one if name in one else method)[name] = value
    return {"sets": [one]}


@pytest.mark.parametrize("kind", KINDS)
def test_an_evaluation_is_taken(srnet: Program, tmp_path: Path, kind: str) -> None:
    (tmp_path / "results.json").write_text(json.dumps(_evaluation()))
    ended = srnet("figure", kind, tmp_path, "-o", tmp_path / "out.png")
    assert ended.code == 0, ended.err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", "abc"),
        ("parameters", [1]),
        ("parameters", 10**400),
        ("parameters", -5),
        ("macs_64x64", {}),
        ("seconds_per_picture", -1.0),
        ("seconds_per_picture", float("nan")),
        ("seconds_per_picture", 1e300),
        ("scale", float("inf")),
        ("scale", "4"),
        ("pictures", 3),
        ("methods", {"a": 1}),
        ("means", {"psnr_y_published": {"value": float("-inf")}}),
        ("means", {"psnr_y_published": {"value": "25"}}),
    ],
)
def test_what_is_no_figure_is_refused(
    srnet: Program, tmp_path: Path, kind: str, name: str, value: object
) -> None:
    # Python writes as many digits as it reads only when it is told to.
    text = json.dumps(_evaluation(**{name: 0 if isinstance(value, int) and value > 1e300 else value}))
    if isinstance(value, int) and value > 1e300:
        text = text.replace(f'"{name}": 0', f'"{name}": 1{"0" * 400}')
    (tmp_path / "results.json").write_text(text)
    ended = srnet("figure", kind, tmp_path, "-o", tmp_path / "out.png")
    assert ended.code == 1
    assert f"{tmp_path / 'results.json'}: is not the result of an evaluation" in ended.err


@pytest.mark.parametrize(
    ("kind", "file"), [("table", "results.json"), ("epochs", "log.jsonl"), ("time", "results.json")]
)
@pytest.mark.parametrize("content", ["deep", "pipe", "device", "folder", "binary", "empty"])
def test_what_is_no_such_file_is_refused(
    srnet: Program, tmp_path: Path, kind: str, file: str, content: str
) -> None:
    place = tmp_path / file
    if content == "pipe":
        os.mkfifo(place)
    elif content == "device":
        place.symlink_to("/dev/zero")
    elif content == "folder":
        place.mkdir()
    else:
        place.write_bytes({"deep": b"[" * 200_000, "binary": bytes(range(256)), "empty": b""}[content])
    ended = srnet("figure", kind, tmp_path, "-o", tmp_path / "out.png")
    assert ended.code == 1
    assert f"error {place}: " in ended.err


@pytest.mark.parametrize("name", ["$\\bad{$", "a$b", "$x$"])
def test_names_are_drawn_as_they_are(srnet: Program, tmp_path: Path, name: str) -> None:
    for run in (name, "other"):
        (tmp_path / run).mkdir()
        lines = [{"epoch": float(epoch), "psnr": 20.0 + epoch} for epoch in range(3)]
        (tmp_path / run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = srnet("figure", "epochs", tmp_path / name, tmp_path / "other", "-o", tmp_path / "out.png")
    assert ended.code == 0, ended.err
    for kind in KINDS:
        (tmp_path / "results.json").write_text(json.dumps(_evaluation(name=name)))
        ended = srnet("figure", kind, tmp_path, "-o", tmp_path / f"{kind}.png")
        assert ended.code == 0, ended.err

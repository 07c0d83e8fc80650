"""The loss of docs/extending.md is one entry: it trains, is logged, and the model that it trained zooms."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from srnet_cli.commands import train as train_command
from srnet_cli.imaging import Picture, read_picture, write_picture
from srnet_cli.main import app
from srnet_cli.training.losses import LOSSES
from tests.training.sources import drawing, write_drawings

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
TINY = "--scale 2 --model edsr --n-feats 16 --n-resblocks 1 --batch-size 2 --patch-size 16 --steps 3"


@pytest.fixture
def slopes(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """A program whose table of losses has the page's entry."""
    page = PAGE.read_text(encoding="utf-8")
    (section,) = re.findall(r"^## A loss\n(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    (code,) = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})
    # The command's parameters are made when its module is imported, as this entry of ours was not yet.
    monkeypatch.setattr(train_command.train, "__signature__", train_command.signature())
    assert "slopes" in LOSSES
    return app


def test_a_loss_is_one_entry(slopes: typer.Typer, tmp_path: Path) -> None:
    data, run = write_drawings(tmp_path / "drawings", count=3, side=48), tmp_path / "run"
    arguments = [
        "train",
        "--data",
        str(data),
        "-o",
        str(run),
        *TINY.split(),
        "--log-every",
        "1",
        "--device",
        "cpu",
    ]
    arguments += ["--slopes-weight", "0.5"]

    refused = CliRunner().invoke(slopes, [*arguments, "--slopes-weight", "-1"])
    assert "--slopes-weight must be at least 0" in str(refused.exception)

    trained = CliRunner().invoke(slopes, arguments)
    assert trained.exit_code == 0, trained.output
    assert "slopes_weight = 0.5" in (run / "config.toml").read_text(encoding="utf-8")
    records = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum(record["slopes"] > 0 for record in records if "sr" in record) == 3

    write_picture(Picture(drawing(77, 40)), tmp_path / "in.png")
    zoom = ["zoom", str(tmp_path / "in.png"), "-s", "2", "--model", str(run), "-o", str(tmp_path / "out.png")]
    zoomed = CliRunner().invoke(slopes, zoom)
    assert zoomed.exit_code == 0, zoomed.output
    assert read_picture(tmp_path / "out.png").pixels.shape == (80, 80, 3)
    assert "slopes_weight = 0.5" in (run / "card.toml").read_text(encoding="utf-8")


def test_a_loss_checks_its_own_options(slopes: typer.Typer, tmp_path: Path) -> None:
    data = write_drawings(tmp_path / "drawings", count=3, side=48)
    arguments = [
        "train",
        "--data",
        str(data),
        "-o",
        str(tmp_path / "run"),
        *TINY.split(),
        "--patch-size",
        "12",
    ]
    result = CliRunner().invoke(slopes, [*arguments, "--slopes-weight", "1"])
    assert "--slopes-weight needs HR patches of 32 pixels or more" in str(result.exception)
    without = CliRunner().invoke(slopes, arguments)
    assert without.exit_code == 0, without.output

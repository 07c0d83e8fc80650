"""Figures and tables of a paper, from the command line to the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner, Result

from srnet_cli.errors import InputError, UsageError
from srnet_cli.figures.evaluations import read_evaluations
from srnet_cli.figures.motivation import motivation_rows
from srnet_cli.figures.plots import read_curve
from srnet_cli.figures.tables import ABLATION, comparison_table
from srnet_cli.main import app
from srnet_cli.network.registry import network_names


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["figure", *map(str, arguments)])


def load(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def row(name: str, psnr: float, parameters: int | None = None) -> dict[str, Any]:
    return {
        "method": name,
        "parameters": parameters,
        "macs_64x64": None if parameters is None else 5 * parameters,
        "seconds_per_picture": 0.01 if parameters is None else parameters / 1e6,
        "means": {"psnr_y_published": {"value": psnr}, "lpips": {"value": 1 - psnr / 40}},
    }


def results(folder: Path, scale: int, *rows: dict[str, Any]) -> Path:
    folder.mkdir()
    one = {"name": "SR-RAW", "scale": scale, "pictures": [{}, {}], "methods": list(rows)}
    (folder / "results.json").write_text(json.dumps({"sets": [one]}))
    return folder


def test_the_published_motivation(parity: Path) -> None:
    lr, hr = (load(parity / f"motivation/{name}.png") for name in ("lr", "hr"))
    zoom, reduced = motivation_rows(lr, hr, 4, "nearest")
    assert zoom.residual.figures.psnr_rgb == pytest.approx(16.85, abs=0.005)
    assert (zoom.residual.figures.entropy, reduced.residual.figures.entropy) == pytest.approx(
        (5.935, 3.369), abs=0.0005
    )
    assert reduced.residual.figures.psnr_rgb == pytest.approx(24.76, abs=0.005)


def test_motivation_is_drawn_from_a_pair(tmp_path: Path) -> None:
    hr = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    for name, pixels in (("hr", hr), ("lr", hr[::4, ::4])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    pair = tmp_path / "lr.png", tmp_path / "hr.png"
    assert run("motivation", *pair, "-o", tmp_path / "out.png").exit_code == 0
    assert load(tmp_path / "out.png").shape[1] > 1500
    assert isinstance(run("motivation", *pair, "-s", "8", "-o", tmp_path / "x.png").exception, InputError)
    assert isinstance(run("motivation", pair[0]).exception, UsageError)


def test_lost_information_is_drawn_by_either_formula(tmp_path: Path) -> None:
    hr = np.random.default_rng(0).integers(1, 256, (64, 96, 3), dtype=np.uint8)
    for name, pixels in (("hr", hr), ("lr", hr[::4, ::4])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    pair = tmp_path / "lr.png", tmp_path / "hr.png"
    assert run("lost", *pair, "-o", tmp_path / "a.png").exit_code == 0
    assert run("lost", *pair, "--lost", "channels", "-o", tmp_path / "b.png").exit_code == 0
    assert (load(tmp_path / "a.png") != load(tmp_path / "b.png")).any()
    assert isinstance(run("lost", pair[0]).exception, UsageError)


def test_several_scales_are_one_table_with_best_and_second_best(tmp_path: Path) -> None:
    four = results(
        tmp_path / "a", 4, row("bicubic", 20.0), row("srnet-x4", 25.0, 3_429_678), row("san", 24.0, 10)
    )
    eight = results(tmp_path / "b", 8, row("bicubic", 18.0), row("runs/x8/srnet", 19.0, 3_725_102))
    lines = comparison_table(read_evaluations([four, eight / "results.json"])).splitlines()
    heads = [head.strip() for head in lines[0].strip("|").split("|")]
    assert heads[2:] == [
        "SR-RAW ×4 PSNR Y authors", "SR-RAW ×4 LPIPS", "SR-RAW ×8 PSNR Y authors", "SR-RAW ×8 LPIPS",
    ]  # fmt: skip
    assert "| srnet | 3.43 M | **25.00** | **0.3750** |" in lines[3]
    assert "<u>24.00</u> | <u>0.4000</u> | – | –" in lines[4]
    assert "| bicubic | – | 20.00 | 0.5000 | <u>18.00</u>" in lines[2]
    assert run("table", four, "--scale", "8").exit_code == 1


def test_names_in_a_table_are_text_and_nothing_else(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>|[a](b)"
    report = results(tmp_path / "a", 4, row("bicubic", 20.0), row(name, 21.0))
    line = run("table", report).stdout.splitlines()[3]
    assert line.startswith("| \\<script>alert(1)\\</script>\\|\\[a](b) | ")


def test_the_ablation_names_the_parts_of_its_networks(tmp_path: Path) -> None:
    assert {name for name, _, _ in ABLATION} <= set(network_names())
    assert len(ABLATION) == 12
    report = results(tmp_path / "a", 4, row("edsr", 23.0, 1), row("edsr_rat", 24.0, 2), row("bicubic", 20.0))
    printed = run("ablation", report).stdout.splitlines()
    assert len(printed) == 4
    assert printed[3].startswith("| R_a | ✓ |  |  |  | 2 |")
    assert isinstance(run("ablation", results(tmp_path / "b", 4, row("x", 1.0))).exception, InputError)


@pytest.mark.parametrize("kind", ["time", "parameters"])
def test_cost_is_plotted(tmp_path: Path, kind: str) -> None:
    rows = (row("bicubic", 20.0), row("edsr", 23.0, 10**6), row("srnet", 25.0, 3 * 10**6))
    report = results(tmp_path / "a", 4, *rows)
    assert run(kind, report, "-o", tmp_path / "out.png").exit_code == 0
    assert load(tmp_path / "out.png").std() > 5
    assert isinstance(run(kind, report, "--metric", "beauty").exception, UsageError)
    both = (report, results(tmp_path / "b", 8, *rows))
    assert isinstance(run(kind, *both, "-o", tmp_path / "both.png").exception, UsageError)


def test_epochs_of_several_runs_are_plotted(tmp_path: Path) -> None:
    for name, gain in (("srnet", 2.0), ("edsr", 1.0)):
        (tmp_path / name).mkdir()
        records = [{"epoch": e, "psnr": 20 + gain * e / 9, "bicubic": 20.5} for e in range(9)]
        lines = [{"epoch": 0.1, "sr": 3.0}, *records]
        (tmp_path / name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curve = read_curve(tmp_path / "srnet")
    assert (curve.name, curve.epochs[-1], curve.bicubic) == ("srnet", 8.0, 20.5)
    result = run("epochs", tmp_path / "srnet", tmp_path / "edsr", "-o", tmp_path / "out.png")
    assert result.exit_code == 0
    assert load(tmp_path / "out.png").std() > 5
    (tmp_path / "edsr/log.jsonl").write_text('{"epoch": 1.0}\n')
    with pytest.raises(InputError, match="no validation yet"):
        read_curve(tmp_path / "edsr")


def test_what_is_not_an_evaluation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"sets": [3]}')
    with pytest.raises(InputError, match="is not the result of an evaluation"):
        read_evaluations([tmp_path])

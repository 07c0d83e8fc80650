"""Settings of libraries that lie in the current folder: perhaps one of a stranger's pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.training.run.curves import draw_curves
from tests.faults.pictures import encoded, scene
from tests.faults.program import PATIENCE, ROOT, environment, finish, start

RECORDS = [
    {"step": step, "epoch": step, "sr": 1.0 / step, "psnr": 20.0 + step, "bicubic": 21.0} for step in (1, 2)
]
#: what a stranger may put there: text set by a program, another look, no text at all
SETTINGS = {
    "latex": b"text.usetex: True\ntext.latex.preamble: \\immediate\\write18{touch executed}\n",
    "colours": b"image.lut: 3\nfont.size: 40\naxes.prop_cycle: cycler('color', ['k'])\nlines.linewidth: 30\n",
    "nonsense": b"no settings\nimage.lut: x\n",
    "bytes": b"\xff\xfe\0\x80" * 40,
}


def _curves(folder: Path, **changes: str) -> bytes:
    """Curves that a process draws whose current folder is this."""
    target = folder.parent / f"{folder.name}.png"
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom srnet_cli.training.run.curves import draw_curves\n"
        "draw_curves(json.loads(sys.argv[1]), Path(sys.argv[2]), 'a')\n"
    )
    subprocess.run(
        [sys.executable, "-P", "-c", program, json.dumps(RECORDS), str(target)],
        cwd=folder,
        env=environment(changes),
        check=True,
        timeout=PATIENCE,
    )
    return target.read_bytes()


def _in_folder(place: Path, settings: bytes) -> bytes:
    (place / "matplotlibrc").write_bytes(settings)
    return _curves(place)


def _by_variable(place: Path, settings: bytes) -> bytes:
    file = place / "settings"
    file.write_bytes(settings)
    return _curves(place, MATPLOTLIBRC=str(file))


def _by_folder(place: Path, settings: bytes) -> bytes:
    (place / "of-mine").mkdir()
    (place / "of-mine" / "matplotlibrc").write_bytes(settings)
    return _curves(place, MATPLOTLIBRC=str(place / "of-mine"))


WAYS = [(_in_folder, kind) for kind in SETTINGS] + [(_by_variable, "bytes"), (_by_folder, "colours")]


@pytest.mark.parametrize(("way", "kind"), WAYS)
def test_curves_look_the_same_whatever_settings_are_there(
    tmp_path: Path, kind: str, way: Callable[[Path, bytes], bytes]
) -> None:
    plain, place = tmp_path / "plain.png", tmp_path / "place"
    draw_curves(RECORDS, plain, "a")
    place.mkdir()
    assert way(place, SETTINGS[kind]) == plain.read_bytes()


#: what is to show figures, in a notebook and elsewhere; the last one would tell that it was executed
BACKENDS = ("module://matplotlib_inline.backend_inline", "inline", "nonsense", "tkagg", "module://told")


@pytest.mark.parametrize("backend", BACKENDS)
def test_curves_look_the_same_whatever_shows_figures(tmp_path: Path, backend: str) -> None:
    plain, place, modules = tmp_path / "plain.png", tmp_path / "place", tmp_path / "modules"
    draw_curves(RECORDS, plain, "a")
    place.mkdir(), modules.mkdir()
    (modules / "told.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\n")
    changes = {"MPLBACKEND": backend, "PYTHONPATH": f"{ROOT}{os.pathsep}{modules}"}
    assert _curves(place, **changes) == plain.read_bytes()
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("stated", ["svg", "module://of.mine"])
def test_a_program_shows_its_figures_as_it_stated(tmp_path: Path, stated: str) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom srnet_cli.training.run.curves import draw_curves\n"
        f"draw_curves({RECORDS!r}, Path(sys.argv[1]), 'a')\nimport matplotlib\n"
        "print(os.environ['MPLBACKEND'], matplotlib.rcParams['backend'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program, str(tmp_path / "a.png")],
        env=environment({"MPLBACKEND": stated}),
        capture_output=True,
        check=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.stdout.split() == [stated, stated]


def test_figures_of_a_folder_with_settings(tmp_path: Path) -> None:
    for name, side in (("lr", 32), ("hr", 64)):
        (tmp_path / f"{name}.png").write_bytes(encoded("PNG", scene(side, side)))
    results = []
    for number, settings in enumerate((b"", SETTINGS["latex"], SETTINGS["bytes"])):
        (tmp_path / "matplotlibrc").write_bytes(settings)
        place = tmp_path / str(number)
        ended = finish(start("residual", "lr.png", "hr.png", "-o", place, "--heatmap", folder=tmp_path))
        assert ended.code == 0, ended.err
        results.append({file.name: file.read_bytes() for file in place.glob("*.png")})
    assert len(results[0]) >= 4
    assert results[1] == results[0]
    assert results[2] == results[0]
    assert not (tmp_path / "executed").exists()


def test_a_program_that_draws_gets_its_own_settings_back(tmp_path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"lines.linewidth": 7.0}):
        with plain_matplotlib():
            assert mpl.rcParams["lines.linewidth"] == mpl.rcParamsDefault["lines.linewidth"]
        draw_curves(RECORDS, tmp_path / "a.png", "a")
        assert mpl.rcParams["lines.linewidth"] == 7.0

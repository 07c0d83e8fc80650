"""What is said on standard output goes into no file that a command is about, be it opened or not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.pictures import encoded, scene
from tests.faults.program import PATIENCE, disk, environment


@pytest.mark.parametrize(
    "command",
    [
        "zoom {a} --scale 2 --model {model} -o {other} --json 1<> {a}",
        "zoom - --scale 2 --model {model} -o {other} --json < {a} 1<> {a}",
        "zoom {a} --scale 2 --dry-run >> {a}",
        "info {b} {a} >> {a}",
        "info {a} --json 1<> {a}",
        "residual {a} {b} --json -o {other} 1<> {b}",
    ],
)
def test_what_is_said_on_standard_output_replaces_no_input(tmp_path: Path, model: Path, command: str) -> None:
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in pictures:
        path.write_bytes(encoded("PNG", scene(24, 24)))
    before = disk(tmp_path)
    line = command.format(a=pictures[0], b=pictures[1], other=tmp_path / "other.png", model=model)
    _refused(line)
    assert disk(tmp_path) == before


@pytest.mark.parametrize(
    "command",
    [
        "zoom {d} -o {out} --json >> {d}/a.png",
        "zoom {d} -o {out} --skip-existing --json 1<> {d}/a.png",
        "zoom '{d}/*.png' -o {out} --skip-existing --json >> {d}/b.png",
        "zoom {d}/b.png -o {out}/new/ --json >> {model}/card.toml",
        "residual {d}/b.png {d}/a.png -o {out} --json >> {d}/a.png",
        "residual {d} {other} -o {out} --json >> {d}/b.png",
        "eval --data {d} --limit 1 --no-lpips --no-feature-distance --json >> {d}/b.png",
        "eval --data {d} --limit 1 --no-lpips --no-feature-distance --json >> {model}/crisp.safetensors",
    ],
)
def test_nor_into_one_that_is_not_opened(tmp_path: Path, model: Path, command: str) -> None:
    """Its result is there already, it has no partner, or only that of the first is asked for."""
    folder, other, out = tmp_path / "d", tmp_path / "other", tmp_path / "out"
    own = Path(shutil.copytree(model, tmp_path / "model"))
    (own / "crisp.safetensors").write_bytes(b"whatever it is")
    for place in (folder, other):
        place.mkdir()
        for name in ("a", "b") if place == folder else ("a",):
            (place / f"{name}.png").write_bytes(encoded("PNG", scene(24, 24)))
    out.mkdir()
    for name in ("a", "b"):
        (out / f"{name}_x2.png").write_bytes(encoded("PNG", scene(48, 48)))
        (out / f"{name}_residual.png").write_bytes(encoded("PNG", scene(24, 24)))
    before = disk(tmp_path)
    line = command.format(d=folder, out=out, other=other, model=own)
    scaled = " --scale 2 --model " + str(own) if not line.startswith("residual") else ""
    place = line.index(" --json")
    _refused(f"{line[:place]}{scaled}{line[place:]}")
    assert disk(tmp_path) == before


def test_a_file_in_the_place_of_a_closed_standard_output_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("whole")
    code = (
        "import os, pathlib, sys\nfrom srnet_cli.reading import read_input\nos.close(1)\n"
        "assert read_input(pathlib.Path(sys.argv[1])) == b'whole'"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], env=environment(), capture_output=True)
    assert ended.returncode == 0, ended.stderr


def _refused(line: str) -> None:
    """Run the program in a shell, which must be told that it would write into its input."""
    ended = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m srnet_cli {line}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 1 and "would replace its own input" in ended.stderr, ended.stderr

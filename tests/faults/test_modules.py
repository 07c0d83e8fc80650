"""Nothing is executed that lies in the current folder: data may have files with names of modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.pictures import encoded, scene
from tests.faults.program import PATIENCE, environment, finish, start

MODULES = ("multiprocessing", "signal", "numpy", "PIL", "torch", "cv2", "typer", "filelock", "click", "rich")
#: what ``python -m`` imports before the program has its turn
OF_PYTHON = ("runpy", "re", "types", "codecs")


def _with_modules(place: Path, names: tuple[str, ...]) -> Path:
    """Pairs of pictures, and modules that would tell that they were executed."""
    for name, side in (("LR", 32), ("HR", 64)):
        (place / name).mkdir(parents=True)
        for number in range(3):
            (place / name / f"{number}.png").write_bytes(encoded("PNG", scene(side, side)))
    for module in names:
        (place / f"{module}.py").write_text(
            f"open({str(place.parent / 'executed')!r}, 'a').write({module!r} + ' ')\nraise SystemExit(7)\n"
        )
    return place


def _executed(place: Path) -> str:
    told = place.parent / "executed"
    return told.read_text() if told.exists() else ""


def _prepare(place: Path) -> tuple[str, ...]:
    cache = str(place.parent / "cache")
    return (*("train", "--data", ".", "--scale", "2", "--prepare-only", "--workers", "2"), "--cache", cache)


@pytest.mark.parametrize("command", ["info", "train"])
def test_the_program_takes_no_modules_from_the_current_folder(tmp_path: Path, command: str) -> None:
    place = _with_modules(tmp_path / "data", MODULES + OF_PYTHON)
    script = tmp_path / "bin" / "srnet"
    script.parent.mkdir()
    script.write_text("from srnet_cli.__main__ import start\n\nif __name__ == '__main__':\n    start()\n")
    arguments = ("info", "LR/0.png") if command == "info" else _prepare(place)
    ended = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert _executed(place) == ""
    assert ended.returncode == 0, ended.stderr


def test_run_by_its_name_it_takes_none_either(tmp_path: Path) -> None:
    place = _with_modules(tmp_path / "data", MODULES)
    for arguments in (("info", "LR/0.png"), _prepare(place)):
        ended = finish(start(*arguments, folder=place))
        assert _executed(place) == ""
        assert ended.code == 0, ended.err

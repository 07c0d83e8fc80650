"""Nothing is executed that lies in the current folder: data may have files with names of modules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from srnet_cli.compute.imports import current_folder_kept_out
from tests.faults.pictures import encoded, scene
from tests.faults.program import PATIENCE, ROOT, environment, finish, start

MODULES = (
    "typing",
    "__future__",
    "multiprocessing",
    "signal",
    "numpy",
    "PIL",
    "torch",
    "cv2",
    "typer",
    "filelock",
    "click",
    "rich",
)
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


def _finished(
    place: Path, *arguments: str, variables: Mapping[str, str] | None = None, given: str = ""
) -> str:
    """Run Python there, which must end well and have taken none of the modules; return what it says."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        input=given,
        cwd=place,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert _executed(place) == ""
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _script(folder: Path, ahead: str = "") -> Path:
    """The console script, with lines ``ahead`` of its own."""
    script = folder / "bin" / "srnet"
    script.parent.mkdir()
    script.write_text(
        f"{ahead}from srnet_cli.__main__ import start\n\nif __name__ == '__main__':\n    start()\n"
    )
    return script


def _prepare(place: Path) -> tuple[str, ...]:
    cache = str(place.parent / "cache")
    return (*("train", "--data", ".", "--scale", "2", "--prepare-only", "--workers", "2"), "--cache", cache)


@pytest.mark.parametrize("command", ["info", "train"])
def test_the_program_takes_no_modules_from_the_current_folder(tmp_path: Path, command: str) -> None:
    place = _with_modules(tmp_path / "data", MODULES + OF_PYTHON)
    script = _script(tmp_path)
    arguments = ("info", "LR/0.png") if command == "info" else _prepare(place)
    _finished(place, str(script), *arguments)


@pytest.mark.parametrize("flags", [("-E",), ("-sE",), ()])
def test_its_processes_take_none_where_variables_are_ignored(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Or where the one that says so is there and empty."""
    place = _with_modules(tmp_path / "data", MODULES)
    script = _script(tmp_path, f"import sys\n\nsys.path.append({str(ROOT)!r})\n")
    _finished(place, *flags, str(script), *_prepare(place), variables={"PYTHONSAFEPATH": ""})


def test_run_by_its_name_it_takes_none_either(tmp_path: Path) -> None:
    place = _with_modules(tmp_path / "data", MODULES)
    for arguments in (("info", "LR/0.png"), _prepare(place)):
        ended = finish(start(*arguments, folder=place))
        assert _executed(place) == ""
        assert ended.code == 0, ended.err


LIBRARIES = ("libz.so.1", "libffi.so.8", "libffi.so.7", "libbz2.so.1.0", "liblzma.so.5", "libcrypto.so.3")
TELLING = """
#include <stdio.h>
__attribute__((constructor)) static void told(void)
{
    FILE *file = fopen("EXECUTED", "a");
    if (file) { fputs("library ", file); fclose(file); }
}
"""
#: what a program does that uses the package, has imported OpenCV long before, and keeps its environment
USER = """
import os, subprocess, sys, cv2
from srnet_cli.compute.imports import current_folder_kept_out
before = dict(os.environ)
with current_folder_kept_out():
    child = "import os, zlib, ctypes, bz2, lzma; print(os.environ['LD_LIBRARY_PATH'])"
    said = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
assert dict(os.environ) == before
assert all(map(os.path.isabs, said.stdout.strip().split(":"))), said.stdout
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks for Linux's way to find libraries")
def test_children_take_no_libraries_from_the_current_folder(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no compiler to make a library with")
    place = _with_modules(tmp_path / "data", ())
    source, library = tmp_path / "lib.c", tmp_path / "lib.so"
    source.write_text(TELLING.replace("EXECUTED", str(tmp_path / "executed")))
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    for name in LIBRARIES:
        shutil.copy(library, place / name)
    for arguments in (("-P", "-c", USER), ("-m", "srnet_cli", *_prepare(place))):
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=place,
            env={name: value for name, value in environment().items() if name != "LD_LIBRARY_PATH"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert _executed(place) == ""
        assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("stated", "left"),
    [("/usr/lib:", "/usr/lib"), (":relative:/usr/lib:/opt", "/usr/lib:/opt"), ("/usr/lib", "/usr/lib")],
)
def test_only_whole_paths_of_libraries_are_left(
    stated: str, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", stated)
    with current_folder_kept_out():
        assert os.environ["LD_LIBRARY_PATH"] == left
    assert os.environ["LD_LIBRARY_PATH"] == stated


@pytest.mark.parametrize(
    ("stated", "left"),
    [
        ("/usr/bin:", "/usr/bin"),
        (":bin:/usr/bin:.:./bin::/opt", "/usr/bin:/opt"),
        ("/usr/bin", "/usr/bin"),
        ("", None),
        (".", None),
    ],
)
def test_only_whole_paths_of_programs_are_left(
    stated: str, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", stated)
    with current_folder_kept_out():
        # An empty one would be the current folder again.
        assert os.environ["PATH"] == (left or str(ROOT / "srnet_cli" / "compute"))
    assert os.environ["PATH"] == stated
    monkeypatch.delenv("PATH")
    with current_folder_kept_out():
        assert "PATH" not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="the fonts of other systems are found without a program")
@pytest.mark.parametrize("stated", [":{path}", "{path}:", "bin:.:{path}"])
@pytest.mark.parametrize("by_script", [True, False])
def test_no_program_of_the_current_folder_is_run(tmp_path: Path, stated: str, by_script: bool) -> None:
    """A first figure asks for the fonts by a program, which not every system has."""
    place, tool = _with_modules(tmp_path / "data", ()), "fc-list"
    (place / "bin").mkdir()
    for program in (place / tool, place / "bin" / tool):
        program.write_text(f"#!/bin/sh\necho {tool} >> '{tmp_path / 'executed'}'\n")
        program.chmod(0o755)
    run = (str(_script(tmp_path)),) if by_script else ("-m", "srnet_cli")
    command = ("residual", "LR/0.png", "HR/0.png", "--heatmap", "-o", str(tmp_path / "results"))
    path = stated.format(path=tmp_path / "none")
    _finished(place, *run, *command, variables={"PATH": path, "MPLCONFIGDIR": str(tmp_path / "fonts")})
    assert list((tmp_path / "fonts").glob("fontlist*")), "the fonts were looked for"


@pytest.mark.parametrize(
    ("stated", "by_script", "command"),
    [
        (":{root}", True, "train"),
        (":{root}", False, "info"),
        ("{root}:", True, "info"),
        ("{root}::/none", False, "train"),
    ],
)
def test_an_empty_entry_of_pythonpath_leads_nowhere(
    tmp_path: Path, stated: str, by_script: bool, command: str
) -> None:
    place = _with_modules(tmp_path / "data", MODULES)
    script = _script(tmp_path)
    program = (str(script),) if by_script else ("-m", "srnet_cli")
    arguments = ("info", "LR/0.png") if command == "info" else _prepare(place)
    _finished(place, *program, *arguments, variables={"PYTHONPATH": stated.format(root=ROOT)})


def test_a_folder_that_pythonpath_names_is_searched(tmp_path: Path) -> None:
    """Whoever names the current folder means it."""
    place = _with_modules(tmp_path / "data", ("typer",))
    for stated in (f":{ROOT}:{place}", f"{ROOT}:.:"):
        ended = subprocess.run(
            [sys.executable, "-m", "srnet_cli", "info", "LR/0.png"],
            cwd=place,
            env=environment({"PYTHONPATH": stated}),
            capture_output=True,
            timeout=PATIENCE,
        )
        assert ended.returncode == 7


#: with the package found first, as no installation is at hand
FOUND = f"import sys\nsys.path.insert(1, {str(ROOT)!r})\n"
CALLED = f"{FOUND}from srnet_cli.__main__ import start\nsys.argv = ['srnet', 'info', 'LR/0.png']\nstart()\n"


@pytest.mark.parametrize("flags", [(), ("-E",)])
@pytest.mark.parametrize("by", ["-c", "-"])
def test_programs_without_a_file_call_it(tmp_path: Path, flags: tuple[str, ...], by: str) -> None:
    """What they are read from may be used up: nothing begins anew, and nothing is left out."""
    # Python itself, and the lines ahead, import nothing of these.
    place = _with_modules(tmp_path / "data", tuple(name for name in MODULES if name != "__future__"))
    said = _finished(
        place,
        *flags,
        *((by, CALLED) if by == "-c" else (by,)),
        variables={"PYTHONPATH": ""},
        given=CALLED if by == "-" else "",
    )
    assert "LR/0.png" in said


@pytest.mark.parametrize("name", ["run.py", "srnet"])
def test_a_script_may_have_the_package_beside_it(tmp_path: Path, name: str) -> None:
    place = _with_modules(tmp_path / "data", MODULES)
    beside = tmp_path / "beside"
    beside.mkdir()
    shutil.copytree(ROOT / "srnet_cli", beside / "srnet_cli", ignore=shutil.ignore_patterns("__pycache__"))
    tell = "import srnet_cli\nprint(srnet_cli.__file__)\n"
    (beside / name).write_text(f"{tell}from srnet_cli.__main__ import start\nstart()\n")
    said = _finished(place, "-E", str(beside / name), "--version")
    assert said.startswith(str(beside / "srnet_cli"))

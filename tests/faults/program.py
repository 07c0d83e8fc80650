"""Running the program as a person does: in this process, or as one of its own."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from srnet_cli import main

ROOT = Path(__file__).resolve().parents[2]
#: a process that needs longer than this hangs; on a crowded computer most of what a test may take
PATIENCE = 280.0
#: seconds of a processor, which are two or three times as many on a crowded computer; what is quadratic in
#: that which a file claims takes minutes
PROMPT = 30.0

Disk = dict[str, str]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The lines that name a failure."""
        return [line for line in self.err.splitlines() if line.startswith("error ")]


@contextmanager
def promptly() -> Iterator[None]:
    """What runs within does not hang: a bound that no slow computer reaches, no measurement of speed."""
    began = time.process_time()
    yield
    assert time.process_time() - began < PROMPT


class Program:
    """The command line program, run in this process to spare the seconds that importing torch takes."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str | Path) -> Ended:
        self._capture.readouterr()
        code = main._run([str(argument) for argument in arguments], debug=False)
        captured = self._capture.readouterr()
        ended = Ended(code, captured.out, captured.err)
        assert_civil(ended)
        return ended


def assert_civil(ended: Ended) -> None:
    """Whatever happened, nobody sees a traceback, and nothing is called a bug."""
    assert "Traceback" not in ended.err, ended.err
    assert "a bug; --debug" not in ended.err, ended.err
    assert ended.code in (0, 1, 2, 129, 130, 143), ended


def start(*arguments: str | Path, folder: Path, **popen: object) -> subprocess.Popen[str]:
    """``python -m srnet_cli`` with these arguments, in ``folder``."""
    settings: dict[str, object] = {
        "cwd": folder,
        "env": environment(),
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        # A test run started in the background has Ctrl-C ignored, and its children would inherit that.
        "preexec_fn": _hear_interrupts,
        **popen,
    }
    command = [sys.executable, "-m", "srnet_cli", *map(str, arguments)]
    return subprocess.Popen(command, **settings)  # type: ignore[call-overload, no-any-return]


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's, with the checkout importable and one thread, so that tests do not crowd each other.

    What a command that ran in this process has told its children about modules is left out.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return {**inherited, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **(changes or {})}


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something to happen while ``process`` runs."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"ended too early with {process.returncode}: {process.communicate()}")
        if time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"nothing happened: {process.communicate()}")
        time.sleep(0.002)


def disk(folder: Path) -> Disk:
    """Everything in a folder: name → what is in it."""
    return {
        str(path.relative_to(folder)): _digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest()

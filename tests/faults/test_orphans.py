"""Processes that work for one that is killed: they end with it, and write nothing more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from srnet_cli.data.preparation import Prepared
from srnet_cli.data.prepared import cache
from srnet_cli.models.apart import run_apart
from tests.data.work import Work
from tests.faults.program import environment, wait_until

#: seconds in which they have ended, and that their work would take
SOON, LONG = 60.0, 600.0


@dataclass(frozen=True)
class Lasting(Work):
    """A job that says who does it, and takes long."""

    folder: Path = Path()

    def run(self) -> Prepared:
        last(self.folder)
        return super().run()


def last(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(LONG)


def prepares(folder: Path) -> None:
    jobs = [Lasting(name, folder=folder) for name in ("a", "b")]
    cache.prepare(jobs, folder / "set", workers=2)


def computes_apart(folder: Path) -> None:
    run_apart(last, folder)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize(("work", "count"), [(prepares, 2), (computes_apart, 1)])
def test_nobody_works_for_a_process_that_was_killed(tmp_path: Path, work: object, count: int) -> None:
    name = getattr(work, "__name__", "")
    code = f"import pathlib, sys\nfrom {__name__} import {name}\n{name}(pathlib.Path(sys.argv[1]))"
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def workers() -> list[int]:
        return [int(file.name) for file in tmp_path.iterdir() if file.name.isdecimal()]

    wait_until(lambda: len(workers()) == count, parent)
    parent.kill()
    try:
        parent.communicate(timeout=SOON)  # which ends when nobody is left that has its streams
    finally:
        for worker in workers():
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

"""``python -m benchmarks.busy``: what a zoom takes while other programs keep every core busy.

The program is run as a person runs it, alone and beside one busy loop a core, with its own settings of
threads and with waiting threads that spin. Ratios matter: with its own settings a busy machine
costs about the share of the cores that the others take.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from srnet_cli.compute.threads import usable_cores
from srnet_cli.imaging import Picture, write_picture

#: of the crop that is zoomed
_HEIGHT, _WIDTH = 150, 200


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description="Zoom on a busy machine.")
    parser.add_argument("--model", default="srnet-x4")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    settings = {"as the program sets it": {}, "waiting threads spin": {"OMP_WAIT_POLICY": "active"}}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.png"
        pixels = np.random.default_rng(0).integers(0, 256, (_HEIGHT, _WIDTH, 3), np.uint8)
        write_picture(Picture(pixels), source)
        for name, variables in settings.items():
            alone, beside = (
                statistics.median(_seconds(source, given.model, variables, busy) for _ in range(given.rounds))
                for busy in (False, True)
            )
            print(f"{name}: {beside / alone:.1f} times as long when busy ({alone:.1f} s, {beside:.1f} s)")


def _seconds(source: Path, model: str, variables: Mapping[str, str], busy: bool) -> float:
    unset = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    command = [sys.executable, "-m", "srnet_cli", "zoom", str(source), "--model", model, "--overwrite"]
    with _busy_loops(usable_cores() if busy else 0):
        begin = time.perf_counter()
        subprocess.run(
            [*command, "-o", str(source.with_name("result.png"))],
            env={**unset, **variables},
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - begin


@contextmanager
def _busy_loops(count: int) -> Iterator[None]:
    with ExitStack() as running:
        for _ in range(count):
            loop = running.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            running.callback(loop.kill)
        yield


if __name__ == "__main__":
    main()

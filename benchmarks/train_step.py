"""Time and memory of a training step, and the share of it that is spent waiting for data.

``python -m benchmarks.train_step [--data PHOTOS] [--device cuda] [--precision bf16]`` trains SRNet, EDSR ×4
with the program's own step and feed; without ``--data`` on photographs of noise, which cost no less.
``--model srnet_lite --loss feature --loss adversarial`` trains that network without and with each loss. Every
row has a process of its own, so that peak memory is its own. Table on stderr, JSON on stdout.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.forms import peak_mb
from benchmarks.machine import load_per_core, machine_facts
from benchmarks.record import as_json
from srnet_cli.compute import cuda
from srnet_cli.compute.allocator import keep_large_blocks
from srnet_cli.compute.device import choose_device
from srnet_cli.compute.processes import Processes
from srnet_cli.training.feed import Feed, Order, open_feed
from srnet_cli.training.losses import LOSSES, active_losses
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.setup import prepare
from srnet_cli.training.source import detect_data, open_data

MODELS = ("srnet", "edsr")
WARM_UP = 2


@dataclass(frozen=True)
class Row:
    """Figures of one network."""

    model: str
    #: beside L1 on picture and residual; empty: none
    loss: str
    precision: str
    patch: int
    batch: int
    #: median, seconds
    step_time: float
    #: share of the time in which the trainer waited for a batch
    data_wait: float
    #: seconds in which one thread makes a batch, nothing else running
    batch_time: float
    #: peak of the process (CPU) or of the device's allocations, MiB
    memory_mib: float


def measure(options: TrainOptions, steps: int) -> Row:
    """Train for ``steps`` steps after a few to warm up."""
    keep_large_blocks()
    job = Processes(choose_device(options.device))
    source = open_data(options, detect_data(options, print), job, print)
    state = prepare(options, source.scale, job, print)
    assert options.patch_size is not None and options.batch_size is not None
    began = time.perf_counter()
    source.batch(range(options.batch_size), options.seed, options.patch_size, job.device)
    cuda.synchronise(job.device)
    batch_time = time.perf_counter() - began
    times, waits = [], []
    with open_feed(source, job, options.seed, options.workers) as feed:
        for number in range(WARM_UP + steps):
            _order(feed, number, options.batch_size, options.patch_size)
            began = time.perf_counter()
            delivery = feed.take()
            state.stepper(delivery.batch, number=number)
            cuda.synchronise(job.device)
            if number >= WARM_UP:
                times.append(time.perf_counter() - began)
                waits.append(delivery.waited)
    return Row(
        model=options.model,
        loss=", ".join(name for name in active_losses(options) if not LOSSES[name].weight),
        precision=str(state.stepper.precision.dtype).removeprefix("torch."),
        patch=options.patch_size,
        batch=options.batch_size,
        step_time=statistics.median(times),
        data_wait=sum(waits) / sum(times),
        batch_time=batch_time,
        memory_mib=peak_mb(job.device),
    )


def _order(feed: Feed, step: int, batch: int, patch: int) -> None:
    while feed.wants_orders:
        feed.order(Order((step + len(feed)) * batch, batch, patch))


def write_noise(folder: Path, count: int = 6, side: int = 1200) -> None:
    """Write photographs of noise."""
    rng = np.random.default_rng(0)
    for number in range(count):
        picture = rng.integers(0, 256, (side, side, 3), np.uint8)
        (folder / f"{number}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def main(arguments: Sequence[str]) -> int:
    """Print the table and the JSON document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of photographs, sequences or pairs")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--batch", type=int, help="default 16, on the CPU 2")
    parser.add_argument("--patch", type=int, help="LR pixels; default 64, on the CPU 32")
    parser.add_argument("--steps", type=int, help="default 50, on the CPU 8")
    parser.add_argument("--model", action="append", help="repeatable; default " + ", ".join(MODELS))
    parser.add_argument("--loss", action="append", default=[], choices=LOSSES, help="repeatable; a row each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args(arguments)
    on_cpu = choose_device(given.device).type == "cpu"
    with tempfile.TemporaryDirectory() as folder:
        if given.data is None:
            write_noise(Path(folder))
        options = TrainOptions(
            data=(given.data or Path(folder),),
            device=given.device,
            precision=given.precision,
            patch_size=given.patch or (32 if on_cpu else 64),
            batch_size=given.batch or (2 if on_cpu else 16),
            workers=given.workers,
            compile=given.compile,
            ema=0.999 if given.loss else 0.0,
        )
        steps = given.steps or (8 if on_cpu else 50)
        rows = [
            _in_a_process(replace(options, model=model, weights=weights), steps)
            for model in given.model or MODELS
            for weights in ({}, *({name: 1.0} for name in given.loss))
        ]
    _show(rows)
    facts = {"machine": machine_facts(choose_device(given.device)), "load_per_core": load_per_core()}
    print(as_json({**facts, "rows": [asdict(row) for row in rows]}), end="")
    return 0


def _in_a_process(options: TrainOptions, steps: int) -> Row:
    # Spawned, not forked: a forked process starts with its parent's peak, and cannot use CUDA.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (resolved(options), steps))


def _show(rows: Sequence[Row]) -> None:
    form = "{:24} {:>9} {:>12} {:>10} {:>10} {:>12} {:>12}"
    print(
        form.format("network", "type", "patches", "step", "data wait", "make a batch", "peak memory"),
        file=sys.stderr,
    )
    for row in rows:
        figures = (
            f"{row.batch} of {row.patch}²",
            f"{1000 * row.step_time:.0f} ms",
            f"{100 * row.data_wait:.1f} %",
            f"{1000 * row.batch_time:.0f} ms",
            f"{row.memory_mib:.0f} MiB",
        )
        name = f"{row.model}, {row.loss}" if row.loss else row.model
        print(form.format(name, row.precision, *figures), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

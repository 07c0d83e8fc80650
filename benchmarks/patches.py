"""Patches per second that a data source makes, against what a training step eats.

``python -m benchmarks.patches [--device cuda] [--threads 4]`` makes prepared pairs as large as SR-RAW's in a
temporary folder, draws batches from them as the trainer does, and times SRNet's forward and backward pass on
the same device. ``--source FOLDER`` times a folder of photographs with simulated zoom as well.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import load_per_core, machine_facts
from benchmarks.record import as_json
from srnet_cli.compute import cuda
from srnet_cli.data import TrainingSource
from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.opening import open_source
from srnet_cli.data.pair_source import PairSource
from srnet_cli.data.patches import PatchSampler
from srnet_cli.data.preparation import PreparationReport, Prepared
from srnet_cli.data.prepared import cache
from srnet_cli.network.registry import build_network

SCALE, PATCH, BATCH = 4, 64, 16
#: LR pixels of a pair made of SR-RAW's 35 mm and 150 mm shots
PAIR_SIZE = (1230, 1850)


@dataclass(frozen=True)
class NoisePair:
    """A prepared pair of the size of a real one; its content costs no less to read."""

    name: str

    @property
    def group(self) -> str:
        return self.name

    @property
    def scene(self) -> str:
        return self.name

    def inputs(self) -> tuple[Path, ...]:
        return ()

    def parameters(self) -> Mapping[str, Any]:
        return {"size": PAIR_SIZE}

    def run(self) -> Prepared:
        rng = np.random.default_rng(int(self.name))
        return Prepared({"lr": _noise(rng, 1), "hr": _noise(rng, SCALE)}, {})


def _noise(rng: np.random.Generator, scale: int) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (PAIR_SIZE[0] * scale, PAIR_SIZE[1] * scale, 3), np.uint8)


def pair_source(folder: Path, pairs: int) -> TrainingSource:
    """Prepare synthetic pairs in ``folder``."""
    prepared = cache.prepare([NoisePair(str(number)) for number in range(pairs)], folder, workers=1)
    report = PreparationReport(prepared.items, (), (), pairs, folder)
    sampler = PatchSampler(prepared.items, SCALE)
    return PairSource(sampler, (), (), report, f"{pairs} synthetic pairs of {PAIR_SIZE[1]}×{PAIR_SIZE[0]}")


def source_rate(source: TrainingSource, device: torch.device, threads: int, seconds: float) -> float:
    """Measure patches per second with labels, ``threads`` batches being made at a time."""

    def make(step: int) -> None:
        source.batch(range(step * BATCH, (step + 1) * BATCH), 0, PATCH, device)

    with ThreadPoolExecutor(threads) as pool:
        return _rate(
            lambda step: list(pool.map(make, range(step * threads, (step + 1) * threads))), device, seconds
        ) * (BATCH * threads)


def trainer_rate(device: torch.device, batch: int, seconds: float) -> float:
    """Measure the patches per second that SRNet ×4 takes in forward and backward pass, float32."""
    network = build_network("srnet", SCALE).to(device).train()
    lr = torch.rand(batch, 3, PATCH, PATCH, device=device) * 255

    def step(_: int) -> None:
        network.zero_grad(set_to_none=True)
        output = network(lr, residual=True)
        (output.sr.mean() + output.residual.mean()).backward()

    return _rate(step, device, seconds) * batch


def _rate(work: Callable[[int], object], device: torch.device, seconds: float) -> float:
    """Measure calls per second after one call to warm up."""
    work(0)
    _wait(device)
    start, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - start < seconds:
        calls += 1
        work(calls)
    _wait(device)
    return calls / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        cuda.synchronise(device)


def main(arguments: Sequence[str]) -> int:
    """Print one JSON document with the rates."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--trainer-batch", type=int, help="patches of a timed step; default 16, on CPU 1")
    parser.add_argument("--source", type=Path, help="also a folder of photographs")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    trainer_batch = options.trainer_batch or (1 if device.type == "cpu" else BATCH)
    result: dict[str, Any] = {"machine": machine_facts(device), "load_per_core": load_per_core()}
    with tempfile.TemporaryDirectory() as folder:
        source = pair_source(Path(folder), options.pairs)
        result["pairs_patches_per_second"] = source_rate(source, device, options.threads, options.seconds)
    if options.source is not None:
        photos = open_source(options.source, SourceOptions(scale=SCALE))
        result["photos_patches_per_second"] = source_rate(photos, device, options.threads, options.seconds)
    result["trainer_patches_per_second"] = trainer_rate(device, trainer_batch, options.seconds)
    print(as_json(result), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

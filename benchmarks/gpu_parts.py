"""The parts of ``benchmarks.gpu``: each measures one thing on a device and gives the rows of a table.

Every part takes a ``Plan`` and may fail by itself; it imports what it needs when it runs.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.forms import DTYPES, sample
from benchmarks.machine import machine_facts
from benchmarks.train_step import write_noise
from srnet_cli.compute import cuda
from srnet_cli.compute.processes import Processes
from srnet_cli.errors import TrainingError
from srnet_cli.training.feed import Order, open_feed
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.setup import prepare
from srnet_cli.training.source import detect_data, open_data
from srnet_cli.training.step.recorded import RecordedStepper

Row = dict[str, str | float | int | None]

#: seconds that a run under torchrun may take
TORCHRUN_SECONDS = 60
LARGEST_DB = 200.0
#: tiles by which the network's part of a zoom is estimated: LR pixels a side, and how many at once
TILE, TILES = 128, 8


@dataclass(frozen=True)
class Plan:
    """What is measured, and how much of it."""

    device: torch.device
    #: LR pixels a side of the tile that outputs are compared on
    tile: int = 64
    #: None: every released model
    models: tuple[str, ...] | None = None
    #: of training: LR pixels a side, patches, steps that are timed, and options of the networks
    patch: int = 64
    batch: int = 16
    steps: int = 60
    network: tuple[tuple[str, int], ...] = ()
    #: width and height of the pictures that are zoomed
    pictures: tuple[tuple[int, int], ...] = ((3000, 2000), (6000, 4000))
    zoom_models: tuple[str, ...] = ("srnet-x4", "srnet-lite-x4")

    @classmethod
    def small(cls, device: torch.device) -> Plan:
        """Make one that a CPU does in a minute, and that takes the same ways."""
        return cls(
            device,
            tile=24,
            models=("srnet-lite-x2", "srnet-x4"),
            patch=16,
            batch=4,
            steps=4,
            network=(("n_feats", 16), ("n_resblocks", 1)),
            pictures=((96, 64),),
            zoom_models=("srnet-lite-x4",),
        )


def machine(plan: Plan) -> Iterator[Row]:
    """Name the device and what computes on it."""
    facts = machine_facts(plan.device)
    wanted = ("gpu", "gpu_memory_gib", "cuda", "cudnn", "torch", "cpu", "cores")
    yield from ({"fact": name, "value": str(facts[name])} for name in wanted if facts.get(name) is not None)


def outputs(plan: Plan) -> Iterator[Row]:
    """Compare each model's picture of a tile with the CPU's in fp32, dB; plain, and as it is replayed."""
    from srnet_cli.inference.forms import to_inference
    from srnet_cli.inference.graphed import GraphedNetwork
    from srnet_cli.models.released import picture_models
    from srnet_cli.models.store import load_model

    lr = sample(plan.tile, 2)
    for name in plan.models or [card.name for card in picture_models()]:
        model = load_model(name)
        with torch.inference_mode():
            expected = to_inference(model.network)(lr).sr
            for precision in ("bf16", "fp16"):
                network = to_inference(model.network, dtype=DTYPES[precision], device=plan.device)
                plain = network(lr.to(plan.device)).sr.float().cpu()
                row: Row = {"model": name, "type": precision, "dB to fp32": _decibels(plain, expected)}
                if plan.device.type == "cuda":
                    replayed = GraphedNetwork(network)(lr.to(plan.device)).sr.float().cpu()
                    row["replayed, levels apart"] = float((replayed - plain).abs().max())
                yield row


def gradients(plan: Plan) -> Iterator[Row]:
    """Compare a training step's losses and gradients with those of the CPU in fp32."""
    for model in ("srnet", "srnet_lite"):
        options = _options(plan, model)
        side = min(plan.patch, 32)
        with _source(options, Processes(torch.device("cpu"))) as source:
            batch = source.batch(range(2), 1, side, "cpu")
        expected, slopes = _gradients(replace(options, device="cpu", precision="fp32"), batch)
        for precision in ("fp32", "bf16"):
            own = replace(options, precision=precision)
            losses, found = _gradients(own, batch, plan.device)
            largest = max(float(g.abs().max()) for g in slopes.values())
            apart = max(float((found[name] - g).abs().max()) for name, g in slopes.items()) / largest
            loss = float(((losses - expected).abs() / expected.abs()).max())
            yield {"network": model, "type": precision, "loss, apart": loss, "gradients, over largest": apart}


def recording(plan: Plan) -> Iterator[Row]:
    """Take the same steps recorded and plain, and compare losses and weights."""
    for model in ("srnet", "srnet_lite"):
        options = replace(_options(plan, model), optimizer="muon", lr=1e-4, ema=0.99)
        job = Processes(plan.device)
        with _source(options, job) as source:
            batches = [
                source.batch(range(n * plan.batch, (n + 1) * plan.batch), 1, plan.patch, plan.device)
                for n in range(4)
            ]
        said: list[str] = []
        found = []
        for on_card in (True, False):
            state = prepare(options, 4, job, said.append, on_card=on_card)
            began = time.perf_counter()
            first = state.stepper(batches[0], number=0)
            cuda.synchronise(plan.device)
            seconds = time.perf_counter() - began
            later = [state.stepper(batch, number=n) for n, batch in enumerate(batches[1:], 1)]
            weights = torch.cat([p.detach().flatten() for p in state.stepper.trained])
            recordings = state.stepper.recordings if isinstance(state.stepper, RecordedStepper) else 0
            found.append((torch.stack([first, *later]).cpu(), weights.cpu(), seconds, recordings))
        (losses, weights, seconds, recordings), (plain, plain_weights, *_) = found
        yield {
            "network": model,
            "recorded": "yes" if recordings else "no",
            "losses, apart": float(((losses - plain).abs() / plain.abs()).max()),
            "weights, apart": float((weights - plain_weights).norm() / plain_weights.norm()),
            "first step, s": seconds,
            "said": "; ".join(said),
        }


def speed(plan: Plan) -> Iterator[Row]:
    """Time training with the feed, in the form that the device is trained in, and plainly."""
    for model in ("srnet", "srnet_lite"):
        options = _options(plan, model)
        for on_card in (True, False):
            steps = plan.steps if on_card else max(2, plan.steps // 6)
            yield _timed(plan, options, steps, on_card)


def under_torchrun(plan: Plan) -> Iterator[Row]:
    """Train a few steps with ``torchrun`` and one process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        write_noise(folder / "photos", count=2, side=300)
        sizes = ["--n-feats", "16", "--n-resblocks", "1", "--patch-size", "16", "--batch-size", "4"]
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"]
        command += ["-m", "srnet_cli", "train", "--data", str(folder / "photos"), "--steps", "4", *sizes]
        command += ["--device", plan.device.type, "-o", str(folder / "run")]
        began = time.perf_counter()
        try:
            ended = subprocess.run(
                command, capture_output=True, text=True, timeout=TORCHRUN_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise TrainingError(f"torchrun has not ended after {TORCHRUN_SECONDS} s") from error
        if ended.returncode or not (folder / "run" / "weights.safetensors").is_file():
            said = " ".join(ended.stderr.split())[-300:]
            raise TrainingError(f"torchrun ended with {ended.returncode}: {said}")
        yield {"processes": 1, "seconds": time.perf_counter() - began}


def zooming(plan: Plan) -> Iterator[Row]:
    """Time a zoom's parts: the network alone, its results' way to the host, all without and with a file."""
    from srnet_cli.inference.forms import to_inference
    from srnet_cli.inference.graphed import GraphedNetwork
    from srnet_cli.models.store import load_model
    from srnet_cli.zooming.engine import Engine, EngineOptions

    ready = []
    for name in plan.zoom_models:
        engine = Engine(load_model(name), EngineOptions(device=str(plan.device)))
        network = to_inference(load_model(name).network, dtype=engine.dtype, device=plan.device)
        ready.append((engine, GraphedNetwork(network) if plan.device.type == "cuda" else network))
    for width, height in plan.pictures:
        for engine, network in ready:
            yield _zoomed(engine, network, width, height)


#: in the order in which they are done: what is quick and tells most comes first
PARTS: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "device": machine,
    "outputs against fp32 on the CPU": outputs,
    "a training step against the CPU's": gradients,
    "recorded steps against plain ones": recording,
    "speed of training": speed,
    "one process under torchrun": under_torchrun,
    "zoom": zooming,
}


def _zoomed(engine: Any, network: Any, width: int, height: int) -> Row:
    from srnet_cli.imaging import Picture, WriteOptions
    from srnet_cli.zooming.frame import plan_frame
    from srnet_cli.zooming.pipeline import zoom_to_file

    device = engine.device
    pixels = sample(64, 1)[0].permute(1, 2, 0).byte().numpy()
    pixels = np.tile(pixels, (height // 64 + 1, width // 64 + 1, 1))[:height, :width].copy()
    frame = plan_frame(height, width, engine.scale)
    compute, transfer = _network_alone(network, width * height, device)
    before = cuda.restart_peak(device) if device.type == "cuda" else 0
    whole = _seconds(lambda: _exhaust(engine.strips(pixels, frame.region)), device)
    peak = cuda.peak_memory(device) - before if device.type == "cuda" else None
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "zoomed.jpg"
        filed = _seconds(
            lambda: zoom_to_file(Picture(pixels), frame, [engine], target, WriteOptions()), device
        )
    return {
        "model": engine.card.name,
        "input, MP": round(width * height / 1e6, 3),
        "network, s": compute,
        "to the host, s": transfer,
        "all but the file, s": whole,
        "with the file, s": filed,
        "peak, MiB": None if peak is None else peak / 2**20,
    }


def _options(plan: Plan, model: str) -> TrainOptions:
    options: dict[str, Any] = {**dict(plan.network), "model": model, "device": str(plan.device)}
    return resolved(TrainOptions(**options, patch_size=plan.patch, batch_size=plan.batch, steps=1000))


@contextmanager
def _source(options: TrainOptions, job: Processes, on_card: bool | None = None) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        side = max(4 * (options.patch_size or 1), 256)
        write_noise(Path(folder), count=6, side=min(1200, 2 * side))
        own = replace(options, data=(Path(folder),))
        yield open_data(own, detect_data(own, _unsaid), job, _unsaid, on_card=on_card)


def _gradients(
    options: TrainOptions, batch: Any, device: torch.device | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    device = device or torch.device("cpu")
    state = prepare(options, 4, Processes(device), _unsaid, on_card=False)
    moved = replace(batch, lr=batch.lr.to(device), hr=batch.hr.to(device), residual=batch.residual.to(device))
    losses = state.stepper.gradients(moved).float().cpu()
    named = state.network.named_parameters()
    return losses, {name: p.grad.float().cpu() for name, p in named if p.grad is not None}


def _timed(plan: Plan, options: TrainOptions, steps: int, on_card: bool) -> Row:
    job = Processes(plan.device)
    state = prepare(options, 4, job, _unsaid, on_card=on_card)
    waited, before = 0.0, 0
    if plan.device.type == "cuda":
        before = cuda.restart_peak(plan.device)
    with _source(options, job, on_card) as source, open_feed(source, job, 1, options.workers) as feed:
        ordered = 0
        for number in range(3 + steps):
            while feed.wants_orders:
                feed.order(Order(ordered, plan.batch, plan.patch))
                ordered += plan.batch
            if number == 3:
                cuda.synchronise(plan.device)
                began = time.perf_counter()
            delivery = feed.take()
            if number >= 3:
                waited += delivery.waited
            with feed.held() if state.stepper.records(delivery.batch) else nullcontext():
                state.stepper(delivery.batch, number=number)
        cuda.synchronise(plan.device)
        seconds = time.perf_counter() - began
    recorded = isinstance(state.stepper, RecordedStepper) and state.stepper.recordings > 0
    peak = (cuda.peak_memory(plan.device) - before) / 2**20 if plan.device.type == "cuda" else None
    return {
        "network": options.model,
        "patches": f"{plan.batch} of {plan.patch}²",
        "form": "recorded" if recorded else "plain",
        "step, ms": 1000 * seconds / steps,
        "data wait, share": waited / seconds,
        "peak, MiB": peak,
    }


@torch.inference_mode()
def _network_alone(network: Callable[..., Any], pixels: int, device: torch.device) -> tuple[float, float]:
    """Estimate the network's part for ``pixels`` and that of their result's way to the host, seconds.

    From a batch of tiles that is on the device; without overlaps. The result travels as 8 bit.
    """
    lr = sample(TILE, TILES).to(device)
    sr = network(lr).sr.clamp(0, 255).byte()
    parts = pixels / (TILES * TILE**2)
    compute = _seconds(lambda: network(lr), device, times=3)
    return parts * compute, parts * _seconds(lambda: sr.cpu(), device, times=3)


def _seconds(operation: Callable[[], object], device: torch.device, times: int = 1) -> float:
    cuda.synchronise(device)
    began = time.perf_counter()
    for _ in range(times):
        operation()
    cuda.synchronise(device)
    return (time.perf_counter() - began) / times


def _exhaust(strips: Iterator[Any]) -> None:
    for _ in strips:
        pass


def _decibels(found: Tensor, expected: Tensor) -> float:
    error = float((found - expected).double().square().mean())
    return LARGEST_DB if error == 0 else min(LARGEST_DB, 10 * math.log10(255**2 / error))


def _unsaid(_: str) -> None:
    """Say nothing."""

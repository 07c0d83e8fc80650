"""The forms of SRNet that are timed against each other, each in a process of its own.

Separate processes, because the allocator's setting is the process's: the authors' form must run with
the allocator as it comes. A form only computes while the others wait.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srnet_cli.compute import cuda
from srnet_cli.network.srnet import SRNet, SRNetOptions

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: the ceiling is measured for about this long a time
CEILING_SECONDS = 0.15
CEILING_SIZES = (64, 128, 256)


@dataclass(frozen=True)
class Form:
    """One row of the table."""

    name: str
    kind: Literal["authors", "training", "inference", "convolution", "product"]
    precision: str = "fp32"
    #: with glibc told to keep large blocks
    tuned: bool = True


@dataclass(frozen=True)
class Settings:
    """Settings that all forms share."""

    device: str
    threads: int
    tile: int
    batch: int
    #: model to load; None: an untrained SRNet ×4
    model: str | None
    #: take the processor time of the one thread, not the clock
    cpu_time: bool = False

    @property
    def clock(self) -> Callable[[], float]:
        return time.thread_time if self.cpu_time else time.perf_counter


@dataclass(frozen=True)
class Check:
    """Result of a form, for comparison, and the memory it took."""

    picture: NDArray[np.float32]
    #: MB on top of what the process had with weights loaded
    extra_mb: float


class Worker:
    """A process that holds one form and runs it on request."""

    def __init__(self, form: Form, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, form, settings), daemon=True)
        self._process.start()
        far.close()
        self._connection.recv()

    def measure(self) -> float:
        """Measure the seconds of one run over the batch; of ceilings: FLOP/s."""
        self._connection.send("measure")
        return float(self._connection.recv())

    def check(self) -> Check:
        self._connection.send("check")
        answer: Check = self._connection.recv()
        return answer

    def close(self) -> None:
        self._connection.send("stop")
        self._process.join()


def load_network(model: str | None) -> nn.Module:
    """Load the model's network, or SRNet ×4 with seeded random weights (speed does not depend on them)."""
    if model is not None:
        from srnet_cli.models.store import load_model

        return load_model(model).network
    torch.manual_seed(0)
    return SRNet(SRNetOptions()).eval()


def sample(size: int, n: int) -> Tensor:
    """Draw tiles with edges, gradients and grain: N×3×S×S, whole numbers 0..255 as of an 8-bit picture."""
    generator = torch.Generator().manual_seed(1)
    axis = torch.linspace(0, 6.28, size)
    waves = torch.stack([torch.sin(k * axis)[:, None] * torch.cos((4 - k) * axis) for k in (1, 2, 3)])
    edges = (torch.arange(size) // 16 % 2).float()[:, None] * 60
    grain = torch.randn(n, 3, size, size, generator=generator) * 6
    return (128 + 50 * waves + edges + grain).clamp(0, 255).round()


def _serve(connection: Connection, form: Form, settings: Settings) -> None:
    if form.tuned:
        from srnet_cli.compute.allocator import keep_large_blocks

        keep_large_blocks()
    torch.set_num_threads(settings.threads)
    device = torch.device(settings.device)
    ceiling = form.kind in ("convolution", "product")
    network = None if ceiling else _build(form, settings, device)
    lr = sample(settings.tile, settings.batch).to(device)
    before = peak_mb(device)
    if network is not None:
        _forward(network, lr)
    extra = peak_mb(device) - before
    connection.send("ready")
    while (request := connection.recv()) != "stop":
        if request == "check":
            assert network is not None
            connection.send(Check(_forward(network, lr)[:1].cpu().numpy(), extra))
        elif network is None:
            connection.send(_ceiling(form, device, settings.clock))
        else:
            started = settings.clock()
            _forward(network, lr)
            connection.send(settings.clock() - started)


def _build(form: Form, settings: Settings, device: torch.device) -> nn.Module:
    network = load_network(settings.model)
    if form.kind == "authors":
        from benchmarks.authors_form import AuthorsForm

        if not isinstance(network, SRNet):
            raise TypeError("the authors' form is of SRNet only")
        return AuthorsForm(network).to(device)
    if form.kind == "training":
        return network.to(device)
    from srnet_cli.inference.forms import to_inference

    return to_inference(network, dtype=DTYPES[form.precision], device=device)


@torch.inference_mode()
def _forward(network: nn.Module, lr: Tensor) -> Tensor:
    sr: Tensor = network(lr).sr
    cuda.synchronise(lr.device)
    return sr


def peak_mb(device: torch.device) -> float:
    """Read the most memory that this process has held on ``device`` so far."""
    if device.type == "cuda":
        return cuda.peak_memory(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


@torch.inference_mode()
def _ceiling(form: Form, device: torch.device, clock: Callable[[], float]) -> float:
    """Measure the operation that the network mostly is, at the size it is fastest at, in FLOP/s."""
    dtype = DTYPES[form.precision]
    if form.kind == "product":
        return _product_rate(dtype, device, clock)
    return max(_convolution_rate(dtype, device, clock, size) for size in CEILING_SIZES)


def _convolution_rate(
    dtype: torch.dtype, device: torch.device, clock: Callable[[], float], size: int
) -> float:
    from srnet_cli.inference.fused import FusedConv

    channels, n = 64, 1 if device.type == "cpu" else 32
    weights = torch.randn(channels, channels, 3, 3) / 24
    conv = FusedConv(weights, torch.zeros(channels), dtype=dtype, device=device)
    x = torch.randn(n, channels, size, size).to(device, dtype).contiguous(memory_format=torch.channels_last)
    work = 2 * n * size**2 * channels**2 * 9
    return work / _seconds(lambda: conv(x), device, clock)


def _product_rate(
    dtype: torch.dtype, device: torch.device, clock: Callable[[], float], size: int = 8192
) -> float:
    a = torch.randn(size, size, device=device, dtype=dtype)
    return 2 * size**3 / _seconds(lambda: a @ a, device, clock)


def _seconds(operation: Callable[[], object], device: torch.device, clock: Callable[[], float]) -> float:
    """Average about ``CEILING_SECONDS`` of runs: what is sustained, as the network has to."""
    operation()
    runs, started = 0, clock()
    while (passed := clock() - started) < CEILING_SECONDS:
        operation()
        cuda.synchronise(device)
        runs += 1
    return passed / runs

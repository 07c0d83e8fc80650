"""One or many processes as one job, started by ``torchrun`` or alone.

Gradients go over NCCL between GPUs and gloo between CPUs; everything else (when to stop, figures to report)
over gloo, which needs no synchronisation with a GPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from textwrap import shorten
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from srnet_cli.compute.device import choose_device
from srnet_cli.errors import DeviceError, TrainingError

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

#: the first process may prepare a whole data set while the others wait
_LONGEST_PREPARATION = timedelta(days=7)

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """This process's place among all processes."""

    device: torch.device
    rank: int = 0
    world: int = 1
    #: place among the processes of this machine
    local_rank: int = 0
    #: for small messages; None when alone
    control: ProcessGroup | None = None

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks to the user."""
        return self.rank == 0

    def indices(self, start: int, size: int) -> range:
        """This process's share of the patches ``start`` to ``start + size``."""
        return range(start + self.rank, start + size, self.world)

    def share(self, size: int) -> float:
        """Factor on this process's mean loss that makes the average over processes the joint batch's mean."""
        return len(self.indices(0, size)) * self.world / size

    def most(self, *values: float) -> list[float]:
        """The largest of each value over all processes."""
        return self._reduce(values, dist.ReduceOp.MAX)

    def sums(self, *values: float) -> list[float]:
        """The sum of each value over all processes."""
        return self._reduce(values, dist.ReduceOp.SUM)

    def gather(self, value: T) -> list[T]:
        """The values of all processes, in the order of their ranks."""
        if self.control is None:
            return [value]
        values: list[Any] = [None] * self.world
        with peers_explained():
            dist.all_gather_object(values, value, group=self.control)
        return values

    def in_turn(self) -> Iterator[None]:
        """One round for each turn to prepare files: the first process, one on every machine, all others.

        The caller's loop body runs in this process's own round; the others wait for it::

            for _ in job.in_turn():
                source = open_source(...)
        """
        own = 0 if self.rank == 0 else 1 if self.local_rank == 0 else 2
        for turn in range(3 if self.world > 1 else 1):
            if turn == own:
                yield
            if self.control is not None:
                with peers_explained():
                    dist.barrier(group=self.control)

    def _reduce(self, values: Sequence[float], operation: Any) -> list[float]:
        if self.control is None:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64)
        with peers_explained():
            dist.all_reduce(tensor, op=operation, group=self.control)
        return [float(value) for value in tensor]


@contextmanager
def open_job(device_name: str) -> Iterator[Job]:
    """Join the other processes where ``torchrun`` says there are some.

    Raises:
        DeviceError: when the device is not there.
        TrainingError: when the processes do not find each other.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    device = choose_device(device_name)
    if device.type == "cuda" and world > 1:
        device = choose_device(f"cuda:{local_rank}")
    if device.type == "mps" and world > 1:
        raise DeviceError("MPS has no communication between processes", remedy="use --device cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if world == 1:
        yield Job(device)
        return
    with peers_explained():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        control = dist.new_group(backend="gloo", timeout=_LONGEST_PREPARATION)
    assert control is not None
    try:
        yield Job(device, dist.get_rank(), world, local_rank, control)
    finally:
        dist.destroy_process_group()


@contextmanager
def peers_explained() -> Iterator[None]:
    """Turn the failure of a collective operation into an error that says what it means.

    Raises:
        TrainingError: when another process is gone.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if isinstance(error, torch.OutOfMemoryError) or not _is_about_peers(error):
            raise
        raise TrainingError(
            "another process of this job is gone: " + shorten(str(error), 160, placeholder="…"),
            remedy="start the job again with --resume",
        ) from error


def _is_about_peers(error: Exception) -> bool:
    if isinstance(error, dist.DistError):
        return True
    return any(word in str(error) for word in ("gloo", "NCCL", "Connection", "onnect", "ProcessGroup"))


class SumOverJob(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is summed likewise."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def sum_over_job(tensor: Tensor) -> Tensor:
    """Sum over all processes, differentiable."""
    total: Tensor = SumOverJob.apply(tensor)  # type: ignore[no-untyped-call]
    return total

"""One or many processes with one task, started by ``torchrun`` or alone: for training, evaluation and zoom.

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
from torch import Tensor

from srnet_cli.compute import cuda
from srnet_cli.compute.device import choose_device
from srnet_cli.errors import DeviceError, PeerError, UsageError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import GradBucket
    from torch.distributed import ProcessGroup
    from torch.nn.parallel import DistributedDataParallel

#: the first process may prepare a whole data set, or have the largest pictures, while the others wait
_LONGEST_WAIT = timedelta(days=7)

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
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
        """True for the process that writes files and speaks to the user."""
        return self.rank == 0

    def indices(self, start: int, size: int) -> range:
        """List this process's share of the items ``start`` to ``start + size``."""
        return range(start + self.rank, start + size, self.world)

    def share(self, size: int) -> float:
        """Give the factor on this process's mean loss that makes the average the joint batch's mean."""
        return len(self.indices(0, size)) * self.world / size

    def most(self, *values: float) -> list[float]:
        """Find the largest of each value over all processes."""
        return self._reduce(values, "MAX")

    def sums(self, *values: float) -> list[float]:
        """Add each value up over all processes."""
        return self._reduce(values, "SUM")

    def gather(self, value: T) -> list[T]:
        """Collect the values of all processes, in the order of their ranks."""
        if self.control is None:
            return [value]
        import torch.distributed as dist

        values: list[Any] = [None] * self.world
        with peers_explained():
            dist.all_gather_object(values, value, group=self.control)
        return values

    def in_turn(self) -> Iterator[None]:
        """Go round once for each turn to prepare files: the first process, one on every machine, all others.

        The caller's loop body runs in this process's own round; the others wait for it::

            for _ in processes.in_turn():
                source = open_source(...)
        """
        own = 0 if self.rank == 0 else 1 if self.local_rank == 0 else 2
        for turn in range(3 if self.world > 1 else 1):
            if turn == own:
                yield
            if self.control is not None:
                import torch.distributed as dist

                with peers_explained():
                    dist.barrier(group=self.control)

    def _reduce(self, values: Sequence[float], operation: str) -> list[float]:
        if self.control is None:
            return list(values)
        import torch.distributed as dist

        tensor = torch.tensor(values, dtype=torch.float64)
        with peers_explained():
            dist.all_reduce(tensor, op=getattr(dist.ReduceOp, operation), group=self.control)
        return [float(value) for value in tensor]


@contextmanager
def join_processes(device_name: str, *, gradients: bool = False) -> Iterator[Processes]:
    """Join the other processes where ``torchrun`` says there are some.

    With ``gradients``, tensors travel between the processes' devices too, so each needs its own.

    Raises:
        UsageError: when the environment says only half of what ``torchrun`` says.
        DeviceError: when the device is not there.
        PeerError: when the processes do not find each other.
    """
    rank, world, local_rank = _place(os.environ)
    device = choose_device(device_name, training=gradients)
    if world > 1:
        device = _own_device(device, device_name, local_rank, gradients)
    if device.type == "cuda":
        cuda.select(device)
    if world == 1:
        yield Processes(device)
        return
    import torch.distributed as dist

    backend = "nccl" if gradients and device.type == "cuda" else "gloo"
    with peers_explained():
        dist.init_process_group(backend)
        control = dist.new_group(backend="gloo", timeout=_LONGEST_WAIT)
    assert control is not None
    try:
        yield Processes(device, rank, world, local_rank, control)
    finally:
        dist.destroy_process_group()


def _place(environment: os._Environ[str] | dict[str, str]) -> tuple[int, int, int]:
    """Read rank, number of processes and rank on this machine, as ``torchrun`` sets them; alone without."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    places = names[:3]
    if not any(name in environment for name in places):
        return 0, 1, 0
    remedy = "start it with torchrun, or unset RANK, WORLD_SIZE and LOCAL_RANK"
    needed = names if environment.get("WORLD_SIZE") != "1" else ("RANK", "WORLD_SIZE")
    missing = [name for name in needed if name not in environment]
    if missing:
        there = ", ".join(name for name in places if name in environment)
        raise UsageError(f"the environment has {there}, but not {', '.join(missing)}", remedy=remedy)
    values = [environment.get(name, "0") for name in places]
    if not all(value.isdecimal() for value in values):
        raise UsageError("RANK, WORLD_SIZE and LOCAL_RANK have to be numbers", remedy=remedy)
    rank, world, local_rank = (int(value) for value in values)
    if rank >= world:
        raise UsageError(f"RANK is {rank}, which is not below WORLD_SIZE, {world}", remedy=remedy)
    return rank, world, local_rank


def _own_device(device: torch.device, name: str, local_rank: int, gradients: bool) -> torch.device:
    """Choose this process's own of several devices."""
    if not gradients:
        shared = device.type == "cuda" and name in ("auto", "cuda")
        return torch.device("cuda", local_rank % cuda.count()) if shared else device
    if device.type == "mps":
        raise DeviceError("MPS has no communication between processes", remedy="use --device cpu")
    return choose_device(f"cuda:{local_rank}") if device.type == "cuda" else device


@contextmanager
def peers_explained(*, collective: bool = True) -> Iterator[None]:
    """Turn the failure of a collective operation into an error that says what it means.

    A block that is nothing but a ``collective`` operation can only fail because of the other processes; one
    that does more (a step with operations inside it) also fails for reasons of its own, and then only torch's
    own types for failed communication count.

    Raises:
        PeerError: when another process is gone.
    """
    import torch.distributed as dist

    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        if not (collective or isinstance(error, dist.DistError)):
            raise
        raise PeerError(
            "another process of this job is gone: " + shorten(str(error), 160, placeholder="…"),
            remedy="start the job again: train with --resume, zoom with --skip-existing",
        ) from error


def average_gradients(parallel: DistributedDataParallel, world: int) -> None:
    """Let CPU processes average gradients as without this, but in a call of our own.

    gloo's failures do not have a type that tells them from others inside a backward pass.
    """
    # Without annotations, which DistributedDataParallel compares with its own as objects.
    parallel.register_comm_hook(world, lambda world, bucket: _averaged(world, bucket))


def _averaged(world: int, bucket: GradBucket) -> torch.futures.Future[Tensor]:
    done: torch.futures.Future[Tensor] = torch.futures.Future()
    done.set_result(_summed_in_place(bucket.buffer().div_(world)))
    return done


def average_between(gradients: Sequence[Tensor], world: int) -> None:
    """Average gradients over all processes in place, in one message; for what no distributed module holds."""
    if world == 1 or not gradients:
        return
    joint = _summed_in_place(torch.cat([gradient.reshape(-1) for gradient in gradients]).div_(world))
    for gradient, part in zip(gradients, torch.split(joint, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


class _JointSum(torch.autograd.Function):
    """Sum of a tensor over all processes; its gradient is summed likewise."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        return _summed(tensor)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(tensor: Tensor) -> Tensor:
    return _summed_in_place(tensor.clone(memory_format=torch.contiguous_format))


def _summed_in_place(tensor: Tensor) -> Tensor:
    import torch.distributed as dist

    with peers_explained():
        dist.all_reduce(tensor)
    return tensor


def joint_sum(tensor: Tensor) -> Tensor:
    """Sum over all processes, differentiably."""
    total: Tensor = _JointSum.apply(tensor)  # type: ignore[no-untyped-call]
    return total

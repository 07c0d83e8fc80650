"""One evaluation over one or more processes, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from srnet_cli.errors import SrnetError

T = TypeVar("T")

#: the others wait while the first process prepares a data set
_LONGEST_WAIT = timedelta(days=7)


@dataclass(frozen=True)
class Ranks:
    """This process's place among all."""

    rank: int = 0
    world: int = 1
    #: place among the processes of this machine
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """``name``, or this process's own of several CUDA devices."""
        import torch

        shared = name in ("auto", "cuda") and self.world > 1 and torch.cuda.is_available()
        return f"cuda:{self.local_rank % torch.cuda.device_count()}" if shared else name

    def gather(self, value: T) -> list[T] | None:
        """The values of all processes in the order of their ranks, for the first; None for the others."""
        if self.world == 1:
            return [value]
        import torch.distributed as dist

        values: list[Any] | None = [None] * self.world if self.leads else None
        dist.gather_object(value, values)
        return values

    def in_turn(self) -> Iterator[None]:
        """One round for whoever prepares files: the first process, one on every machine, all others."""
        own = 0 if self.rank == 0 else 1 if self.local_rank == 0 else 2
        for turn in range(3 if self.world > 1 else 1):
            if turn == own:
                yield
            if self.world > 1:
                import torch.distributed as dist

                dist.barrier()


@contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Join the other processes where ``torchrun`` says there are some.

    Raises:
        SrnetError: when they do not find each other.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    import torch.distributed as dist

    try:
        dist.init_process_group("gloo", timeout=_LONGEST_WAIT)
    except (RuntimeError, ValueError) as error:
        raise SrnetError(f"the processes of this job do not find each other: {error}") from error
    try:
        yield Ranks(dist.get_rank(), world, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        dist.destroy_process_group()

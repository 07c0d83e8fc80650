"""Run by ``torchrun`` in a test: two processes exchange what they know, until one leaves."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from torch.nn.parallel import DistributedDataParallel

from srnet_cli.compute.processes import average_gradients, join_processes, joint_sum, peers_explained
from srnet_cli.errors import PeerError

LOST = "the first process was told by its backward pass"


def main(folder: Path) -> None:
    with join_processes("cpu", gradients=True) as processes:
        gathered = processes.gather(f"rank {processes.rank}")
        found = [processes.most(processes.rank), processes.sums(processes.rank + 1)]
        (folder / str(processes.rank)).write_text(f"{gathered} {found[0]} {found[1]}")
        for _ in processes.in_turn():
            with (folder / "order").open("a") as file:
                file.write(str(processes.rank))
        assert joint_sum(torch.ones(1)).item() == processes.world
        parallel = DistributedDataParallel(torch.nn.Linear(2, 2))
        average_gradients(parallel, processes.world)
        for _ in range(2):  # the second orders the gradients, for all that follow
            parallel(torch.ones(1, 2)).sum().backward()
        processes.gather(None)
        if not processes.leads:
            os._exit(0)
        try:
            with peers_explained(collective=False):
                parallel(torch.ones(1, 2)).sum().backward()
        except PeerError:
            print(LOST, file=sys.stderr, flush=True)
            os._exit(0)  # an orderly end would wait for the other


if __name__ == "__main__":
    main(Path(sys.argv[1]))

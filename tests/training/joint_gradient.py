"""Run by ``torchrun`` in a test: one training step of a joint batch, written by the first process."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from srnet_cli.compute.processes import Processes, join_processes
from srnet_cli.data import Batch
from srnet_cli.training.setup import prepare
from tests.training.runs import tiny
from tests.training.sources import Drawings

#: not divisible by two processes, and computed in two parts
SIZE = 5
#: of losses besides the usual ones, one of them with a network that learns
WEIGHTS = {"adversarial_weight": 0.5, "grid_weight": 0.5, "ldl_weight": 20.0}


def double(batch: Batch) -> Batch:
    assert batch.residual is not None
    return Batch(batch.lr.double(), batch.hr.double(), batch.residual.double())


def step(job: Processes, accumulate: int) -> dict[str, torch.Tensor]:
    """Gradients and BatchNorm statistics after the step, and the losses of this process."""
    torch.set_default_dtype(torch.float64)  # before the network is made: buckets take its type
    try:
        options = tiny(batch_size=SIZE, accumulate=accumulate, **WEIGHTS)
        state = prepare(options, 2, job, lambda line: None)
    finally:
        torch.set_default_dtype(torch.float32)
    batch = Drawings().batch(job.indices(0, SIZE), 1, 8, "cpu")
    losses = state.stepper.gradients(double(batch), job.share(SIZE))
    found = {f"gradient {k}": p.grad for k, p in state.network.named_parameters() if p.grad is not None}
    found |= {f"state {k}": v for k, v in state.network.state_dict().items() if "running" in k}
    (adversary,) = state.stepper.loss.learners.values()
    adversary.step()
    found |= {f"discriminator {k}": v.detach() for k, v in adversary.network.state_dict().items()}
    total = job.sums(*(losses * len(batch.lr) / SIZE).tolist())
    return {**found, "losses": torch.tensor(total, dtype=torch.float64)}


def main(target: Path) -> None:
    torch.set_num_threads(1)
    with join_processes("cpu", gradients=True) as job:
        found = step(job, accumulate=1)
        if job.leads:
            torch.save({"world": torch.tensor(job.world), **found}, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

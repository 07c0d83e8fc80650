"""Losses over a window of steps, and whether training has gone wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from srnet_cli.compute.processes import Job
from srnet_cli.errors import TrainingError

#: a loss this many times the lowest so far, both averaged over about ``MEMORY`` steps, counts as exploded
EXPLOSION = 3.0
MEMORY = 100


@dataclass(frozen=True)
class Window:
    """Means over the last steps."""

    steps: int
    total: float
    sr: float
    residual: float
    #: seconds of a step, and the share of it that was spent waiting for data
    step_time: float
    data_wait: float


class Meter:
    """Adds up losses on the device; only ``close`` waits for it."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.steps = 0
        self._losses: Tensor | None = None
        self._waited = 0.0
        self._began = perf_counter()

    def add(self, losses: Tensor, waited: float) -> None:
        """Take in a step's losses [total, picture, residual] and the seconds that it waited for data."""
        self._losses = losses.detach().clone() if self._losses is None else self._losses.add_(losses)
        self.steps += 1
        self._waited += waited

    def skip(self, seconds: float) -> None:
        """Leave out time that was spent on something else than steps."""
        self._began += seconds

    def close(self, job: Job) -> Window:
        """The window's means over all processes; the meter starts afresh."""
        assert self._losses is not None
        means = [value / self.steps for value in self._losses.tolist()]
        seconds = max(perf_counter() - self._began, 1e-9)
        *sums, waited = job.sums(*means, self._waited / seconds)
        total, sr, residual = (value / job.world for value in sums)
        window = Window(self.steps, total, sr, residual, seconds / self.steps, waited / job.world)
        self._begin()
        return window


class Watch:
    """Stops a run whose loss is not finite or has exploded."""

    def __init__(self) -> None:
        self._steps = 0
        self._smooth = 0.0
        self._lowest = math.inf

    def look(self, window: Window, step: int) -> None:
        """Judge the window that ended with ``step`` steps.

        Raises:
            TrainingError: when training should stop.
        """
        if not math.isfinite(window.total):
            raise TrainingError(f"the loss is {window.total} after {step} steps", remedy=ADVICE)
        self._steps += window.steps
        # A plain mean at first, then one that forgets: single patches differ too much to be judged.
        share = min(1.0, window.steps / min(self._steps, MEMORY))
        self._smooth += share * (window.total - self._smooth)
        if self._steps < MEMORY:
            return
        self._lowest = min(self._lowest, self._smooth)
        if self._smooth > EXPLOSION * self._lowest:
            raise TrainingError(
                f"the loss has exploded: {self._smooth:.4g} after {step} steps, it was {self._lowest:.4g}",
                remedy=ADVICE,
            )


ADVICE = (
    "the last good checkpoint is kept; go on from it with --resume and a lower --lr, with --clip 50 "
    "or with --precision fp32"
)


def require_finite(tensors: dict[str, Tensor]) -> None:
    """Check weights before they are kept.

    Raises:
        TrainingError: naming the first tensor that holds NaN or infinity.
    """
    floats = {name: t for name, t in tensors.items() if t.is_floating_point()}
    # One look at the device for all of them.
    finite = torch.stack([torch.isfinite(t).all() for t in floats.values()]).tolist()
    for name, good in zip(floats, finite, strict=True):
        if not good:
            raise TrainingError(f"the weights hold NaN or infinity ({name})", remedy=ADVICE)

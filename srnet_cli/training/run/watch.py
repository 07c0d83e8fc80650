"""Losses over a window of steps, and whether training has gone wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from srnet_cli.compute.processes import Processes
from srnet_cli.errors import DivergedError

#: a loss this many times the lowest so far, both averaged over about ``MEMORY`` steps, counts as exploded
EXPLOSION = 3.0
MEMORY = 100


@dataclass(frozen=True)
class Window:
    """Means over the last steps."""

    steps: int
    #: by name, with their weighted sum as "total"
    losses: Mapping[str, float]
    #: seconds of a step, and the share of it that was spent waiting for data
    step_time: float
    data_wait: float


class Meter:
    """Adds up losses on the device; only ``close`` waits for it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._begin()

    def _begin(self) -> None:
        self.steps = 0
        self._losses: Tensor | None = None
        self._waited = 0.0
        self._began = perf_counter()

    def add(self, losses: Tensor, waited: float) -> None:
        """Take in a step's losses, in the order of the names, and the seconds that it waited for data."""
        self._losses = losses.detach().clone() if self._losses is None else self._losses.add_(losses)
        self.steps += 1
        self._waited += waited

    def skip(self, seconds: float) -> None:
        """Leave out time that was spent on something else than steps."""
        self._began += seconds

    def close(self, job: Processes) -> Window:
        """Return the window's means over all processes; the meter starts afresh."""
        assert self._losses is not None
        means = [value / self.steps for value in self._losses.tolist()]
        seconds = max(perf_counter() - self._began, 1e-9)
        *sums, waited = job.sums(*means, self._waited / seconds)
        losses = {name: value / job.world for name, value in zip(self._names, sums, strict=True)}
        window = Window(self.steps, losses, seconds / self.steps, waited / job.world)
        self._begin()
        return window


class Watch:
    """Stops a run whose loss is not finite or has exploded.

    ``unsettled`` are the weights of terms whose rise says nothing; they may be below 0.
    """

    def __init__(self, unsettled: Mapping[str, float] | None = None) -> None:
        self._unsettled = unsettled or {}
        self._steps = 0
        self._smooth = 0.0
        self._lowest = math.inf

    def look(self, window: Window, step: int) -> None:
        """Judge the window that ended with ``step`` steps.

        Raises:
            DivergedError: when training should stop.
        """
        total = window.losses["total"]
        if not math.isfinite(total):
            raise DivergedError(f"the loss is {total} after {step} steps")
        total -= sum(weight * window.losses[name] for name, weight in self._unsettled.items())
        self._steps += window.steps
        # A plain mean at first, then one that forgets: single patches differ too much to be judged.
        share = min(1.0, window.steps / min(self._steps, MEMORY))
        self._smooth += share * (total - self._smooth)
        if self._steps < MEMORY:
            return
        self._lowest = min(self._lowest, self._smooth)
        if self._smooth > EXPLOSION * self._lowest:
            raise DivergedError(
                f"the loss has exploded: {self._smooth:.4g} after {step} steps, it was {self._lowest:.4g}"
            )


def require_finite(tensors: dict[str, Tensor]) -> None:
    """Check weights before they are kept.

    Raises:
        DivergedError: naming the first tensor that holds NaN or infinity.
    """
    floats = {name: t for name, t in tensors.items() if t.is_floating_point()}
    # One look at the device for all of them.
    finite = torch.stack([torch.isfinite(t).all() for t in floats.values()]).tolist()
    for name, good in zip(floats, finite, strict=True):
        if not good:
            raise DivergedError(f"the weights hold NaN or infinity ({name})")

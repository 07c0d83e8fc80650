"""Progress of a run, and what follows from it: learning rate, patch size, batch size. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from srnet_cli.training.options import Phase, TrainOptions

#: share of the learning rate that the cosine ends at
COSINE_FLOOR = 0.01


@dataclass(frozen=True)
class Schedule:
    """The plan of a run, made from resolved options."""

    options: TrainOptions

    @property
    def total_steps(self) -> int | None:
        """Length of the run in optimiser steps; None when it is measured in hours."""
        if self.options.steps is not None:
            return self.options.steps
        if self.options.epochs is not None:
            return max(1, round(self.options.epochs * self.options.epoch_steps))
        return None

    def progress(self, step: int, elapsed: float) -> float:
        """Return the share of the run that is done after ``step`` steps and ``elapsed`` seconds, 0..1."""
        if self.total_steps is not None:
            return min(1.0, step / self.total_steps)
        assert self.options.hours is not None
        return min(1.0, elapsed / (self.options.hours * 3600))

    def seconds_left(self, step: int, elapsed: float, step_time: float) -> float:
        """Estimate from the present time of a step, seconds."""
        if self.total_steps is not None:
            return max(0, self.total_steps - step) * step_time
        assert self.options.hours is not None
        return max(0.0, self.options.hours * 3600 - elapsed)

    def trains_tail_only(self, step: int, new_tail: bool) -> bool:
        """Return whether step ``step`` (0-based) trains the tail only: the warm-up of a new one."""
        return new_tail and step < self.options.warmup

    def learning_rate(self, step: int, progress: float, new_tail: bool = False) -> float:
        """Return the rate of step ``step`` (0-based); a new tail's warm-up is followed by the network's."""
        o = self.options
        assert o.lr is not None
        risen = step - o.warmup if new_tail and step >= o.warmup else step
        warm = min(1.0, (risen + 1) / o.warmup) if o.warmup else 1.0
        if o.schedule == "cosine":
            wave = 0.5 * (1 + math.cos(math.pi * progress))
            return o.lr * warm * (COSINE_FLOOR + (1 - COSINE_FLOOR) * wave)
        passed = sum(step >= milestone * o.epoch_steps for milestone in o.milestones or ())
        return o.lr * warm * 0.5**passed

    def phase(self, progress: float) -> Phase:
        """Return patch and batch size at this point of the run."""
        for phase in self.options.phases:
            if progress < phase.until:
                return phase
        if self.options.phases:
            return self.options.phases[-1]
        assert self.options.patch_size is not None and self.options.batch_size is not None
        return Phase(1.0, self.options.patch_size, self.options.batch_size)

"""Optimiser steps recorded once and replayed.

A step is thousands of small kernels, for whose launches a fast device would otherwise wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from srnet_cli.data import Batch
from srnet_cli.errors import OutputError
from srnet_cli.training.step.regions import Regions
from srnet_cli.training.step.snapshot import Snapshot
from srnet_cli.training.step.stepper import Stepper

#: steps before recording, in which libraries choose their algorithms and states are made
WARM_UP = 3
#: shapes whose recordings are kept; each holds the memory of a whole step
MOST_SHAPES = 2
#: by which a replay may differ from a plain step, relative: of each loss; of what it does to the means of the
#: gradients; of how far it moves the weights. Compiled kernels round otherwise, and Adam's first step, which
#: is the gradients' sign, turns that into weights that differ one by one
LOSSES, MEANS, DISTANCE = 0.01, 0.1, 0.05

Say = Callable[[str], None]
Shape = tuple[torch.Size | None, ...]


class Replay(Protocol):
    """A recording."""

    def replay(self) -> object:
        """Do again what was recorded, on the same memory."""


#: (call, times to call it before) → the recording, the last call's result, and where replays put theirs
Recorder = Callable[[Callable[[], Tensor], int], tuple[Replay, Tensor, Tensor]]


@dataclass(frozen=True)
class Repetition:
    """What stands for a recording where nothing can be recorded: it calls again."""

    call: Callable[[], Tensor]
    made: Tensor

    def replay(self) -> None:
        self.made.copy_(self.call())


def repeat(call: Callable[[], Tensor], warm_up: int) -> tuple[Replay, Tensor, Tensor]:
    """Do as ``compute.cuda.record`` does, with plain calls, which work on any device."""
    result = call()
    for _ in range(warm_up - 1):
        result = call()
    made = torch.zeros_like(result)
    return Repetition(call, made), result, made


@dataclass(frozen=True)
class _Recording:
    replay: Replay
    given: Batch
    made: Tensor

    def __call__(self, batch: Batch) -> Tensor:
        for own, new in zip(_tensors(self.given), _tensors(batch), strict=True):
            own.copy_(new)
        self.replay.replay()
        # The next replay writes to the same memory.
        return self.made.clone()


class RecordedStepper(Stepper):
    """A stepper that replays recordings, one for each shape of a batch.

    The first step of a shape is taken plainly, then recorded and replayed on the same batch: with the
    ``regions`` compiled, and where that fails without. Where no recording works, or a replay does not do what
    the plain step does, steps of that shape stay plain, and ``say`` is told why.

    Everything that changes between steps is read from the device: batch, learning rate (the optimiser's must
    be a tensor) and the running average's share. The losses may not depend on the number of the step.
    """

    def __init__(
        self, *given: Any, record: Recorder, say: Say, regions: Regions | None = None, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._record, self._say, self._regions = record, say, regions
        self._share = torch.zeros((), device=self.precision.device)
        self._recordings: dict[Shape, _Recording] = {}
        self._plain: set[Shape] = set()

    def __call__(self, batch: Batch, share: float = 1.0, tail_only: bool = False, number: int = 0) -> Tensor:
        """See :meth:`Stepper.__call__`; a tail that learns alone, or a share other than 1, is plain."""
        if self.average is not None:
            self._share.fill_(self.average.share(number + 1))
        shape = _shape(batch)
        if tail_only or share != 1.0 or shape in self._plain:
            return super().__call__(batch, share, tail_only, number)
        if shape in self._recordings:
            return self._recordings[shape](batch)
        return self._first(batch, number)

    def records(self, batch: Batch, tail_only: bool = False) -> bool:
        """See :meth:`Stepper.records`."""
        return not tail_only and _shape(batch) not in self._plain | self._recordings.keys()

    @property
    def recordings(self) -> int:
        """Count the shapes whose steps are replayed."""
        return len(self._recordings)

    def _follow(self, number: int) -> None:
        if self.average is not None:
            self.average.take_in(self._share)

    def _first(self, batch: Batch, number: int) -> Tensor:
        """Take the first step of a shape, and record it for the next ones."""
        shape = _shape(batch)
        while len(self._recordings) >= MOST_SHAPES:
            del self._recordings[next(iter(self._recordings))]
        before = Snapshot.of(self)
        losses = super().__call__(batch, 1.0, False, number)
        after = Snapshot.of(self)
        for regions in (self._regions, None) if self._regions else (None,):
            doubt = self._try(batch, number, before, after, losses, regions)
            if doubt is None:
                return losses
            if regions is not None:
                regions.leave()
                self._say(f"note: the network is not compiled: {doubt}")
            else:
                self._say(f"note: steps are not recorded: {doubt}")
        after.restore(self)
        self._plain.add(shape)
        return losses

    def _try(
        self,
        batch: Batch,
        number: int,
        before: Snapshot,
        after: Snapshot,
        losses: Tensor,
        regions: Regions | None,
    ) -> str | None:
        """Record a step and replay it from ``before``; return why the recording cannot be used, or None."""
        step = super().__call__
        before.restore(self)
        try:
            if regions is not None:
                regions.compile()
            # Recorded on another batch than the one it is tried with: what is not read anew would show.
            given = _mirrored(batch)
            graph, _, made = self._record(lambda: step(given, 1.0, False, number), WARM_UP)
            before.restore(self)
            recording = _Recording(graph, given, made)
            found = recording(batch)
            doubt = _difference(before, after, losses, Snapshot.of(self), found)
        except (RuntimeError, AssertionError, OutputError) as error:
            self.optimizer.zero_grad(set_to_none=True)
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if doubt is None:
            self._recordings[_shape(batch)] = recording
        return doubt


def _difference(
    before: Snapshot, after: Snapshot, losses: Tensor, found: Snapshot, found_losses: Tensor
) -> str | None:
    """Say how a replay differs too much from the plain step from ``before`` to ``after``, or return None."""
    apart = (found_losses - losses).abs() / losses.abs().clamp(min=1e-6)
    if not bool((apart <= LOSSES).all()):
        return f"a replay has losses of {found_losses.tolist()}, a plain step {losses.tolist()}"
    plain, replayed = (snapshot.moves(before, "means") for snapshot in (after, found))
    length, turned = _length(plain), _length([a - b for a, b in zip(plain, replayed, strict=True)])
    if not turned <= MEANS * length:
        return f"a replay's gradients, {length:.3g} long, differ from a plain step's by {turned:.3g}"
    plain_way, way = (_length(snapshot.moves(before, "weights")) for snapshot in (after, found))
    if not abs(way - plain_way) <= DISTANCE * plain_way:
        return f"a replay moves the weights by {way:.3g}, a plain step by {plain_way:.3g}"
    return None


def _length(tensors: list[Tensor]) -> float:
    return float(torch.stack(torch._foreach_norm(tensors)).norm()) if tensors else 0.0


def _tensors(batch: Batch) -> list[Tensor]:
    return [tensor for tensor in (batch.lr, batch.hr, batch.residual) if tensor is not None]


def _shape(batch: Batch) -> Shape:
    return batch.lr.shape, batch.hr.shape, None if batch.residual is None else batch.residual.shape


def _mirrored(batch: Batch) -> Batch:
    residual = None if batch.residual is None else batch.residual.flip(-1)
    return Batch(batch.lr.flip(-1), batch.hr.flip(-1), residual)

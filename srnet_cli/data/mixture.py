"""Several sources as one: a batch holds a share of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, zip_longest
from pathlib import Path

import torch
from torch import Tensor

from srnet_cli.compute.cuda import send
from srnet_cli.data.sources import Batch, Problem, SteppedSource, TrainingSource, ValidationItem

#: shares are counted with as fractions, so that every machine counts alike
_FINEST_SHARE = 1_000_000
#: between the seeds of two sources: pictures that are in both are not cut alike
_SEED_STEP = 1_000_003


@dataclass(frozen=True)
class MixedSource:
    """Sources that together fill each batch.

    Patch ``i`` of the mixture is patch ``j`` of source ``k``, and both depend on ``i`` and the shares alone
    (:func:`place`). Each source numbers its own patches without a gap, so that of pairs each is drawn once
    before any is drawn again, as if it were trained on alone.
    """

    names: tuple[str, ...]
    sources: tuple[TrainingSource, ...]
    #: of a batch, in the order of the sources; above 0, together 1
    shares: tuple[Fraction, ...]

    @classmethod
    def of(
        cls, names: Sequence[str], sources: Sequence[TrainingSource], shares: Sequence[float]
    ) -> MixedSource:
        """Mix ``sources`` in the proportion of ``shares`` (above 0, of any sum)."""
        wanted = [Fraction(share).limit_denominator(_FINEST_SHARE) for share in shares]
        whole = sum(wanted)
        return cls(tuple(names), tuple(sources), tuple(share / whole for share in wanted))

    @property
    def scale(self) -> int:
        return self.sources[0].scale

    @property
    def input_space(self) -> str | None:
        """See ``sources.space_of``; sources of different spaces are not mixed."""
        return getattr(self.sources[0], "input_space", None)

    @property
    def description(self) -> str:
        """One sentence on all of them."""
        return "; ".join(f"{name}: {s.description}" for name, s in zip(self.names, self.sources, strict=True))

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """What none of the sources uses, each with the name of its source."""
        return tuple(
            Problem(f"{name}/{problem.name}", problem.reason)
            for name, source in zip(self.names, self.sources, strict=True)
            for problem in source.left_out
        )

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """See ``TrainingSource.batch``."""
        shared = self._shared_out(indices)
        parts = [
            source.batch(numbers, seed + _SEED_STEP * k, patch, device)
            for k, (source, (_, numbers)) in enumerate(zip(self.sources, shared, strict=True))
            if numbers
        ]
        return _mixed(parts, [rows for rows, _ in shared], device)

    def _shared_out(self, indices: Sequence[int]) -> list[tuple[list[int], list[int]]]:
        """List for each source which rows of the batch are its, and their numbers among its patches."""
        shared: list[tuple[list[int], list[int]]] = [([], []) for _ in self.sources]
        for row, (which, number) in enumerate(place(index, self.shares) for index in indices):
            shared[which][0].append(row)
            shared[which][1].append(number)
        return shared

    def validation(self) -> Sequence[ValidationItem]:
        """Return the held-out pairs, each with the name of its source, the sources taking turns."""
        turns = zip_longest(*(self._held_out(k) for k in range(len(self.sources))))
        return [item for item in chain.from_iterable(turns) if item is not None]

    def _held_out(self, which: int) -> Iterator[ValidationItem]:
        for item in self.sources[which].validation():
            yield replace(item, source=self.names[which])


class SteppedMixture(MixedSource):
    """A mixture in which there are sources that make several steps' patches at once (``SteppedSource``)."""

    def batches(
        self, steps: Sequence[Sequence[int]], seed: int, patch: int, device: torch.device | str
    ) -> list[Batch]:
        """See ``SteppedSource.batches``."""
        shared = [self._shared_out(indices) for indices in steps]
        parts: list[list[Batch]] = [[] for _ in steps]
        for k, source in enumerate(self.sources):
            own_seed = seed + _SEED_STEP * k
            wanted = [(step, of[k][1]) for step, of in enumerate(shared) if of[k][1]]
            numbers = [numbers for _, numbers in wanted]
            made = (
                source.batches(numbers, own_seed, patch, device)
                if isinstance(source, SteppedSource)
                else [source.batch(own, own_seed, patch, device) for own in numbers]
            )
            for (step, _), batch in zip(wanted, made, strict=True):
                parts[step].append(batch)
        return [_mixed(own, [rows for rows, _ in of], device) for own, of in zip(parts, shared, strict=True)]


def place(index: int, shares: Sequence[Fraction]) -> tuple[int, int]:
    """Return which source patch ``index`` is from, and its number among that source's patches.

    Sources are drawn evenly: the first one's count among any successive patches is within one of its share,
    and so, among those that are left, is the next one's. That is Bresenham's line, taken source by source.
    """
    left = Fraction(1)
    for which, share in enumerate(shares[:-1]):
        part = share / left
        before, after = (count * part.numerator // part.denominator for count in (index, index + 1))
        if after > before:
            return which, before
        index -= before
        left -= share
    return len(shares) - 1, index


def name_sources(folders: Sequence[Path]) -> list[str]:
    """Name each folder for people: by itself, with a number where others are called the same."""
    names: list[str] = []
    for folder in folders:
        base = name = folder.resolve().name or "data"
        number = 1
        while name in names:
            number += 1
            name = f"{base} {number}"
        names.append(name)
    return names


def _mixed(parts: Sequence[Batch], rows: Sequence[Sequence[int]], device: torch.device | str) -> Batch:
    """Put the sources' parts of a batch to their rows."""
    order = send(torch.tensor([row for own in rows for row in own]).argsort(), torch.device(device))
    residuals = [part.residual for part in parts if part.residual is not None]
    return Batch(
        _joined([part.lr for part in parts], order),
        _joined([part.hr for part in parts], order),
        _joined(residuals, order) if residuals else None,
    )


def _joined(parts: Sequence[Tensor], order: Tensor) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))[order]

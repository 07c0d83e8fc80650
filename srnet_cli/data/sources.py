"""The interface between data of any kind and training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

# Types only: help imports this package, and the processes that prepare data have no use for torch.
if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Problem:
    """A part of a data set that is not used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Aligned patches, float32, values 0..255, on one device.

    ``lr`` is N×C×h×w (C is 3, or 4 for a packed mosaic) and ``hr`` N×3×sh×sw, in the colours that
    :func:`space_of` tells. ``residual`` is the enhanced residual of each pair (the auxiliary stream's
    target), shaped as ``hr``; None when not asked for.
    """

    lr: Tensor
    hr: Tensor
    residual: Tensor | None


@dataclass(frozen=True)
class ValidationItem:
    """A whole aligned pair: ``lr`` h×w×3 and ``hr`` sh×sw×3, both uint8 RGB; may be mapped from a file.

    From a source of mosaics ``lr`` is h×w×4 float32, 0..255 as in a ``Batch``.
    """

    name: str
    lr: NDArray[np.uint8] | NDArray[np.float32]
    hr: NDArray[np.uint8]
    #: the source that it is from, where there are several
    source: str = ""


class TrainingSource(Protocol):
    """Endless aligned patches and a few whole pairs held out."""

    @property
    def scale(self) -> int:
        """HR pixels per LR pixel and side."""

    @property
    def description(self) -> str:
        """One sentence for the user: what the data is and how much of it there is."""

    @property
    def left_out(self) -> Sequence[Problem]:
        """Everything that was found but is not used, and why."""

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """Cut one patch for each of ``indices`` (any integers from 0), ``patch`` LR pixels a side.

        A pure function of its arguments: patch ``i`` depends on ``(seed, i)`` only, so the same patches come
        back for any number of workers, ranks and restarts.
        """

    def validation(self) -> Sequence[ValidationItem]:
        """Return the held-out pairs; empty when there are too few scenes to hold one out."""


def space_of(source: TrainingSource, mosaic: bool) -> str:
    """Return the input space of what is trained on ``source``, one of ``models.card.INPUT_SPACES``.

    A source that differs from the others of its kind has an ``input_space``.
    """
    own: str | None = getattr(source, "input_space", None)
    return own or ("mosaic" if mosaic else "srgb")


@runtime_checkable
class SteppedSource(Protocol):
    """A source that makes the patches of several steps at once, on the device."""

    def batches(
        self, steps: Sequence[Sequence[int]], seed: int, patch: int, device: torch.device | str
    ) -> list[Batch]:
        """Make the batch of each of ``steps``, lists of patches' numbers that are not empty.

        A step's batch depends on its own numbers and the seed, not on the steps beside it (but for the
        rounding of sums).
        """

"""Findings of an evaluation: per picture and method, and the means over a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.metrics import METRICS
from srnet_cli.evaluation.statistics import Mean, mean_with_interval
from srnet_cli.imaging.boxes import Box


@dataclass(frozen=True)
class Measurement:
    """One method on one picture."""

    #: by the keys of ``metrics.METRICS``
    figures: dict[str, float]
    seconds: float
    #: bytes of working memory, None where the system does not tell
    memory: int | None
    #: multiply-accumulates, None for interpolation and where they cannot be counted
    macs: int | None


@dataclass(frozen=True)
class View:
    """Parts of a picture that are shown: all of HR, made small, and a part of it by every method."""

    #: h×w×3, ``reduction`` times smaller than HR
    whole: NDArray[np.uint8]
    reduction: float
    #: what ``hr`` and ``results`` show, and the detail inside it that is worth enlarging
    part: Box
    detail: Box
    hr: NDArray[np.uint8]
    results: dict[str, NDArray[np.uint8]]

    def closer(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the detail out of ``hr`` or one of ``results``."""
        top, left = self.detail.top - self.part.top, self.detail.left - self.part.left
        return pixels[top : top + self.detail.height, left : left + self.detail.width]


@dataclass(frozen=True)
class PictureResult:
    """Every method on one picture; ``errors`` say why there is nothing, or which methods are missing."""

    name: str
    scene: str
    #: of the LR picture
    height: int = 0
    width: int = 0
    measurements: dict[str, Measurement] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    #: what was done to the picture beforehand
    note: str | None = None
    view: View | None = None


@dataclass(frozen=True)
class MethodInfo:
    """Facts about a method that do not depend on pictures."""

    name: str
    parameters: int | None
    #: multiply-accumulates for 64×64 LR pixels, as published
    published_macs: int | None


@dataclass(frozen=True)
class MethodSummary:
    """A method's means over the pictures of a set that it could do."""

    info: MethodInfo
    pictures: int
    means: dict[str, Mean]
    #: mean over pictures of this method's figure minus the reference's; empty for the reference
    gains: dict[str, Mean]
    seconds: float
    seconds_per_megapixel: float
    #: bytes, the largest of all pictures
    memory: int | None
    macs: float | None


@dataclass(frozen=True)
class SetResult:
    """All methods on one set of pairs."""

    name: str
    scale: int
    #: how the LR pictures came about
    origin: str
    methods: tuple[MethodInfo, ...]
    pictures: tuple[PictureResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} ×{self.scale}, {self.origin}"

    @property
    def measured(self) -> tuple[PictureResult, ...]:
        """Pictures with at least one measurement."""
        return tuple(picture for picture in self.pictures if picture.measurements)

    @property
    def failed(self) -> tuple[PictureResult, ...]:
        return tuple(picture for picture in self.pictures if picture.errors)

    @cached_property
    def summaries(self) -> tuple[MethodSummary, ...]:
        """Summarise each method that did at least one picture."""
        found = (_summary(info, self.measured) for info in self.methods)
        return tuple(summary for summary in found if summary is not None)

    @property
    def keys(self) -> tuple[str, ...]:
        """List the metrics that were measured, in the order of ``metrics.METRICS``."""
        known = {key for p in self.pictures for m in p.measurements.values() for key in m.figures}
        return tuple(metric.key for metric in METRICS if metric.key in known)


def _summary(info: MethodInfo, pictures: Sequence[PictureResult]) -> MethodSummary | None:
    done = [(p, p.measurements[info.name]) for p in pictures if info.name in p.measurements]
    if not done:
        return None
    # Not every picture has every figure: some have no flat areas, some no strong edges.
    keys = [m.key for m in METRICS if any(m.key in measurement.figures for _, measurement in done)]
    both = [(p.scene, m, p.measurements[REFERENCE]) for p, m in done if REFERENCE in p.measurements]
    gains: dict[str, Mean] = {}
    for key in keys if info.name != REFERENCE else ():
        having = [(s, m.figures, r.figures) for s, m, r in both if key in m.figures and key in r.figures]
        if having:
            differences = [own[key] - others[key] for _, own, others in having]
            gains[key] = mean_with_interval(differences, [scene for scene, _, _ in having])
    seconds = [m.seconds for _, m in done]
    memories = [m.memory for _, m in done if m.memory is not None]
    macs = [m.macs for _, m in done if m.macs is not None]
    megapixels = sum(p.height * p.width for p, _ in done) / 1e6
    return MethodSummary(
        info=info,
        pictures=len(done),
        means={key: _mean(done, key) for key in keys},
        gains=gains,
        seconds=sum(seconds) / len(seconds),
        seconds_per_megapixel=sum(seconds) / megapixels,
        memory=max(memories, default=None),
        macs=sum(macs) / len(macs) if macs else None,
    )


def _mean(done: Sequence[tuple[PictureResult, Measurement]], key: str) -> Mean:
    """Average a figure over the pictures that have it."""
    having = [(m.figures[key], p.scene) for p, m in done if key in m.figures]
    return mean_with_interval([value for value, _ in having], [scene for _, scene in having])

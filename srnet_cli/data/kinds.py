"""The interface of a kind of training data, and the options by which data becomes patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from srnet_cli.data.choices import LabelInterpolation, LabelName, Split
from srnet_cli.data.preparation import PreparationJob, Progress
from srnet_cli.data.sources import Problem, TrainingSource
from srnet_cli.data.zoom_pairs import PairOptions


@dataclass(frozen=True)
class SourceOptions:
    """Options by which data becomes patches; each ``SourceKind`` says which of them concern it."""

    scale: int = 4
    #: name of the kind of data; None decides by what is found
    kind: str | None = None
    #: how real zoom pairs are made; its scale is set to this one's
    pairs: PairOptions = field(default_factory=PairOptions)
    #: hold out whole scenes, or the item numbers of the published runs
    split: Split = "scene"
    #: how LR is enlarged for the enhanced residual; None for networks without the auxiliary stream
    residual: LabelInterpolation | None = "bicubic"
    #: what the auxiliary stream is taught
    label: LabelName = "residual"
    #: what makes LR out of photographs: "camera", "mixed" or "bicubic"
    degradation: str = "mixed"
    #: photographs with a side below this are left out
    smallest_photo: int = 384
    #: cache folder; None for the user's
    cache: Path | None = None
    #: processes that prepare; None for one for each CPU
    workers: int | None = None


@dataclass(frozen=True)
class Plan:
    """The pairs that have to be in the cache before they can be trained on."""

    jobs: Sequence[PreparationJob]
    left_out: Sequence[Problem] = ()
    notes: Sequence[Problem] = ()
    #: tells pairs that were prepared in another way apart: a run that reads these keeps them
    variant: str = ""


@dataclass(frozen=True)
class SourceKind:
    """A kind of training data: how its folder is recognised and how it becomes a source.

    Either ``plan`` names the pairs that the cache is to prepare, from which patches are then cut, or ``open``
    returns a source of its own.
    """

    name: str
    #: what such a folder holds, for a user whose folder was not recognised
    contents: str
    #: (folder, scale) → where the data starts and the sentence that tells the user what it is, or None
    recognise: Callable[[Path, int], tuple[Path, str] | None]
    #: fields of ``SourceOptions`` that concern it, besides ``scale``; "mosaic" when it has RAW mosaics
    options: frozenset[str]
    plan: Callable[[Path, SourceOptions], Plan] | None = None
    open: Callable[[Path, SourceOptions, Progress | None], TrainingSource] | None = None

    def __post_init__(self) -> None:
        if (self.plan is None) == (self.open is None):
            raise ValueError(f"the data kind {self.name!r} needs either a plan or a way to open it")


@dataclass(frozen=True)
class Detection:
    """The kind that a path was recognised as, and the sentence that tells the user so."""

    kind: str
    root: Path
    sentence: str

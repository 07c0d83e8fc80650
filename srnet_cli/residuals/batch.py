"""Pairs of files, or of two folders, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError, OutputError, SrnetError, UsageError
from srnet_cli.files import folder_for
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.native import without_chatter
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.names import residual_paths

from .comparison import CompareOptions, Comparison, compare
from .outputs import DrawOptions, document, write_results


@dataclass(frozen=True)
class ResidualRequest:
    """Everything that is to be done with a pair."""

    compare: CompareOptions
    draw: DrawOptions
    #: also draw heatmaps, histogram and overview
    heatmap: bool
    #: where the pictures go; made if it is missing
    output: Path
    overwrite: bool


@dataclass(frozen=True)
class Pair:
    """A LR file and its HR file; ``hr`` is None where there is none of that name."""

    lr: Path
    hr: Path | None
    stem: str


@dataclass(frozen=True)
class PairResult:
    """The outcome for a pair: its figures and files, or the error."""

    pair: Pair
    comparison: Comparison | None = None
    files: dict[str, Path] = field(default_factory=dict)
    #: what the user should know about it, one sentence each
    notes: tuple[str, ...] = ()
    error: SrnetError | None = None

    def document(self) -> dict[str, Any]:
        """Put the result as JSON has it."""
        names = {"lr": str(self.pair.lr), "hr": None if self.pair.hr is None else str(self.pair.hr)}
        if self.error is not None:
            return {**names, "status": "failed", "error": str(self.error)}
        assert self.comparison is not None
        return {
            **names,
            "status": "done",
            **document(self.comparison),
            "files": {kind: str(path) for kind, path in self.files.items()},
            "notes": list(self.notes),
        }


def find_pairs(lr: Path, hr: Path) -> list[Pair]:
    """Find the pairs of two files, or of two folders by equal names (suffixes may differ), sorted.

    A LR file without partner is a pair without HR; further HR files do not matter.

    Raises:
        InputError: a path does not exist, or a folder has no pictures.
        UsageError: one path is a folder and the other is not.
    """
    for path in (lr, hr):
        if not path.exists():
            raise InputError("there is no such file or folder", path=path)
    if lr.is_dir() != hr.is_dir():
        raise UsageError(f"{lr} and {hr} must be two files or two folders")
    if not lr.is_dir():
        return [Pair(lr, hr, lr.stem)]
    wanted, offered = list_pictures(lr), list_pictures(hr)
    if not wanted:
        raise InputError("has no pictures", path=lr)
    stems = [path.stem for path in wanted]
    return [
        # Of two files with one stem, each keeps its suffix in the names of its results.
        Pair(path, _partner(path, offered), path.stem if stems.count(path.stem) == 1 else path.name)
        for path in wanted
    ]


def run_pairs(pairs: list[Pair], request: ResidualRequest) -> Iterator[PairResult]:
    """Compare the pairs; one that fails does not stop the others.

    Raises:
        OutputError: the output folder cannot be made.
        UsageError: the drawing options are impossible.
    """
    with folder_for(request.output):
        for pair in pairs:
            try:
                yield _run(pair, request)
            except UsageError:
                raise
            except SrnetError as error:
                yield PairResult(pair, error=error.about(pair.lr))


def _run(pair: Pair, request: ResidualRequest) -> PairResult:
    if pair.hr is None:
        raise InputError("there is no HR picture of this name", path=pair.lr)
    files = residual_paths(request.output, pair.stem, drawn=request.heatmap)
    existing = [path for path in files.values() if path.exists()]
    if existing and not request.overwrite:
        remedy = "--overwrite, or another folder with --output"
        raise OutputError("exists already", path=existing[0], remedy=remedy)
    with without_chatter():
        lr, hr = read_picture(pair.lr), read_picture(pair.hr)
    notes = [*lr.metadata.notes, *hr.metadata.notes]
    if lr.metadata.icc != hr.metadata.icc:
        notes.append("LR and HR have different colour profiles; their values are compared as stored")
    comparison = compare(lr.pixels, hr.pixels, request.compare)
    del lr, hr
    write_results(comparison, files, request.draw, request.overwrite)
    return PairResult(pair, comparison, files, tuple(notes))


def _partner(lr: Path, offered: list[Path]) -> Path | None:
    named_alike = [path for path in offered if path.name == lr.name]
    same_stem = [path for path in offered if path.stem == lr.stem]
    return next(iter(named_alike + same_stem), None)

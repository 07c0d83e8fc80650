"""Pairs of files, or of two folders, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from srnet_cli.console import people
from srnet_cli.errors import InputError, OutputError, SrnetError, UsageError, unexpected
from srnet_cli.files import Identities, Task, folder_for, refusals, refuse_other_than_file
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.native import without_chatter
from srnet_cli.imaging.listing import is_folder, list_pictures
from srnet_cli.imaging.metadata import is_own_result
from srnet_cli.names import Subject, distinct_stems, residual_paths, without_zoom

from .comparison import CompareOptions, Comparison, compare
from .field_of_view import differing_views
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
    #: compare shots of different focal lengths as if they showed the same
    as_they_are: bool = False
    #: LR's and HR's in millimetres, for files that do not say
    focal_lengths: tuple[float, float] | None = None
    #: show where an unexpected error came from
    debug: bool = False


@dataclass(frozen=True)
class Pair:
    """A LR file and its HR file; ``hr`` is None where there is none of that name.

    With ``error`` set it cannot be compared.
    """

    lr: Path
    hr: Path | None
    error: SrnetError | None = None


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
    """Find the pairs of two files, or of two folders by name, sorted.

    Names are equal, or but for their suffixes, or but for what a zoom added to one of them (``_x4``).

    A LR file without partner is a pair without HR; further HR files do not matter.

    Raises:
        InputError: a path does not exist, or a folder has no pictures.
        UsageError: one path is a folder and the other is not.
    """
    if is_folder(lr) != is_folder(hr):
        raise UsageError(f"{lr} and {hr} must be two files or two folders")
    if not is_folder(lr):
        return [Pair(lr, hr)]
    problems: list[InputError] = []
    wanted = list_pictures(lr, on_problem=problems.append)
    offered = list_pictures(hr, on_problem=problems.append)
    if not wanted and not problems:
        raise InputError("has no pictures", path=lr)
    pairs = [Pair(path, _partner(path, offered)) for path in wanted]
    return pairs + [Pair(problem.path or lr, None, problem) for problem in problems]


def run_pairs(pairs: Sequence[Pair], request: ResidualRequest) -> Iterator[PairResult]:
    """Compare the pairs; one that fails does not stop the others.

    Raises:
        OutputError: the output folder cannot be made.
        UsageError: the drawing options are impossible.
    """
    identities = Identities()
    files = _plan_files(pairs, request, identities)
    tasks = [Task(_inputs(pair), tuple(named.values())) for pair, named in zip(pairs, files, strict=True)]
    refused = refusals(tasks, identities)
    with folder_for(request.output):
        for pair, named, error in zip(pairs, files, refused, strict=True):
            try:
                if error is not None:
                    raise error
                yield _run(pair, named, request)
            except UsageError:
                raise
            except SrnetError as failure:
                yield PairResult(pair, error=failure.about(pair.lr))
            except Exception as failure:
                # A bug of ours, or no memory for this one: neither may cost the person the other pairs.
                if request.debug:
                    people().print_exception()
                yield PairResult(pair, error=unexpected(failure, path=pair.lr))


def _inputs(pair: Pair) -> tuple[Path, ...]:
    return (pair.lr,) if pair.hr is None else (pair.lr, pair.hr)


def _plan_files(
    pairs: Sequence[Pair], request: ResidualRequest, identities: Identities
) -> list[dict[str, Path]]:
    """Name the pictures of each pair by kind, no two alike; none for a pair that cannot be compared."""

    def files(stem: str) -> dict[str, Path]:
        return residual_paths(request.output, stem, drawn=request.heatmap)

    sound = [pair.lr for pair in pairs if pair.error is None and pair.hr is not None]
    subjects = [Subject(lr, lambda stem: tuple(files(stem).values())) for lr in sound]
    stems = dict(zip(sound, distinct_stems(subjects, identities), strict=True))
    return [files(stems[pair.lr]) if pair.lr in stems else {} for pair in pairs]


def _run(pair: Pair, files: dict[str, Path], request: ResidualRequest) -> PairResult:
    if pair.error is not None:
        raise pair.error
    if pair.hr is None:
        raise InputError("there is no HR picture of this name", path=pair.lr)
    existing = [path for path in files.values() if os.path.lexists(path)]
    for path in existing:
        refuse_other_than_file(path)
        _refuse_neighbour(path, (pair.lr, pair.hr))
    if existing and not request.overwrite:
        remedy = "--overwrite, or another folder with --output"
        raise OutputError("exists already", path=existing[0], remedy=remedy)
    with without_chatter():
        lr, hr = read_picture(pair.lr), read_picture(pair.hr)
    notes = [*lr.metadata.notes, *hr.metadata.notes]
    if lr.metadata.icc != hr.metadata.icc:
        notes.append("LR and HR have different colour profiles; their values are compared as stored")
    views = None if request.as_they_are else differing_views(lr, hr, request.focal_lengths)
    if views is not None and request.compare.align is None:
        remedy = "--align affine cuts LR to HR's field of view; --align none compares them as they are"
        raise views.unaligned(remedy)
    comparison = compare(lr.pixels, hr.pixels, request.compare, views)
    del lr, hr
    write_results(comparison, files, request.draw, request.overwrite)
    return PairResult(pair, comparison, files, tuple(notes))


def _refuse_neighbour(path: Path, inputs: Sequence[Path]) -> None:
    """Refuse to replace a picture without partner in a folder that is compared, which is somebody's.

    Raises:
        OutputError: it is one.
    """
    identities = Identities()
    folders = [identities.file(file.parent) for file in inputs]
    if identities.file(path.parent) in folders and not is_own_result(path):
        raise OutputError(
            "is beside what is compared, and no result of srnet's",
            path=path,
            remedy="another folder with --output",
        )


def _partner(lr: Path, offered: list[Path]) -> Path | None:
    named_alike = [path for path in offered if path.name == lr.name]
    same_stem = [path for path in offered if path.stem == lr.stem]
    same_picture = [path for path in offered if without_zoom(path.stem) == without_zoom(lr.stem)]
    return next(iter(named_alike + same_stem + same_picture), None)

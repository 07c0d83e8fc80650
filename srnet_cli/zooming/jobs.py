"""From what the user names to a list of pictures and where each result goes."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from srnet_cli.errors import InputError, OutputError, SrnetError, UsageError
from srnet_cli.files import Identities, Task, refusals, refuse_other_than_file
from srnet_cli.imaging.formats import (
    FORMATS,
    format_of,
    is_raw_path,
    joined,
    written_format_of,
    written_formats,
)
from srnet_cli.imaging.listing import is_folder, is_left_by_system, list_pictures
from srnet_cli.imaging.metadata import is_own_result
from srnet_cli.imaging.origin import is_of_another
from srnet_cli.imaging.write import WriteOptions, holds_16_bits
from srnet_cli.names import (
    NamePattern,
    Subject,
    comparison_path,
    distinct_stems,
    heatmap_paths,
    is_result_name,
)

#: of pictures and the like that are not written here: a folder is hardly ever called so
_FOREIGN_SUFFIXES = frozenset(
    {".jxr", ".exr", ".hdr", ".tga", ".ppm", ".pgm", ".pdf"}
    | {".pnm", ".svg", ".eps", ".ico", ".mp4", ".mov", ".webm"}
)
_NUMBERED = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True)
class ZoomJob:
    """One picture and where its result goes; with ``error`` set it cannot be done and ``target`` is None."""

    source: Path
    target: Path | None
    error: SrnetError | None = None
    #: where the heatmaps go, if they are wanted
    heatmaps: tuple[Path, ...] = ()
    #: where the page goes that compares it with plain interpolation, if it is wanted
    comparison: Path | None = None

    @property
    def is_deep(self) -> bool:
        """Tell whether the name is that of a picture of more than 8 bits."""
        return is_raw_path(self.source)

    @property
    def files(self) -> tuple[Path, ...]:
        """List everything that is written."""
        return tuple(path for path in (self.target, *self.heatmaps, self.comparison) if path is not None)


@dataclass(frozen=True)
class Besides:
    """What is written beside each result."""

    heatmap: bool = False
    compare: bool = False

    def files(self, target: Path) -> tuple[Path, ...]:
        """List a result and what is written beside it."""
        page = (comparison_path(target),) if self.compare else ()
        return (target, *(heatmap_paths(target) if self.heatmap else ()), *page)

    def job(self, source: Path, target: Path) -> ZoomJob:
        """Plan the files of one picture."""
        return ZoomJob(
            source,
            target,
            heatmaps=heatmap_paths(target) if self.heatmap else (),
            comparison=comparison_path(target) if self.compare else None,
        )


@dataclass(frozen=True)
class ZoomPlan:
    """The jobs of a batch, and the results of earlier runs that were found in folders and are no input."""

    jobs: tuple[ZoomJob, ...]
    passed_over: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Found:
    path: Path
    #: the folder the user named, when the picture was found in one
    root: Path | None = None


def plan_jobs(
    inputs: Sequence[Path],
    output: Path | str | None,
    tag: str,
    image_format: str | None = None,
    recursive: bool = False,
    heatmap: bool = False,
    *,
    compare: bool = False,
    pattern: NamePattern | None = None,
    standing: Mapping[Path, Hashable] | None = None,
    models: Sequence[Path] = (),
) -> ZoomPlan:
    """Plan jobs for files and folders, each picture once, no two with the same file.

    Without ``output`` a result lies beside its picture as ``<stem>_<tag>.<ext>``, or by a ``pattern`` of
    one's own; in a folder ``output`` the tree below each named folder is mirrored. What an earlier run wrote
    into a named folder is passed over, unless it is named itself. Where two pictures would get the same file,
    both say more in its name. With ``heatmap`` and ``compare`` the heatmaps and the page of comparison are
    files of a job, too. No job may write what any of them reads, be it a picture or one of the files of the
    ``models``.

    ``output`` as text may end in ``/``, which makes it a folder whatever its name. Of what is not there, the
    names with ``*``, ``?`` and ``[`` are expanded, as no shell of Windows does, but not ``photo[1].png``.
    ``standing`` has the open files that paths stand for, as :class:`Identities` takes them; an ``output``
    among them has room for one.

    Raises:
        UsageError: when several pictures are to go into one file, or the name of a file is that of no
            format, or not of ``image_format``.
    """
    pattern, besides = pattern or NamePattern(tag), Besides(heatmap, compare)
    found, named, failed = _expand(inputs, recursive)
    single = len(found) + len(failed) == 1 and not any(f.root is not None for f in found)
    earlier = [
        f for f in found if os.path.realpath(f.path) not in named and _is_earlier_result(f.path, pattern)
    ]
    kept = [f for f in found if f not in earlier]
    if output is not None and _is_file_name(output, image_format, single):
        if not single:
            raise UsageError(f"several pictures cannot go into the one file {output}", remedy="name a folder")
        targets = [Path(output) for _ in kept]
    else:
        targets = _in_folders(kept, None if output is None else Path(output), pattern, image_format, besides)
    tasks = [Task((f.path,), besides.files(t)) for f, t in zip(kept, targets, strict=True)]
    if standing and output is not None and Path(output) in standing:
        _refuse_more_than_one([path for task in tasks for path in task.writes], len(kept) + len(failed))
    unwriting = [Task((path,), ()) for path in (*(job.source for job in failed), *models)]
    errors = refusals([*tasks, *unwriting], Identities(standing))
    jobs = [
        ZoomJob(task.reads[0], None, error) if error else besides.job(task.reads[0], task.writes[0])
        for task, error in zip(tasks, errors, strict=False)
    ]
    return ZoomPlan((*jobs, *failed), tuple(f.path for f in earlier))


def check_files(job: ZoomJob, replaces: bool) -> None:
    """Refuse before the work what stands where a result is to go.

    Raises:
        OutputError: naming it.
    """
    for path in job.files:
        refuse_other_than_file(path)
        if not replaces and os.path.lexists(path):
            raise OutputError("already exists", path=path, remedy="use --overwrite or --skip-existing")


def check_origins(job: ZoomJob) -> None:
    """Refuse to leave a picture out for the results of another one of its name, and to mix them.

    Raises:
        OutputError: naming the first of them.
    """
    for path in filter(None, (job.target, *job.heatmaps)):
        if is_of_another(path, job.source):
            raise OutputError(
                f"is not of {job.source}, but of another picture, or of this one before it was edited",
                path=path,
                remedy="name another output, or --overwrite",
            )


def check_depth(jobs: Sequence[ZoomJob], options: WriteOptions) -> None:
    """Refuse 16 bits where the first result's format has none.

    Raises:
        UsageError: naming the formats that do.
    """
    targets = [job.target for job in jobs if job.target is not None]
    if options.bit_depth == 16 and targets and not any(holds_16_bits(t, options) for t in targets):
        raise UsageError(
            f"--bit-depth 16: {targets[0].suffix} is written with 8 bits", remedy="--format png or tiff"
        )


def _refuse_more_than_one(files: Sequence[Path], pictures: int) -> None:
    if max(len(files), pictures) > 1:
        what = f"not for {pictures} pictures" if pictures > 1 else "none for what is written beside it"
        raise UsageError(f"standard output has room for one picture, {what}", remedy="-o FOLDER/")


def _is_earlier_result(path: Path, pattern: NamePattern) -> bool:
    return (is_result_name(path) or pattern.matches(path)) and is_own_result(path)


def _in_folders(
    found: Sequence[_Found],
    output: Path | None,
    pattern: NamePattern,
    image_format: str | None,
    besides: Besides,
) -> list[Path]:
    def target(number: int, f: _Found, stem: str) -> Path:
        suffix = _result_suffix(f.path, image_format)
        return _folder(f, output) / f"{pattern.stem(f.path, stem, number)}{suffix}"

    def files(number: int, f: _Found, stem: str) -> tuple[Path, ...]:
        return besides.files(target(number, f, stem))

    subjects = [Subject(f.path, partial(files, number, f)) for number, f in enumerate(found, start=1)]
    stems = distinct_stems(subjects, Identities())
    return [target(number, *each) for number, each in enumerate(zip(found, stems, strict=True), start=1)]


def _folder(found: _Found, output: Path | None) -> Path:
    if output is None:
        return found.path.parent
    return output if found.root is None else output / found.path.parent.relative_to(found.root)


def _expand(inputs: Sequence[Path], recursive: bool) -> tuple[list[_Found], set[str], list[ZoomJob]]:
    """Find the pictures, each file once; the real paths of those that were named; failed jobs for the rest.

    That is what is not there, and what cannot be looked into.
    """
    found: dict[str, _Found] = {}
    named: set[str] = set()
    failed: dict[str, ZoomJob] = {}

    def refuse(error: InputError) -> None:
        path = Path() if error.path is None else error.path
        failed.setdefault(str(path), ZoomJob(path, None, error))

    for path, by_pattern in _named(inputs):
        try:
            entries = _entries(path, recursive, refuse)
        except InputError as error:
            refuse(error)
            continue
        for entry in entries:
            real = os.path.realpath(entry.path)
            found.setdefault(real, entry)
            if entry.root is None and not by_pattern:
                named.add(real)
    return list(found.values()), named, list(failed.values())


def _named(inputs: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield what the arguments name, and whether a pattern did; what systems leave is passed over."""
    for path in inputs:
        matching: list[str] = []
        if _is_pattern(str(path)) and not os.path.lexists(path):
            matching = sorted(glob.glob(str(path)))  # noqa: PTH207, as it may be absolute
        if not matching and not (len(inputs) > 1 and is_left_by_system(path.name)):
            yield path, False
        yield from ((Path(name), True) for name in matching if not is_left_by_system(Path(name).name))


def _is_pattern(name: str) -> bool:
    """Tell whether a name stands for others; a second ``photo[1].png``, as browsers number them, does not."""
    return any(sign in name for sign in "*?") or glob.has_magic(_NUMBERED.sub("", name))


def _entries(path: Path, recursive: bool, refuse: Callable[[InputError], None]) -> list[_Found]:
    """List what an argument stands for; ``refuse`` takes what is wrong inside a folder.

    Raises:
        InputError: it is not there, cannot be looked at, or holds nothing.
    """
    if not is_folder(path):
        return [_Found(path)]
    problems: list[InputError] = []
    pictures = list_pictures(path, recursive, on_problem=problems.append)
    for problem in problems:
        refuse(problem)
    if not pictures and not problems:
        raise InputError("no picture in this folder", path=path, remedy=_hint(recursive))
    return [_Found(file, path) for file in pictures]


def _hint(recursive: bool) -> str | None:
    return None if recursive else "--recursive also looks into its subfolders"


def _is_file_name(output: Path | str, image_format: str | None, single: bool) -> bool:
    """Tell whether the output is a file, for a ``single`` picture or for several; else it is a folder.

    Raises:
        UsageError: for the name of a file that cannot be written.
    """
    suffix = Path(output).suffix.lower()
    if str(output).endswith(("/", os.sep)) or not suffix or Path(output).is_dir():
        return False
    found = written_format_of(output)
    if found is None:
        if not single and not _is_like_a_format(suffix):
            return False
        known = joined(row.suffixes[0] for row in written_formats())
        raise UsageError(
            f"--output {output}: {suffix} is not a format that can be written",
            remedy=f"{known}; the name of a folder ends in /",
        )
    if image_format not in (None, found.name):
        raise UsageError(
            f"--output {output} contradicts --format {image_format}",
            remedy=f"{FORMATS[image_format or found.name].suffixes[0]}, or leave out --format",
        )
    return True


def _is_like_a_format(suffix: str) -> bool:
    """Tell whether a name with this suffix, which cannot be written, was hardly meant for a folder."""
    if suffix in _FOREIGN_SUFFIXES or format_of(f"a{suffix}") is not None:
        return True
    written = [suffix for row in written_formats() for suffix in row.suffixes]
    return bool(difflib.get_close_matches(suffix, written, n=1, cutoff=0.7))


def _result_suffix(source: Path, image_format: str | None) -> str:
    """Choose the input's own suffix or its format's, or that of its results where it is not written."""
    if image_format is not None:
        return FORMATS[image_format].suffixes[0]
    found = format_of(source)
    if found is not None and found.is_raw:
        return FORMATS[found.result].suffixes[0]
    if written_format_of(source) is not None:
        return source.suffix
    if found is None or found.encode is None:
        found = FORMATS["png" if found is None else found.result]
    return found.suffixes[0]

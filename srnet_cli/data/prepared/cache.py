"""Prepared pairs on disk: each made once, remade when its inputs or parameters change.

Layout: ``<cache>/<data set>-<hash of its path>/<set>/<item>/{lr,hr,mosaic}.npy, record.json`` and one
``manifest.json`` in each set, with a ``.lock`` while a process prepares it; where an item is called like one
of these files, its folder is not. Arrays are plain ``.npy`` so that a training step maps the file and reads
just its patch; a record is written after its arrays, so an interrupted item has none and is made again.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from srnet_cli.compute.imports import current_folder_kept_out
from srnet_cli.compute.measurements import user_cache
from srnet_cli.console import warn
from srnet_cli.data.preparation import Item, PreparationJob, PreparationReport, Progress
from srnet_cli.data.prepared.records import (
    ENDINGS,
    FORMAT,
    RECORD,
    Fingerprint,
    Record,
    as_text,
    fingerprint,
    folder_of,
    is_fresh,
    make,
    matching_record,
    places_of,
    read_record,
)
from srnet_cli.data.sources import Problem
from srnet_cli.errors import DataError, OutputError, SrnetError
from srnet_cli.files import as_utf8, refuse_link, write_text
from srnet_cli.interrupts import end_with_parent
from srnet_cli.reading import read_input
from srnet_cli.temporaries import held_in_turn, is_temporary, remove_stray_temporaries

_MANIFEST = "manifest.json"
_LOCK = ".lock"
#: why an item that was made is not used
_LOST = "was removed or replaced by another process meanwhile (prepare the data again)"
#: what the remedies of :mod:`srnet_cli.files` name
_OUTPUT = re.compile("another output( folder)?")
#: bytes of a data folder's name that its cache has: with what follows, within every disk's 255
_LONGEST = 200


def default_cache() -> Path:
    """Find the user's cache folder: ``XDG_CACHE_HOME``, else by the platform's custom.

    Raises:
        DataError: when the user has no home directory.
    """
    folder = user_cache()
    if folder is None:
        raise DataError("no home directory to keep prepared data in", remedy="name a folder with --cache")
    return folder


def set_folder(cache: Path, source: Path, kind: str) -> Path:
    """Name the folder for the pairs of one data folder and one kind of preparation."""
    whole = source.resolve()
    digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:10]
    name = whole.name or "data"
    if len(os.fsencode(name)) > _LONGEST:
        name = os.fsencode(name)[:_LONGEST].decode(errors="ignore")
    return cache / f"{name}-{digest}" / kind


def prepare(
    jobs: Sequence[PreparationJob], folder: Path, workers: int | None = None, progress: Progress | None = None
) -> PreparationReport:
    """Bring ``folder`` to the state that ``jobs`` describe and return it.

    Items whose inputs (size and time), parameters and files are unchanged are kept; the others are made in
    ``workers`` processes (default: one for each CPU, at most 8). Items that no job names any more are
    removed, unless another process prepared the set since this one was called, or not one pair is left: the
    shots of all may be away for a moment. What is written depends on the jobs only, not on the number of
    workers or on interruptions. One process at a time does so; another one is waited for.

    Raises:
        OutputError: when the cache cannot be written, or a link is in the place of a folder of it. What is
            finished is kept.
        DataError: when two jobs have one name.
    """
    if len({job.name for job in jobs}) != len(jobs):
        raise DataError("two items of the data set have the same name")
    _refuse_links(folder, jobs)
    seen = _content(folder / _MANIFEST)
    _make_folder(folder)
    for job in jobs:
        # An item that was finished when its process was killed is not written into again.
        remove_stray_temporaries(folder_of(folder, job.name))
    # Many processes may look at once at what is there, and a cache that is complete may be read only.
    records = _records(jobs, folder, {job.name: fingerprint(job) for job in jobs})
    if all(is_fresh(records.get(job.name)) for job in jobs) and _is_tidy(folder, records):
        return _report(folder, records, made=0)
    waiting = partial(warn, f"{folder}: another process prepares these pairs; waiting for its end")
    with _explained_as_cache(), held_in_turn(folder / _LOCK, "is preparing", waiting) as waited:
        # Another one that prepared meanwhile may know of items that were not there yet when this one looked.
        was_alone = not waited and _content(folder / _MANIFEST) == seen
        return _prepare(jobs, folder, workers or default_workers(), progress, removes_others=was_alone)


def _prepare(
    jobs: Sequence[PreparationJob],
    folder: Path,
    workers: int,
    progress: Progress | None,
    removes_others: bool,
) -> PreparationReport:
    wanted = {job.name: fingerprint(job) for job in jobs}
    records = _records(jobs, folder, wanted)
    stale = [job for job in jobs if not is_fresh(records.get(job.name))]
    crashed: dict[str, Problem] = {}
    finished = len(jobs) - len(stale)
    for job, failure in _run(stale, folder, workers):
        finished += 1
        if failure is not None:
            crashed[job.name] = failure
        if progress is not None:
            progress(finished, len(jobs), job.name)
    done = [job for job in jobs if job.name not in crashed]
    records = _records(done, folder, wanted, {job.name: _now(job, wanted) for job in stale})
    if removes_others and any(record["status"] == "prepared" for record in records.values()):
        _remove_others(folder, (job.name for job in done))
    _write_if_changed(folder / _MANIFEST, _manifest(records))
    lost = [Problem(job.name, _LOST) for job in done if job.name not in records]
    return _report(folder, records, len(stale), (*crashed.values(), *lost))


def _now(job: PreparationJob, wanted: Mapping[str, Fingerprint]) -> Fingerprint:
    """Describe what an item depends on once more: its files may have changed before it was made."""
    try:
        return fingerprint(job)
    except DataError:
        return wanted[job.name]


@contextmanager
def _explained_as_cache() -> Iterator[None]:
    """Name the option that says where these files are."""
    try:
        yield
    except OutputError as error:
        remedy = error.remedy and _OUTPUT.sub("another folder with --cache", error.remedy)
        raise OutputError(error.reason, path=error.path, remedy=remedy) from error


def default_workers() -> int:
    """Count one process for each CPU that this one may use, at most 8: each may need a gigabyte."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 8)


def _refuse_links(folder: Path, jobs: Iterable[PreparationJob]) -> None:
    """Refuse a link in the place of any folder of a set, ahead of all that is written or removed there.

    A cache may be another's (of a run that was handed on), and the link lead into a folder of the user's.
    """
    within = {place for job in jobs for place in places_of(folder, job.name)}
    with _explained_as_cache():
        for place in (folder.parent, folder, *sorted(within)):
            refuse_link(place)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the cache folder cannot be made: {error.strerror}",
            path=folder,
            remedy="choose another with --cache",
        ) from error


def _run(
    jobs: Sequence[PreparationJob], folder: Path, workers: int
) -> Iterator[tuple[PreparationJob, Problem | None]]:
    """Make the items, in whatever order they get done; with the reason where even a process died of it."""
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            make(job, folder)
            yield job, None
        return
    groups: dict[str, list[PreparationJob]] = {}
    for job in jobs:
        groups.setdefault(job.group, []).append(job)
    unfinished: list[PreparationJob] = []
    for group, died in _run_pool(list(groups.values()), folder, workers):
        for job in group:
            if died and not is_fresh(matching_record(folder_of(folder, job.name), fingerprint(job))):
                unfinished.append(job)
            else:
                yield job, None
    # One dying process takes the whole pool with it; alone, the culprit shows itself.
    for job in unfinished:
        for _, died in _run_pool([[job]], folder, 1):
            reason = "the process that prepared it died: a damaged file, or too little memory"
            yield job, Problem(job.name, reason) if died else None


def _run_pool(
    groups: Sequence[Sequence[PreparationJob]], folder: Path, workers: int
) -> Iterator[tuple[Sequence[PreparationJob], bool]]:
    """Yield each group when it is done, or when a process died before it was."""
    # Not forked: the parent may hold the threads and locks of torch, OpenCV or a progress bar.
    pool = ProcessPoolExecutor(min(workers, len(groups)), get_context("spawn"), _start_worker)
    try:
        with current_folder_kept_out():  # to submit starts the processes
            tasks: dict[Future[None], Sequence[PreparationJob]] = {
                pool.submit(_make_all, g, folder): g for g in groups
            }
        for task in as_completed(tasks):
            try:
                task.result()
            except BrokenProcessPool:
                yield tasks[task], True
            else:
                yield tasks[task], False
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    import cv2

    # Ctrl-C goes to the whole process group; the parent decides, and lets items in work be finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Its lock ends with the parent.
    end_with_parent()
    # One thread each: as many processes as CPUs, and sums in an order that never changes.
    cv2.setNumThreads(1)


def _make_all(jobs: Sequence[PreparationJob], folder: Path) -> None:
    for job in jobs:
        make(job, folder)


def _records(
    jobs: Sequence[PreparationJob], folder: Path, *wanted: Mapping[str, Fingerprint]
) -> dict[str, Record]:
    """Read the records, by name in order, of the items that are as one of ``wanted`` has them."""
    found = {}
    for name in sorted(job.name for job in jobs):
        ways = [each[name] for each in wanted if name in each]
        record = matching_record(folder_of(folder, name), *ways)
        if record is not None:
            # Its name is the item's, whatever a record says.
            found[name] = {**record, "name": name}
    return found


def _manifest(records: Mapping[str, Record]) -> str:
    return as_text({"format": FORMAT, "items": list(records.values())})


def _report(
    folder: Path, records: Mapping[str, Record], made: int, more: Iterable[Problem] = ()
) -> PreparationReport:
    items = tuple(_item(folder, record) for record in records.values() if record["status"] == "prepared")
    left_out = [Problem(r["name"], r["reason"]) for r in records.values() if r["status"] != "prepared"]
    return PreparationReport(items, (*left_out, *more), made, folder)


def _item(folder: Path, record: Record) -> Item:
    shapes = {name: tuple(array["shape"]) for name, array in record["arrays"].items()}
    name = record["name"]
    return Item(name, record["scene"], folder_of(folder, name), shapes, record["report"])


def _is_tidy(folder: Path, records: Mapping[str, Record]) -> bool:
    """Tell whether the manifest lists these items, and no others are there."""
    return _is_written(folder / _MANIFEST, _manifest(records)) and not _others(folder, records)


def _others(root: Path, names: Iterable[str]) -> set[Path]:
    found = _items_below(root) - {root, *(folder_of(root, name) for name in names)}
    # A folder with something else of that name in it is none of ours.
    return {folder for folder in found if read_record(folder) is not None}


def _remove_others(root: Path, names: Iterable[str]) -> None:
    """Remove the files of the other items, and nothing else: an item may lie in the folder of another."""
    for folder in _others(root, names):
        # What cannot be removed only takes room.
        with suppress(OSError):
            for file in folder.iterdir():
                if file.suffix in ENDINGS and not file.is_dir():
                    file.unlink()
            folder.rmdir()


def _items_below(root: Path) -> set[Path]:
    """The folders of items, prepared in whole; other processes' temporary ones come and go meanwhile."""
    found = set()
    # Unlike rglob, it passes over folders that vanish before they are listed.
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not is_temporary(Path(place, name))]
        if RECORD in names:
            found.add(Path(place))
    return found


def _write_if_changed(path: Path, text: str) -> None:
    if not _is_written(path, text):
        write_text(path, text, overwrite=True)


def _is_written(path: Path, text: str) -> bool:
    return _content(path) == as_utf8(text)


def _content(path: Path) -> bytes | None:
    """Read a file; None where there is none that can be read."""
    try:
        return read_input(path)
    except SrnetError:
        return None

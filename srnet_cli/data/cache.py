"""Prepared pairs on disk: each made once, remade when its inputs or parameters change.

Layout: ``<cache>/<data set>-<hash of its path>/<set>/<item>/{lr,hr,mosaic}.npy, record.json`` and one
``manifest.json`` in each set; where an item is called like one of these files, its folder is not. Arrays are
plain ``.npy`` so that a training step maps the file and reads just its patch; a record is written after its
arrays, so an interrupted item has none and is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.imports import current_folder_kept_out
from srnet_cli.compute.measurements import user_cache
from srnet_cli.data.preparation import Item, PreparationJob, PreparationReport, Progress
from srnet_cli.data.sources import Problem
from srnet_cli.errors import DataError, SrnetError, unexpected
from srnet_cli.files import as_utf8, atomic_path, make_subfolder, write_text
from srnet_cli.reading import parse_json, read_input, read_text_input
from srnet_cli.temporaries import is_temporary, remove_stray_temporaries

_STATES = ("prepared", "left out", "failed")
#: raised when the same inputs and parameters would give other results
_FORMAT = 1
_RECORD = "record.json"
_MANIFEST = "manifest.json"
#: bytes of a data folder's name that its cache has: with what follows, within every disk's 255
_LONGEST = 200
#: endings of all that an item's folder holds
_ENDINGS = (".npy", ".json", ".txt")
_LIKE_A_FILE = re.compile(rf"({'|'.join(map(re.escape, _ENDINGS))})_*$", re.IGNORECASE)


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
    removed. What is written depends on the jobs only, not on the number of workers or on interruptions.

    Raises:
        OutputError: when the cache cannot be written. What is finished is kept.
        DataError: when two jobs have one name.
    """
    if len({job.name for job in jobs}) != len(jobs):
        raise DataError("two items of the data set have the same name")
    _make_folder(folder)
    wanted = {job.name: _fingerprint(job) for job in jobs}
    for job in jobs:
        # An item that was finished when its process was killed is not written into again.
        remove_stray_temporaries(_folder_of(folder, job.name))
    stale = [job for job in jobs if not _is_fresh(_folder_of(folder, job.name), wanted[job.name])]
    crashed: dict[str, Problem] = {}
    done = len(jobs) - len(stale)
    for job, failure in _run(stale, folder, workers or default_workers()):
        done += 1
        if failure is not None:
            crashed[job.name] = failure
        if progress is not None:
            progress(done, len(jobs), job.name)
    return _conclude(jobs, folder, crashed, made=len(stale))


def default_workers() -> int:
    """Count one process for each CPU that this one may use, at most 8: each may need a gigabyte."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 8)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"the cache folder cannot be made: {error.strerror}",
            path=folder,
            remedy="choose another with --cache",
        ) from error


def _fingerprint(job: PreparationJob) -> dict[str, Any]:
    inputs = []
    for path in job.inputs():
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"vanished: {error.strerror}", path=path) from error
        inputs.append({"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns})
    # Through JSON, so that it compares equal to what was read back.
    stamp = {"format": _FORMAT, "inputs": inputs, "parameters": job.parameters()}
    restored: dict[str, Any] = parse_json(json.dumps(stamp))
    return restored


def _folder_of(root: Path, name: str) -> Path:
    """Give the folder of an item, which no file of ours has the name of.

    Parts of its name that end as our files do get a ``_`` more.
    """
    return root.joinpath(*(f"{p}_" if _LIKE_A_FILE.search(p) else p for p in PurePosixPath(name).parts))


def _is_fresh(folder: Path, fingerprint: Mapping[str, Any]) -> bool:
    record = _read_record(folder)
    if (
        record is None
        or record.get("status") == "failed"
        or any(record.get(key) != value for key, value in fingerprint.items())
    ):
        return False
    return all(
        (folder / f"{name}.npy").is_file() and (folder / f"{name}.npy").stat().st_size == array["bytes"]
        for name, array in record["arrays"].items()
    )


def _read_record(folder: Path) -> dict[str, Any] | None:
    """Read an item's record; None where there is none that we can have written."""
    try:
        record = parse_json(read_text_input(folder / _RECORD))
        for array in record["arrays"].values():
            if array["bytes"] != int(array["bytes"]) or not all(int(side) >= 0 for side in array["shape"]):
                return None
        is_whole = isinstance(record["report"], dict) and record["status"] in _STATES
        texts = (record["scene"], record.get("reason", ""))
        return record if is_whole and all(isinstance(text, str) for text in texts) else None
    except (SrnetError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _run(
    jobs: Sequence[PreparationJob], folder: Path, workers: int
) -> Iterator[tuple[PreparationJob, Problem | None]]:
    """Make the items, in whatever order they get done; with the reason where even a process died of it."""
    if workers <= 1 or len(jobs) <= 1:
        for job in jobs:
            _make(job, folder)
            yield job, None
        return
    groups: dict[str, list[PreparationJob]] = {}
    for job in jobs:
        groups.setdefault(job.group, []).append(job)
    unfinished: list[PreparationJob] = []
    for group, died in _run_pool(list(groups.values()), folder, workers):
        for job in group:
            if died and not _is_fresh(_folder_of(folder, job.name), _fingerprint(job)):
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
    # One thread each: as many processes as CPUs, and sums in an order that never changes.
    cv2.setNumThreads(1)


def _make_all(jobs: Sequence[PreparationJob], folder: Path) -> None:
    for job in jobs:
        _make(job, folder)


def _make(job: PreparationJob, root: Path) -> None:
    """Prepare one item and write it; a reason not to is a result like any other."""
    folder = _folder_of(root, job.name)
    for place in accumulate(folder.relative_to(root).parts, Path.joinpath, initial=root):
        make_subfolder(place)
    (folder / _RECORD).unlink(missing_ok=True)
    record = {"name": job.name, "scene": job.scene, **_fingerprint(job)}
    try:
        prepared = job.run()
    except DataError as error:
        where = "" if error.path is None else f"{error.path.name}: "
        what_to_do = "" if error.remedy is None else f" ({error.remedy})"
        reason = f"{where}{error.reason}{what_to_do}"
        record |= {"status": "left out", "reason": reason, "arrays": {}, "report": {}}
    except Exception as error:
        # One item with files that a library stumbles over must not cost the others; it is tried again.
        files = ", ".join(path.name for path in job.inputs()) or job.name
        reason = f"{files}: {unexpected(error).reason}"
        record |= {"status": "failed", "reason": reason, "arrays": {}, "report": {}}
    else:
        record |= {"status": "prepared", "arrays": {}, "report": dict(prepared.report)}
        for name, array in prepared.arrays.items():
            record["arrays"][name] = _write_array(folder / f"{name}.npy", array)
        for name, text in prepared.texts.items():
            write_text(folder / name, text, overwrite=True)
    write_text(folder / _RECORD, _as_text(record), overwrite=True)


def _write_array(path: Path, array: NDArray[Any]) -> dict[str, Any]:
    with atomic_path(path, overwrite=True) as temporary, temporary.open("wb") as file:
        # As np.save, which says of a full disk only how much it wrote.
        whole = np.ascontiguousarray(array)
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(whole))
        file.write(whole.data)
    return {"shape": list(array.shape), "dtype": array.dtype.name, "bytes": path.stat().st_size}


def _as_text(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _conclude(
    jobs: Sequence[PreparationJob], folder: Path, crashed: Mapping[str, Problem], made: int
) -> PreparationReport:
    """Collect the records into the manifest and remove what no job names."""
    done = sorted(job.name for job in jobs if job.name not in crashed)
    records = {name: _read_record(_folder_of(folder, name)) for name in done}
    _remove_others(folder, {_folder_of(folder, name) for name in done})
    # Its name is the item's, whatever a record says.
    known = [{**record, "name": name} for name, record in records.items() if record is not None]
    _write_if_changed(folder / _MANIFEST, _as_text({"format": _FORMAT, "items": known}))
    items = tuple(_item(folder, record) for record in known if record["status"] == "prepared")
    left_out = [Problem(r["name"], r["reason"]) for r in known if r["status"] != "prepared"]
    return PreparationReport(items, (*left_out, *crashed.values()), made, folder)


def _item(folder: Path, record: Mapping[str, Any]) -> Item:
    shapes = {name: tuple(array["shape"]) for name, array in record["arrays"].items()}
    name = record["name"]
    return Item(name, record["scene"], _folder_of(folder, name), shapes, record["report"])


def _remove_others(root: Path, kept: Iterable[Path]) -> None:
    """Remove the files of the other items, and nothing else: an item may lie in the folder of another."""
    for folder in _items_below(root) - {root, *kept}:
        # What cannot be removed only takes room.
        with suppress(OSError):
            for file in folder.iterdir():
                if file.suffix in _ENDINGS and not file.is_dir():
                    file.unlink()
            folder.rmdir()


def _items_below(root: Path) -> set[Path]:
    """The folders of items, prepared in whole; other processes' temporary ones come and go meanwhile."""
    found = set()
    # Unlike rglob, it passes over folders that vanish before they are listed.
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not is_temporary(Path(place, name))]
        if _RECORD in names:
            found.add(Path(place))
    return found


def _write_if_changed(path: Path, text: str) -> None:
    try:
        unchanged = read_input(path) == as_utf8(text)
    except SrnetError:
        unchanged = False
    if not unchanged:
        write_text(path, text, overwrite=True)

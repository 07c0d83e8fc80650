"""A whole evaluation: measured, shown to the user, written to a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from srnet_cli.compute.processes import Processes, join_processes
from srnet_cli.console import printable, say, show_error
from srnet_cli.errors import OutputError, unexpected
from srnet_cli.evaluation.measurement import EvaluationRequest, Watcher, evaluate
from srnet_cli.evaluation.methods import files_of_models
from srnet_cli.evaluation.outputs.display import Display, show_results
from srnet_cli.evaluation.outputs.exports import document, markdown, methods_csv, pictures_csv
from srnet_cli.evaluation.outputs.html import report_html
from srnet_cli.evaluation.outputs.names import PANELS, own_files, set_names
from srnet_cli.evaluation.outputs.panels import comparison_png, panel_png
from srnet_cli.evaluation.outputs.plots import scatter_png
from srnet_cli.evaluation.pairs import PairSet
from srnet_cli.evaluation.results import SetResult
from srnet_cli.files import (
    as_utf8,
    atomic_path,
    folder_for,
    make_subfolder,
    refuse_other_than_file,
    refuse_replacing,
)
from srnet_cli.reading import refuse_harmed
from srnet_cli.temporaries import held_alone
from srnet_cli.version import own_version

#: held by the process whose results will lie in a folder
LOCK_FILE = ".srnet-eval.lock"


@dataclass(frozen=True)
class EvaluationOutcome:
    """Results as one JSON document; how many pictures were not measured completely, or files not written."""

    document: dict[str, Any]
    failures: int


def run_evaluation(
    request: EvaluationRequest, output: Path | None = None, overwrite: bool = False
) -> EvaluationOutcome | None:
    """Measure, show, write into ``output`` (None: nowhere); None in processes other than the first.

    Raises:
        SrnetError: when models or data cannot be opened, or the folder cannot be written.
    """
    with join_processes(request.methods.engine.device) as processes:
        if not processes.leads:
            evaluate(request, processes, Watcher())
            return None
        # Made before the work, so that a place that cannot be written to is refused before it.
        with nullcontext() if output is None else _output_folder(output, overwrite):
            return _run(request, output, overwrite, processes)


def _run(
    request: EvaluationRequest, output: Path | None, overwrite: bool, processes: Processes
) -> EvaluationOutcome:
    with Display() as display:
        check = partial(_check_files, output, request, overwrite)
        results = evaluate(request, processes, display, check)
    assert results is not None
    show_results(results)
    unwritten = 0
    whole = document(results, _about(request))
    if output is not None:
        unwritten = write_results(results, whole, output, overwrite, request.shown)
        say(f"written to {printable(str(output))}; to look at: report.html")
    return EvaluationOutcome(whole, sum(len(result.failed) for result in results) + unwritten)


def write_results(
    results: Sequence[SetResult], whole: dict[str, Any], folder: Path, overwrite: bool, shown: int
) -> int:
    """Write every kind of table and picture into ``folder``; name those that fail, and return how many do."""
    failed = 0

    def drawn(name: str, draw: Callable[[], bytes | None]) -> bytes | None:
        nonlocal failed
        try:
            content = draw()
        except Exception as error:
            # What was measured, for hours perhaps, is worth more than a drawing of it.
            show_error(unexpected(error, path=folder / name))
            failed += 1
            return None
        if content is not None:
            write(name, content)
        return content

    def write(name: str, content: bytes | str) -> None:
        nonlocal failed
        target = folder / name
        try:
            if target.parent != folder:
                make_subfolder(folder / PANELS)
                make_subfolder(target.parent)
            with atomic_path(target, overwrite=overwrite) as temporary:
                temporary.write_bytes(as_utf8(content) if isinstance(content, str) else content)
        except OutputError as error:
            # A disk that is too full for a picture may have room for the figures.
            show_error(error)
            failed += 1

    write("results.csv", methods_csv(results))
    write("pictures.csv", pictures_csv(results))
    write("results.md", markdown(results))
    scatters: list[bytes | None] = []
    names = set_names([(result.title, [p.name for p in result.pictures]) for result in results], shown)
    for result, files in zip(results, names, strict=True):
        scatters.append(drawn(files.scatter, partial(scatter_png, result)) if result.measured else None)
        drawn(files.comparison, partial(comparison_png, result))
        for name, picture in zip(files.panels, result.pictures, strict=False):
            if picture.view is not None:
                drawn(name, partial(panel_png, result, picture, picture.view))
    write("report.html", report_html(results, scatters))
    # Last: a folder with it is complete, and is not written over without being asked to.
    write("results.json", json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return failed


@contextmanager
def _output_folder(folder: Path, overwrite: bool) -> Iterator[None]:
    """Have the folder of the results, alone; what is in their way is refused before the work, not after.

    Raises:
        UsageError: another evaluation goes there.
        OutputError: naming what is in the way.
    """
    _check_folder(folder, overwrite)
    with folder_for(folder), held_alone(folder / LOCK_FILE, "is measuring"):
        _check_folder(folder, overwrite)  # what another has written until its end
        yield


def _check_folder(folder: Path, overwrite: bool) -> None:
    if (folder / "results.json").is_file() and not overwrite:
        raise OutputError("holds results already", path=folder, remedy="--overwrite replaces them")
    for path in (folder / PANELS, *folder.glob(f"{PANELS}/*")):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            what = "a link" if path.is_symlink() else "a file"
            raise OutputError(f"is {what} where a folder of panels belongs", path=path, remedy="move it away")
    for path in own_files(folder):
        refuse_other_than_file(path)
        if os.path.lexists(path) and not overwrite:
            raise OutputError("exists already", path=path, remedy="--overwrite replaces it")


def _check_files(
    folder: Path | None, request: EvaluationRequest, overwrite: bool, sets: Sequence[PairSet]
) -> None:
    """Refuse before the work to write what is measured on, or what is there, in a folder or to stdout.

    Raises:
        SrnetError: naming it.
    """
    read = [file for found in sets for item in found.items for file in item.files]
    read += files_of_models(request.methods)
    refuse_harmed(read)
    if folder is None:
        return
    measured = [(found.title, [item.name for item in found.items[: request.limit]]) for found in sets]
    names = set_names(measured, request.shown)
    written = [folder / file for each in names for file in each.files]
    for path in written:
        refuse_other_than_file(path)
        if os.path.lexists(path) and not overwrite:
            raise OutputError("exists already", path=path, remedy="move it away")
    refuse_replacing(read, (*written, *own_files(folder)))


def _about(request: EvaluationRequest) -> dict[str, Any]:
    import torch

    return {
        "srnet": own_version(),
        "torch": torch.__version__,
        "data": [str(path) for path in request.data],
        "crop": request.crop,
        "untiled": request.methods.untiled,
    }

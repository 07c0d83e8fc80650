"""A whole evaluation: measured, shown to the user, written to a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srnet_cli.compute.processes import Processes, join_processes
from srnet_cli.console import printable, say
from srnet_cli.errors import OutputError
from srnet_cli.evaluation.measurement import EvaluationRequest, Watcher, evaluate
from srnet_cli.evaluation.outputs.display import Display, show_results
from srnet_cli.evaluation.outputs.exports import document, markdown, methods_csv, pictures_csv
from srnet_cli.evaluation.outputs.html import report_html
from srnet_cli.evaluation.outputs.panels import comparison_png, panel_png
from srnet_cli.evaluation.outputs.plots import scatter_png
from srnet_cli.evaluation.results import SetResult, file_name
from srnet_cli.files import as_utf8, atomic_path, folder_for, make_folder
from srnet_cli.version import own_version

#: what lies in the folder of an evaluation whatever was measured, and what of each set
FILES = ("results.csv", "pictures.csv", "results.md", "report.html", "results.json")
PANELS, SCATTER, COMPARISON = "panels", "-psnr-over-time.png", "-comparison.png"


@dataclass(frozen=True)
class EvaluationOutcome:
    """Results as one JSON document, and how many pictures could not be measured completely."""

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
        results = evaluate(request, processes, display, () if output is None else _own_files(output))
    assert results is not None
    show_results(results)
    whole = document(results, _about(request))
    if output is not None:
        write_results(results, whole, output, overwrite)
        say(f"written to {printable(str(output))}; to look at: report.html")
    return EvaluationOutcome(whole, sum(len(result.failed) for result in results))


def write_results(results: Sequence[SetResult], whole: dict[str, Any], folder: Path, overwrite: bool) -> None:
    """Write every kind of table and picture into ``folder``.

    Raises:
        OutputError: when something cannot be written.
    """

    def write(name: str, content: bytes | str) -> None:
        target = folder / name
        make_folder(target.parent)
        with atomic_path(target, overwrite=overwrite) as temporary:
            temporary.write_bytes(as_utf8(content) if isinstance(content, str) else content)

    write("results.csv", methods_csv(results))
    write("pictures.csv", pictures_csv(results))
    write("results.md", markdown(results))
    scatters: list[bytes | None] = []
    for result in results:
        scatters.append(scatter_png(result) if result.measured else None)
        if scatters[-1] is not None:
            write(f"{result.slug}{SCATTER}", scatters[-1])
        compared = comparison_png(result)
        if compared is not None:
            write(f"{result.slug}{COMPARISON}", compared)
        for index, picture in enumerate(result.pictures, start=1):
            if picture.view is not None:
                name = file_name(f"{index:03d} {picture.name}")
                write(f"{PANELS}/{result.slug}/{name}.png", panel_png(result, picture, picture.view))
    write("report.html", report_html(results, scatters))
    # Last: a folder with it is complete, and is not written over without being asked to.
    write("results.json", json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _output_folder(folder: Path, overwrite: bool) -> AbstractContextManager[None]:
    """Refuse whatever is in the way of the results before the work, not after it.

    Raises:
        OutputError: naming it.
    """
    if (folder / "results.json").is_file() and not overwrite:
        raise OutputError("holds results already", path=folder, remedy="--overwrite replaces them")
    for path in (folder / PANELS, *folder.glob(f"{PANELS}/*")):
        if path.exists() and not path.is_dir():
            raise OutputError("is a file where a folder of panels belongs", path=path, remedy="move it away")
    for path in _own_files(folder):
        if path.is_dir():
            raise OutputError("is a folder where a result belongs", path=path, remedy="move it away")
        if os.path.lexists(path) and not overwrite:
            raise OutputError("exists already", path=path, remedy="--overwrite replaces it")
    return folder_for(folder)


def _own_files(folder: Path) -> tuple[Path, ...]:
    """List what results will replace, or may: whatever is in the folder under a name of theirs."""
    patterns = (f"*{SCATTER}", f"*{COMPARISON}", f"{PANELS}/*/*.png")
    return (*map(folder.joinpath, FILES), *(path for pattern in patterns for path in folder.glob(pattern)))


def _about(request: EvaluationRequest) -> dict[str, Any]:
    import torch

    return {
        "srnet": own_version(),
        "torch": torch.__version__,
        "data": [str(path) for path in request.data],
        "crop": request.crop,
        "untiled": request.methods.untiled,
    }

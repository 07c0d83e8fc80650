"""A collection through the program: zoomed in place, and what it made compared with what is right."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.collections.entries import Entry, difference
from tests.faults.program import ROOT, environment

_NEVER = ("Traceback", "unexpected", "Warning")


def check(entries: Sequence[Entry], folder: Path, scale: int = 1, options: Iterable[str] = ()) -> list[str]:
    """Zoom all entries as one folder and return what is wrong, a line each; ``folder`` is new.

    At a scale of 1 every sample is compared, at others the size alone.
    """
    given, made = folder / "in", folder / "out"
    given.mkdir(parents=True)
    for entry in entries:
        (given / entry.name).write_bytes(entry.data)
    command = [sys.executable, "-m", "srnet_cli", "zoom", str(given), "-s", str(scale), "-o", str(made)]
    ended = subprocess.run(
        [*command, "--format", "tiff", "--json", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        check=False,
    )
    findings = [line for line in ended.stderr.splitlines() if any(word in line for word in _NEVER)]
    outcomes = {Path(each["source"]).name: each for each in json.loads(ended.stdout)["results"]}
    for entry in entries:
        fault = _fault(entry, outcomes.get(entry.name), scale)
        if fault is not None:
            findings.append(f"{entry.name} {fault}")
    return findings + _lost_tags(entries, outcomes)


def _fault(entry: Entry, outcome: dict[str, Any] | None, scale: int) -> str | None:
    if outcome is None:
        return "is not in the results"
    if outcome["status"] != "written":
        return None if entry.right is None else f"is refused: {outcome['error']}"
    if entry.right is None:
        return "is damaged and was zoomed"
    found = _samples(Path(outcome["target"]))
    if scale == 1:
        return difference(found, entry.right, entry.tolerance)
    size = tuple(side * scale for side in entry.right.shape[:2])
    return None if found.shape[:2] == size else f"became {found.shape[:2]}, not {size}"


def _samples(path: Path) -> NDArray[Any]:
    """Read a result by another library than the program's own."""
    values = np.asarray(tifffile.imread(path))
    return values.reshape(*values.shape[:2], -1)


def _lost_tags(entries: Sequence[Entry], outcomes: dict[str, Any]) -> list[str]:
    """Compare tags by exiftool, where it is installed."""
    wanted = [entry for entry in entries if entry.tags and outcomes.get(entry.name, {}).get("target")]
    if shutil.which("exiftool") is None or not wanted:
        return []
    targets = [str(outcomes[entry.name]["target"]) for entry in wanted]
    sources = [str(outcomes[entry.name]["source"]) for entry in wanted]
    lines = []
    for entry, before, values in zip(wanted, _tags_of(sources), _tags_of(targets), strict=True):
        for tag, value in entry.tags.items():
            if str(values.get(tag)) != value:
                lines.append(f"{entry.name} has {tag} {values.get(tag)!r}, not {value!r}")
        warning = str(values.get("Warning", ""))
        if "MakerNotes" in warning and warning != before.get("Warning"):
            lines.append(f"{entry.name}: {warning}")
    return lines


def _tags_of(paths: Sequence[str]) -> list[dict[str, Any]]:
    told = subprocess.run(["exiftool", "-json", *paths], capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found

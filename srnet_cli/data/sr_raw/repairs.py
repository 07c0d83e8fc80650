"""The three known faults of the published SR-RAW training set, mended in memory.

Nothing on disk is touched. A fault is mended only where the data shows it, so that another data set with the
same folder names, or a copy that was mended already, is left alone.
"""

from __future__ import annotations

from dataclasses import replace

from srnet_cli.data.shots.frames import Shot
from srnet_cli.data.shots.sequences import FoundShots
from srnet_cli.data.sources import Problem

#: this many five-digit sequence names, and a set is taken for SR-RAW's training set (it has about 500)
_PUBLISHED_SIZE = 200
_DAMAGED_FRAMES = ("00005", "00006", "00007")


def repair_published(found: FoundShots) -> tuple[FoundShots, tuple[Problem, ...], tuple[Problem, ...]]:
    """Return the mended shots, what was left out with its reason, and notes about changed sequences."""
    mended = dict(found)
    left_out: list[Problem] = []
    notes: list[Problem] = []
    for prefix in ("train/", ""):
        if looks_published(mended, prefix):
            left_out += _drop_unalignable(mended, f"{prefix}00004")
            left_out += _drop_damaged(mended, f"{prefix}00350")
        notes += _return_stray_frame(mended, f"{prefix}00560", f"{prefix}00561")
    return mended, tuple(left_out), tuple(notes)


def looks_published(found: FoundShots, prefix: str) -> bool:
    """Tell whether the sequences under ``prefix`` are SR-RAW's training set, by their number and names."""
    names = [name.removeprefix(prefix) for name in found if name.startswith(prefix)]
    return sum(len(name) == 5 and name.isdecimal() for name in names) >= _PUBLISHED_SIZE


def _drop_unalignable(found: dict[str, tuple[Shot, ...]], name: str) -> list[Problem]:
    if found.pop(name, None) is None:
        return []
    return [Problem(name, "known fault of SR-RAW: its frames cannot be aligned")]


def _drop_damaged(found: dict[str, tuple[Shot, ...]], name: str) -> list[Problem]:
    shots = found.get(name, ())
    damaged = [shot for shot in shots if shot.name in _DAMAGED_FRAMES]
    found.update({name: tuple(shot for shot in shots if shot not in damaged)} if damaged else {})
    return [Problem(f"{name}/{shot.name}", "known fault of SR-RAW: the file is damaged") for shot in damaged]


def _return_stray_frame(found: dict[str, tuple[Shot, ...]], owner: str, robbed: str) -> list[Problem]:
    """Give frame 00006 of 00560 to 00561 as its longest shot; the frames there are numbered one too low."""
    stray = next((shot for shot in found.get(owner, ()) if shot.name == "00006"), None)
    before = next((shot for shot in found.get(owner, ()) if shot.name == "00005"), None)
    own = found.get(robbed, ())
    if stray is None or stray.focal is None or not own:
        return []
    out_of_order = before is not None and before.focal is not None and stray.focal > before.focal
    missing = all(shot.focal is None or shot.focal < stray.focal for shot in own)
    if not (out_of_order and missing):
        return []
    found[owner] = tuple(shot for shot in found[owner] if shot is not stray)
    renumbered = [
        replace(shot, name=f"{shot.number + 1:05d}") if shot.number is not None else shot for shot in own
    ]
    found[robbed] = (replace(stray, name="00001"), *renumbered)
    return [
        Problem(owner, f"frame 00006 belongs to {robbed} and is used there (known fault of SR-RAW)"),
        Problem(robbed, f"frame 00006 of {owner} is its longest shot (known fault of SR-RAW)"),
    ]

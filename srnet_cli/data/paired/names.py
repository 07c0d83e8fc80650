"""LR and HR pictures that belong together, found by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from srnet_cli.data.sources import Problem

#: what is asked of the user where names do not tell
REMEDY = "give both the same name, or the endings _LR and _HR"

# In lower case an ending needs its separator: "fuhr" is a name. A letter alone needs a digit before it.
_HR_ENDING = re.compile(r"(?:[_-]?HR|(?:^|[_-])hr)$")
_LR_ENDING = re.compile(r"(?:[_-]?LR|(?:^|[_-])lr)[xX]?(\d*)$")
_LETTER_ENDING = re.compile(r"(?<=\d)[HL]$")


@dataclass
class Matches:
    """Pairs (LR, HR) by name, and what could not be paired."""

    pairs: dict[str, tuple[Path, Path]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def match_folders(lr_pictures: Iterable[Path], hr_pictures: Iterable[Path], scale: int) -> Matches:
    """Pair the pictures of two folders: equal names first, then those that are equal without an ending.

    Only endings that mean the asked scale or the role are taken off: ``x4``, ``_x4``, ``_LR4``, ``_LR`` of
    LR, ``_HR`` of HR, and ``L`` and ``H`` after a digit. Two pictures that would be the same half of a pair
    are refused.
    """
    lr_ending = re.compile(rf"(?:(?:[_-]?LR|[_-]lr)(?:_?[xX]?{scale})?|[_-]?[xX]{scale})$")

    def bare_lr(stem: str) -> str:
        return lr_ending.sub("", stem) or stem

    def bare_hr(stem: str) -> str:
        return _HR_ENDING.sub("", stem) or stem

    found, lrs, hrs = Matches(), list(lr_pictures), list(hr_pictures)
    keys = ((str, str), (bare_lr, str), (bare_lr, bare_hr), (str, bare_hr), (_without("L"), _without("H")))
    for lr_key, hr_key in keys:
        lrs, hrs = _match(lrs, hrs, lr_key, hr_key, found)
    for path, other in (*((p, "HR") for p in lrs), *((p, "LR") for p in hrs)):
        found.problems.append(Problem(path.stem, f"{path.name} has no picture in {other}/; {REMEDY}"))
    return found


def _without(letter: str) -> Callable[[str], str]:
    """Take a letter after a digit off; a stem without it stays apart from those with it."""
    ending = re.compile(rf"(?<=\d){letter}$")
    return lambda stem: ending.sub("", stem) if ending.search(stem) else f"{stem}\0{letter}"


def match_tagged(pictures: Iterable[Path], scale: int) -> Matches:
    """Pair the pictures of one folder: ``_LR4`` or ``_LR`` with ``_HR``, ``L`` with ``H`` after a digit."""
    found = Matches()
    lrs, hrs = [], []
    for path in pictures:
        ending = _LR_ENDING.search(path.stem)
        if ending and ending[1] not in ("", str(scale)):
            reason = f"{path.name} is an LR picture for ×{ending[1]}, not ×{scale}"
            found.problems.append(Problem(path.stem, reason))
        elif ending or _letter(path) == "L":
            lrs.append(path)
        elif _HR_ENDING.search(path.stem) or _letter(path) == "H":
            hrs.append(path)
        else:
            reason = f"{path.name} does not say whether it is LR or HR; {REMEDY}"
            found.problems.append(Problem(path.stem, reason))
    lrs, hrs = _match(lrs, hrs, bare_tagged, bare_tagged, found)
    for path, other in (*((p, "HR") for p in lrs), *((p, "LR") for p in hrs)):
        found.problems.append(Problem(path.stem, f"{path.name} has no {other} picture; {REMEDY}"))
    return found


def bare_tagged(stem: str) -> str:
    """Take off the ending that says LR or HR."""
    for ending in (_LR_ENDING, _HR_ENDING, _LETTER_ENDING):
        if ending.search(stem):
            return ending.sub("", stem)
    return stem


def are_tagged(pictures: Sequence[Path]) -> bool:
    """Tell pairs in one folder from photographs: by one pair, or with letters alone, by every name."""
    lrs = {bare_tagged(p.stem) for p in pictures if _LR_ENDING.search(p.stem)}
    if any(bare_tagged(p.stem) in lrs for p in pictures if _HR_ENDING.search(p.stem)):
        return True
    letters = {_letter(path) for path in pictures}
    return letters == {"L", "H"}


def _letter(path: Path) -> str | None:
    ending = _LETTER_ENDING.search(path.stem)
    return ending[0] if ending else None


def _match(
    lrs: Sequence[Path],
    hrs: Sequence[Path],
    lr_key: Callable[[str], str],
    hr_key: Callable[[str], str],
    found: Matches,
) -> tuple[list[Path], list[Path]]:
    """Add what is equal by the keys to ``found``; return what is left of both."""
    by_lr, by_hr = _grouped(lrs, lr_key), _grouped(hrs, hr_key)
    for key in sorted(by_lr.keys() & by_hr.keys()):
        both = [*by_lr.pop(key), *by_hr.pop(key)]
        name = key or both[-1].parent.name
        if len(both) == 2 and name not in found.pairs:
            found.pairs[name] = (both[0], both[1])
        else:
            files = ", ".join(f"{path.parent.name}/{path.name}" for path in both)
            reason = f"more than one pair would have this name ({files}); rename or remove all but one"
            found.problems.append(Problem(name, reason))
    return [path for group in by_lr.values() for path in group], [
        p for group in by_hr.values() for p in group
    ]


def _grouped(paths: Iterable[Path], key: Callable[[str], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(key(path.stem), []).append(path)
    return groups

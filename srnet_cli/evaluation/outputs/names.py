"""Names of the files that an evaluation leaves, known before anything is measured."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: what lies in the folder of an evaluation whatever was measured, and what of each set
FILES = ("results.csv", "pictures.csv", "results.md", "report.html", "results.json")
PANELS, SCATTER, COMPARISON = "panels", "-psnr-over-time.png", "-comparison.png"

#: bytes of a name, which with a number and an ending are within every disk's 255
_LONGEST = 200


@dataclass(frozen=True)
class SetNames:
    """The files of one set, relative to the folder."""

    scatter: str
    comparison: str
    #: by the order of the pictures; only of those that are shown
    panels: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        return self.scatter, self.comparison, *self.panels


def set_names(sets: Sequence[tuple[str, Sequence[str]]], shown: int) -> list[SetNames]:
    """Name the files of sets, of which the titles and the names of the pictures are given.

    Those of no two sets are alike: where titles are, a number tells them apart, in the order of the sets.

    Example:
        >>> [names.scatter for names in set_names([("Set 5 ×4", []), ("Set-5 ×4", [])], 8)]
        ['set-5-x4-psnr-over-time.png', 'set-5-x4-2-psnr-over-time.png']
    """
    found = []
    for slug, (_, pictures) in zip(_distinct([title for title, _ in sets]), sets, strict=True):
        numbered = [file_name(f"{index:03d} {name}") for index, name in enumerate(pictures[:shown], start=1)]
        panels = tuple(f"{PANELS}/{slug}/{name}.png" for name in numbered)
        found.append(SetNames(f"{slug}{SCATTER}", f"{slug}{COMPARISON}", panels))
    return found


def own_files(folder: Path) -> tuple[Path, ...]:
    """List what results will replace, or may: whatever is in the folder under a name of theirs."""
    patterns = (f"*{SCATTER}", f"*{COMPARISON}", f"{PANELS}/*/*.png")
    return (*map(folder.joinpath, FILES), *(path for pattern in patterns for path in folder.glob(pattern)))


def file_name(text: str) -> str:
    """Keep letters and digits of a text, the rest as dashes, and no more of it than a disk takes.

    Example:
        >>> file_name("Set5 ×4, LR as supplied"), len(file_name("x" * 300))
        ('Set5-x4-LR-as-supplied', 200)
    """
    plain = text.replace("×", "x")
    whole = "-".join("".join(c if c.isalnum() else " " for c in plain).split()) or "set"
    return whole.encode()[:_LONGEST].decode(errors="ignore")


def _distinct(titles: Sequence[str]) -> Iterator[str]:
    taken: set[str] = set()
    for title in titles:
        slug = name = file_name(title.lower())
        number = 1
        while _folded(name) in taken:
            number += 1
            name = f"{slug}-{number}"
        taken.add(_folded(name))
        yield name


def _folded(name: str) -> str:
    """Give what disks without case or with composed letters take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())

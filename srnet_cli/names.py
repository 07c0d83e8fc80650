"""Names of the pictures that the program makes of others: enlarged, heatmaps, residuals of pairs.

A name tells what was made: scale, frame and crop, and the kind of a heatmap or residual. Where two pictures
of a run would get one name, both say more of where they come from, the same way on every run.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.files import Identities

#: pictures of a residual's own pixels, and those drawn for people
RESIDUAL_KINDS = ("residual", "enhanced")
DRAWN_KINDS = ("heatmap", "entropy", "histogram", "overview")

_RESULT = re.compile(
    r".*(_x\d+(\.\d+)?(_clean)?(_camera|_crop(-\d+){4})?"
    rf"|_({'|'.join(RESIDUAL_KINDS + DRAWN_KINDS)}))$",
    re.DOTALL,
)
#: stems of a picture that say more and more: its own, with its suffix, with its folder
_FULLEST = 2


def zoom_tag(
    scale: float, *, camera: bool = False, crop: Sequence[int] | None = None, clean: bool = False
) -> str:
    """Name what a zoom does; ``crop`` is left, top, width and height.

    Example:
        >>> zoom_tag(2.5), zoom_tag(4, crop=(10, 20, 300, 200))
        ('x2.5', 'x4_crop-10-20-300-200')
    """
    short = f"{scale:g}"
    factor = short if float(short) == scale else repr(scale)
    part = "_camera" if camera else "" if crop is None else "_crop-" + "-".join(map(str, crop))
    return f"x{factor}{'_clean' if clean else ''}{part}"


def is_result_name(path: Path) -> bool:
    """Tell whether a file has the name of a result; its metadata must say so, too.

    Example:
        >>> is_result_name(Path("a_x4_camera.png")), is_result_name(Path("a_x4.5_entropy.png"))
        (True, True)
    """
    return _RESULT.match(path.stem) is not None


def zoom_path(folder: Path, stem: str, tag: str, suffix: str) -> Path:
    """Name the enlarged picture of a stem in a folder.

    Example:
        >>> zoom_path(Path("out"), "a", "x4", ".png").as_posix()
        'out/a_x4.png'
    """
    return folder / f"{stem}_{tag}{suffix}"


def heatmap_paths(result: Path) -> tuple[Path, Path]:
    """Name the heatmaps beside an enlarged picture: of its predicted residual, and of that one's entropy.

    Example:
        >>> [path.name for path in heatmap_paths(Path("a_x4.png"))]
        ['a_x4_residual.png', 'a_x4_entropy.png']
    """
    residual, entropy = (result.with_name(f"{result.stem}_{kind}.png") for kind in ("residual", "entropy"))
    return residual, entropy


def residual_paths(folder: Path, stem: str, *, drawn: bool) -> dict[str, Path]:
    """Name the pictures of a pair's residual by kind; ``drawn`` for the heatmaps too.

    Example:
        >>> residual_paths(Path("out"), "a", drawn=False)["enhanced"].as_posix()
        'out/a_enhanced.png'
    """
    kinds = RESIDUAL_KINDS + DRAWN_KINDS if drawn else RESIDUAL_KINDS
    return {kind: folder / f"{stem}_{kind}.png" for kind in kinds}


@dataclass(frozen=True)
class Subject:
    """A picture that files are made of, and what they are called for a stem."""

    source: Path
    files: Callable[[str], Sequence[Path]]


def distinct_stems(subjects: Sequence[Subject], identities: Identities) -> list[str]:
    """Choose a stem for each subject so that no two name a file alike.

    It is the picture's own; where that is not enough its whole name, then also its folder's, then a number
    in the order of the sources. Names that differ in case or in the composition of letters count as alike.

    Example:
        >>> subjects = [Subject(Path(n), lambda stem: [Path(f"{stem}_x4.png")]) for n in ("a.jpg", "a.png")]
        >>> distinct_stems(subjects, Identities())
        ['a_jpg', 'a_png']
    """
    fullness, numbers = [0] * len(subjects), [0] * len(subjects)
    while True:
        stems = [_stem(*each) for each in zip(subjects, fullness, numbers, strict=True)]
        owners: defaultdict[object, set[int]] = defaultdict(set)
        for index, (subject, stem) in enumerate(zip(subjects, stems, strict=True)):
            for file in subject.files(stem):
                owners[identities.place(file)].add(index)
        alike = {index for group in owners.values() if len(group) > 1 for index in group}
        if not alike:
            return stems
        # The order of the arguments must not matter.
        for number, index in enumerate(sorted(alike, key=lambda i: str(subjects[i].source)), start=1):
            if fullness[index] < _FULLEST:
                fullness[index] += 1
            else:
                numbers[index] += number


def _stem(subject: Subject, fullness: int, number: int) -> str:
    if fullness == 0:
        return subject.source.stem
    flat = subject.source.name.replace(".", "_")
    if fullness == _FULLEST:
        flat = f"{subject.source.absolute().parent.name}_{flat}"
    return f"{flat}-{number}" if number else flat

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
from string import Formatter

from srnet_cli.errors import UsageError
from srnet_cli.files import Identities

#: pictures of a residual's own pixels, and those drawn for people
RESIDUAL_KINDS = ("residual", "enhanced")
DRAWN_KINDS = ("heatmap", "entropy", "histogram", "overview")
#: a detail before and after, and the page with a slider between both
PREVIEW, COMPARISON = "preview", "compare"
#: through the networks at its own size
CLEAN = "clean"

_FACTOR = r"x(?P<scale>\d+(\.\d+)?)"
_PART = rf"(_{CLEAN})?(?P<part>_camera|_crop(-\d+){{4}})?"
_SIZE = r"w\d+(-h\d+)?|h\d+|\d+(\.\d+)?MP|\d+(\.\d+)?x\d+(\.\d+)?(cm|mm|in)@\d+dpi"
_RESULT = re.compile(
    rf".*(_({_FACTOR}|{_SIZE}){_PART}(_{PREVIEW})?"
    rf"|_({'|'.join(RESIDUAL_KINDS + DRAWN_KINDS)}))$",
    re.DOTALL,
)
_FIELDS = "text with {stem} or {number} in it, and {scale}, {tag} or {folder}"
_KNOWN = frozenset({"stem", "scale", "tag", "folder", "number"})
_WIDTH = re.compile(r"\d{0,2}")
_ZOOM = re.compile(rf"_{_FACTOR}{_PART}$")
#: stems of a picture that say more and more: its own, with its suffix, with its folder
_FULLEST = 2


def zoom_tag(
    scale: float | str, *, camera: bool = False, crop: Sequence[int] | None = None, clean: bool = False
) -> str:
    """Name what a zoom does; ``scale`` may be the name of a size, ``crop`` is left, top, width and height.

    Example:
        >>> zoom_tag(2.5), zoom_tag(4, crop=(10, 20, 300, 200)), zoom_tag("w6000")
        ('x2.5', 'x4_crop-10-20-300-200', 'w6000')
    """
    part = "_camera" if camera else "" if crop is None else "_crop-" + "-".join(map(str, crop))
    size = scale if isinstance(scale, str) else "x" + factor_text(scale)
    return f"{size}{f'_{CLEAN}' if clean else ''}{part}"


def factor_text(scale: float) -> str:
    """Write a factor in full, as short as it can be.

    Example:
        >>> factor_text(4.0), factor_text(2.5)
        ('4', '2.5')
    """
    short = f"{scale:g}"
    return short if float(short) == scale else repr(scale)


def is_result_name(path: Path) -> bool:
    """Tell whether a file has the name of a result; its metadata must say so, too.

    Example:
        >>> is_result_name(Path("a_x4_camera.png")), is_result_name(Path("a_x4.5_entropy.png"))
        (True, True)
    """
    return _RESULT.match(path.stem) is not None


def plain_name(text: str, otherwise: str = "file") -> str:
    """Make a text that others chose the name of a file: letters, digits and a few signs, in no folder.

    Of one without any it is ``otherwise``.

    Example:
        >>> plain_name("../../my <first> model"), plain_name("..")
        ('_.._my _first_ model', 'file')
    """
    return re.sub(r"[^\w .,()+@=-]", "_", text).strip(". ") or otherwise


def camera_zoom_of(path: Path) -> float:
    """Return how much longer a lens the name of a result says it looks as if taken with.

    Example:
        >>> camera_zoom_of(Path("a_x4_camera.png")), camera_zoom_of(Path("a_x4.png"))
        (4.0, 1.0)
    """
    found = _ZOOM.search(path.stem)
    return float(found["scale"]) if found and found["part"] == "_camera" else 1.0


def is_part_of_a_picture(path: Path) -> bool:
    """Tell whether the name of a result says that it is a region of its picture.

    Example:
        >>> is_part_of_a_picture(Path("a_x4_crop-10-20-300-200.png"))
        True
    """
    found = _ZOOM.search(path.stem)
    return found is not None and (found["part"] or "").startswith("_crop")


def without_zoom(stem: str) -> str:
    """Take off what a zoom added to the name of its picture.

    Example:
        >>> without_zoom("a_x4"), without_zoom("b")
        ('a', 'b')
    """
    return _ZOOM.sub("", stem) or stem


@dataclass(frozen=True)
class NamePattern:
    """How enlarged pictures are named: fields in braces, and text between them.

    ``{stem}`` is the name of the picture without suffix, ``{tag}`` what was done (x4, w6000, x2_camera),
    ``{scale}`` the factor, ``{folder}`` the name of the picture's folder, ``{number}`` counts from 1 and
    takes a width, as in ``{number:03}``.

    Example:
        >>> NamePattern("x4", "{stem}_{scale}x", "4").stem(Path("a.png"), "a", 1)
        'a_4x'

    Raises:
        UsageError: when the text is no such pattern, or all pictures would get one name.
    """

    tag: str
    text: str = "{stem}_{tag}"
    #: None where each picture has a factor of its own
    scale: str | None = None

    def __post_init__(self) -> None:
        try:
            fields = [part[1:] for part in Formatter().parse(self.text) if part[1] is not None]
            used = {name for name, _, _ in fields}
            if not used <= _KNOWN or any(
                kind or not _WIDTH.fullmatch(width or "") for _, width, kind in fields
            ):
                raise ValueError
            whole = self.stem(Path("a/b.c"), "b", 1)
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise UsageError(f"--name {self.text}: not a pattern of names", remedy=_FIELDS) from error
        if "scale" in used and self.scale is None:
            raise UsageError(
                f"--name {self.text}: with a size each picture has its own scale", remedy="use {tag}"
            )
        if not {"stem", "number"} & used:
            raise UsageError(f"--name {self.text}: would be the same for all pictures", remedy=_FIELDS)
        if {"/", "\\", "\0"} & set(whole) or whole.startswith("."):
            raise UsageError(
                f"--name {self.text}: is not the name of a file", remedy="--output names the folder"
            )

    def stem(self, source: Path, stem: str, number: int) -> str:
        """Name the result of a picture, without suffix; ``stem`` is its own or one that says more."""
        folder = source.absolute().parent.name
        scale = self.scale or ""
        return self.text.format(stem=stem, tag=self.tag, scale=scale, folder=folder, number=number)

    def matches(self, path: Path) -> bool:
        """Tell whether a file is named by it, whatever was done."""
        parts = (
            re.escape(text) + ("" if name is None else r"\d+" if name == "number" else ".+")
            for text, name, _, _ in Formatter().parse(self.text)
        )
        return re.fullmatch("".join(parts), path.stem, re.DOTALL) is not None


def comparison_path(result: Path) -> Path:
    """Name the page that compares an enlarged picture with plain interpolation.

    Example:
        >>> comparison_path(Path("a_x4.png")).name
        'a_x4_compare.html'
    """
    return result.with_name(f"{result.stem}_{COMPARISON}.html")


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

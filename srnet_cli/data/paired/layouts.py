"""Folders of paired pictures as data sets come: SR-RAW's tree, RealSR, City100, DIV2K, Set5 and so on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.data.paired.names import are_tagged
from srnet_cli.data.shots.sequences import PARTS
from srnet_cli.errors import DataError
from srnet_cli.imaging.listing import list_folders, list_pictures

_HR_FOLDER = re.compile(r"(?:(.+)_)?(?:HR|HighRes|GT)", re.IGNORECASE)
_LR_FOLDER = re.compile(r"(?:(.+)_)?(?:LR(?:_.+)?|LowRes|LQ)", re.IGNORECASE)
#: folders for one scale: ``4``, ``X4``
_FOR_A_SCALE = re.compile(r"(?:[xX]|image_SRF_)?(\d{1,2})")
#: how deep pairs may lie: camera, part, scale
_DEEPEST = 3


@dataclass(frozen=True)
class PairFolders:
    """The folders of LR and HR pictures; one folder twice where only names tell them apart."""

    #: what the items' names start with
    prefix: str
    lr: Path
    hr: Path
    #: where the authors' packed mosaics would be
    packed: Path

    @property
    def tagged(self) -> bool:
        return self.lr == self.hr


def is_looked_for(folder: Path, scale: int) -> bool:
    """Tell whether a folder is taken for LR or HR pictures by its name, and those of the folders around it.

    Example:
        >>> [is_looked_for(Path(name), 4) for name in ("HR", "LR_x4", "LR/X4", "X4", "run")]
        [True, True, True, False, False]
    """
    if any(pattern.fullmatch(folder.name) for pattern in (_HR_FOLDER, _LR_FOLDER)):
        return True
    partners = [set(pair) - {folder.name} for pair in _prepared_names(scale) if folder.name in pair]
    is_beside_one = any((folder.parent / name).is_dir() for names in partners for name in names)
    is_within_lr = folder.name in _scale_names(scale) and _LR_FOLDER.fullmatch(folder.parent.name) is not None
    return is_beside_one or is_within_lr


def find_layout(root: Path, scale: int) -> list[PairFolders]:
    """Find the folders of LR and HR pictures; empty when there are none.

    Raises:
        DataError: when there are LR pictures, but none for the scale or none of HR.
    """
    places = (
        root,
        *(root / name for name in (f"X{scale}", f"SRRAW/X{scale}", f"image_SRF_{scale}", f"{scale}")),
    )
    for base in filter(Path.is_dir, places):
        found = list(_in_folder(base, "", scale))
        for part in PARTS if not found else ():
            found += _in_folder(base / part, f"{part}/", scale)
        if found:
            return found
    return list(_deeper(root, "", scale, _DEEPEST)) if root.is_dir() else []


def _deeper(base: Path, prefix: str, scale: int, levels: int) -> Iterator[PairFolders]:
    """Find pairs in folders of cameras, parts and scales; names of test pairs begin with ``test/``."""
    for folder in list_folders(base):
        tag = _FOR_A_SCALE.fullmatch(folder.name)
        if tag and tag[1] != str(scale):
            continue
        part = folder.name.lower() if folder.name.lower() in PARTS else ""
        start = f"{part}/{prefix}" if part else f"{prefix}{folder.name}/"
        try:
            found = list(_in_folder(folder, start, scale))
        except DataError:
            found = []  # no LR for the scale here
        if not found and levels > 1:
            found = list(_deeper(folder, start, scale, levels - 1))
        yield from found


def _in_folder(base: Path, prefix: str, scale: int) -> Iterator[PairFolders]:
    if not base.is_dir():
        return
    below = list_folders(base)
    lr_folders = [path for path in below if _LR_FOLDER.fullmatch(path.name)]
    hr_folders = [path for path in below if _HR_FOLDER.fullmatch(path.name)]
    plain = _prepared(base, scale)
    if plain is not None:
        yield PairFolders(prefix, *plain, base / "ARW")
    elif lr_folders:
        if not hr_folders and list_pictures(base, raw=False):
            hr_folders = [base]
        found = [pair for hr in hr_folders for pair in _beside(base, prefix, hr, lr_folders, scale)]
        if not found:
            raise DataError(
                f"holds {lr_folders[0].name}/ but no HR/ to pair it with",
                path=base,
                remedy="put the sharp pictures into HR/ beside it",
            )
        yield from found
    elif are_tagged(list_pictures(base, raw=False)):
        yield PairFolders(prefix, base, base, base / "ARW")


def _prepared(base: Path, scale: int) -> tuple[Path, Path] | None:
    """Find LR and HR of the sets whose folders say LR in another way."""
    for hr, lr in _prepared_names(scale):
        if (base / hr).is_dir() and (base / lr).is_dir():
            return base / lr, base / hr
    return None


def _prepared_names(scale: int) -> tuple[tuple[str, str], ...]:
    return ("HR", f"X{scale}"), ("GTmod12", f"LRbicx{scale}"), (f"GTmod{scale}", f"LRbicx{scale}")


def _beside(base: Path, prefix: str, hr: Path, lr_folders: list[Path], scale: int) -> Iterator[PairFolders]:
    """Pair ``DIV2K_train_HR`` with ``DIV2K_train_LR_bicubic/X4``, ``HR`` with ``LR``, and their parts."""
    group = _group(_HR_FOLDER, hr) if hr != base else ""
    candidates = [lr for lr in lr_folders if _group(_LR_FOLDER, lr) == group]
    usable = [(lr, inner) for lr in candidates for inner in _for_scale(lr, scale)]
    if not usable:
        if not candidates:
            return
        raise DataError(
            f"holds no LR pictures for ×{scale}",
            path=candidates[0],
            remedy=f"give the folder {hr.name} alone to have LR simulated",
        )
    # LR and LR_x4 are meant for the scale; of several kinds of reduction the user has to choose.
    named = [inner for lr, inner in usable if lr.name.upper().endswith(("LR", f"LR_X{scale}", "LR_BICUBIC"))]
    if len(usable) > 1 and not named:
        names = ", ".join(lr.name for lr, _ in usable)
        raise DataError(f"holds several LR folders ({names})", path=base, remedy="leave one of them")
    start = f"{prefix}{group}/" if group else prefix
    lr = (named or [inner for _, inner in usable])[0]
    parts = [part for part in PARTS if (lr / part).is_dir() and (hr / part).is_dir()]
    if parts and not list_pictures(lr, raw=False):
        yield from (PairFolders(f"{start}{p}/", lr / p, hr / p, base / "ARW" / p) for p in parts)
    else:
        yield PairFolders(start, lr, hr, base / "ARW")


def _group(pattern: re.Pattern[str], folder: Path) -> str:
    match = pattern.fullmatch(folder.name)
    return (match[1] or "") if match else ""


def _for_scale(lr: Path, scale: int) -> list[Path]:
    """Take the folder itself or the one below it that is for the scale; empty when it is for another one."""
    tag = re.search(r"_x(\d+)$", lr.name, re.IGNORECASE)
    if tag and tag[1] != str(scale):
        return []
    below = [lr / name for name in _scale_names(scale) if (lr / name).is_dir()]
    if below:
        return below[:1]
    others = any(re.fullmatch(r"[xX]?\d+", path.name) for path in lr.iterdir() if path.is_dir())
    return [] if others and not list_pictures(lr, raw=False) else [lr]


def _scale_names(scale: int) -> tuple[str, ...]:
    return f"X{scale}", f"x{scale}", str(scale)

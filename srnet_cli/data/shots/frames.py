"""The files of one shot: its picture, its mosaic, its focal length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import DataError, SrnetError, unexpected
from srnet_cli.imaging.raw.mosaic import PackedMosaic, pack_upright


@dataclass(frozen=True)
class Shot:
    """One shot of a sequence: at least one of its two files; ``focal`` in millimetres, None when unknown."""

    name: str
    #: the camera's own development
    rgb: Path | None
    raw: Path | None
    focal: float | None = None

    @property
    def number(self) -> int | None:
        """1 for ``00001``; None for a name that is not a number."""
        return int(self.name) if self.name.isdecimal() else None

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.rgb, self.raw) if path is not None)


def focal_length(shot: Shot) -> float:
    """Read the millimetres from the picture's EXIF or the RAW file's own record, never from the file's name.

    Raises:
        DataError: when no file says it, or the two files contradict each other.
    """
    from srnet_cli.imaging import read_focal_length

    found: dict[Path, float] = {}
    unreadable: list[str] = []
    for path in shot.files:
        try:
            focal = read_focal_length(path)
        except SrnetError as error:
            unreadable.append(f"{path.name} {error.reason}")
            continue
        except Exception as error:
            # A RAW file's record may hold anything, a date beyond the calendar for one.
            unreadable.append(f"{path.name}: {unexpected(error).reason}")
            continue
        if focal is not None and focal > 0:
            found[path] = focal
    if not found:
        why = f" ({'; '.join(unreadable)})" if unreadable else ""
        names = " and ".join(path.name for path in shot.files)
        raise DataError(f"{names}: no focal length in the file{'s' if len(shot.files) > 1 else ''}{why}")
    if max(found.values()) > 1.02 * min(found.values()):
        told = ", ".join(f"{path.name} {focal:g} mm" for path, focal in found.items())
        raise DataError(f"its files contradict each other: {told}")
    return next(iter(found.values()))


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a picture or a RAW file as upright H×W×3 sRGB, 8 bit.

    Raises:
        DataError: when it cannot be read.
    """
    from srnet_cli.imaging import read_8_bit

    try:
        return read_8_bit(path)
    except SrnetError as error:
        raise DataError(f"{path.name} {error.reason}") from error


def read_packed(path: Path) -> PackedMosaic:
    """Read the upright mosaic of a RAW file, packed with the file's own levels.

    Raises:
        DataError: when it cannot be read or is not a Bayer mosaic.
    """
    from srnet_cli.imaging import read_mosaic

    try:
        mosaic = read_mosaic(path)
    except SrnetError as error:
        raise DataError(f"{path.name} {error.reason}") from error
    pattern = np.array(mosaic.pattern)
    black = np.array(mosaic.black_levels, np.float32).reshape(2, 2)
    return pack_upright(mosaic.values, pattern, black, mosaic.white_level, mosaic.orientation)

"""The authors' ``tform.txt``: one affine map for each frame of a sequence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srnet_cli.errors import DataError
from srnet_cli.imaging.affine import Affine
from srnet_cli.reading import read_text_input

_HEADER = re.compile(r"^(\d{1,9})-(\d{1,9}):$")


@dataclass(frozen=True)
class TransformFile:
    """Maps of a sequence: ``maps[k]`` takes coordinates of the reference frame to those of frame k, both at
    the reference's field of view and nominal size; ``corner`` is the rectangle valid in all: first and last
    row, first and last column.
    """

    maps: Mapping[int, Affine]
    corner: tuple[int, int, int, int]


def parse_transforms(text: str) -> TransformFile:
    """Read the text of a ``tform.txt`` with any number of decimals.

    Raises:
        DataError: naming the line that cannot be understood, or a frame whose map is singular or not finite;
            or without the corner, which comes last: numbers that are cut short are numbers, too.
    """
    lines = [line.strip() for line in text.splitlines()]
    maps: dict[int, Affine] = {}
    corner: tuple[int, int, int, int] | None = None
    number = 0
    while number < len(lines):
        line = lines[number]
        header = _HEADER.match(line)
        if header:
            rows = [_numbers(lines, number + 1, 3), _numbers(lines, number + 2, 3)]
            maps[int(header[2])] = _checked(np.array(rows), int(header[2]))
            number += 3
        elif line == "corner:":
            a, b, c, d = _numbers(lines, number + 1, 4)
            if not np.isfinite([a, b, c, d]).all():
                raise DataError(f"line {number + 2}: a corner is not finite")
            corner = (int(a), int(b), int(c), int(d))
            number += 2
        elif not line:
            number += 1
        else:
            raise DataError(f"line {number + 1}: expected '00001-0000k:' or 'corner:', found {line[:40]!r}")
    if not maps:
        raise DataError("no transforms in the file")
    if corner is None:
        raise DataError("the file is cut short: it does not end in 'corner:' and its four numbers")
    return TransformFile(maps, corner)


def _numbers(lines: list[str], index: int, count: int) -> list[float]:
    words = lines[index].split() if index < len(lines) else []
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count:
        raise DataError(f"line {index + 1}: expected {count} numbers")
    return values


def _checked(affine: Affine, frame: int) -> Affine:
    if not np.isfinite(affine).all() or abs(float(np.linalg.det(affine[:, :2]))) < 1e-6:
        raise DataError(f"the transform of frame {frame:05d} cannot be inverted")
    return affine


def format_transforms(transforms: TransformFile, decimals: int = 8) -> str:
    """Write the text of a ``tform.txt``. The authors have 4 decimals, which costs up to 0.4 pixel 4000 pixels
    away from the corner; hence 8.
    """
    lines: list[str] = []
    for frame in sorted(transforms.maps):
        lines.append(f"00001-{frame:05d}:")
        lines += [" ".join(f"{value:.{decimals}f}" for value in row) for row in transforms.maps[frame]]
    lines += ["corner:", " ".join(f"{value:05d}" for value in transforms.corner)]
    return "\n".join(lines) + "\n"


def read_transforms(path: Path) -> TransformFile:
    """Read a ``tform.txt``.

    Raises:
        DataError: when it cannot be read or understood.
    """
    try:
        return parse_transforms(read_text_input(path, error=DataError))
    except DataError as error:
        raise DataError(
            error.reason, path=path, remedy="delete it to have the frames aligned again"
        ) from error

"""The authors' ``wb.txt``: white balance gains that the camera applied to each frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import DataError
from srnet_cli.reading import check_input, read_text_input

#: gains of R, G, B and the second G, in the file's order R, G, G, B
Gains = tuple[float, float, float, float]

WB_FILE = "wb.txt"

_HEADER = re.compile(r"^(.*?)(\d{1,9}):$")


def parse_gains(text: str) -> dict[int, Gains]:
    """Parse gains R, G, G, B by frame number.

    Raises:
        DataError: naming the line that cannot be understood.
    """
    lines = [line.strip() for line in text.splitlines()]
    if not lines or lines[0] != "WB":
        raise DataError("the first line is not 'WB'")
    gains: dict[int, Gains] = {}
    for number in range(1, len(lines)):
        header = _HEADER.match(lines[number])
        if header:
            gains[int(header[2])] = _gains(lines, number + 1)
    return gains


def _gains(lines: list[str], index: int) -> Gains:
    try:
        r, g1, g2, b = (float(word) for word in lines[index].split())
    except (ValueError, IndexError) as error:
        raise DataError(f"line {index + 1}: expected four gains") from error
    return r, g1, g2, b


def format_gains(gains: Mapping[str, Gains]) -> str:
    """Write the text of a ``wb.txt``; keys are the frames' paths without extension."""
    lines = ["WB"]
    for name, values in gains.items():
        lines += [f"{name}:", " ".join(str(value) for value in values)]
    return "\n".join(lines) + "\n"


def read_gains(path: Path) -> dict[int, Gains]:
    """Read a ``wb.txt``.

    Raises:
        DataError: when it cannot be read or understood.
    """
    try:
        return parse_gains(read_text_input(path, error=DataError))
    except DataError as error:
        raise DataError(error.reason, path=path, remedy=error.remedy) from error


def measure_gains(path: Path) -> Gains:
    """Measure the gains of one RAW file: channel means of the linear development with the camera's white
    balance over those without, R, G, G, B. In the camera's own colours, where a gain is a gain.

    Raises:
        DataError: when the file cannot be developed.
    """
    import rawpy

    check_input(path, DataError)
    try:
        with rawpy.imread(str(path)) as raw:
            balanced, plain = (_channel_means(raw, balance) for balance in (True, False))
    except (rawpy.LibRawError, OSError) as error:
        raise DataError(f"{path.name} cannot be developed: {error}") from error
    if not (plain > 0).all():
        raise DataError(f"{path.name} is black; its white balance cannot be measured")
    r, g, b = (round(float(v), 4) for v in balanced / plain)
    return r, g, g, b


def _channel_means(raw: Any, balanced: bool) -> NDArray[np.float64]:
    import rawpy

    developed = raw.postprocess(
        use_camera_wb=balanced,
        user_wb=None if balanced else [1.0, 1.0, 1.0, 1.0],
        output_color=rawpy.ColorSpace.raw,
        gamma=(1, 1),
        no_auto_bright=True,
        output_bps=16,
        half_size=True,
    )
    return np.asarray(developed.mean(axis=(0, 1)), np.float64)

"""What came out of a file: no picture, where it is of one colour and the values in the file are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from srnet_cli.errors import InputError


def check_outcome(
    path: Path,
    pixels: NDArray[Any],
    stored: Callable[[], NDArray[Any]] | None,
    *,
    how: str = "decoded",
    remedy: str | None = None,
) -> None:
    """Refuse a picture, H×W×C, of one colour and one alpha, though the values that it was made of differ.

    ``stored`` gives these, numbers of colours or shares of them, H×W or H×W×C; None says that they do differ.
    Floating-point ones may do so by less than a step of the picture.

    Raises:
        InputError: saying so.
    """
    if not ((pixels[0] == pixels[0, 0]).all() and (pixels == pixels[0, 0]).all()):
        return
    values = None if stored is None else stored()
    if values is None or (values.dtype.kind != "f" and bool((values != values[0, 0]).any())):
        raise InputError(
            f"has no picture: it is {how} to one colour, though its values differ", path=path, remedy=remedy
        )

"""Finished rows of a picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Strip:
    """Finished rows of the output, from ``top`` on: h×W×3 float32, 0..255, unclamped, on the device.

    Whoever takes it may write to it.
    """

    top: int
    sr: Tensor
    #: the network's predicted residual of the same rows, when it was asked for
    residual: Tensor | None


def first_rows(parts: list[Tensor], count: int) -> Tensor | None:
    """Take so many rows off the first of the parts, which are cut as the rows beside them."""
    if not parts:
        return None
    rows = parts[0][:count]
    if count < len(parts[0]):
        parts[0] = parts[0][count:]
    else:
        parts.pop(0)
    return rows

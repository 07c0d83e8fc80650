"""Light, which is linear: enlarged plainly beside the pixels that were made of it, and in them reduced."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.frame import Frame
from srnet_cli.zooming.strength import PlainRows

_STEPS = 257

Rows = NDArray[np.float32]


class LightRows:
    """The part of ``light`` (H×W×3) that is in the frame, by bicubic interpolation."""

    def __init__(self, light: NDArray[np.uint16], frame: Frame, engines: Sequence[Engine]) -> None:
        reached = math.prod(engine.scale for engine in engines)
        self._plain = PlainRows(light, frame, aligned=reached == frame.scale)
        self._width = frame.width

    def rows(self, first: int, count: int) -> NDArray[np.uint16]:
        """Return rows of the result from the frame's row ``first`` on: count×W×3."""
        if not count:
            return np.zeros((0, self._width, 3), np.uint16)
        values = self._plain.rows(first, count) * np.float32(_STEPS)
        return np.asarray(np.rint(values.clip(0, 65_535)), np.uint16)


def reduced_in_light(reduce: Callable[[Rows], Rows]) -> Callable[[Rows], Rows]:
    """Return ``reduce`` for rows of sRGB, 0..255, in linear light: means of codes are too dark at edges."""
    light = srgb_to_linear(np.arange(_STEPS * 255 + 1, dtype=np.float32) / np.float32(_STEPS * 255))

    def push(rows: Rows) -> Rows:
        coded = np.rint(rows.clip(0, 255) * np.float32(_STEPS)).astype(np.uint16)
        return linear_to_srgb(reduce(light[coded])) * np.float32(255)

    return push

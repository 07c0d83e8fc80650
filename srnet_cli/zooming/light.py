"""The light of camera colours: enlarged plainly beside the pixels that were made of it, a strip at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.frame import Frame
from srnet_cli.zooming.strength import PlainRows

_STEPS = 257


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

"""The geometry of a zoom: the part of the picture, the size it gets, the models it passes through."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from srnet_cli.errors import UsageError
from srnet_cli.imaging.boxes import Box

FrameKind = Literal["full", "camera"]

MIN_SCALE, MAX_SCALE = 1.0, 16.0
#: passes of models over each other's results that are considered
MOST_PASSES = 4


@dataclass(frozen=True)
class Frame:
    """A zoom's geometry.

    ``region`` of the input is enlarged by ``scale``; of the result, ``height``×``width`` pixels are kept,
    starting ``top`` and ``left`` output pixels (which may be fractions) after its upper left corner.
    """

    region: Box
    scale: float
    height: int
    width: int
    top: float = 0.0
    left: float = 0.0


def plan_frame(
    height: int, width: int, scale: float, kind: FrameKind = "full", crop: Box | None = None
) -> Frame:
    """Plan the geometry for a picture of ``height``×``width``.

    ``full`` enlarges everything (or ``crop``); ``camera`` gives what a lens ``scale`` times as long would
    have recorded: the centre, at the input's own size in pixels.

    Raises:
        UsageError: for a scale outside 1..16, or a crop that is empty, leaves the picture or is combined
            with ``camera``.
    """
    if not MIN_SCALE <= scale <= MAX_SCALE:
        raise UsageError(f"scale {scale:g} is outside {MIN_SCALE:g} to {MAX_SCALE:g}")
    if kind == "camera":
        if crop is not None:
            raise UsageError("a crop and the camera frame exclude each other", remedy="drop one of them")
        return _camera_frame(height, width, scale)
    region = crop or Box(0, 0, height, width)
    if not region.lies_in(height, width):
        raise UsageError(
            f"the crop {region} is not inside the picture", remedy=f"X,Y,W,H within {width}×{height}"
        )
    return Frame(region, scale, _scaled(region.height, scale), _scaled(region.width, scale))


def plan_passes(scale: float, available: Sequence[int]) -> tuple[int, ...]:
    """Choose the models' scales: their product is the least that reaches ``scale``.

    Of equal products the fewest passes win, and the largest model goes first, on the camera's own pixels.
    A scale of 1 needs none.

    Raises:
        UsageError: when even ``MOST_PASSES`` models do not reach it.
    """
    if scale <= 1:
        return ()
    chains = itertools.chain.from_iterable(
        itertools.combinations_with_replacement(sorted(set(available), reverse=True), count)
        for count in range(1, MOST_PASSES + 1)
    )
    reaching = [chain for chain in chains if math.prod(chain) >= scale - 1e-9]
    if not reaching:
        raise UsageError(f"no chain of up to {MOST_PASSES} models reaches scale {scale:g}")
    return min(reaching, key=lambda chain: (math.prod(chain), len(chain)))


def _camera_frame(height: int, width: int, scale: float) -> Frame:
    top, rows, skipped_rows = _centre(height, scale)
    left, columns, skipped_columns = _centre(width, scale)
    return Frame(Box(top, left, rows, columns), scale, height, width, skipped_rows, skipped_columns)


def _centre(length: int, scale: float) -> tuple[int, int, float]:
    """Find first pixel and number of pixels that hold the centre 1/scale, and output pixels before it."""
    begin = (length - length / scale) / 2
    first, end = math.floor(begin), math.ceil(begin + length / scale)
    return first, end - first, (begin - first) * scale


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))

"""Which part of a picture is shown, for panels and the report."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.results import View

#: HR pixels of a side of the part that is shown, and of the longer side of the whole
PART, WHOLE = 256, 640


def make_view(hr: NDArray[np.uint8], results: dict[str, NDArray[np.uint8]], side: int = PART) -> View:
    """HR, small, and the part of it where the reference method loses most, by every method."""
    side = min(side, *hr.shape[:2])
    judged = results.get(REFERENCE, next(iter(results.values())))
    top, left = hardest_window(judged, hr, side)
    part = np.s_[top : top + side, left : left + side]
    reduction = max(1.0, max(hr.shape[:2]) / WHOLE)
    size = (round(hr.shape[1] / reduction), round(hr.shape[0] / reduction))
    whole = cv2.resize(hr, size, interpolation=cv2.INTER_AREA)
    return View(
        np.asarray(whole, np.uint8),
        reduction,
        (top, left, side),
        hr[part].copy(),
        {name: result[part].copy() for name, result in results.items()},
    )


def hardest_window(result: NDArray[np.uint8], hr: NDArray[np.uint8], side: int) -> tuple[int, int]:
    """Top and left of the ``side`` × ``side`` window with the largest squared error."""
    error = np.square(cv2.absdiff(result, hr).astype(np.float32)).sum(axis=2)
    sums = cv2.integral(error)
    windows = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(windows.argmax()), windows.shape)
    return int(top), int(left)

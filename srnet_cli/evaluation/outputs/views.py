"""Parts of a picture that are shown, in panels and in the report."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.results import View
from srnet_cli.imaging.boxes import Box

#: HR pixels: a side of the part in the report, of the detail in a panel, the longer side of the whole
PART, DETAIL, WHOLE = 384, 128, 640
_WHOLE = cv2.INTER_AREA


def make_view(
    hr: NDArray[np.uint8],
    results: dict[str, NDArray[np.uint8]],
    lr: NDArray[np.uint8] | None = None,
    box: Box | None = None,
) -> View:
    """Make the picture small, as LR shows it where that is given, and cut the parts about a detail.

    The detail is ``box`` where that lies in the picture, else where the reference method loses most.
    """
    height, width = hr.shape[:2]
    judged = results.get(REFERENCE, next(iter(results.values())))
    if box is not None and box.lies_in(height, width):
        detail = box
    else:
        detail = hardest_window(judged, hr, min(DETAIL, height, width))
    tall, wide = min(max(PART, detail.height), height), min(max(PART, detail.width), width)
    part = Box(
        _around(detail.top, detail.height, tall, height), _around(detail.left, detail.width, wide, width),
        tall, wide,
    )  # fmt: skip
    reduction = max(1.0, max(height, width) / WHOLE)
    size = (max(1, round(width / reduction)), max(1, round(height / reduction)))
    return View(
        whole=np.asarray(cv2.resize(hr if lr is None else lr, size, interpolation=_WHOLE), np.uint8),
        reduction=reduction,
        part=part,
        detail=detail,
        hr=hr[part.slices].copy(),
        results={name: result[part.slices].copy() for name, result in results.items()},
    )


def hardest_window(result: NDArray[np.uint8], hr: NDArray[np.uint8], side: int) -> Box:
    """Find the ``side`` × ``side`` window with the largest squared error."""
    error = np.square(cv2.absdiff(result, hr).astype(np.float32)).sum(axis=2)
    sums = cv2.integral(error)
    windows = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(windows.argmax()), windows.shape)
    return Box(int(top), int(left), side, side)


def _around(start: int, length: int, wanted: int, whole: int) -> int:
    """Find where ``wanted`` pixels about a window start, inside 0..``whole``."""
    return min(max(0, start + length // 2 - wanted // 2), whole - wanted)

"""Heatmaps: values in false colours, at the picture's own size.

The colours are put in directly; matplotlib, imported where it is used, has the colour maps and draws the bar.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: ordered by lightness, so it reads alike with any colour vision and in print
DEFAULT_COLORMAP = "inferno"

RESIDUAL_LABEL = "|HR − LR↑|, grey levels"
ENTROPY_LABEL = "local entropy, bits"

_STRIP = 512


@plain_matplotlib()
def colormap_table(name: str) -> NDArray[np.uint8]:
    """Take a colour map of matplotlib as 256×3 RGB.

    Raises:
        UsageError: there is none of that name.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        raise UsageError(
            f"unknown colour map {name!r}", remedy="inferno, cividis, viridis, magma, gray, jet, turbo, …"
        )
    colours = np.asarray(colormaps[name](np.linspace(0.0, 1.0, 256)), np.float64)
    return np.rint(colours[:, :3] * 255).astype(np.uint8)


def loss_map(residual: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Average the channels of an H×W×3 residual: H×W, 0..255."""
    third = np.float32(1.0 / 3.0)
    return np.asarray(cv2.transform(residual.astype(np.float32), np.full((1, 3), third)), np.float32)


def automatic_high(values: NDArray[np.float32]) -> float:
    """Choose the top of a heatmap's range to leave one value in five hundred above it (at least 1)."""
    # Every so many values tell as much as all of them, in a fraction of the time.
    sample = values.reshape(-1)[:: max(1, values.size // 2_000_000)]
    return max(1.0, float(np.percentile(sample, 99.8)))


def entropy_top(window: int, channels: int = 3) -> float:
    """Compute the most bits that a window can hold, its side in pixels: the top of its map's range."""
    return min(8.0, math.log2(channels * window**2))


def heatmap_image(
    values: NDArray[np.floating[Any]],
    low: float,
    high: float,
    colormap: str = DEFAULT_COLORMAP,
    colour_bar: bool = True,
    label: str = "",
) -> NDArray[np.uint8]:
    """Draw ``values`` in false colours, at full size.

    Args:
        values: H×W, any range.
        low, high: the values that get the first and the last colour; those outside are clipped.
        colour_bar: put a bar with a scale (and ``label``) to the right, which makes the picture wider.

    Returns:
        H×W×3, or H×(W + bar)×3.

    Raises:
        UsageError: unknown colour map, or ``low`` not below ``high``.
    """
    if not low < high:
        raise UsageError(f"a heatmap's range needs low below high, not {low:g} to {high:g}")
    table = colormap_table(colormap)
    picture = np.empty((*values.shape, 3), np.uint8)
    for top in range(0, values.shape[0], _STRIP):
        share = (values[top : top + _STRIP] - low) * (255.0 / (high - low))
        index = np.rint(share.clip(0.0, 255.0)).astype(np.uint8)
        picture[top : top + _STRIP] = cv2.applyColorMap(index, table[:, None, :])
    if not colour_bar:
        return picture
    return np.concatenate([picture, _colour_bar(values.shape[0], table, low, high, label)], axis=1)


@plain_matplotlib()
def _colour_bar(
    height: int, table: NDArray[np.uint8], low: float, high: float, label: str
) -> NDArray[np.uint8]:
    """Draw a vertical bar with its scale on white, ``height`` pixels tall; its text grows with it."""
    dpi = max(50.0, height / 6.0)
    inches = height / dpi
    canvas = figure(1.15 * min(1.0, inches / 2.5 + 0.4), inches, dpi)
    axes = canvas.add_axes((0.2, 0.04, 0.2, 0.92))
    axes.imshow(table[::-1, None, :], aspect="auto", extent=(0.0, 1.0, low, high))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=10)
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(label, fontsize=10)
    bar = rendered(canvas)
    # Half a pixel of rounding in the size of the figure must not change the picture's.
    return np.asarray(cv2.resize(bar, (bar.shape[1], height), interpolation=cv2.INTER_AREA), np.uint8)


def figure(width: float, height: float, dpi: float) -> Figure:
    """Make a white matplotlib figure of ``width`` × ``height`` inches, bound to no window system."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    empty = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(empty)
    return empty


def rendered(drawing: Figure) -> NDArray[np.uint8]:
    """Render a figure that ``figure`` made: H×W×3."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = drawing.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba(), np.uint8)[..., :3])  # type: ignore[no-untyped-call]

"""Plots for people: the histogram of a residual, and the panel that shows a pair and its loss at a glance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.metrics import histogram

from .figures import Figures, LostOf, Residual
from .heatmaps import (
    DEFAULT_COLORMAP,
    ENTROPY_LABEL,
    RESIDUAL_LABEL,
    colormap_table,
    entropy_top,
    figure,
    loss_map,
    rendered,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixel = TypeVar("Pixel", np.uint8, np.float32)

_DPI = 220
# A panel's pictures are reduced to this many pixels a side: its print cannot show more.
_SIDE = 1000
_CHANNEL_COLOURS = ("#c8102e", "#1b9e4b", "#2458b8")
_GREY = "#5b6b7b"
#: bars of one loss, and of a second one beside it
_SHARES = (_GREY, "#c8102e")
#: matplotlib settings of small print
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.labelsize": 7.0,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "axes.labelpad": 2.0,
}
# The panel in inches: three columns of pictures, and what lies between and below them.
_CELL, _GAP, _MARGIN, _TITLE, _BAR, _SCALE = 2.3, 0.12, 0.1, 0.2, 0.07, 0.38


@dataclass(frozen=True)
class Scene:
    """One pair and what was measured of it; all pictures of one size."""

    lr_up: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    residual: Residual
    #: H×W, bits
    entropies: NDArray[np.float32]
    #: side in pixels of the window of ``entropies``
    window: int
    #: how LR came to HR's size: "enlarged ×4, bicubic"
    enlargement: str
    #: what else was done to LR: "aligned (affine)", …
    changes: tuple[str, ...] = ()


@plain_matplotlib()
def histogram_image(residual: Residual, of: LostOf = "light") -> NDArray[np.uint8]:
    """Plot the residual's histogram and how the loss is spread over pixels or values: H×W×3."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        drawing = figure(6.6, 2.6, _DPI)
        left, right = drawing.subplots(1, 2, width_ratios=(1.35, 1.0))
        _draw_histogram(left, residual)
        left.set_ylabel("% of the pixels")
        draw_shares(right, {"": residual.figures.lost(of)}, of)
        drawing.tight_layout(pad=0.6, w_pad=2.0)
        return rendered(drawing)


@plain_matplotlib()
def overview_image(
    scene: Scene, low: float, high: float, colormap: str = DEFAULT_COLORMAP
) -> NDArray[np.uint8]:
    """Draw one panel of everything: LR enlarged, HR, residual; its heatmap, its local entropy, the figures.

    Args:
        low, high: range of the residual's heatmap, grey levels.

    Returns:
        H×W×3, made for a text width of 7.3 inches.

    Raises:
        UsageError: unknown colour map.
    """
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(colormap_table(colormap) / 255.0)
    residual = scene.residual
    with mpl.rc_context(STYLE):
        grid = _Grid(scene.hr.shape[0] / scene.hr.shape[1])
        _show(grid.cell(0, 0), _reduced(scene.lr_up), "a", f"LR, {scene.enlargement}")
        _show(grid.cell(0, 1), _reduced(scene.hr), "b", "HR")
        _show(grid.cell(0, 2), *_brightened(_reduced(residual.plain)))
        loss = _reduced(loss_map(residual.plain))
        image = _show(
            grid.cell(1, 0), loss, "d", "Residual, mean of R, G, B", cmap=colours, vmin=low, vmax=high
        )
        grid.scale(0, image, RESIDUAL_LABEL, low, high)
        top = entropy_top(scene.window)
        title = f"Local entropy of the residual, {scene.window}×{scene.window}"
        entropies = _reduced(scene.entropies)
        image = _show(grid.cell(1, 1), entropies, "e", title, cmap=colours, vmin=0.0, vmax=top)
        grid.scale(1, image, ENTROPY_LABEL, 0.0, top)
        _write_figures(grid, residual, scene.changes)
        return rendered(grid.drawing)


class _Grid:
    """Places in the panel, in inches from its upper left corner."""

    def __init__(self, shape: float) -> None:
        # Pictures keep their shape; cells of very long or high ones do not follow all the way.
        self._height = _CELL * min(1.5, max(0.62, shape))
        self._width = 2 * _MARGIN + 3 * _CELL + 2 * _GAP
        self._total = 2 * (_TITLE + self._height) + _GAP + _BAR + _SCALE
        self.drawing: Figure = figure(self._width, self._total, _DPI)

    def cell(self, row: int, column: int) -> Axes:
        return self._axes(column, self._top(row), _CELL, self._height)

    def figures(self) -> tuple[Axes, Axes]:
        """Split the last cell with what lies below it: a place for text, and one for the histogram."""
        below = _GAP / 3 + _BAR + _SCALE
        plot = 0.3 * self._height
        text = self._axes(2, self._top(1), _CELL, self._height - plot + 0.05)
        histogram_top = self._top(1) + self._height - plot + 0.15
        left, right = 0.28, 0.06
        width = _CELL - left - right
        return text, self._axes(2, histogram_top, width, plot + below - 0.48, inset=left)

    def scale(self, column: int, image: Any, label: str, low: float, high: float) -> None:
        """Add a horizontal colour bar below the lower picture of a column."""
        bar = self._axes(column, self._top(1) + self._height + _GAP / 3, _CELL, _BAR)
        colour_bar = self.drawing.colorbar(image, cax=bar, orientation="horizontal")
        colour_bar.outline.set_linewidth(0.4)
        colour_bar.set_label(label)
        bar.set_xlim(low, high)

    def _top(self, row: int) -> float:
        return _TITLE + row * (self._height + _TITLE + _GAP / 2)

    def _axes(self, column: int, top: float, width: float, height: float, inset: float = 0.0) -> Axes:
        left = _MARGIN + column * (_CELL + _GAP) + inset
        bottom = self._total - top - height
        return self.drawing.add_axes(
            (left / self._width, bottom / self._total, width / self._width, height / self._total)
        )


def _show(axes: Axes, pixels: NDArray[Any], letter: str, title: str, **colours: Any) -> Any:
    image = axes.imshow(pixels, interpolation="antialiased", **colours)
    axes.set_axis_off()
    axes.set_title(rf"$\bf{{{letter}}}$  {title}", loc="left", pad=3.0, fontsize=7.5)
    return image


def _brightened(residual: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str, str]:
    """Make a residual that can be seen, with its letter and title: multiplied by 2, 4 or 8 if it is dark."""
    bright = max(1.0, float(np.percentile(residual, 99)))
    factor = next((f for f in (8, 4, 2) if f * bright <= 255), 1)
    note = "" if factor == 1 else f", shown ×{factor}"
    brighter = np.minimum(residual.astype(np.uint16) * factor, 255).astype(np.uint8)
    return brighter, "c", f"Residual |HR − LR↑|{note}"


def _write_figures(grid: _Grid, residual: Residual, changes: tuple[str, ...]) -> None:
    text, plot = grid.figures()
    text.set_axis_off()
    text.set_title(r"$\bf{f}$  Figures", loc="left", pad=3.0, fontsize=7.5)
    rows = list(figure_rows(residual.figures))
    pitch = 1.0 / (len(rows) + bool(changes))
    for index, (name, value) in enumerate(rows):
        y = 1.0 - (index + 0.5) * pitch
        text.text(0.0, y, name, va="center", fontsize=7.0)
        text.text(1.0, y, value, va="center", ha="right", fontsize=7.0, fontweight="bold")
        text.axhline(y - pitch / 2, color="#cccccc", linewidth=0.4)
    if changes:
        text.text(0.0, 0.5 * pitch, "LR " + ", ".join(changes), va="center", fontsize=6.5, color=_GREY)
    text.set_xlim(0, 1)
    text.set_ylim(0, 1)
    _draw_histogram(plot, residual)


def figure_rows(figures: Figures) -> Sequence[tuple[str, str]]:
    """List names and values of the figures, as people read them."""
    channels = " / ".join(f"{bits:.2f}" for bits in figures.entropy_channels)
    return (
        ("PSNR, RGB", decibels(figures.psnr_rgb)),
        ("PSNR, Y", decibels(figures.psnr_y)),
        ("SSIM", f"{figures.ssim:.4f}"),
        ("mean absolute error", f"{figures.mae:.2f} levels"),
        ("entropy of residual", f"{figures.entropy:.3f} bits"),
        ("… of R / G / B", f"{channels} bits"),
        ("… enhanced", f"{figures.entropy_enhanced:.3f} bits"),
    )


def decibels(value: float) -> str:
    return "∞ dB" if math.isinf(value) else f"{value:.2f} dB"


def _draw_histogram(axes: Axes, residual: Residual) -> None:
    end = 16
    for channel, (name, colour) in enumerate(zip("RGB", _CHANNEL_COLOURS, strict=True)):
        counts = histogram(np.ascontiguousarray(residual.plain[..., channel]))
        percent = 100.0 * counts / counts.sum()
        # The last level worth showing: a tail of a few pixels in a thousand would squeeze the rest.
        end = max(end, int(np.searchsorted(np.cumsum(percent), 99.5)))
        axes.step(np.arange(256), percent, where="mid", color=colour, linewidth=0.9, label=name)
    axes.set_xlim(0, end)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(RESIDUAL_LABEL)
    axes.legend(frameon=False, handlelength=1.2, labelspacing=0.2, borderpad=0.0, title="% of pixels")
    _open(axes)


def draw_shares(axes: Axes, shares: Mapping[str, Sequence[float]], of: LostOf) -> None:
    """Draw the ten shares of one loss or more, side by side in every bin, by their names."""
    width = 8.6 / len(shares)
    for index, (name, bins) in enumerate(shares.items()):
        left = np.arange(len(bins)) * 10.0 + 0.7
        axes.bar(
            left + index * width,
            100.0 * np.array(bins),
            width,
            align="edge",
            color=_SHARES[index],
            label=name,
        )
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlim(0, 100)
    light = of == "light"
    axes.set_xlabel(
        "share of a pixel's light that was lost, %" if light else "residual / HR of each value, %"
    )
    axes.set_ylabel("% of the pixels" if light else "% of the values of R, G, B")
    if len(shares) > 1:
        axes.legend(frameon=False)
    _open(axes)


def _open(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _reduced(pixels: NDArray[Pixel]) -> NDArray[Pixel]:
    factor = _SIDE / max(pixels.shape[:2])
    if factor >= 1.0:
        return pixels
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), pixels.dtype)

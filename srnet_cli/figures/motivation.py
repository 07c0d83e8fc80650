"""The motivation figure: what a zoom lost of a picture, above what a reduction by computer loses of it.

And beside it the histogram of lost information of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.errors import InputError
from srnet_cli.imaging.resize import Interpolation, resize
from srnet_cli.residuals.comparison import pair_scale
from srnet_cli.residuals.entropy import DEFAULT_WINDOW, entropy_map, sampling
from srnet_cli.residuals.figures import LostOf, Residual, measure
from srnet_cli.residuals.heatmaps import (
    DEFAULT_COLORMAP,
    ENTROPY_LABEL,
    RESIDUAL_LABEL,
    automatic_high,
    colormap_table,
    entropy_top,
    figure,
    loss_map,
    rendered,
)
from srnet_cli.residuals.panel import STYLE, draw_shares

#: inches of a picture's longer side, and between pictures
_CELL, _GAP = 1.75, 0.08
_LEFT, _TOP, _TEXT, _BAR, _BELOW = 0.3, 0.24, 0.34, 0.07, 0.42
_DPI = 220


@dataclass(frozen=True)
class Row:
    """A LR picture enlarged to HR's size (H×W×3, 0..255), and what it lacks."""

    title: str
    lr_up: NDArray[np.uint8]
    residual: Residual


def motivation_rows(
    lr: NDArray[np.uint8], hr: NDArray[np.uint8], scale: int, interpolation: Interpolation
) -> tuple[Row, Row]:
    """Measure the zoomed picture, and HR reduced ``scale`` times instead; both enlarged in one way.

    ``lr`` may be of HR's size: enlarged already.

    Raises:
        InputError: the sizes make no pair, or HR is too small for the scale.
    """
    height, width = hr.shape[:2]
    found = pair_scale(lr.shape, hr.shape)
    if found > 1 and abs(found / scale - 1) > 0.05:
        raise InputError(f"LR and HR are ×{found:.3g} apart, not ×{scale}", remedy="give the scale")
    if min(height, width) < 8 * scale:
        raise InputError(f"HR is {width}×{height}: too small for ×{scale}")
    zoomed = resize(lr, height, width, interpolation)
    small = resize(hr, height // scale, width // scale, interpolation)
    reduced = resize(small, height, width, interpolation)
    return (
        Row("zoom", zoomed, measure(zoomed, hr)),
        Row("super-resolution", reduced, measure(reduced, hr)),
    )


@plain_matplotlib()
def motivation_image(
    rows: tuple[Row, Row], hr: NDArray[np.uint8], colormap: str = DEFAULT_COLORMAP
) -> NDArray[np.uint8]:
    """Draw LR, HR, residual, heatmap and map of the entropy of both rows; one colour bar for both.

    Returns:
        H×W×3, made for a text width of about 9 inches.

    Raises:
        UsageError: unknown colour map.
    """
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap

    colours = ListedColormap(colormap_table(colormap) / 255.0)
    losses = [loss_map(row.residual.plain) for row in rows]
    high = max(map(automatic_high, losses))
    window = sampling(hr.shape[0], hr.shape[1], DEFAULT_WINDOW).window
    entropies = [entropy_map(row.residual.plain, DEFAULT_WINDOW) for row in rows]
    top = entropy_top(window)

    longest = max(hr.shape[:2])
    wide, tall = _CELL * hr.shape[1] / longest, _CELL * hr.shape[0] / longest
    width = _LEFT + 5 * wide + 5 * _GAP
    height = _TOP + 2 * (tall + _TEXT) + _BAR + _BELOW
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 7.0}):
        drawing = figure(width, height, _DPI)

        def cell(row: int, column: int) -> Any:
            left = _LEFT + column * (wide + _GAP)
            bottom = height - _TOP - row * (tall + _TEXT) - tall
            return drawing.add_axes((left / width, bottom / height, wide / width, tall / height))

        heads = ("LR, enlarged", "HR", "Residual |HR − LR↑|", "Heatmap of it", "Its local entropy")
        images: list[Any] = [None, None]
        for index, row in enumerate(rows):
            shown: tuple[tuple[NDArray[Any], dict[str, Any]], ...] = (
                (row.lr_up, {}),
                (hr, {}),
                (row.residual.plain, {}),
                (losses[index], {"cmap": colours, "vmin": 0.0, "vmax": high}),
                (entropies[index], {"cmap": colours, "vmin": 0.0, "vmax": top}),
            )
            for column, (pixels, look) in enumerate(shown):
                axes = cell(index, column)
                image = axes.imshow(pixels, interpolation="antialiased", **look)
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(False)
                if index == 0:
                    axes.set_title(heads[column], fontsize=7.5, pad=3)
                if column == 0:
                    axes.set_ylabel(row.title, fontsize=8)
                if column > 2:
                    images[column - 3] = image
            figures = row.residual.figures
            _below(cell(index, 0), f"PSNR {figures.psnr_rgb:.2f} dB")
            _below(cell(index, 2), f"entropy {figures.entropy:.3f} bits")
        for column, label in ((3, RESIDUAL_LABEL), (4, ENTROPY_LABEL)):
            left = _LEFT + column * (wide + _GAP)
            place = (left / width, _BELOW / height, wide / width, _BAR / height)
            bar = drawing.colorbar(images[column - 3], cax=drawing.add_axes(place), orientation="horizontal")
            bar.outline.set_linewidth(0.4)
            bar.set_label(label)
        return rendered(drawing)


@plain_matplotlib()
def lost_image(rows: tuple[Row, Row], of: LostOf) -> NDArray[np.uint8]:
    """Plot how much of HR's information both rows lost, spread over ten bins: H×W×3."""
    import matplotlib as mpl

    with mpl.rc_context({**STYLE, "font.size": 8.0}):
        drawing = figure(4.2, 2.7, _DPI)
        draw_shares(drawing.subplots(), {row.title: row.residual.figures.lost(of) for row in rows}, of)
        drawing.tight_layout(pad=0.6)
        return rendered(drawing)


def _below(axes: Any, text: str) -> None:
    """Write a line below a picture, in axes that show nothing else."""
    axes.set_axis_off()
    axes.patch.set_alpha(0)
    axes.set_zorder(-1)
    axes.annotate(
        text,
        (0.5, 0),
        xycoords="axes fraction",
        xytext=(0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8,
        fontweight="bold",
    )

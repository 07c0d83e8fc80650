"""The files of a comparison: pictures, and the JSON record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging import Picture, write_picture

from .comparison import Comparison
from .entropy import DEFAULT_WINDOW, entropy_map, sampling
from .figures import Figures, LostOf
from .heatmaps import (
    DEFAULT_COLORMAP,
    ENTROPY_LABEL,
    RESIDUAL_LABEL,
    automatic_high,
    entropy_top,
    heatmap_image,
    loss_map,
)
from .panel import Scene, histogram_image, overview_image


@dataclass(frozen=True)
class DrawOptions:
    """The looks of heatmaps."""

    colormap: str = DEFAULT_COLORMAP
    #: grey levels that get the first and the last colour; None leaves two values in a thousand above
    value_range: tuple[float, float] | None = None
    #: side in pixels of the window of the entropy map, odd
    window: int = DEFAULT_WINDOW
    #: what the shares of lost information are shares of
    lost: LostOf = "light"


def write_results(
    comparison: Comparison, paths: Mapping[str, Path], options: DrawOptions, overwrite: bool
) -> None:
    """Write the pictures that ``paths`` names, each whole or not at all.

    Raises:
        OutputError: one cannot be written.
        UsageError: unknown colour map or impossible range.
    """
    for kind, pixels in _pictures(comparison, options, drawn="overview" in paths):
        write_picture(Picture(pixels), paths[kind], overwrite=overwrite)


def _pictures(
    comparison: Comparison, options: DrawOptions, drawn: bool
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    residual = comparison.residual
    yield "residual", residual.plain
    yield "enhanced", residual.enhanced
    if not drawn:
        return
    values = loss_map(residual.plain)
    low, high = options.value_range or (0.0, automatic_high(values))
    yield "heatmap", heatmap_image(values, low, high, options.colormap, label=RESIDUAL_LABEL)
    del values
    height, width = residual.plain.shape[:2]
    window = sampling(height, width, options.window).window
    bits = entropy_map(residual.plain, options.window)
    yield "entropy", heatmap_image(bits, 0.0, entropy_top(window), options.colormap, label=ENTROPY_LABEL)
    yield "histogram", histogram_image(residual, options.lost)
    scene = Scene(
        comparison.lr_up, comparison.hr, residual, bits, window, _enlargement(comparison), changes(comparison)
    )
    yield "overview", overview_image(scene, low, high, options.colormap)


def _enlargement(comparison: Comparison) -> str:
    if comparison.scale == 1.0:
        return "already enlarged"
    return f"enlarged ×{comparison.scale:.4g}, {comparison.options.interpolation}"


def changes(comparison: Comparison) -> tuple[str, ...]:
    """Name what was done to LR besides enlarging it."""
    aligned = () if comparison.alignment is None else (f"aligned ({comparison.alignment.motion})",)
    return aligned if comparison.colour is None else (*aligned, "colours matched")


def document(comparison: Comparison) -> dict[str, Any]:
    """Put the comparison as JSON has it; a PSNR that is infinite (equal pictures) becomes null."""
    height, width = comparison.hr.shape[:2]
    result: dict[str, Any] = {
        "scale": comparison.scale,
        "interpolation": None if comparison.scale == 1.0 else comparison.options.interpolation,
        "width": width,
        "height": height,
        "figures": _figures_document(comparison.figures),
    }
    if len(comparison.stages) > 1:
        result["stages"] = [
            {"name": stage.name, "figures": _figures_document(stage.figures)} for stage in comparison.stages
        ]
    if comparison.views is not None:
        result["focal_lengths"] = [comparison.views.lr_focal, comparison.views.hr_focal]
    if comparison.alignment is not None:
        found = comparison.alignment
        right, down = found.shift
        result["alignment"] = {
            **asdict(found),
            "box": [found.box.left, found.box.top, found.box.right, found.box.bottom],
            "shift_right": right,
            "shift_down": down,
            "rotation_degrees": found.rotation,
            "magnification": found.magnification,
        }
    if comparison.colour is not None:
        result["colour"] = asdict(comparison.colour)
    return result


def _figures_document(figures: Figures) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and math.isinf(value) else value
        for name, value in asdict(figures).items()
    }

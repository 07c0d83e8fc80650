"""Quality over time, over parameters, and over the epochs of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.console import drawable
from srnet_cli.errors import InputError, UsageError
from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.labels import label_dots
from srnet_cli.figures.evaluations import MeasuredSet
from srnet_cli.residuals.heatmaps import figure, rendered
from srnet_cli.training.run.log import LOG_FILE, read_log

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cost = Literal["time", "parameters"]

_NETWORK, _INTERPOLATION = "#c8102e", "#5b6b7b"
_DPI = 160
#: radius of a dot in points
_DOT = 4.5


@dataclass(frozen=True)
class Curve:
    """A run's quality after its epochs, and bicubic's."""

    name: str
    epochs: tuple[float, ...]
    values: tuple[float, ...]
    bicubic: float | None


@plain_matplotlib()
def cost_image(measured: MeasuredSet, cost: Cost, key: str) -> NDArray[np.uint8]:
    """Plot a metric's mean over seconds for a picture or over parameters, both on a log scale.

    Raises:
        InputError: when no method has both.
    """
    rows = [
        (method, float(value), method.means[key])
        for method in measured.methods
        if key in method.means and (value := method.seconds if cost == "time" else method.parameters)
    ]
    if not rows:
        raise InputError(f"{measured.title}: no method with {metric(key).title} and {cost}")
    drawing, axes = _axes(measured.title)
    axes.set_xscale("log")
    places = [(value, quality) for _, value, quality in rows]
    colours = [_INTERPOLATION if method.interpolates else _NETWORK for method, _, _ in rows]
    axes.scatter(
        [x for x, _ in places],
        [y for _, y in places],
        s=(2 * _DOT) ** 2,
        c=colours,
        alpha=0.8,
        linewidths=0,
        zorder=3,
    )
    axes.margins(x=0.18, y=0.16)
    seconds = f"seconds per picture (mean of {measured.pictures}, log scale)"
    axes.set_xlabel(seconds if cost == "time" else "parameters (log scale)")
    axes.set_ylabel(_titled(key))
    drawing.draw_without_rendering()
    label_dots(axes, [measured.named(method) for method, _, _ in rows], places, [_DOT] * len(rows))
    return rendered(drawing)


@plain_matplotlib()
def epochs_image(curves: Sequence[Curve], title: str) -> NDArray[np.uint8]:
    """Plot the validation PSNR of several runs over their epochs, each named beside the end of its line."""
    from matplotlib.ticker import MaxNLocator

    drawing, axes = _axes(title)
    for number, curve in enumerate(curves):
        axes.plot(curve.epochs, curve.values, color=f"C{number}", linewidth=1.2, label=drawable(curve.name))
    levels = sorted({curve.bicubic for curve in curves if curve.bicubic is not None})
    if levels and levels[-1] - levels[0] < 0.01:
        axes.axhline(levels[0], color="#888888", linestyle="--", linewidth=0.8, label="bicubic")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation PSNR RGB, dB")
    axes.margins(x=0.02)
    # Best last value first, as the lines end from top to bottom.
    handles, names = axes.get_legend_handles_labels()
    last = {drawable(curve.name): curve.values[-1] for curve in curves}
    order = sorted(range(len(names)), key=lambda i: -last.get(names[i], float("-inf")))
    axes.legend([handles[i] for i in order], [names[i] for i in order], frameon=False, fontsize=7.5)
    return rendered(drawing)


def read_curve(run: Path, name: str | None = None) -> Curve:
    """Read the validations of a run's ``log.jsonl``.

    Raises:
        InputError: when the folder has no log, or nothing was measured in it.
    """
    file = run / LOG_FILE if run.is_dir() else run
    records = read_log(file)
    if not records:
        raise InputError("is not the log of a run", path=file)
    points = [(float(r["epoch"]), float(r["psnr"])) for r in records if r.keys() >= {"epoch", "psnr"}]
    bicubic = [float(r["bicubic"]) for r in records if "bicubic" in r]
    if not points:
        raise InputError("has no validation yet", path=file, remedy="train on, or hold pairs out")
    epochs, values = zip(*points, strict=True)
    return Curve(name or run.resolve().name, epochs, values, bicubic[-1] if bicubic else None)


def check_metric(key: str) -> None:
    """Refuse a metric that does not exist.

    Raises:
        UsageError: naming those that do.
    """
    from srnet_cli.evaluation.metrics import METRICS

    known = [one.key for one in METRICS]
    if key not in known:
        raise UsageError(f"--metric: no metric {key!r}", remedy=f"one of {', '.join(known)}")


def _axes(title: str) -> tuple[Figure, Axes]:
    drawing = figure(6.4, 4.2, _DPI)
    drawing.set_layout_engine("constrained")
    axes = drawing.add_subplot()
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(drawable(title), fontsize=10, loc="left")
    return drawing, axes


def _titled(key: str) -> str:
    found = metric(key)
    return f"{found.title}, {found.unit}" if found.unit else found.title

"""Quality over time, as in the published figure."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.tables import count
from srnet_cli.evaluation.results import MethodSummary, SetResult
from srnet_cli.imaging.resize import INTERPOLATIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: what is plotted; the published figure has luma too
QUALITY = "psnr_y"
_NETWORK, _INTERPOLATION, _INK = "#c8102e", "#5b6b7b", "#222222"
#: areas of dots in square points, for no parameters and for each million of them
_DOT, _PER_MILLION, _LARGEST = 30.0, 25.0, 1500.0
#: lines of text are kept this many points apart
_LINE = 10.0


def scatter_png(result: SetResult) -> bytes:
    """Plot PSNR over seconds for a picture (log scale); dots grow with the number of parameters."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(6.4, 4.2), dpi=160, facecolor="white", layout="constrained")
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot()
    axes.set_xscale("log")
    for summary in result.summaries:
        colour = _INTERPOLATION if summary.info.name in INTERPOLATIONS else _NETWORK
        quality = summary.means[QUALITY].value
        axes.scatter(
            summary.seconds, quality, s=_area(summary), color=colour, alpha=0.75, linewidths=0, zorder=3
        )
    axes.margins(x=0.22, y=0.14)
    axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axes.set_xlabel(f"seconds per picture (mean of {len(result.measured)}, log scale)")
    axes.set_ylabel(f"{metric(QUALITY).title}, dB")
    axes.set_title(result.title, fontsize=10, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    drawing.draw_without_rendering()
    _label(axes, result.summaries)
    content = BytesIO()
    drawing.savefig(content, format="png")
    return content.getvalue()


def _area(summary: MethodSummary) -> float:
    return min(_LARGEST, _DOT + _PER_MILLION * (summary.info.parameters or 0) / 1e6)


def _label(axes: Axes, summaries: tuple[MethodSummary, ...]) -> None:
    """Write names beside the dots, moved up where they would lie on one another."""
    scale = 72 / axes.figure.dpi
    right = axes.bbox.x1 * scale
    spots = []
    for summary in summaries:
        x, y = axes.transData.transform((summary.seconds, summary.means[QUALITY].value)) * scale
        spots.append((float(y), float(x), summary))
    taken: list[tuple[float, float, float]] = []
    for y, x, summary in sorted(spots, key=lambda spot: spot[:2]):
        size = "" if summary.info.parameters is None else f"  {count(summary.info.parameters)}"
        text, length = f"{summary.info.name}{size}", 4.6 * len(summary.info.name + size)
        away = (_area(summary) ** 0.5) / 2 + 3
        # On the left where the right has no room for it.
        start = x + away if x + away + length < right else x - away - length
        height = y
        while any(a < start + length and start < b and abs(h - height) < _LINE for a, b, h in taken):
            height += 2
        taken.append((start, start + length, height))
        axes.annotate(
            text,
            (summary.seconds, summary.means[QUALITY].value),
            xytext=(start - x, height - y),
            textcoords="offset points",
            fontsize=8,
            color=_INK,
            va="center",
            annotation_clip=False,
            parse_math=False,
        )

"""Quality over time, as in the published figure."""

from __future__ import annotations

from io import BytesIO

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.console import drawable
from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.labels import label_dots
from srnet_cli.evaluation.outputs.tables import count
from srnet_cli.evaluation.results import MethodSummary, SetResult
from srnet_cli.imaging.resize import INTERPOLATIONS

#: what is plotted; the published figure has luma too
QUALITY = "psnr_y"
_NETWORK, _INTERPOLATION = "#c8102e", "#5b6b7b"
#: areas of dots in square points, for no parameters and for each million of them
_DOT, _PER_MILLION, _LARGEST = 30.0, 25.0, 1500.0


@plain_matplotlib()
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
    axes.set_title(drawable(result.title), fontsize=10, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    drawing.draw_without_rendering()
    names = [_name(summary) for summary in result.summaries]
    places = [(summary.seconds, summary.means[QUALITY].value) for summary in result.summaries]
    label_dots(axes, names, places, [_area(summary) ** 0.5 / 2 for summary in result.summaries])
    content = BytesIO()
    drawing.savefig(content, format="png")
    return content.getvalue()


def _area(summary: MethodSummary) -> float:
    return min(_LARGEST, _DOT + _PER_MILLION * (summary.info.parameters or 0) / 1e6)


def _name(summary: MethodSummary) -> str:
    size = "" if summary.info.parameters is None else f"  {count(summary.info.parameters)}"
    return f"{summary.info.name}{size}"

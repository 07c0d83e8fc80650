"""Pictures by every method, side by side, as in the published figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.console import drawable, printable
from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.tables import best_methods, number
from srnet_cli.evaluation.results import PictureResult, SetResult, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 160
#: screen pixels of a detail's side, of the text below it, and between two
_SIDE, _TEXT, _GAP = 256, 46, 10
#: details side by side; more go into further rows
_COLUMNS = 6
_BOX = "#ffd400"


@dataclass(frozen=True)
class _Panel:
    """A picture's place in a figure: the whole at the left, rows of details beside it; screen pixels."""

    picture: PictureResult
    view: View
    names: tuple[str, ...]

    @property
    def rows(self) -> int:
        return max(2, math.ceil((len(self.names) + 1) / _COLUMNS))

    @property
    def columns(self) -> int:
        return max(2, math.ceil((len(self.names) + 1) / self.rows))

    @property
    def height(self) -> int:
        return self.rows * (_SIDE + _TEXT) + _GAP

    @property
    def whole_height(self) -> int:
        """Return what the whole has at most: two rows of details, less its text."""
        return 2 * _SIDE + _TEXT

    @property
    def whole_width(self) -> float:
        whole = self.view.whole
        return float(min(2.2 * 2 * (_SIDE + _TEXT), self.whole_height * whole.shape[1] / whole.shape[0]))

    @property
    def width(self) -> int:
        return round(self.whole_width + self.columns * (_SIDE + _GAP) + 2 * _GAP)


def panel_png(result: SetResult, picture: PictureResult, view: View) -> bytes:
    """Draw HR with the detail marked; beside it the detail of HR and of every method with its figures.

    The detail is where bicubic loses most. The figures are those of the whole picture (or of the evaluated
    crop), the best in bold.
    """
    return _drawn(result, [_panel(result, picture, view)])


def comparison_png(result: SetResult) -> bytes | None:
    """Draw all pictures that are shown of a set, one panel below the other; None where none is."""
    panels = [
        _panel(result, picture, picture.view) for picture in result.pictures if picture.view is not None
    ]
    return _drawn(result, panels) if panels else None


def _panel(result: SetResult, picture: PictureResult, view: View) -> _Panel:
    return _Panel(picture, view, tuple(info.name for info in result.methods if info.name in view.results))


@plain_matplotlib()
def _drawn(result: SetResult, panels: Sequence[_Panel]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = max(panel.width for panel in panels), sum(panel.height for panel in panels)
    drawing = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(drawing)
    # Details stand below each other, however wide the pictures are.
    left = max(panel.whole_width for panel in panels)
    for index, panel in enumerate(panels):
        top = sum(above.height for above in panels[:index])
        _draw(drawing, result, panel, top, left)
    content = BytesIO()
    drawing.savefig(content, format="png")
    return content.getvalue()


def _draw(drawing: Figure, result: SetResult, panel: _Panel, top: int, whole_width: float) -> None:
    picture, view = panel.picture, panel.view
    whole = _axes(drawing, _GAP, top + _GAP, whole_width, panel.whole_height)
    whole.imshow(view.whole, interpolation="antialiased")
    _mark(whole, view)
    _caption(whole, picture.name, drawable(result.title))

    keys = ("psnr_rgb", "lpips" if "lpips" in result.keys else "ssim_y")
    shown = [("HR", view.hr), *((name, view.results[name]) for name in panel.names)]
    for index, (name, pixels) in enumerate(shown):
        row, column = divmod(index, panel.columns)
        left = 2 * _GAP + whole_width + column * (_SIDE + _GAP)
        axes = _axes(drawing, left, top + _GAP + row * (_SIDE + _TEXT), _SIDE, _SIDE)
        axes.imshow(view.closer(pixels), interpolation="nearest")
        _caption(axes, name, _figures(picture, name, keys))


def _axes(drawing: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Place axes by pixels from the upper left corner."""
    total_width, total_height = drawing.get_size_inches() * _DPI
    bottom = total_height - top - height
    axes = drawing.add_axes(
        (left / total_width, bottom / total_height, width / total_width, height / total_height)
    )
    axes.set_axis_off()
    axes.set_anchor("N")
    return axes


def _mark(axes: Axes, view: View) -> None:
    from matplotlib.patches import Rectangle

    corner = (view.detail.left / view.reduction - 0.5, view.detail.top / view.reduction - 0.5)
    size = (view.detail.width / view.reduction, view.detail.height / view.reduction)
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=_BOX, linewidth=1.4))


def _caption(axes: Axes, first: str, second: str) -> None:
    """Write two lines below a picture; only the second may hold bold figures."""
    axes.apply_aspect()
    for line, height, maths in ((printable(first), -2.0, False), (second, -11.0, True)):
        axes.annotate(
            line,
            (0.5, 0),
            xycoords="axes fraction",
            xytext=(0, height),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7.2,
            parse_math=maths,
        )


def _figures(picture: PictureResult, name: str, keys: tuple[str, ...]) -> str:
    measurement = picture.measurements.get(name)
    if measurement is None:
        return " / ".join(metric(key).title for key in keys)
    parts = []
    for key in keys:
        text = number(measurement.figures[key], metric(key).digits)
        parts.append(rf"$\bf{{{text}}}$" if name in best_methods(picture, key) else text)
    return " / ".join(parts)

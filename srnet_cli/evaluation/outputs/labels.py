"""Names beside the dots of a plot, placed where they cover neither each other nor a dot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from srnet_cli.console import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: rings around a dot, in points beyond its edge, on which places are tried
_RINGS = (3.0, 10.0, 18.0, 28.0, 40.0, 56.0, 76.0)
_INK = "#222222"

#: left, bottom, right, top in pixels
_Box = tuple[float, float, float, float]
_Point = tuple[float, float]
#: points of a line that are looked at
_STEPS = 16


def label_dots(
    axes: Axes, texts: Sequence[str], places: Sequence[tuple[float, float]], radii: Sequence[float]
) -> None:
    """Write each text beside its dot; a line leads to one that had to go far, or is nearer to another dot.

    Args:
        axes: with its limits and scales set, in a figure that was laid out.
        places: of the dots, in the data's coordinates.
        radii: of the dots, in points.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = axes.figure
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    point = figure.dpi / 72
    frame: _Box = (axes.bbox.x0, axes.bbox.y0, axes.bbox.x1, axes.bbox.y1)
    transformed = [axes.transData.transform(place) for place in places]
    centres: list[_Point] = [(float(x), float(y)) for x, y in transformed]
    dots = [
        (x - r * point, y - r * point, x + r * point, y + r * point)
        for (x, y), r in zip(centres, radii, strict=True)
    ]
    taken: list[_Box] = []
    lines: list[_Point] = []
    for index in sorted(range(len(texts)), key=lambda i: centres[i]):
        text = axes.annotate(
            printable(texts[index]),
            places[index],
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=8,
            color=_INK,
            ha="left",
            va="bottom",
            annotation_clip=False,
            parse_math=False,
        )
        extent = text.get_window_extent(renderer)
        size = (extent.width + 2 * point, extent.height)
        x, y = centres[index]
        others = dots[:index] + dots[index + 1 :]
        near = (*centres[:index], *centres[index + 1 :])
        ring, box = min(
            _candidates(x, y, radii[index] * point, size, point),
            key=lambda one: (_trouble(one[1], (x, y), taken, others, near, lines, frame), one[0]),
        )
        taken.append(box)
        text.set_position(((box[0] - x) / point, (box[1] - y) / point))
        if ring > _RINGS[0] or _nearer(box, (x, y), near):
            line = _line((x, y), box)
            lines += line
            far = axes.transData.inverted().transform(line[-1])
            axes.plot(
                *zip(places[index], far, strict=True), color="#777777", linewidth=0.5, zorder=1, scalex=False,
                scaley=False,
            )  # fmt: skip


def _candidates(
    x: float, y: float, radius: float, size: tuple[float, float], point: float
) -> Iterator[tuple[float, _Box]]:
    """Yield places around a dot, right first, with the ring that each is on."""
    wide, tall = size
    for ring in _RINGS:
        away = radius + ring * point
        for left, bottom in (
            (x + away, y - tall / 2),
            (x - away - wide, y - tall / 2),
            (x - wide / 2, y + away),
            (x - wide / 2, y - away - tall),
            (x + away, y + away),
            (x + away, y - away - tall),
            (x - away - wide, y + away),
            (x - away - wide, y - away - tall),
        ):
            yield ring, (left, bottom, left + wide, bottom + tall)


def _trouble(
    box: _Box,
    own: _Point,
    texts: Sequence[_Box],
    dots: Sequence[_Box],
    centres: Sequence[_Point],
    lines: Sequence[_Point],
    frame: _Box,
) -> float:
    """Return the area that a text shares with others and with dots, or has outside of the frame.

    A line to it that crosses them, lines below it, and dots nearer to it than its own count as a part of one.
    """
    tall = box[3] - box[1]
    outside = (box[2] - box[0]) * tall - _shared(box, frame)
    crossed = sum(_inside(point, other) for point in _line(own, box) for other in (*texts, *dots))
    crossed += sum(_inside(point, box) for point in lines)
    unclear = _nearer(box, own, centres) + crossed
    shared = sum(_shared(box, text) for text in texts) + sum(_shared(box, dot) for dot in dots)
    return shared + 4 * outside + unclear * tall**2 / 4


def _line(dot: _Point, box: _Box) -> list[_Point]:
    """Return points of the line from a dot to the nearest point of a text."""
    far = _nearest(dot, box)
    steps = [step / _STEPS for step in range(1, _STEPS + 1)]
    return [(dot[0] + t * (far[0] - dot[0]), dot[1] + t * (far[1] - dot[1])) for t in steps]


def _nearest(point: _Point, box: _Box) -> _Point:
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _nearer(box: _Box, own: _Point, centres: Sequence[_Point]) -> int:
    """Count the dots that a text is nearer to than to its own."""
    limit = math.dist(own, _nearest(own, box)) + 0.5
    return sum(math.dist(other, _nearest(other, box)) < limit for other in centres)


def _inside(point: _Point, box: _Box) -> bool:
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def _shared(a: _Box, b: _Box) -> float:
    wide, tall = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return wide * tall if wide > 0 and tall > 0 else 0.0

"""Names of dots do not lie on each other, nor on dots."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from srnet_cli.evaluation.outputs.labels import label_dots


def test_names_of_close_dots_do_not_collide() -> None:
    figure = Figure(figsize=(6, 4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    places = [(5.0, 5.0), (5.1, 5.05), (5.2, 5.0), (5.1, 4.9), (9.9, 9.9), (9.8, 9.9), (0.1, 0.1)]
    names = ["a long name", "another long name", "srnet", "edsr", "at the edge", "there, too", "corner"]
    label_dots(axes, names, places, [4.5] * len(places))
    canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] != []
    for a, b in itertools.combinations(boxes, 2):
        assert not (min(a.x1, b.x1) > max(a.x0, b.x0) + 1 and min(a.y1, b.y1) > max(a.y0, b.y0) + 1)
    for box in boxes:
        assert axes.bbox.x0 - 1 <= box.x0 and box.x1 <= axes.bbox.x1 + 1


def test_lines_lead_past_other_names() -> None:
    """A cluster as close as the published ablation's; every name is nearest to its own dot or has a line."""
    figure = Figure(figsize=(6.4, 4.2), dpi=160)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(20, 26))
    places = [
        (5.0, 25.1), (5.05, 24.93), (5.6, 25.14), (5.5, 25.04), (5.48, 24.85), (5.58, 24.9), (5.45, 24.52),
        (5.4, 24.32), (5.35, 24.24), (4.5, 24.96), (6.4, 24.9),
    ]  # fmt: skip
    names = [f"rcan_minus_{place}" for place in range(len(places))]
    label_dots(axes, names, places, [4.5] * len(places))
    canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    ends = {}
    for line in axes.lines:
        start, end = axes.transData.transform(line.get_xydata())
        steps = np.linspace(start, end, 50)
        inside = [
            np.all((steps > (box.x0 + 2, box.y0 + 2)) & (steps < (box.x1 - 2, box.y1 - 2)), axis=1)
            for box in boxes
        ]
        assert not np.any(inside)
        ends[tuple(np.round(line.get_xydata()[0], 6))] = end
    owners = {text.get_text(): text.xy for text in axes.texts if isinstance(text, Annotation)}
    dots = axes.transData.transform(places)
    for text, box in zip(axes.texts, boxes, strict=True):
        gap = np.maximum(0, np.maximum((box.x0, box.y0) - dots, dots - (box.x1, box.y1)))
        nearest = places[int(np.argmin(np.hypot(*gap.T)))]
        assert nearest == owners[text.get_text()] or owners[text.get_text()] in ends

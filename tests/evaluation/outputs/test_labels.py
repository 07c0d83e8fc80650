"""Names of dots do not lie on each other, nor on dots."""

from __future__ import annotations

import itertools

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

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

"""Loss and PSNR over the epochs, as in the published figures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from srnet_cli.compute.imports import plain_matplotlib
from srnet_cli.console import drawable
from srnet_cli.training.run.drawn import DRAWN_BY

Records = Sequence[Mapping[str, Any]]

#: sources of data that have a line of their own
_MOST_SOURCES = 20


@plain_matplotlib()
def draw_curves(records: Records, path: Path, title: str) -> None:
    """Draw the records of ``log.jsonl`` into a PNG: loss of both streams, PSNR with bicubic's beside it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not pyplot: it keeps global state, and asks for a display.
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    loss, psnr = figure.subplots(1, 2)
    _plot(loss, _column(records, "sr"), "picture")
    residual = _column(records, "residual")
    if any(value for _, value in residual):
        _plot(loss, residual, "enhanced residual")
    loss.set(xlabel="epoch", ylabel="L1 loss (0..255)", title=drawable(title))
    _plot(psnr, _column(records, "psnr"), "network", marker=".")
    _plot(psnr, _column(records, "bicubic"), "bicubic", linestyle="--", color="grey")
    sources = dict.fromkeys(key[len("psnr/") :] for r in records for key in r if key.startswith("psnr/"))
    for number, name in enumerate(itertools.islice(sources, _MOST_SOURCES), 1):
        colour = f"C{number}"
        _plot(psnr, _column(records, f"psnr/{name}"), name, marker=".", color=colour)
        _plot(psnr, _column(records, f"bicubic/{name}"), f"{name}, bicubic", linestyle="--", color=colour)
    psnr.set(xlabel="epoch", ylabel="validation RGB-PSNR (dB)")
    for axes in (loss, psnr):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    figure.savefig(path, format="png", dpi=100, metadata={"Software": DRAWN_BY})


def _column(records: Records, key: str) -> list[tuple[float, float]]:
    return [(float(r["epoch"]), float(r[key])) for r in records if r.get(key) is not None]


def _plot(axes: Any, points: Sequence[tuple[float, float]], label: str, **style: Any) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), label=label, **style)

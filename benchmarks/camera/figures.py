"""The figure of the comparison: curves of spectra, quantiles of noise and halos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.camera.measures import BANDS
from benchmarks.camera.pairs import CAMERAS

_COLOURS = {"real": "black", "simulated": "tab:blue", "simulated, with engine": "tab:green"}
_NOISE = [f"noise_{plane}_{level}" for plane in ("luma", "chroma") for level in ("dark", "mid", "bright")]
#: title, measures, whether on a logarithmic axis
_BARS = (
    ("noise in flat areas, levels", _NOISE, True),
    (
        "correlation at lag 1, halos",
        ["correlation_luma", "correlation_chroma", "overshoot", "undershoot"],
        False,
    ),
    ("sharpness over scene", ["sharpness"], False),
)


def draw_figure(found: dict[str, Any], path: Path) -> None:
    """Draw a row for each camera from what ``comparison.compare`` returned."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 7.5), layout="constrained")
    for row, camera in zip(figure.subplots(2, 5), CAMERAS, strict=True):
        quantiles = found["quantiles"][camera]
        for axes, plane in zip(row, ("luma", "chroma"), strict=False):
            _draw_spectrum(axes, quantiles, plane)
            axes.set_title(f"{camera}: {plane} spectrum, LR over scene")
        row[0].legend(fontsize=8)
        for axes, (title, keys, logarithmic) in zip(row[2:], _BARS, strict=True):
            _draw_bars(axes, quantiles, keys)
            axes.set(title=f"{camera}: {title}", yscale="log" if logarithmic else "linear")
    figure.suptitle("Lines and dots: medians of pictures; bands and bars: quantiles 10 to 90")
    figure.savefig(path, dpi=60)


def _draw_spectrum(axes: Any, quantiles: dict[str, Any], plane: str) -> None:
    centres = np.sqrt(BANDS[1:] * BANDS[:-1])
    for name, colour in _COLOURS.items():
        q = _array(quantiles[name], [f"{plane}_band_{i}" for i in range(len(centres))])
        opacity = 0.35 if name == "real" else 0.13
        axes.fill_between(centres, q[:, 0], q[:, 2], color=colour, alpha=opacity, linewidth=0)
        axes.plot(centres, q[:, 1], color=colour, label=name)
    axes.set(xscale="log", xlabel="cycles / LR pixel", ylabel="dB")
    axes.set_xticks([0.03, 0.1, 0.3], ["0.03", "0.1", "0.3"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)


def _draw_bars(axes: Any, quantiles: dict[str, Any], keys: list[str]) -> None:
    for place, (name, colour) in enumerate(_COLOURS.items()):
        q = _array(quantiles[name], keys)
        x = np.arange(len(keys)) + (place - 1) * 0.2
        reach = [q[:, 1] - q[:, 0], q[:, 2] - q[:, 1]]
        axes.errorbar(x, q[:, 1], yerr=reach, fmt="o", color=colour, capsize=3)
    axes.set_xticks(range(len(keys)), [key.replace("_", "\n") for key in keys], fontsize=7)
    axes.grid(alpha=0.3)


def _array(quantiles: dict[str, Any], keys: list[str]) -> NDArray[np.float64]:
    return np.array([quantiles[key] or [np.nan] * 3 for key in keys])

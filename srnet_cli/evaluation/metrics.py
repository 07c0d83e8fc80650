"""The metrics of a result: one table, under names that say by whose definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from srnet_cli import metrics

#: PSNR of equal pictures is infinite, which no mean and no JSON can hold
HIGHEST_PSNR = 100.0
#: pixels that the authors leave out on each side for RGB, besides the scale
RGB_SHAVE = 6

#: of a result, HR and the scale; None where the pictures do not have what is measured
MetricFunction = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], float | None]
#: of a result and HR, by a network that is loaded once
Learned = Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]


@dataclass(frozen=True)
class Metric:
    """One column: its key in files, its heading, what it means, and how it is computed."""

    key: str
    title: str
    unit: str
    digits: int
    meaning: str
    #: None: computed by what is loaded once and handed to :func:`measure`
    function: MetricFunction | None
    higher_is_better: bool = True
    #: where a person reads it: beside PSNR, in the table of detail, or in CSV and JSON only
    table: Literal["quality", "detail", "files"] = "quality"
    #: the best figure, where that is neither the highest nor the lowest
    ideal: float | None = None


METRICS = (
    Metric(
        "psnr_rgb",
        "PSNR RGB",
        "dB",
        2,
        "all channels; scale + 6 pixels left out on each side, as in the authors' logs",
        lambda result, hr, scale: metrics.psnr_rgb(result, hr, shave=scale + RGB_SHAVE),
    ),
    Metric(
        "psnr_y",
        "PSNR Y",
        "dB",
        2,
        "the field's: BT.601 luma, scale pixels left out on each side",
        lambda result, hr, scale: metrics.psnr_y(result, hr, shave=scale),
    ),
    Metric(
        "psnr_y_published",
        "PSNR Y authors",
        "dB",
        2,
        "as in SRNet's published tables, scale pixels left out: luma weights that sum to 0.859, which adds "
        "1.32 dB on grey errors",
        lambda result, hr, scale: metrics.psnr_y_published(result, hr, shave=scale),
    ),
    Metric(
        "ssim",
        "SSIM",
        "",
        4,
        "the authors': mean over colour channels, 7×7 uniform window, data range 1, nothing left out",
        lambda result, hr, _: metrics.ssim(result, hr),
    ),
    Metric(
        "ssim_range2",
        "SSIM range 2",
        "",
        4,
        "the same with the data range 2 that the published tables probably used",
        lambda result, hr, _: metrics.ssim(result, hr, data_range=2.0),
        table="files",
    ),
    Metric(
        "ssim_y",
        "SSIM Y",
        "",
        4,
        "the field's: luma, 11×11 Gaussian window, scale pixels left out on each side",
        lambda result, hr, scale: metrics.ssim_y(result, hr, shave=scale),
    ),
    Metric(
        "lpips",
        "LPIPS",
        "",
        4,
        "learned perceptual distance, AlexNet, version 0.1",
        None,
        higher_is_better=False,
    ),
    Metric(
        "psnr_colour_matched",
        "colour-matched",
        "dB",
        2,
        "PSNR RGB after a global change of gain and offset for each channel",
        lambda result, hr, scale: metrics.psnr_colour_matched(result, hr, shave=scale + RGB_SHAVE),
    ),
    Metric(
        "psnr_shift_tolerant",
        "shift-tolerant",
        "dB",
        2,
        "best PSNR RGB over shifts of up to 4 pixels, between pixels too",
        lambda result, hr, scale: metrics.psnr_shift_tolerant(result, hr, shave=scale).psnr,
    ),
    Metric(
        "residual_entropy",
        "residual entropy",
        "bit",
        3,
        "of the histogram of |HR − result|",
        lambda result, hr, _: metrics.entropy(np.maximum(result, hr) - np.minimum(result, hr)),
        higher_is_better=False,
        table="files",
    ),
    Metric(
        "feature_distance",
        "feature distance",
        "",
        3,
        "of the early stages of EfficientNet-Lite0, per magnitude of HR's; not LPIPS, and no judge by "
        "itself: a grid can lower it",
        None,
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "sharpness",
        "sharpness",
        "",
        2,
        "mean slope over HR's; noise and grids have slopes too",
        lambda result, hr, _: metrics.sharpness_ratio(result, hr),
        table="detail",
        ideal=1.0,
    ),
    Metric(
        "noise",
        "noise",
        "",
        2,
        "noise in the flat areas of HR, over HR's",
        lambda result, hr, scale: metrics.noise_ratio(result, hr, scale),
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "halo",
        "halo %",
        "%",
        2,
        "how far strong edges overshoot both their sides in HR, in percent of their height",
        lambda result, hr, scale: metrics.halo_overshoot(result, hr, scale),
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "grid",
        "grid dB",
        "dB",
        1,
        "peak of the slope's spectrum at the period of pixel shuffle, the scale, over its neighbours; "
        "photographs 0.3, seen above 5",
        lambda result, _, scale: metrics.grid_peak(result, scale),
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "grid_over_hr",
        "grid over HR",
        "dB",
        1,
        "grid minus that of HR",
        metrics.grid_excess,
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "grid_2",
        "grid 2 dB",
        "dB",
        1,
        "the same at the period 2; photographs 1.5",
        lambda result, hr, _: metrics.grid_peak(result, 2),
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "grid_2_over_hr",
        "grid 2 over HR",
        "dB",
        1,
        "grid 2 minus that of HR",
        lambda result, hr, _: metrics.grid_excess(result, hr, 2),
        higher_is_better=False,
        table="detail",
    ),
    Metric(
        "niqe",
        "NIQE",
        "",
        2,
        "how unnatural the result alone looks, without HR; noise and invented texture lower it",
        lambda result, *_: metrics.niqe(result),
        higher_is_better=False,
        table="detail",
    ),
)


def metric(key: str) -> Metric:
    """Find the metric called ``key``; KeyError when there is none."""
    return {m.key: m for m in METRICS}[key]


def measure(
    result: NDArray[np.uint8],
    hr: NDArray[np.uint8],
    scale: int,
    learned: Mapping[str, Learned] | None = None,
) -> dict[str, float]:
    """Compute the metrics of a result by their keys; of learned ones those that are given.

    What the pictures do not have (flat areas, strong edges) is left out.

    Raises:
        ValueError: the shapes differ, or the picture is too small.
    """
    figures = {m.key: m.function(result, hr, scale) for m in METRICS if m.function is not None}
    figures |= {key: function(result, hr) for key, function in (learned or {}).items()}
    known = {key: value for key, value in figures.items() if value is not None}
    return {k: min(v, HIGHEST_PSNR) if metric(k).unit == "dB" else v for k, v in known.items()}

"""The metrics of a result: one table, under names that say by whose definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli import metrics
from srnet_cli.metrics.perceptual import Lpips

#: PSNR of equal pictures is infinite, which no mean and no JSON can hold
HIGHEST_PSNR = 100.0
#: pixels that the authors leave out on each side for RGB, besides the scale
RGB_SHAVE = 6

#: of a result, HR and the scale
MetricFunction = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], float]


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
    ),
)


def metric(key: str) -> Metric:
    """Find the metric called ``key``; KeyError when there is none."""
    return {m.key: m for m in METRICS}[key]


def measure(
    result: NDArray[np.uint8], hr: NDArray[np.uint8], scale: int, lpips: Lpips | None = None
) -> dict[str, float]:
    """Compute every metric of a result by its key; LPIPS only when given.

    Raises:
        ValueError: the shapes differ, or the picture is too small.
    """
    figures = {m.key: m.function(result, hr, scale) for m in METRICS if m.function is not None}
    if lpips is not None:
        figures["lpips"] = lpips(result, hr)
    return {k: min(v, HIGHEST_PSNR) if metric(k).unit == "dB" else v for k, v in figures.items()}

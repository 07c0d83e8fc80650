"""What is measured of a result, under names that say by whose definition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli import metrics
from srnet_cli.metrics.perceptual import Lpips

#: PSNR of equal pictures is infinite, which no mean and no JSON can hold
HIGHEST_PSNR = 100.0
#: pixels that the authors leave out on each side for RGB, besides the scale
RGB_SHAVE = 6


@dataclass(frozen=True)
class Metric:
    """One column: its key in files, its heading, and what it means."""

    key: str
    title: str
    unit: str
    digits: int
    meaning: str
    higher_is_better: bool = True


METRICS = (
    Metric(
        "psnr_rgb",
        "PSNR RGB",
        "dB",
        2,
        "all channels; scale + 6 pixels left out on each side, as in the authors' logs",
    ),
    Metric("psnr_y", "PSNR Y", "dB", 2, "the field's: BT.601 luma, scale pixels left out on each side"),
    Metric(
        "psnr_y_published",
        "PSNR Y authors",
        "dB",
        2,
        "as in SRNet's published tables, scale pixels left out: luma weights that sum to 0.859, which adds "
        "1.32 dB on grey errors",
    ),
    Metric(
        "ssim",
        "SSIM",
        "",
        4,
        "the authors': mean over colour channels, 7×7 uniform window, data range 1, nothing left out",
    ),
    Metric(
        "ssim_range2",
        "SSIM range 2",
        "",
        4,
        "the same with the data range 2 that the published tables probably used",
    ),
    Metric(
        "ssim_y",
        "SSIM Y",
        "",
        4,
        "the field's: luma, 11×11 Gaussian window, scale pixels left out on each side",
    ),
    Metric("lpips", "LPIPS", "", 4, "learned perceptual distance, AlexNet, version 0.1", False),
    Metric(
        "psnr_colour_matched",
        "colour-matched",
        "dB",
        2,
        "PSNR RGB after a global change of gain and offset for each channel",
    ),
    Metric(
        "psnr_shift_tolerant",
        "shift-tolerant",
        "dB",
        2,
        "best PSNR RGB over shifts of up to 4 pixels, between pixels too",
    ),
    Metric("residual_entropy", "residual entropy", "bit", 3, "of the histogram of |HR − result|", False),
)
PSNR_KEYS = frozenset(metric.key for metric in METRICS if metric.unit == "dB")


def metric(key: str) -> Metric:
    """The metric called ``key``; KeyError when there is none."""
    return {m.key: m for m in METRICS}[key]


def measure(
    result: NDArray[np.uint8], hr: NDArray[np.uint8], scale: int, lpips: Lpips | None = None
) -> dict[str, float]:
    """Every metric of a result by its key; LPIPS only when given.

    Raises:
        ValueError: the shapes differ, or the picture is too small.
    """
    wide = scale + RGB_SHAVE
    figures = {
        "psnr_rgb": metrics.psnr_rgb(result, hr, shave=wide),
        "psnr_y": metrics.psnr_y(result, hr, shave=scale),
        "psnr_y_published": metrics.psnr_y_published(result, hr, shave=scale),
        "ssim": metrics.ssim(result, hr),
        "ssim_range2": metrics.ssim(result, hr, data_range=2.0),
        "ssim_y": metrics.ssim_y(result, hr, shave=scale),
        "psnr_colour_matched": metrics.psnr_colour_matched(result, hr, shave=wide),
        "psnr_shift_tolerant": metrics.psnr_shift_tolerant(result, hr, shave=scale).psnr,
        "residual_entropy": metrics.entropy(np.maximum(result, hr) - np.minimum(result, hr)),
    }
    if lpips is not None:
        figures["lpips"] = lpips(result, hr)
    return {k: min(v, HIGHEST_PSNR) if k in PSNR_KEYS else v for k, v in figures.items()}

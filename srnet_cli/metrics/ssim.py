"""Structural similarity (Wang et al. 2004), K1 = 0.01 and K2 = 0.03, in the two forms that tables use."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .psnr import luma

# Values of a strip taken at a time: its ten or so maps in double precision stay in the processor's cache.
_STRIP = 1 << 17


def ssim(
    result: ArrayLike, reference: ArrayLike, *, shave: int = 0, peak: float = 255.0, data_range: float = 1.0
) -> float:
    """Compute the mean over channels with a 7×7 uniform window and sample covariance: the authors' figure.

    It is what scikit-image's ``structural_similarity`` computes by default, on pictures divided by ``peak``.

    Args:
        result, reference: H×W or H×W×C on the scale 0..``peak``.
        data_range: 1; 2 gives what old versions of scikit-image took for float pictures, and the published
            tables with them, which inflates the figure.

    Raises:
        ValueError: the shapes differ, or the pictures are smaller than the window.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> ssim(black, black)
        1.0
    """
    kernel = np.full(7, 1.0 / 7.0)
    bessel = 49.0 / 48.0
    first, second = _shaved(result, reference, shave, len(kernel))
    channels = [
        _channel(_scaled(first, c, peak), _scaled(second, c, peak), kernel, data_range, bessel)
        for c in range(first.shape[-1])
    ]
    return float(np.mean(channels))


def ssim_y(result: ArrayLike, reference: ArrayLike, *, shave: int = 0, peak: float = 255.0) -> float:
    """Compute the SSIM of the luma with an 11×11 Gaussian window of 1.5, as the literature: shave = scale.

    As Wang's MATLAB ``ssim_index``: weighted moments, only where the window fits in the picture.

    Args:
        result, reference: H×W×3 on the scale 0..``peak``.

    Raises:
        ValueError: the shapes differ, or the pictures are smaller than the window.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> ssim_y(black, black)
        1.0
    """
    kernel = np.asarray(cv2.getGaussianKernel(11, 1.5, cv2.CV_64F), np.float64)[:, 0]
    first, second = _shaved(result, reference, shave, len(kernel))
    return _channel(luma(first, peak), luma(second, peak), kernel, peak, 1.0)


def _scaled(pixels: NDArray[np.generic], channel: int, peak: float) -> NDArray[np.float64]:
    return pixels[..., channel].astype(np.float64) / peak


def _shaved(
    result: ArrayLike, reference: ArrayLike, shave: int, window: int
) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    first, second = np.asarray(result), np.asarray(reference)
    if first.shape != second.shape or first.ndim not in (2, 3):
        raise ValueError(f"need two H×W×C pictures of one shape, not {first.shape} and {second.shape}")
    if first.ndim == 2:
        first, second = first[..., None], second[..., None]
    height, width = first.shape[0] - 2 * shave, first.shape[1] - 2 * shave
    if shave < 0 or min(height, width) < window:
        raise ValueError(f"{height}×{width} pixels are too few for SSIM's window of {window}")
    kept = np.s_[shave : shave + height, shave : shave + width]
    return first[kept], second[kept]


def _channel(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    kernel: NDArray[np.float64],
    data_range: float,
    bessel: float,
) -> float:
    """Average the SSIM over all positions inside the picture; ``bessel`` scales the covariances."""
    reach = len(kernel) - 1
    strip = max(4 * len(kernel), _STRIP // first.shape[1])

    def strip_sum(top: int) -> float:
        rows = np.s_[top : top + strip + reach]
        return float(_strip_map(first[rows], second[rows], kernel, data_range, bessel).sum())

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        total = math.fsum(threads.map(strip_sum, range(0, first.shape[0] - reach, strip)))
    return total / float((first.shape[0] - reach) * (first.shape[1] - reach))


def _strip_map(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    kernel: NDArray[np.float64],
    data_range: float,
    bessel: float,
) -> NDArray[np.float64]:
    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        margin = len(kernel) // 2
        filtered = cv2.sepFilter2D(values, cv2.CV_64F, kernel, kernel)
        return np.asarray(filtered[margin:-margin, margin:-margin], np.float64)

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_x, mean_y = mean(x), mean(y)
    product = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    variances = bessel * (mean(x * x + y * y) - squares)
    covariance = bessel * (mean(x * y) - product)
    return ((2 * product + c1) * (2 * covariance + c2)) / ((squares + c1) * (variances + c2))

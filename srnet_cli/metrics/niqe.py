"""NIQE: how natural a picture looks, by its statistics alone, without a picture to compare it with.

A. Mittal, R. Soundararajan and A. C. Bovik, "Making a 'Completely Blind' Image Quality Analyzer", IEEE
Signal Processing Letters, 2013. ``niqe.npz`` holds the published parameters of natural pictures, under the
licence in ``niqe.txt``. As in the literature on super-resolution, the picture is its rounded BT.601 luma.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from math import gamma

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.resize import matlab_bicubic

from .psnr import luma

#: side of the blocks whose statistics are taken, pixels
BLOCK = 96
#: shifts (down, right) to the neighbours whose products are looked at
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))

_Plane = NDArray[np.float64]


def niqe(picture: NDArray[np.uint8]) -> float | None:
    """Compute NIQE of H×W×3 sRGB, 0..255: about 2 to 4 for photographs, more for unnatural pictures.

    None where fewer than two blocks of 96×96 fit, or where blocks are constant: a covariance needs more.
    Noise and sharpening lower it, too: it is not a judge by itself.

    Example:
        >>> grain = np.random.default_rng(0).normal(128, 20, (192, 192, 3)).round().astype(np.uint8)
        >>> niqe(grain) > 5
        True
    """
    rows, columns = picture.shape[0] // BLOCK, picture.shape[1] // BLOCK
    if rows * columns < 2:
        return None
    plane = luma(picture[: rows * BLOCK, : columns * BLOCK])
    scales = []
    for side in (BLOCK, BLOCK // 2):
        scales.append(_features(_normalised(plane), side))
        # MATLAB's imresize keeps floating values as they are: unrounded.
        plane = matlab_bicubic(plane.astype(np.float32), plane.shape[0] // 2, plane.shape[1] // 2).astype(
            np.float64
        )
    features = np.concatenate(scales, axis=1)
    whole = features[np.isfinite(features).all(axis=1)]
    if len(whole) < 2:
        return None
    return _distance(np.nanmean(features, axis=0), np.cov(whole, rowvar=False))


def _normalised(plane: _Plane) -> _Plane:
    """Divide what is above the local mean by the local deviation."""
    mean = cv2.GaussianBlur(plane, (7, 7), 7 / 6, borderType=cv2.BORDER_REPLICATE)
    square = cv2.GaussianBlur(plane * plane, (7, 7), 7 / 6, borderType=cv2.BORDER_REPLICATE)
    return np.asarray((plane - mean) / (np.sqrt(np.abs(square - mean * mean)) + 1), np.float64)


def _features(plane: _Plane, side: int) -> _Plane:
    """Describe each block by 18 numbers: blocks × 18."""
    return np.array(
        [
            _block_features(plane[top : top + side, left : left + side])
            for top in range(0, plane.shape[0], side)
            for left in range(0, plane.shape[1], side)
        ]
    )


def _block_features(block: _Plane) -> list[float]:
    shape, left, right = _asymmetric_gaussian(block)
    found = [shape, (left + right) / 2]
    for shift in _NEIGHBOURS:
        shape, left, right = _asymmetric_gaussian(block * np.roll(block, shift, (0, 1)))
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape) if np.isfinite(shape) else np.nan
        found += [shape, mean, left, right]
    return found


def _asymmetric_gaussian(values: _Plane) -> tuple[float, float, float]:
    """Fit an asymmetric generalised Gaussian: its shape, and its left and right width."""
    below, above = values[values < 0], values[values > 0]
    if not below.size or not above.size:
        return np.nan, np.nan, np.nan
    left, right = np.sqrt(np.mean(below**2)), np.sqrt(np.mean(above**2))
    ratio = left / right
    sought = np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    sought *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, ratios = _shapes()
    shape = float(shapes[np.argmin((ratios - sought) ** 2)])
    width = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, float(left * width), float(right * width)


@lru_cache(maxsize=1)
def _shapes() -> tuple[_Plane, _Plane]:
    """Tabulate Γ(2/a)² / (Γ(1/a) Γ(3/a)) by the shape a."""
    shapes = np.arange(200, 10001) / 1000
    return shapes, np.array([gamma(2 / a) ** 2 / (gamma(1 / a) * gamma(3 / a)) for a in shapes])


def _distance(mean: _Plane, covariance: _Plane) -> float:
    with np.load(str(files("srnet_cli.metrics") / "niqe.npz")) as natural:
        apart = natural["mean"] - mean
        spread = np.linalg.pinv((natural["covariance"] + covariance) / 2)
    return float(np.sqrt(apart @ spread @ apart))

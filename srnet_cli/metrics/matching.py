"""Metrics for real zoom pairs, where a colour cast or a pixel of misalignment decides the plain figure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .psnr import psnr_rgb

# The colour fit looks at cell means on a grid of about this many cells a side: detail that one picture
# lacks, or has a few pixels further on, would otherwise pull the gain towards zero.
_CELLS = 32
# Reach of the interpolation kernel for shifts between pixels.
_REACH = 4

_Picture = NDArray[Any]  # uint8, uint16 or float32


@dataclass(frozen=True)
class ColourMatch:
    """A global colour change: ``value · gain + offset`` for each channel, in the pictures' own unit."""

    gain: tuple[float, ...]
    offset: tuple[float, ...]

    def apply(self, pixels: _Picture, peak: float = 255.0) -> _Picture:
        """Change a picture's colours: clipped to 0..``peak``, rounded if of integers."""
        table = np.array(self.gain), np.array(self.offset)
        result = np.empty_like(pixels)
        for channel, (gain, offset) in enumerate(zip(*table, strict=True)):
            values = np.clip(pixels[..., channel] * np.float32(gain) + np.float32(offset), 0.0, peak)
            result[..., channel] = np.rint(values) if pixels.dtype.kind == "u" else values
        return result


@dataclass(frozen=True)
class ShiftedPsnr:
    """The best PSNR over shifts, and the shift in pixels that brings ``result`` onto ``reference``."""

    psnr: float
    down: float
    right: float


def fit_colour(source: _Picture, reference: _Picture) -> ColourMatch:
    """Fit gain and offset of each channel that bring ``source`` closest to ``reference`` (least squares).

    Exposure, white balance and black level go; everything local stays. A flat channel gets an offset only.

    Args:
        source, reference: H×W×C of one shape.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), np.uint8)
        >>> round(fit_colour(picture, 2 * picture).gain[0], 1)
        2.0
    """
    _check(source, reference)
    size = (min(source.shape[1], _CELLS), min(source.shape[0], _CELLS))
    x = cv2.resize(source, size, interpolation=cv2.INTER_AREA).reshape(-1, source.shape[2]).astype(np.float64)
    y = cv2.resize(reference, size, interpolation=cv2.INTER_AREA).reshape(x.shape).astype(np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    variance = np.square(x - mean_x).mean(axis=0)
    covariance = ((x - mean_x) * (y - mean_y)).mean(axis=0)
    flat = (variance < 1e-12) | (covariance <= 0)
    gain = np.where(flat, 1.0, covariance / np.where(flat, 1.0, variance))
    return ColourMatch(tuple(gain.tolist()), tuple((mean_y - gain * mean_x).tolist()))


def psnr_colour_matched(
    result: _Picture, reference: _Picture, *, shave: int = 0, peak: float = 255.0
) -> float:
    """Compute ``psnr_rgb`` after ``fit_colour`` of ``result`` to ``reference``.

    Raises:
        ValueError: the shapes differ, or nothing is left after shaving.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), np.uint8)
        >>> psnr_colour_matched(picture, 2 * picture)
        inf
    """
    matched = fit_colour(result, reference).apply(result, peak)
    return psnr_rgb(matched, reference, shave=shave, peak=peak)


def psnr_shift_tolerant(
    result: _Picture, reference: _Picture, *, reach: int = 4, shave: int = 0, peak: float = 255.0
) -> ShiftedPsnr:
    """Find the best ``psnr_rgb`` over shifts of up to ``reach`` pixels each way, between pixels included.

    Every whole shift is tried; about the best one, a parabola through the errors gives a shift between
    pixels, which counts if it is better. All shifts are judged on the same part of ``reference``: without
    ``shave``, ``reach`` and the four pixels of the interpolation on each side.

    Args:
        result, reference: H×W×C of one shape.

    Raises:
        ValueError: the shapes differ, or nothing is left inside the border.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 100, (64, 64, 3), np.uint8)
        >>> psnr_shift_tolerant(picture, np.roll(picture, 2, axis=0)).down
        2.0
    """
    _check(source=result, reference=reference)
    margin = shave + reach + _REACH
    height, width = result.shape[0] - 2 * margin, result.shape[1] - 2 * margin
    if height < 1 or width < 1:
        raise ValueError(f"{result.shape[:2]} is too small for shifts of {reach} pixels")
    kept = np.ascontiguousarray(reference[margin : margin + height, margin : margin + width])

    def window(down: int, right: int) -> _Picture:
        top, left = margin - down, margin - right
        return result[top : top + height, left : left + width]

    shifts = range(-reach, reach + 1)
    errors = np.array([[_squared_error(window(d, r), kept) for r in shifts] for d in shifts])
    row, column = (int(i) for i in np.unravel_index(errors.argmin(), errors.shape))
    down, right = row - reach, column - reach
    best = ShiftedPsnr(psnr_rgb(window(down, right), kept, peak=peak), float(down), float(right))
    fine_down = down + _vertex(errors[:, column], row)
    fine_right = right + _vertex(errors[row], column)
    moved = _shifted(result, fine_down, fine_right, peak)[margin : margin + height, margin : margin + width]
    fine = ShiftedPsnr(psnr_rgb(moved, kept, peak=peak), fine_down, fine_right)
    return max(best, fine, key=lambda shifted: shifted.psnr)


def _check(source: _Picture, reference: _Picture) -> None:
    if source.shape != reference.shape or source.ndim != 3 or source.size == 0:
        raise ValueError(f"need two H×W×C pictures of one shape, not {source.shape} and {reference.shape}")


def _squared_error(first: _Picture, second: _Picture) -> float:
    return float(cv2.norm(first, second, cv2.NORM_L2SQR))


def _vertex(errors: NDArray[np.float64], lowest: int) -> float:
    """Find where, within half a sample of ``lowest``, a parabola through its neighbours is lowest."""
    if not 0 < lowest < len(errors) - 1:
        return 0.0
    before, here, after = errors[lowest - 1 : lowest + 2]
    curvature = before - 2 * here + after
    return 0.0 if curvature <= 0 or math.isinf(curvature) else float(0.5 * (before - after) / curvature)


def _shifted(pixels: _Picture, down: float, right: float, peak: float) -> _Picture:
    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
    moved = cv2.warpAffine(
        pixels, matrix, pixels.shape[1::-1], flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(np.clip(moved, 0, peak), pixels.dtype)

"""The map between pixels of two pictures of one scene, to fractions of a pixel.

ECC: Evangelidis and Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient
Maximization", PAMI 2008. It does not mind a difference of exposure.
"""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import RegistrationError
from srnet_cli.imaging.affine import Affine, compose, invert, scaling, translation

Motion = Literal["affine", "euclidean", "translation"]
Grey = NDArray[np.float32]

#: the coarsest level of the pyramid keeps at least this many pixels on its short side
COARSEST_SIDE = 20
#: longest side of the finest level: beyond it a step is a small fraction of a pixel
_FINEST_SIDE = 3072
_ITERATIONS = 200
#: a standard deviation in grey levels below which there is nothing to go by
_FLAT = 1e-3
#: side of the Gaussian in pixels that ECC smooths with
_SMOOTHING = 5
#: a correlation from which on no other start is tried
SURE = 0.8
_MOTIONS = {
    "affine": cv2.MOTION_AFFINE,
    "euclidean": cv2.MOTION_EUCLIDEAN,
    "translation": cv2.MOTION_TRANSLATION,
}


def grey(rgb: NDArray[np.uint8]) -> Grey:
    """Take the luma of H×W×3 RGB, 0..255.

    Example:
        >>> grey(np.full((2, 3, 3), 100, np.uint8)).max().item()
        100.0
    """
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def register(moving: Grey, fixed: Grey, motion: Motion, start: Affine) -> tuple[Affine, float]:
    """Find the map from pixels of ``fixed`` to those of ``moving`` by ECC, from coarse to fine.

    ``start`` is the map as far as it is known; of a large shift phase correlation tells the rest.

    Returns:
        The map, and the correlation coefficient of the two pictures after it.

    Raises:
        RegistrationError: when ECC does not converge at the finest level, as with flat pictures.

    Example:
        >>> matrix, correlation = register(grey(lr_up), grey(hr), "affine", identity())
    """
    factor = min(1.0, _FINEST_SIDE / max(fixed.shape))
    fixed, to_fixed = _reduced(fixed, factor)
    moving, to_moving = _reduced(moving, factor)
    pyramid = [(moving, fixed)]
    while min(pyramid[-1][1].shape) >= 2 * COARSEST_SIDE:
        pyramid.append((_half(pyramid[-1][0]), _half(pyramid[-1][1])))
    nominal = compose(to_moving, start, invert(to_fixed))
    coarsest = _times(nominal, 0.5 ** (len(pyramid) - 1))
    found: list[tuple[float, Affine]] = []
    failure: RegistrationError | None = None
    # The start first: what phase correlation says of a few pixels counts where the start leads nowhere.
    for first in (coarsest, _shifted(*pyramid[-1], coarsest)):
        try:
            warp, correlation = _descend(pyramid, motion, first)
        except RegistrationError as error:
            failure = error
            continue
        found.append((correlation, warp))
        if correlation >= SURE:
            break
    if not found:
        raise failure or RegistrationError("the pictures do not show the same thing")
    correlation, warp = max(found, key=lambda one: one[0])
    return compose(invert(to_moving), warp, to_fixed), correlation


def _descend(pyramid: list[tuple[Grey, Grey]], motion: Motion, start: Affine) -> tuple[Affine, float]:
    """Run ECC from the coarsest level, where ``start`` applies, to the finest."""
    warp, correlation = start, math.nan
    top = len(pyramid) - 1
    for level in range(top, -1, -1):
        # Few parameters while little is known: a shift, then a rotation, then the whole model.
        first: tuple[Motion, ...] = ("translation", "euclidean") if level == top else ()
        for model in (*first, motion) if motion != "translation" else (motion,):
            try:
                warp, correlation = ecc(*pyramid[level], model, warp, _ITERATIONS)
            except RegistrationError:
                if level == 0:
                    raise
                # A blurred level may be too poor; the next finer one starts from what was known before.
        if level > 0:
            warp = _times(warp, 2.0)
    return warp, correlation


def ecc(
    moving: Grey, fixed: Grey, motion: Motion, start: Affine, iterations: int, *, masked: bool = True
) -> tuple[Affine, float]:
    """Improve ``start``, a map from ``fixed`` to ``moving``, at one resolution.

    With ``masked`` what lies outside of ``moving`` does not count; without, it counts as black.

    Returns:
        The map, and the correlation coefficient that it reaches.

    Raises:
        RegistrationError: when it does not converge, or a picture is flat.
    """
    if min(float(picture.std()) for picture in (moving, fixed)) < _FLAT:
        raise RegistrationError("the pictures are flat or do not show the same thing")
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, iterations, 1e-6)
    try:
        # ECC warps the mask along with the picture.
        mask = (np.full(moving.shape, 255, np.uint8), _SMOOTHING) if masked else ()
        correlation, found = cv2.findTransformECC(
            fixed, moving, start.astype(np.float32), _MOTIONS[motion], stop, *mask
        )
    except cv2.error as error:
        raise RegistrationError("the pictures are flat or do not show the same thing") from error
    # Rounding takes the coefficient of equal pictures above 1.
    if not (np.isfinite(found).all() and abs(correlation) <= 1.001):
        raise RegistrationError("the pictures are flat or do not show the same thing")
    return np.asarray(found, np.float64), float(correlation)


def moved(moving: Grey, matrix: Affine, shape: tuple[int, ...]) -> tuple[Grey, NDArray[np.bool_]]:
    """Move a picture onto one of that shape; also which of the pixels lie inside of it."""
    size = (shape[1], shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = np.asarray(cv2.warpAffine(moving, matrix, size, flags=flags), np.float32)
    inside = cv2.warpAffine(np.ones(moving.shape, np.float32), matrix, size, flags=flags)
    return picture, np.asarray(inside) > 0.999


def phase_shift(moving: Grey, fixed: Grey) -> tuple[float, float]:
    """Measure by phase correlation how far right and down the features of ``moving`` lie from ``fixed``'s."""
    window = cv2.createHanningWindow((fixed.shape[1], fixed.shape[0]), cv2.CV_32F)
    # OpenCV multiplies pictures of a size that it need not pad by the window in place.
    (right, down), _ = cv2.phaseCorrelate(fixed.copy(), moving.copy(), window)
    return right, down


def _shifted(moving: Grey, fixed: Grey, start: Affine) -> Affine:
    """Add to the start the shift that phase correlation finds, if it finds one."""
    right, down = phase_shift(moved(moving, start, fixed.shape)[0], fixed)
    if not (math.isfinite(right) and math.isfinite(down)):
        return start
    return compose(start, translation(right, down))


def _reduced(picture: Grey, factor: float) -> tuple[Grey, Affine]:
    """Make a picture smaller, and the map of coordinates to it."""
    if factor >= 1.0:
        return picture, scaling(1.0)
    height, width = (max(1, round(side * factor)) for side in picture.shape)
    across, down = width / picture.shape[1], height / picture.shape[0]
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    matrix = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])
    return np.asarray(small, np.float32), matrix


def _half(picture: Grey) -> Grey:
    """Blur and keep every second pixel: coordinates are exactly halved."""
    return np.asarray(cv2.pyrDown(picture), np.float32)


def _times(warp: Affine, factor: float) -> Affine:
    """Give the same motion where coordinates are ``factor`` times as large."""
    scaled: Affine = warp * np.array([1.0, 1.0, factor])
    return scaled

"""Pictures of high dynamic range (PQ and HLG, ITU-R BT.2100) brought to sRGB.

White of 203 cd/m² (BT.2408) becomes 1; what is brighter, up to 1,000 cd/m², is brought below it
(:mod:`.shoulder`), by the largest of the three channels, and all three are scaled alike, so
that hues stay. What lies outside sRGB then is clipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.colour.shoulder import shoulder
from srnet_cli.imaging.colour.stated import SRGB, HighRange, Primaries, StatedColour
from srnet_cli.imaging.picture import Pixels
from srnet_cli.imaging.srgb import linear_to_srgb

_WHITE, _BRIGHTEST = 203.0, 1000.0
_ROWS_AT_ONCE = 256
#: BT.2100, table 5: the exponent of HLG's display of 1,000 cd/m², and its weights of luminance
_HLG_GAMMA = 1.2
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)


def to_sdr(samples: Pixels, stated: StatedColour) -> Pixels:
    """Return H×W×C samples (C = 1..4; alpha is the last of 2 and 4) of the same depth in sRGB."""
    assert stated.high_range is not None
    peak = int(np.iinfo(samples.dtype).max)
    light = _light(np.linspace(0, 1, peak + 1), stated.high_range).astype(np.float32)
    colours = samples.shape[2] - (samples.shape[2] in (2, 4))
    matrix = conversion(stated.primaries, SRGB).astype(np.float32)
    result = samples.copy()
    for start in range(0, samples.shape[0], _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        linear = light[samples[rows, :, :colours]]
        if stated.high_range == "HLG":
            linear = _displayed(linear)
        brightest = linear.max(axis=2, keepdims=True)
        linear *= shoulder(brightest, _BRIGHTEST / _WHITE) / np.maximum(brightest, np.float32(1e-6))
        if colours == 3:
            linear = linear @ matrix.T
        coded = linear_to_srgb(linear.clip(0, 1))
        result[rows, :, :colours] = np.rint(coded * np.float32(peak)).astype(samples.dtype)
    return result


def conversion(source: Primaries, target: Primaries) -> NDArray[np.float64]:
    """Return the 3×3 matrix between linear RGB of two sets of primaries with the same white."""
    return np.asarray(np.linalg.solve(_to_xyz(target), _to_xyz(source)))


def _to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    points = np.array(primaries.points()[:3]).T
    unscaled = np.vstack([points, 1 - points.sum(axis=0)])
    x, y = primaries.white
    white = np.array([x, y, 1 - x - y]) / y
    return np.asarray(unscaled * np.linalg.solve(unscaled, white))


def _light(coded: NDArray[np.float64], high_range: HighRange) -> NDArray[Any]:
    """Return light of coded values: relative to white for PQ, of the scene with 1 as the peak for HLG."""
    if high_range == "PQ":  # BT.2100, table 4
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = coded ** (1 / m2)
        return 10_000 / _WHITE * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)


def _displayed(scene: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a display of 1,000 cd/m² shows of HLG, relative to white."""
    weights = _LUMINANCE if scene.shape[2] == 3 else np.ones(1, np.float32)
    luminance = (scene @ weights)[..., None]
    return np.asarray(scene * luminance ** np.float32(_HLG_GAMMA - 1) * np.float32(_BRIGHTEST / _WHITE))

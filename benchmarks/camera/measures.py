"""Measures of what a camera did to a picture, beside the scene that it saw.

``lr`` is a stored picture, ``scene`` the HR picture of the same scene reduced by area to LR's size; both
H×W×3 float, RGB, 0..255, aligned. Measures of pictures of one scene can be compared.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from srnet_cli.data.camera.colour import TO_YCBCR

Pixels = NDArray[np.float32]

#: borders of the radial frequency bands in cycles per LR pixel, logarithmic
BANDS = np.geomspace(0.02, 0.5, 10)
#: the measures by which pictures are compared; the lowest bands hardly differ
SUMMARY = (
    *(f"luma_band_{i}" for i in range(3, 9)), *(f"chroma_band_{i}" for i in range(3, 9)), "noise_luma",
    "noise_chroma", "correlation_luma", "correlation_chroma", "overshoot", "undershoot", "sharpness",
)  # fmt: skip
_YCBCR = np.array(TO_YCBCR, np.float32)
_BLOCK = 8
#: share of a picture's blocks that count as flat
_FLAT_SHARE = 0.08
#: least contrast of an edge whose halo is measured, and least number of such edges
_STEP, _EDGES = 25.0, 12


def measure(lr: Pixels, scene: Pixels) -> dict[str, float]:
    """Return all measures of ``lr`` by name; NaN where the picture offers nothing to measure."""
    lr = _same_exposure(lr, scene)
    a, b = lr @ _YCBCR.T, scene @ _YCBCR.T
    result: dict[str, float] = {}
    for name, planes in (("luma", slice(0, 1)), ("chroma", slice(1, 3))):
        gain = 10 * np.log10(spectrum(a[..., planes]) / spectrum(b[..., planes]))
        result |= {f"{name}_band_{i}": float(value) for i, value in enumerate(gain)}
    result |= flat_noise(a, b)
    result["overshoot"], result["undershoot"] = halo(a[..., 0], b[..., 0])
    result["sharpness"] = _sharpness(a[..., 0]) / _sharpness(b[..., 0])
    return result


def spectrum(planes: Pixels) -> NDArray[np.float64]:
    """Return the power in each band, summed over planes; Hann window."""
    height, width = planes.shape[:2]
    window = np.hanning(height)[:, None] * np.hanning(width)[None]
    centred = (planes - planes.mean((0, 1))) * window[..., None]
    power = (np.abs(np.fft.fft2(centred, axes=(0, 1))) ** 2).sum(2)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    band = np.digitize(radius, BANDS)
    return np.array([power[band == i].mean() for i in range(1, len(BANDS))])


def flat_noise(lr: Pixels, scene: Pixels) -> dict[str, float]:
    """Return the deviation within flat blocks (medians), by brightness, and its correlation at lag 1."""
    smooth = cv2.GaussianBlur(scene[..., 0], (0, 0), 1.5)
    slopes = (np.asarray(cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx), np.float32) for dx in (0, 1))
    activity = sum(_blocks(np.abs(slope)).mean((1, 2)) for slope in slopes)
    flat = activity <= np.quantile(activity, _FLAT_SHARE)
    bright = _blocks(np.asarray(smooth, np.float32))[flat].mean((1, 2))
    residual = [_without_plane(_blocks(lr[..., c])[flat]) for c in range(3)]
    luma = residual[0].std((1, 2)) + 1e-3
    chroma = np.sqrt((residual[1] ** 2 + residual[2] ** 2).mean((1, 2)) / 2) + 1e-3
    result = {"noise_luma": float(np.median(luma)), "noise_chroma": float(np.median(chroma))}
    for name, low, high in (("dark", 0, 85), ("mid", 85, 170), ("bright", 170, 256)):
        inside = (bright >= low) & (bright < high)
        enough = inside.sum() >= 4
        result[f"noise_luma_{name}"] = float(np.median(luma[inside])) if enough else np.nan
        result[f"noise_chroma_{name}"] = float(np.median(chroma[inside])) if enough else np.nan
    # The median again, so that a few blocks with texture do not decide.
    result["correlation_luma"] = float(np.median(_lag_1(residual[0])))
    result["correlation_chroma"] = float(np.median(_lag_1(residual[1]) + _lag_1(residual[2])) / 2)
    return result


def halo(luma: Pixels, scene: Pixels) -> tuple[float, float]:
    """Return the median overshoot and undershoot beside strong isolated edges, as shares of the step."""
    over, under = [], []
    for a, b in ((luma, scene), (luma.T, scene.T)):
        # Averaged along the edge over three pixels: an edge is longer than noise.
        windows_a, windows_b = (
            sliding_window_view(cv2.blur(np.ascontiguousarray(plane), (1, 3)), 13, axis=1) for plane in (a, b)
        )
        step = windows_b[..., 9:].mean(-1) - windows_b[..., :4].mean(-1)
        slope = np.abs(windows_b[..., 7] - windows_b[..., 5])
        peak = slope >= np.maximum(
            np.abs(windows_b[..., 6] - windows_b[..., 4]), np.abs(windows_b[..., 8] - windows_b[..., 6])
        )
        spread = np.maximum(windows_b[..., 9:].std(-1), windows_b[..., :4].std(-1))
        good = peak & (np.abs(step) > _STEP) & (slope > 0.5 * np.abs(step)) & (spread < 0.10 * np.abs(step))
        profile, sign = windows_a[good], np.sign(step[good])
        profile = np.where(sign[:, None] > 0, profile, profile[:, ::-1])
        low, high = profile[:, :3].mean(1), profile[:, 10:].mean(1)
        height = np.maximum(high - low, 1)
        over.append((profile[:, 7:10].max(1) - high) / height)
        under.append((low - profile[:, 3:6].min(1)) / height)
    over_all, under_all = np.concatenate(over), np.concatenate(under)
    if len(over_all) < _EDGES:
        return np.nan, np.nan
    return float(np.median(over_all)), float(np.median(under_all))


def _same_exposure(lr: Pixels, scene: Pixels) -> Pixels:
    """Match gain and offset of each colour to the scene's, by the blurred pictures."""
    result = np.empty_like(lr)
    for c in range(3):
        x, y = (cv2.GaussianBlur(p[..., c], (0, 0), 3).ravel().astype(np.float64) for p in (lr, scene))
        gain = np.cov(x, y)[0, 1] / (x.var() + 1e-6)
        result[..., c] = gain * (lr[..., c] - x.mean()) + y.mean()
    return result


def _sharpness(luma: Pixels) -> float:
    """Mean of the strongest tenth of gradients: texture and edges rather than noise."""
    gradient = np.hypot(np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1])
    return float(np.sort(gradient.ravel())[-gradient.size // 10 :].mean())


def _blocks(plane: Pixels) -> Pixels:
    height, width = (side // _BLOCK for side in plane.shape)
    cut = plane[: height * _BLOCK, : width * _BLOCK].reshape(height, _BLOCK, width, _BLOCK)
    return np.asarray(cut.transpose(0, 2, 1, 3).reshape(-1, _BLOCK, _BLOCK), np.float32)


def _without_plane(blocks: Pixels) -> Pixels:
    position = np.arange(_BLOCK, dtype=np.float32) - (_BLOCK - 1) / 2
    y, x = (p / np.sqrt((p**2).sum()) for p in np.meshgrid(position, position, indexing="ij"))
    rest = blocks - blocks.mean((1, 2), keepdims=True)
    for axis in (y, x):
        rest = rest - (rest * axis).sum((1, 2), keepdims=True) * axis
    return np.asarray(rest, np.float32)


def _lag_1(blocks: Pixels) -> NDArray[np.float64]:
    across = (blocks[:, :, 1:] * blocks[:, :, :-1]).mean((1, 2))
    down = (blocks[:, 1:] * blocks[:, :-1]).mean((1, 2))
    return np.asarray((across + down) / (2 * (blocks**2).mean((1, 2)) + 1e-3), np.float64)

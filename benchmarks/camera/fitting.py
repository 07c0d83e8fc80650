"""What parameters explain real LR: approximate Bayesian computation with regression adjustment.

Beaumont, Zhang and Balding, Genetics 162(4), 2002. Cameras are drawn from wide ranges, each takes the scenes
of the real pairs, and those are kept whose LR measures like the real one.

The LR of City100 was enlarged to HR's size and reduced to a quarter by area when the pairs were made, so the
simulated one is captured finer and reduced by area here, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.camera.measures import SUMMARY, measure
from benchmarks.camera.pairs import CAMERAS, SCALE, as_pictures, as_tensor, read_pairs
from srnet_cli.data.camera.drawing import draw_parameters
from srnet_cli.data.camera.parameters import CameraParameters, CameraRanges
from srnet_cli.data.camera.simulation import simulate

#: wide ranges to begin with: uniform, all with an engine, all resized as the pairs were
PRIOR = CameraRanges(
    raw_share=0.0, blur=(0.2, 1.1), defocus_share=0.0, motion_share=0.0, shift=(0.0, 0.0),
    colour_shift=(-0.3, 0.3), shot_noise=(-5.0, -2.3), luma_reduction=(0.0, 4.0),
    chroma_reduction=(0.0, 8.0), chroma_blur=(0.0, 2.6), unsharpened_share=0.0, sharpening=(0.0, 2.5),
    sharpening_radius=(0.4, 2.0), coring=(0.0, 3.0), resized_share=1.0, capture=(1.0, 1.7),
    uncompressed_share=0.0, jpeg_quality=(75.0, 98.0), second_jpeg_share=0.0,
)  # fmt: skip
#: inferred parameters, with "log" where a ratio is what counts
INFERRED = {
    "blur": "log", "shot_noise": "log", "luma_reduction": "", "chroma_reduction": "", "chroma_blur": "",
    "sharpening": "", "sharpening_radius": "log", "coring": "", "capture": "", "jpeg_quality": "",
}  # fmt: skip
#: cameras that take a scene at once
TOGETHER = 4
_LOGARITHMIC = ("noise_luma", "noise_chroma")
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Values = NDArray[np.float64]


def infer(folder: Path, draws: int, every: int) -> dict[str, Any]:
    """Return quantiles 5, 25, 50, 75, 95 of the parameters that explain the real LR, for each camera."""
    differences: dict[str, list[Values]] = {camera: [] for camera in CAMERAS}
    parameters: dict[str, list[Values]] = {camera: [] for camera in CAMERAS}
    for number, pair in enumerate(read_pairs(folder, every)):
        real = _summary(measure(pair.lr, pair.scene))
        for start in range(0, draws, TOGETHER):
            seeds = [1_000_000 + number * 1000 + start + i for i in range(TOGETHER)]
            p = _drawn(seeds)
            lr = simulate(as_tensor(pair.hr, TOGETHER), SCALE, p, PRIOR.capture[1], seeds)
            made = [_summary(measure(picture, pair.scene)) - real for picture in as_pictures(lr)]
            differences[pair.camera] += made
            parameters[pair.camera] += list(_transformed(p))
        print(number, pair.name, flush=True)
    return {c: _adjusted(np.array(parameters[c]), np.array(differences[c])) for c in CAMERAS}


def _drawn(seeds: Sequence[int]) -> CameraParameters:
    p = draw_parameters(seeds, PRIOR)
    # By area, as the pairs were made.
    return replace(p, resize_filter=torch.full_like(p.blur, 0.5))


def _summary(measured: dict[str, float]) -> Values:
    return np.array([np.log(measured[n]) if n in _LOGARITHMIC else measured[n] for n in SUMMARY])


def _transformed(p: CameraParameters) -> Values:
    columns = [getattr(p, name).double().numpy() for name in INFERRED]
    kinds = zip(columns, INFERRED.values(), strict=True)
    return np.stack([np.log(column) if how else column for column, how in kinds], axis=1)


def _adjusted(theta: Values, difference: Values) -> dict[str, dict[str, list[float]]]:
    """Keep the nearest tenth and move it to a difference of 0 by local linear regression."""
    scaled = np.nan_to_num(difference / (np.nanmedian(np.abs(difference), axis=0) + 1e-6))
    distance = np.sqrt((np.clip(scaled, -6, 6) ** 2).mean(1))
    near = np.argsort(distance)[: max(40, len(distance) // 10)]
    weight = np.sqrt(np.clip(1 - (distance[near] / distance[near].max()) ** 2, 1e-3, None))
    design = np.hstack([np.ones((len(near), 1)), scaled[near]])
    ridge = np.diag([0.0] + [2.0] * scaled.shape[1])
    a = design * weight[:, None]
    slope = np.linalg.solve(a.T @ a + ridge, a.T @ (theta[near] * weight[:, None]))[1:]
    moved = np.clip(theta[near] - scaled[near] @ slope, theta.min(0), theta.max(0))
    result: dict[str, dict[str, list[float]]] = {}
    for i, (name, how) in enumerate(INFERRED.items()):
        for label, values in (("prior", theta), ("posterior", moved)):
            column = np.exp(values[:, i]) if how else values[:, i]
            result.setdefault(name, {})[label] = [round(float(q), 6) for q in np.quantile(column, _QUANTILES)]
    return result

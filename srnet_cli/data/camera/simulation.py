"""Simulated zoom: from a sharp photograph, what a camera with a shorter lens would have recorded.

Batched tensor code for CPU and GPU. Every patch has a seed of its own, so its LR does not depend on the
batch, worker or rank that makes it. HR and LR are N×3×H×W, RGB, sRGB, 0..255 float.

The order of the camera model matters: white balance is applied *before* demosaicking, as raw developers
do. Demosaicking unbalanced data leaves green fringes and zipper that no camera shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from srnet_cli.data.camera import jpeg
from srnet_cli.data.camera.development import develop, sharpen
from srnet_cli.data.camera.lens import lens_kernels
from srnet_cli.data.camera.parameters import CameraRanges, draw_parameters
from srnet_cli.data.camera.reduction import reduce_bicubic, reduce_with_kernels
from srnet_cli.data.camera.sensor import record
from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear

Degradation = Callable[[Tensor, int, Sequence[int]], Tensor]

#: Share of the mixed degradation's patches that are reduced by plain bicubic instead of by the camera, so
#: that a network trained on it also does well on clean, already reduced pictures.
BICUBIC_SHARE = 0.1


def camera_zoom(hr: Tensor, scale: int, seeds: Sequence[int], ranges: CameraRanges | None = None) -> Tensor:
    """Simulate what a camera with a ``scale`` times shorter lens would have recorded of ``hr``.

    ``hr`` is N×3×H×W, 0..255, H and W divisible by ``scale``; one seed for each patch. Returns
    N×3×H/scale×W/scale, whole numbers 0..255 as float.
    """
    p = draw_parameters(seeds, ranges or CameraRanges(), hr.device)
    linear = srgb_to_linear(hr / 255)
    reduced = reduce_with_kernels(linear, scale, lens_kernels(p, scale))
    developed = develop(record(reduced, p, seeds), p)
    sharpened = sharpen(linear_to_srgb(developed) * 255, p)
    stored = jpeg.compress(sharpened.clamp(0, 255).round(), p.jpeg_quality, p.jpeg_subsampled)
    return stored.clamp(0, 255).round()


def mixed_zoom(hr: Tensor, scale: int, seeds: Sequence[int]) -> Tensor:
    """Apply ``camera_zoom``, but for a share of the patches (``BICUBIC_SHARE``) ``bicubic_zoom``."""
    # Drawn on the CPU, so that a GPU need not be waited for to know which patches are which.
    plain = draw_parameters(seeds, CameraRanges(), torch.device("cpu")).choice < BICUBIC_SHARE
    lr = hr.new_empty(*hr.shape[:2], hr.shape[2] // scale, hr.shape[3] // scale)
    for degrade, chosen in ((bicubic_zoom, plain), (camera_zoom, ~plain)):
        rows = chosen.nonzero().flatten().tolist()
        if rows:
            lr[rows] = degrade(hr[rows], scale, [seeds[row] for row in rows])
    return lr


def bicubic_zoom(hr: Tensor, scale: int, seeds: Sequence[int]) -> Tensor:
    """Reduce as the literature does: MATLAB-style antialiased bicubic, rounded; ``seeds`` is not used."""
    return reduce_bicubic(hr, scale).clamp(0, 255).round()


def degradation(name: str) -> Degradation:
    """Look up ``camera``, ``mixed`` or ``bicubic``.

    Raises:
        ValueError: for any other name.
    """
    known: dict[str, Degradation] = {"camera": camera_zoom, "mixed": mixed_zoom, "bicubic": bicubic_zoom}
    if name not in known:
        raise ValueError(f"unknown degradation {name!r}; one of {', '.join(known)}")
    return known[name]

"""Parameters of the simulated camera and the ranges that they are drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

Range = tuple[float, float]


@dataclass(frozen=True)
class CameraRanges:
    """Ranges that the parameters are drawn from, uniformly unless said otherwise."""

    #: standard deviation of the lens blur along its wider axis, in LR pixels
    blur: Range = (0.28, 0.70)
    #: narrower axis over wider axis of the blur
    anisotropy: Range = (0.75, 1.0)
    #: sub-pixel shift of the LR grid in each direction, in LR pixels
    shift: Range = (-0.05, 0.05)
    #: share of a typical camera's colour matrix; 0 is a camera whose primaries are sRGB's
    colour_mix: Range = (0.0, 1.0)
    #: white balance gains of red and blue (green is 1)
    red_gain: Range = (1.4, 2.6)
    blue_gain: Range = (1.2, 2.4)
    #: log10 of the shot noise variance at white; -4.5 is about ISO 100, -2.7 about ISO 6400 on APS-C
    shot_noise: Range = (-4.5, -2.7)
    #: log10 of the read noise variance over the shot noise variance
    read_over_shot: Range = (-3.0, -2.0)
    #: amount of unsharp masking after development; below 0 counts as none
    sharpening: Range = (-0.25, 0.6)
    #: standard deviation of the unsharp mask, in LR pixels
    sharpening_radius: Range = (0.5, 1.0)
    #: JPEG quality; above 98 counts as no JPEG (a picture developed from RAW)
    jpeg_quality: Range = (80.0, 104.0)


@dataclass(frozen=True)
class CameraParameters:
    """One drawn value for each patch: tensors of length N on the patches' device.

    A new one goes to the end: drawn after the others, it leaves what a seed gave them as it was.
    """

    blur: Tensor
    anisotropy: Tensor
    angle: Tensor
    shift_x: Tensor
    shift_y: Tensor
    colour_mix: Tensor
    red_gain: Tensor
    blue_gain: Tensor
    shot_noise: Tensor
    read_over_shot: Tensor
    sharpening: Tensor
    sharpening_radius: Tensor
    jpeg_quality: Tensor
    #: 0 or 1: chroma stored at half resolution
    jpeg_subsampled: Tensor
    #: 0..3, which of RGGB's four phases the mosaic starts with
    bayer_phase: Tensor
    #: 0..1, for the mixed degradation: below its share of bicubic patches, this is one
    choice: Tensor


def draw_parameters(seeds: Sequence[int], ranges: CameraRanges, device: torch.device) -> CameraParameters:
    """Draw the parameters for each seed; the same seed always gives the same parameters, on any device."""
    columns = len(fields(CameraParameters))
    draws = torch.empty(len(seeds), columns)
    for row, seed in enumerate(seeds):
        draws[row] = torch.rand(columns, generator=torch.Generator().manual_seed(seed))
    u = iter(draws.to(device).unbind(dim=1))

    def uniform(bounds: Range) -> Tensor:
        low, high = bounds
        return low + (high - low) * next(u)

    return CameraParameters(
        blur=uniform(ranges.blur),
        anisotropy=uniform(ranges.anisotropy),
        angle=uniform((0.0, math.pi)),
        shift_x=uniform(ranges.shift),
        shift_y=uniform(ranges.shift),
        colour_mix=uniform(ranges.colour_mix),
        red_gain=uniform(ranges.red_gain),
        blue_gain=uniform(ranges.blue_gain),
        shot_noise=10 ** uniform(ranges.shot_noise),
        read_over_shot=10 ** uniform(ranges.read_over_shot),
        sharpening=uniform(ranges.sharpening).clamp(min=0.0),
        sharpening_radius=uniform(ranges.sharpening_radius),
        jpeg_quality=uniform(ranges.jpeg_quality),
        jpeg_subsampled=(next(u) < 0.5).float(),
        bayer_phase=uniform((0.0, 4.0)).long().clamp(max=3),
        choice=next(u),
    )

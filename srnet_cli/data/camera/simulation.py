"""Simulated zoom: from a sharp photograph, what a camera with a shorter lens would have recorded.

Batched tensor code for CPU and GPU. Every patch has a seed of its own, so its LR does not depend on the
batch, worker or rank that makes it. HR and LR are N×3×H×W, RGB, sRGB, 0..255 float.

The order of the camera model matters: white balance is applied *before* demosaicking, as raw developers
do. Demosaicking unbalanced data leaves green fringes and zipper that no camera shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.data.camera import colour, demosaic, jpeg
from srnet_cli.data.camera.reduction import reduce_bicubic, reduce_with_kernels
from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear

Degradation = Callable[[Tensor, int, Sequence[int]], Tensor]
Range = tuple[float, float]

#: Share of the mixed degradation's patches that are reduced by plain bicubic instead of by the camera, so
#: that a network trained on it also does well on clean, already reduced pictures.
BICUBIC_SHARE = 0.1


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
    """One drawn value for each patch: tensors of length N on the patches' device."""

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
    """Parameters for each seed; the same seed always gives the same parameters, on any device."""
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


def camera_zoom(hr: Tensor, scale: int, seeds: Sequence[int], ranges: CameraRanges | None = None) -> Tensor:
    """What a camera with a ``scale`` times shorter lens would have recorded of ``hr``.

    ``hr`` is N×3×H×W, 0..255, H and W divisible by ``scale``; one seed for each patch. Returns
    N×3×H/scale×W/scale, whole numbers 0..255 as float.
    """
    p = draw_parameters(seeds, ranges or CameraRanges(), hr.device)
    linear = srgb_to_linear(hr / 255)
    reduced = reduce_with_kernels(linear, scale, lens_kernels(p, scale))
    developed = _develop(_record(reduced, p, seeds), p)
    sharpened = _sharpen(linear_to_srgb(developed) * 255, p)
    stored = jpeg.compress(sharpened.clamp(0, 255).round(), p.jpeg_quality, p.jpeg_subsampled)
    return stored.clamp(0, 255).round()


def mixed_zoom(hr: Tensor, scale: int, seeds: Sequence[int]) -> Tensor:
    """``camera_zoom``, but for a share of the patches (``BICUBIC_SHARE``) ``bicubic_zoom``."""
    # Drawn on the CPU, so that nobody waits for a GPU to know which patches are which.
    plain = draw_parameters(seeds, CameraRanges(), torch.device("cpu")).choice < BICUBIC_SHARE
    lr = hr.new_empty(*hr.shape[:2], hr.shape[2] // scale, hr.shape[3] // scale)
    for degrade, chosen in ((bicubic_zoom, plain), (camera_zoom, ~plain)):
        rows = chosen.nonzero().flatten().tolist()
        if rows:
            lr[rows] = degrade(hr[rows], scale, [seeds[row] for row in rows])
    return lr


def bicubic_zoom(hr: Tensor, scale: int, seeds: Sequence[int]) -> Tensor:
    """The literature's degradation: MATLAB-style antialiased bicubic, rounded; ``seeds`` is not used."""
    return reduce_bicubic(hr, scale).clamp(0, 255).round()


def degradation(name: str) -> Degradation:
    """``camera``, ``mixed`` or ``bicubic``.

    Raises:
        ValueError: for any other name.
    """
    known: dict[str, Degradation] = {"camera": camera_zoom, "mixed": mixed_zoom, "bicubic": bicubic_zoom}
    if name not in known:
        raise ValueError(f"unknown degradation {name!r}; one of {', '.join(known)}")
    return known[name]


def lens_kernels(p: CameraParameters, scale: int) -> Tensor:
    """Lens blur, sub-pixel shift and the area of one LR pixel as one kernel for each patch: N×K×K.

    K is even when ``scale`` is, so that the kernel's centre is the centre of an LR pixel.
    """
    radius = math.ceil(3 * 0.7 * scale)
    size = 2 * radius + scale
    # The Gaussian is sampled four times as fine as the HR grid, then summed over both pixels' areas.
    fine = 4
    count = (size + scale) * fine - 1
    position = (torch.arange(count, device=p.blur.device, dtype=torch.float32) - (count - 1) / 2) / fine
    y = position.view(1, -1, 1) - p.shift_y.view(-1, 1, 1) * scale
    x = position.view(1, 1, -1) - p.shift_x.view(-1, 1, 1) * scale
    cos, sin = torch.cos(p.angle).view(-1, 1, 1), torch.sin(p.angle).view(-1, 1, 1)
    wide = (p.blur * scale).view(-1, 1, 1)
    narrow = wide * p.anisotropy.view(-1, 1, 1)
    gaussian = torch.exp(-0.5 * (((cos * x + sin * y) / wide) ** 2 + ((cos * y - sin * x) / narrow) ** 2))
    area = F.avg_pool2d(gaussian.unsqueeze(1), (scale * fine, scale * fine), stride=1)
    kernels = F.avg_pool2d(area, fine, stride=fine).squeeze(1)
    return kernels / kernels.sum(dim=(1, 2), keepdim=True)


def _record(linear: Tensor, p: CameraParameters, seeds: Sequence[int]) -> Tensor:
    """Scene light to white-balanced, noisy sensor values: N×3×H×W in 0..1, all colours at every pixel."""
    gains = torch.stack([p.red_gain, torch.ones_like(p.red_gain), p.blue_gain], dim=1).view(-1, 3, 1, 1)
    sensor = (colour.apply_matrix(linear, colour.srgb_to_camera(p.colour_mix)) / gains).clamp(min=0)
    shot = p.shot_noise.view(-1, 1, 1, 1)
    variance = shot * sensor + shot * p.read_over_shot.view(-1, 1, 1, 1)
    return ((sensor + variance.sqrt() * _normal(sensor, seeds)) * gains).clamp(0, 1)


def _normal(like: Tensor, seeds: Sequence[int]) -> Tensor:
    """Standard normal noise of the shape of ``like``, each patch from its own seed."""
    noise = torch.empty_like(like)
    for patch, seed in zip(noise, seeds, strict=True):
        patch.normal_(generator=torch.Generator(like.device).manual_seed(seed))
    return noise


def _develop(sensor: Tensor, p: CameraParameters) -> Tensor:
    """White-balanced sensor values to linear sRGB, through a Bayer mosaic."""
    full = demosaic.hamilton_adams(sensor, p.bayer_phase)
    return colour.apply_matrix(full, colour.camera_to_srgb(p.colour_mix)).clamp(0, 1)


def _sharpen(picture: Tensor, p: CameraParameters) -> Tensor:
    """Unsharp mask with a 5×5 Gaussian."""
    position = torch.arange(-2.0, 3.0, device=picture.device)
    profile = torch.exp(-0.5 * (position.view(1, -1) / p.sharpening_radius.view(-1, 1)) ** 2)
    profile = profile / profile.sum(dim=1, keepdim=True)
    kernels = profile.unsqueeze(2) * profile.unsqueeze(1)
    blurred = reduce_with_kernels(picture, 1, kernels)
    return picture + p.sharpening.view(-1, 1, 1, 1) * (picture - blurred)

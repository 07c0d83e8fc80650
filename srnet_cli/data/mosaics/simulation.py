"""Simulated RAW: from a sharp photograph, what the sensor of a camera with a shorter lens would have stored.

    HR → exposure → lens → sensor (noise, odd pixels) → mosaic

and what it should have been: HR in the same camera's colours, without lens and noise. Both are in the
encoding of ``imaging.colour.mosaic``, times 255. The sensor is that of ``data.camera``, and has its ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.drawing import Normal, draw_parameters, noise_from_seeds
from srnet_cli.data.camera.lens import through_lens
from srnet_cli.data.camera.parameters import CameraParameters, CameraRanges, plane
from srnet_cli.data.camera.sensor import record
from srnet_cli.imaging.colour.mosaic import to_root
from srnet_cli.imaging.srgb import srgb_to_linear

#: keeps what is drawn here apart from the camera's own numbers of the same seed
_STREAM = 3


@dataclass(frozen=True)
class MosaicRanges:
    """What is drawn besides the camera's parameters."""

    #: share of the patches that are as bright as the photograph
    as_it_is_share: float = 0.5
    #: stops by which the others are brighter: RAW files are darker than finished pictures, or overexposed
    exposure: tuple[float, float] = (-2.0, 0.7)
    #: share of the patches from a sensor with odd pixels, and log10 of their share of its pixels
    odd_share: float = 0.25
    odd_pixels: tuple[float, float] = (-4.5, -3.3)


def mosaic_zoom(
    hr: Tensor,
    scale: int,
    seeds: Sequence[int],
    ranges: CameraRanges | None = None,
    more: MosaicRanges | None = None,
) -> tuple[Tensor, Tensor]:
    """Simulate the mosaic that a camera with a ``scale`` times shorter lens would have stored of ``hr``.

    ``hr`` is N×3×H×W, sRGB, 0..255, H and W divisible by 2·``scale``; one seed for each patch.

    Returns:
        The packed mosaic, N×4×H/2s×W/2s, and HR in the camera's colours, N×3×H×W; both 0..255.
    """
    p = draw_parameters(seeds, ranges or CameraRanges()).to(hr.device)
    return expose(hr, scale, p, _drawn(seeds, more or MosaicRanges()), noise_from_seeds(seeds))


@dataclass(frozen=True)
class _Drawn:
    """One value for each patch, on the CPU."""

    stops: Tensor
    odd_pixels: Tensor
    seeds: tuple[int, ...]


def _drawn(seeds: Sequence[int], ranges: MosaicRanges) -> _Drawn:
    rows = []
    for seed in seeds:
        u = np.random.default_rng((seed, _STREAM)).random(4)
        low, high = ranges.exposure
        stops = 0.0 if u[0] < ranges.as_it_is_share else low + (high - low) * u[1]
        low, high = ranges.odd_pixels
        rows.append((stops, 10 ** (low + (high - low) * u[3]) if u[2] < ranges.odd_share else 0.0))
    table = torch.tensor(rows, dtype=torch.float32)
    return _Drawn(table[:, 0], table[:, 1], tuple(seeds))


def expose(
    hr: Tensor, scale: int, p: CameraParameters, drawn: _Drawn, normal: Normal
) -> tuple[Tensor, Tensor]:
    """Take the pictures ``hr`` with given parameters; see :func:`mosaic_zoom`."""
    light = _decoded(hr) * plane(2.0**drawn.stops).to(hr.device)
    sensor = record(through_lens(light, scale, p), p, normal)
    mosaic = _with_odd_pixels(pack(sensor), drawn)
    target = colour.apply_matrix(light, colour.srgb_to_camera(p.colour_mix))
    return to_root(mosaic) * 255, to_root(target) * 255


def _decoded(hr: Tensor) -> Tensor:
    """Decode whole numbers 0..255 of sRGB to linear light, by a table."""
    codes = torch.arange(256, device=hr.device)
    return srgb_to_linear(codes / 255).index_select(0, hr.reshape(-1).int()).view_as(hr)


def pack(picture: Tensor) -> Tensor:
    """Sample N×3×H×W, H and W even, on RGGB: N×4×H/2×W/2 of R, G, B, G."""
    red, green, blue = picture.unbind(dim=1)
    planes = [red[:, ::2, ::2], green[:, ::2, 1::2], blue[:, 1::2, 1::2], green[:, 1::2, ::2]]
    return torch.stack(planes, dim=1)


def _with_odd_pixels(mosaic: Tensor, drawn: _Drawn) -> Tensor:
    """Put hot and dead pixels into the mosaics that have some."""
    for row, share in enumerate(drawn.odd_pixels.tolist()):
        if share:
            random = np.random.default_rng((drawn.seeds[row], _STREAM + 1))
            count = random.poisson(share * mosaic[row].numel())
            places = torch.from_numpy(random.integers(0, mosaic[row].numel(), count)).to(mosaic.device)
            values = np.where(random.random(count) < 0.3, 0.0, random.random(count))
            mosaic[row].view(-1)[places] = torch.from_numpy(values).to(mosaic)
    return mosaic

"""Resizing: what software does to a picture between the camera and us, and MATLAB's bicubic reduction.

Separable, a matrix for each patch, so that every patch has its own factor.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from srnet_cli.data.camera.parameters import CameraParameters
from srnet_cli.imaging.resize import matlab_taps

#: input samples on each side of a centre: three lobes widened by a step of up to 2.5
_REACH = 8


def enlarge_scene(hr: Tensor, p: CameraParameters, height: int, width: int) -> Tensor:
    """Resample the scene so that ``capture`` times as many captured pixels cover it: N×3×height×width.

    A patch whose factor is smaller than others' fills the rest with its mirror image. Cubic, antialiased
    where it reduces.
    """

    def matrix(size: int, count: int) -> Tensor:
        return resampling_matrix(size, count, 1 / p.capture, torch.zeros_like(p.resize_filter))

    return _resample(hr, matrix(hr.shape[2], height), matrix(hr.shape[3], width))


def resize_capture(picture: Tensor, p: CameraParameters, height: int, width: int) -> Tensor:
    """Resize the captured picture to LR's size by bicubic, area or Lanczos, as image programs do."""

    def matrix(size: int, count: int) -> Tensor:
        return resampling_matrix(size, count, p.capture, p.resize_filter)

    return _resample(picture, matrix(picture.shape[2], height), matrix(picture.shape[3], width))


def resampling_matrix(size: int, count: int, step: Tensor, choice: Tensor) -> Tensor:
    """Weights of ``count`` output samples ``step`` (N) input samples apart: N×count×size.

    ``choice`` (N) selects Keys' cubic (a = -0.5), area or Lanczos with three lobes, each widened by the step
    where it reduces. Beyond the border samples are mirrored.
    """
    step, choice = step.view(-1, 1, 1), choice.view(-1, 1, 1)
    widening = step.clamp(min=1)
    centre = (torch.arange(count, device=step.device).view(1, -1, 1) + 0.5) * step - 0.5
    reach = _REACH
    weights = torch.zeros(step.shape[0], count, size, device=step.device)
    # Taps around each centre, then their mirrored places: the matrix stays exact at the border.
    first = centre.floor() - reach + 1
    taps = first + torch.arange(2 * reach, device=step.device).view(1, 1, -1)
    distance = (taps - centre).abs()
    cubic, lanczos = keys_cubic(distance / widening), lanczos3(distance / widening)
    area = (widening / 2 + 0.5 - distance).clamp(min=0).minimum(torch.ones_like(distance))
    values = torch.where(choice < 1 / 3, cubic, torch.where(choice < 2 / 3, area, lanczos))
    values = values / values.sum(dim=2, keepdim=True)
    mirrored = (taps.long() + 2 * size * 8) % (2 * size)
    mirrored = torch.where(mirrored < size, mirrored, 2 * size - 1 - mirrored)
    return weights.scatter_add_(2, mirrored, values)


def keys_cubic(t: Tensor) -> Tensor:
    """Keys' kernel (IEEE TASSP 29(6), 1981), a = -0.5, of a distance >= 0."""
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t <= 1, near, torch.where(t < 2, far, 0.0))


def lanczos3(t: Tensor) -> Tensor:
    """Lanczos' window over sinc, three lobes, of a distance >= 0."""
    return torch.where(t < 3, torch.sinc(t) * torch.sinc(t / 3), 0.0)


def _resample(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Apply N×h×H to the rows and N×w×W to the columns of N×3×H×W."""
    return rows.unsqueeze(1) @ pictures @ columns.transpose(1, 2).unsqueeze(1)


def reduce_bicubic(pictures: Tensor, scale: int) -> Tensor:
    """Reduce as MATLAB's ``imresize(…, 1/scale)``: cubic (a = -0.5) widened by ``scale``, borders mirrored.

    N×C×H×W with H and W divisible by ``scale``; not rounded, range slightly beyond the input's.
    """
    for dim in (2, 3):
        size = pictures.shape[dim]
        matrix = _on_device(size, size // scale, pictures.device, pictures.dtype)
        pictures = torch.tensordot(pictures, matrix, dims=([dim], [1])).movedim(-1, dim)
    return pictures


@lru_cache(maxsize=32)
def _on_device(size: int, reduced: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    return bicubic_matrix(size, reduced).to(device, dtype)


@lru_cache(maxsize=32)
def bicubic_matrix(size: int, reduced: int) -> Tensor:
    """Weigh ``size`` samples for MATLAB's bicubic reduction to ``reduced``: reduced×size, float64."""
    weights, indices = (torch.from_numpy(values) for values in matlab_taps(size, reduced))
    return torch.zeros(reduced, size, dtype=torch.float64).scatter_add_(1, indices, weights)

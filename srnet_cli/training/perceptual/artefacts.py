"""Losses against invented patterns: locally discriminative learning, and the grid of pixel shuffle."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.training.losses import RANGE, Sample, Setting, Term
from srnet_cli.training.perceptual.bands import high_band
from srnet_cli.training.step.stepper import Precision

#: side of the window in which the error's variance is taken
_WINDOW = 7
#: keep logarithms finite: of powers of spectra, of energies of phases
_POWER, _ENERGY = 1e-3, 1e-3


def ldl(sr: Tensor, hr: Tensor, average: Tensor) -> Tensor:
    """Weight L1 by how much the error varies locally, where the average network errs less.

    The weight of a pixel is the variance of the error (sum over channels of |HR − SR|/255) in 7×7 pixels
    times its variance over the patch to the power 0.2, and 0 where SR is nearer to HR than ``average``, the
    picture of the running average of the weights. Grey levels; about a hundredth of L1, so weights of 10 to
    100 are usual.

    Source: Liang, Zeng, Zhang, "Details or Artifacts: A Locally Discriminative Learning Approach to Realistic
    Image Super-Resolution", CVPR 2022, eq. 2-5.
    """
    with torch.no_grad():
        error = (hr - sr).abs().sum(1, keepdim=True) / RANGE
        steadier = (hr - average).abs().sum(1, keepdim=True) / RANGE
        reach = _WINDOW // 2
        padded = F.pad(error, (reach, reach, reach, reach), mode="reflect")
        mean = F.avg_pool2d(padded, _WINDOW, 1)
        count = _WINDOW**2
        local = (F.avg_pool2d(padded**2, _WINDOW, 1) - mean**2).clamp(min=0) * (count / (count - 1))
        weight = local * error.var((1, 2, 3), keepdim=True) ** 0.2
        weight = weight.masked_fill(error < steadier, 0.0)
    return (weight * (sr - hr).abs()).mean()


def grid_loss(sr: Tensor, hr: Tensor, scale: int) -> Tensor:
    """Forbid the lines of pixel shuffle that HR does not have.

    The sum of two mean squares of differences of natural logarithms. *Lines*: how far the slope's power at
    the periods of the scale and 2 stands out of its neighbours, where that is more than in HR. *Phases*: the
    shares of the scale² places that pixel shuffle fills in the energy of the high band, against those in HR.
    A grid of 6 dB gives about 2.
    """
    excess = F.relu(_lines(sr, scale) - _lines(hr, scale).detach())
    shares, true = _phases(sr, scale), _phases(hr, scale).detach()
    unequal = shares - shares.mean(1, keepdim=True) - true + true.mean(1, keepdim=True)
    return excess.square().mean() + unequal.square().mean()


def _lines(picture: Tensor, scale: int) -> Tensor:
    """Compute logarithms of peaks over their neighbours: N × (periods, along rows and along columns)."""
    grey = picture.mean(1)
    found = []
    for lines in (grey, grey.transpose(1, 2)):
        unit = 2 * scale
        size = (lines.shape[2] - 1) // unit * unit
        slope = lines[:, :, : size + 1].diff(dim=2)
        window = torch.hann_window(size, device=slope.device, dtype=slope.dtype)
        power = torch.fft.rfft(slope * window, dim=2).abs().square().mean(1) + _POWER
        for period in sorted({scale, 2}):
            at = size // 2 - 1 if period == 2 else size // period
            far = max(3, size // max(16, 4 * period))
            beside = [*range(at - far, at - 2)]
            if period > 2:
                beside += range(at + 3, at + far + 1)
            peak = power[:, at - 1 : at + 2].mean(1)
            found.append(torch.log(peak) - torch.log(power[:, beside].mean(1)))
    return torch.stack(found, 1)


def _phases(picture: Tensor, scale: int) -> Tensor:
    """Compute the logarithm of the high band's energy at each place of pixel shuffle: N×scale²."""
    grey = high_band(picture, scale).mean(1, keepdim=True)
    return torch.log(F.pixel_unshuffle(grey, scale).square().mean((2, 3)) + _ENERGY)


def make_grid(setting: Setting) -> Term:
    """Make the loss of a run's scale."""
    return lambda sample: grid_loss(sample.sr, sample.hr, setting.scale)


def make_ldl(setting: Setting) -> Term:
    """Make the loss with the running average of a run."""
    assert setting.average is not None
    average: nn.Module = setting.average
    precision = Precision(setting.device, setting.dtype)

    def term(sample: Sample) -> Tensor:
        with torch.no_grad(), precision.autocast():
            steadier: Tensor = average(sample.lr.contiguous(memory_format=torch.channels_last)).sr
        return ldl(sample.sr, sample.hr, steadier.to(sample.sr.dtype))

    return term

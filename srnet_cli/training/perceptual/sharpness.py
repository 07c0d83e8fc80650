"""Loss for sharpness: as much slope in every window as HR has, wherever in it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.training.losses import Setting, Term

#: side of a window, LR pixels, and its step
_WINDOW, _STEP = 4, 2
#: slope from which on a window has texture, grey levels: what is flat has grain, which no zoom should make
_TEXTURE = 6.0
#: of lines at every second pixel nothing is left, at every fourth a quarter: a grid is no sharpness
_SMOOTHING = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def sharpness_loss(sr: Tensor, hr: Tensor, scale: int) -> Tensor:
    """Compare the mean slopes of windows, D in SR and T in HR: the mean of |D - T|·T² / (T + 6)³.

    The slope is that of ``metrics.detail.sharpness_ratio``, absolute differences of neighbours, across and
    down, of the mean of the channels, here after a binomial blur (1, 4, 6, 4, 1) both ways. Windows have 4 LR
    pixels a side and overlap by half. L1 makes what it cannot know soft; this asks for its contrast and
    leaves its place to the other losses. The definition is this program's own.
    """
    window, step = _WINDOW * scale, _STEP * scale
    made, true = (_slopes(picture, window, step) for picture in (sr, hr))
    return ((made - true).abs() * true.square() / (true + _TEXTURE) ** 3).mean()


def _slopes(picture: Tensor, window: int, step: int) -> Tensor:
    """Average the slope of N×3×H×W over windows: N×1×h×w."""
    grey = picture.mean(1, keepdim=True)
    kernel = torch.tensor(_SMOOTHING, dtype=grey.dtype, device=grey.device)
    smooth = F.conv2d(F.conv2d(grey, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    across, down = smooth.diff(dim=3)[:, :, 1:].abs(), smooth.diff(dim=2)[..., 1:].abs()
    window = min(window, *across.shape[2:])
    return F.avg_pool2d(across + down, window, step)


def make_sharpness(setting: Setting) -> Term:
    """Make the loss of a run's scale."""
    return lambda sample: sharpness_loss(sample.sr, sample.hr, setting.scale)

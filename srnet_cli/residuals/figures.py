"""The figures of a residual: how far two pictures are apart, and how much information lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.labels import enhanced_residual, residual_image
from srnet_cli.metrics import entropy, mae, psnr_rgb, psnr_y, ssim

#: what a share of lost information is a share of: ``light`` is a pixel's channels added up, ``channels`` each
#: channel's value by itself, the proportion of the residual in HR that the authors' figure shows
LostOf = Literal["light", "channels"]

_BINS = 10
_STRIP = 512


@dataclass(frozen=True)
class Figures:
    """The loss between an enlarged LR picture and the HR picture, over all pixels.

    PSNR in dB (``inf`` for equal pictures), MAE in grey levels 0..255, entropies in bits.
    """

    psnr_rgb: float
    #: of the BT.601 luma 16..235
    psnr_y: float
    #: mean over the colour channels, 7×7 uniform window
    ssim: float
    mae: float
    #: of the residual, one histogram over all channels
    entropy: float
    entropy_channels: tuple[float, float, float]
    entropy_enhanced: float
    #: share of the pixels that lost 0–10 %, 10–20 %, … 90–100 % of their light; they add up to 1
    lost_shares: tuple[float, ...]
    #: the same by channels: of all values above 0 in HR
    lost_shares_channels: tuple[float, ...]

    def lost(self, of: LostOf) -> tuple[float, ...]:
        """Choose the ten shares."""
        return self.lost_shares if of == "light" else self.lost_shares_channels


@dataclass(frozen=True)
class Residual:
    """The residual of a pair, the enhanced residual (both H×W×3, 0..255) and their figures."""

    plain: NDArray[np.uint8]
    enhanced: NDArray[np.uint8]
    figures: Figures


def measure(lr_up: NDArray[np.uint8], hr: NDArray[np.uint8]) -> Residual:
    """Measure residual and figures of a pair of H×W×3 pictures, 0..255, at least 7×7.

    Raises:
        ValueError: the shapes differ, the pictures are not 8 bit, or too small for SSIM.
    """
    plain = residual_image(hr, lr_up)
    enhanced = enhanced_residual(plain)
    first, second, third = (entropy(np.ascontiguousarray(plain[..., c])) for c in range(3))
    figures = Figures(
        psnr_rgb=psnr_rgb(lr_up, hr),
        psnr_y=psnr_y(lr_up, hr),
        ssim=ssim(lr_up, hr),
        mae=mae(lr_up, hr),
        entropy=entropy(plain),
        entropy_channels=(first, second, third),
        entropy_enhanced=entropy(enhanced),
        lost_shares=lost_shares(plain, hr),
        lost_shares_channels=lost_shares(plain, hr, "channels"),
    )
    return Residual(plain, enhanced, figures)


def lost_shares(
    residual: NDArray[np.uint8], hr: NDArray[np.uint8], of: LostOf = "light"
) -> tuple[float, ...]:
    """Spread the loss over ten bins of residual over HR; a loss above the whole counts in the last bin.

    By ``light`` pixels are counted, and a black one of HR has lost nothing if LR is black there too, else
    all. By ``channels`` the values of all channels are counted, but for those that are 0 in HR: they have no
    proportion.

    Returns:
        Ten shares, 0–10 % first, that add up to 1; all 0 where nothing can be counted.
    """
    counts = np.zeros(_BINS, np.int64)
    for top in range(0, hr.shape[0], _STRIP):
        lost, light = residual[top : top + _STRIP], hr[top : top + _STRIP]
        if of == "light":
            counts += _counts(_channel_sum(lost), _channel_sum(light))
        else:
            known = light > 0
            counts += _counts(lost[known].astype(np.float32), light[known].astype(np.float32))
    return tuple((counts / max(1, counts.sum())).tolist())


def _counts(lost: NDArray[np.float32], light: NDArray[np.float32]) -> NDArray[np.int64]:
    # Whole numbers below 8000: rounding never carries a quotient across a bin's edge.
    bins = np.where(light > 0, _BINS * lost / np.maximum(light, 1), _BINS * lost).astype(np.int64)
    return np.bincount(np.minimum(bins, _BINS - 1).reshape(-1), minlength=_BINS)


def _channel_sum(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    red, green, blue = (pixels[..., c].astype(np.float32) for c in range(3))
    return red + green + blue

"""Figures of merit: small pure functions on pictures."""

from .information import entropy, entropy_of_counts, histogram
from .matching import ColourMatch, ShiftedPsnr, fit_colour, psnr_colour_matched, psnr_shift_tolerant
from .psnr import luma, mae, psnr_rgb, psnr_y, psnr_y_published, quantise
from .ssim import ssim, ssim_y

__all__ = [
    "ColourMatch",
    "ShiftedPsnr",
    "entropy",
    "entropy_of_counts",
    "fit_colour",
    "histogram",
    "luma",
    "mae",
    "psnr_colour_matched",
    "psnr_rgb",
    "psnr_shift_tolerant",
    "psnr_y",
    "psnr_y_published",
    "quantise",
    "ssim",
    "ssim_y",
]

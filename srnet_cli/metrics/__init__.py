"""Figures of merit: small pure functions on pictures."""

from .detail import halo_overshoot, noise_ratio, sharpness_ratio
from .grid import grid_excess, grid_peak
from .information import entropy, entropy_of_counts, histogram
from .matching import ColourMatch, ShiftedPsnr, fit_colour, psnr_colour_matched, psnr_shift_tolerant
from .niqe import niqe
from .psnr import luma, mae, psnr_rgb, psnr_y, psnr_y_published, quantise
from .ssim import ssim, ssim_y

__all__ = [
    "ColourMatch",
    "ShiftedPsnr",
    "entropy",
    "entropy_of_counts",
    "fit_colour",
    "grid_excess",
    "grid_peak",
    "halo_overshoot",
    "histogram",
    "luma",
    "mae",
    "niqe",
    "noise_ratio",
    "psnr_colour_matched",
    "psnr_rgb",
    "psnr_shift_tolerant",
    "psnr_y",
    "psnr_y_published",
    "quantise",
    "sharpness_ratio",
    "ssim",
    "ssim_y",
]

"""A pair compared: LR brought to HR's size (and, if asked, place and colours), then residual and figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.picture import Pixels
from srnet_cli.imaging.registration import Motion
from srnet_cli.imaging.resize import Interpolation, resize
from srnet_cli.metrics import ColourMatch, fit_colour

from .alignment import Alignment, align, align_views
from .field_of_view import Views
from .figures import Figures, Residual, measure

#: largest scale that a zoom can have
_MAX_SCALE = 16.0
# SSIM's window; below it there is nothing to compare.
_MIN_SIDE = 7


@dataclass(frozen=True)
class CompareOptions:
    """The way in which LR is brought to HR."""

    #: how a smaller LR is enlarged; ``nearest`` is what the published figure shows
    interpolation: Interpolation = "bicubic"
    #: motion model of the registration, None for none
    align: Motion | None = None
    #: remove a global difference of exposure and colour
    match_colour: bool = False


@dataclass(frozen=True)
class Stage:
    """The figures after one change of LR. All stages of a pair look at the same part of HR."""

    name: str
    figures: Figures


@dataclass(frozen=True)
class Comparison:
    """The outcome of comparing a pair. The pictures are H×W×3, 0..255, of one size."""

    lr_up: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    #: HR pixels per LR pixel and side; 1 where LR came already enlarged
    scale: float
    options: CompareOptions
    residual: Residual
    #: LR as it was given first, as compared last
    stages: tuple[Stage, ...]
    alignment: Alignment | None = None
    colour: ColourMatch | None = None
    #: what the focal lengths said before the alignment, where LR showed more than HR
    views: Views | None = None

    @property
    def figures(self) -> Figures:
        return self.residual.figures


def compare(
    lr: Pixels, hr: Pixels, options: CompareOptions = CompareOptions(), views: Views | None = None
) -> Comparison:
    """Compare a LR picture with its HR picture, in 8 bits.

    Args:
        lr, hr: H×W×3 uint8 or uint16. LR is smaller, or of HR's size and then taken as already enlarged.
        views: how much more LR shows, if it does; the two are then aligned.

    Raises:
        InputError: the sizes make no pair, the pictures are tiny, or cannot be aligned.
    """
    fixed = to_8_bit(hr)
    alignment, colour = None, None
    stages: list[Stage] = []
    views = None if options.align is None else views
    if views is not None and options.align is not None:
        scale = views.pixel_ratio
        found = align_views(to_8_bit(lr), fixed, scale, options.align, options.interpolation)
        alignment, moving, fixed = found.alignment, found.lr_up, found.hr
        stages.append(Stage("as the focal lengths say", measure(found.nominal, fixed).figures))
    else:
        scale = pair_scale(lr.shape, hr.shape)
        moving = resize(to_8_bit(lr), hr.shape[0], hr.shape[1], options.interpolation)
    if views is None and options.align is not None:
        alignment, aligned, cut = align(moving, fixed, options.align)
        stages.append(Stage("as given", measure(moving[alignment.box.slices], cut).figures))
        moving, fixed = aligned, cut
    residual = measure(moving, fixed)
    stages.append(Stage("as given" if alignment is None else "aligned", residual.figures))
    if options.match_colour:
        colour = fit_colour(moving, fixed)
        moving = colour.apply(moving)
        residual = measure(moving, fixed)
        stages.append(Stage("colours matched", residual.figures))
    return Comparison(moving, fixed, scale, options, residual, tuple(stages), alignment, colour, views)


def pair_scale(lr: tuple[int, ...], hr: tuple[int, ...]) -> float:
    """Compute HR pixels per LR pixel and side, for two shapes H×W[×C].

    The factors of the two sides may differ by what rounding LR's sides to whole pixels explains, or 1 %.

    Raises:
        InputError: LR is larger than HR, a factor is above 16, the two differ, or a side is below 7 pixels.
    """
    sizes = f"LR is {lr[1]}×{lr[0]}, HR {hr[1]}×{hr[0]}"
    if min(hr[:2]) < _MIN_SIDE or min(lr[:2]) < 1:
        raise InputError(f"{sizes}: too small to compare")
    down, across = hr[0] / lr[0], hr[1] / lr[1]
    upright, lying = ("portrait", "landscape") if lr[0] > lr[1] else ("landscape", "portrait")
    if (lr[0] - lr[1]) * (hr[0] - hr[1]) < 0:
        raise InputError(f"{sizes}: LR is {upright}, HR {lying}", remedy="turn one of them")
    if down < 1.0 or across < 1.0:
        raise InputError(f"{sizes}: LR is the larger one", remedy="give LR first, then HR")
    if abs(down / across - 1.0) > max(0.01, 1.5 / min(lr[:2])):
        raise InputError(
            f"{sizes}: no scale makes one of the other (×{across:.3g} across, ×{down:.3g} down)",
            remedy="cut both to the same field of view",
        )
    if max(down, across) > _MAX_SCALE:
        raise InputError(f"{sizes}: ×{max(down, across):.3g} is not a plausible scale (1 to {_MAX_SCALE:g})")
    return math.sqrt(down * across)

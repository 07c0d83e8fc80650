"""How much more a wide shot sees than a long one, as their files say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from srnet_cli.errors import InputError
from srnet_cli.imaging.metadata import equivalent_focal_length_of, is_own_result
from srnet_cli.imaging.picture import Picture
from srnet_cli.names import camera_zoom_of, is_part_of_a_picture

#: focal lengths that differ by less are those of one setting of the lens
_SAME = 0.05
#: a pair whose sizes differ as its focal lengths do shows one field of view already
_CUT = 0.2
#: sizes that differ by less are those of one sensor, trimmed
_TRIMMED = 0.02


@dataclass(frozen=True)
class Views:
    """Two shots that do not show the same field of view."""

    #: millimetres as the files say, or those of a 35-mm camera where the sensors differ
    lr_focal: float
    hr_focal: float
    #: HR pixels that a LR pixel spans, per side
    pixel_ratio: float

    def __str__(self) -> str:
        return f"LR was taken at {self.lr_focal:.4g} mm, HR at {self.hr_focal:.4g} mm"

    def unaligned(self, remedy: str = "--align affine cuts LR to HR's field of view") -> InputError:
        """Tell that the two must not be compared as they are."""
        return InputError(f"{self}: the two do not show the same", remedy=remedy)


def differing_views(lr: Picture, hr: Picture, stated: tuple[float, float] | None = None) -> Views | None:
    """Return what the focal lengths of two shots say; None where they are alike or not known.

    ``stated`` are LR's and HR's in one unit; they go before those in the files.

    None, too, for a pair whose sizes differ as the focal lengths do: it was cut to one field of view before.

    Raises:
        InputError: when LR is the longer one.
    """
    focals = stated or _comparable_focals(lr, hr)
    if focals is None:
        return None
    ratio = focals[1] / focals[0]
    size = math.hypot(hr.height, hr.width) / math.hypot(lr.height, lr.width)
    if abs(ratio - 1) <= _SAME or abs(size / ratio - 1) <= _CUT:
        return None
    trimmed = abs(size - 1) <= _TRIMMED
    views = Views(*focals, ratio if trimmed else ratio * size)
    if ratio < 1:
        raise InputError(f"{views}: LR is the longer one", remedy="give the wide shot first, then the long")
    return views


def _comparable_focals(lr: Picture, hr: Picture) -> tuple[float, float] | None:
    """Return focal lengths in millimetres, LR's and HR's; None when a file does not say."""
    pictures = (lr, hr)
    zooms = [_zoomed_by(picture) for picture in pictures]
    own = [picture.metadata.focal_length for picture in pictures]
    full = [equivalent_focal_length_of(picture.metadata.exif) for picture in pictures]
    if None in zooms:
        return None
    # The lenses of a phone have sensors of their own; so has a part of a sensor, which is digital zoom.
    if None not in full and (None in own or not _agree(_ratio(own), _ratio(full))):
        own = full
    if None in own:
        return None
    a, b = (float(focal or 0) * float(zoom or 0) for focal, zoom in zip(own, zooms, strict=True))
    return a, b


def _zoomed_by(picture: Picture) -> float | None:
    """Return how much longer a lens our own zoom imitated, 1 for what is none; None for a cut-out part."""
    if picture.source is None or not is_own_result(picture.source):
        return 1.0
    return None if is_part_of_a_picture(picture.source) else camera_zoom_of(picture.source)


def _ratio(focals: list[float | None]) -> float:
    lr, hr = (float(focal or 0) for focal in focals)
    return hr / lr


def _agree(first: float, second: float) -> bool:
    # Equivalents are whole millimetres.
    return abs(first / second - 1) <= 2 * _SAME

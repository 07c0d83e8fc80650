"""Colours that a file states by numbers and not by a profile: gamma and primaries, or the codes of H.273.

Nearly every format of ours holds ICC profiles, few hold such numbers; so they are carried as a profile that
says the same. Pictures of high dynamic range are brought to sRGB instead (:mod:`.hdr`): no profile of a
monitor describes them, and the networks know none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from srnet_cli.imaging.colour.profiles import dated_never
from srnet_cli.imaging.srgb import srgb_to_linear

Chromaticity = tuple[float, float]
HighRange = Literal["PQ", "HLG"]

_D65: Chromaticity = (0.3127, 0.3290)
#: nearer than this, two chromaticities are the same: files round them to two or three digits
_SAME_CHROMATICITY = 0.002
_CURVE_STEPS = 1024


@dataclass(frozen=True)
class Primaries:
    """CIE 1931 x and y of white and of full red, green and blue."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity = _D65

    def same_as(self, other: Primaries) -> bool:
        """Return whether both mean the same colours."""
        return bool(np.abs(np.array(self.points()) - other.points()).max() < _SAME_CHROMATICITY)

    def points(self) -> tuple[Chromaticity, ...]:
        """Return red, green, blue and white."""
        return (self.red, self.green, self.blue, self.white)

    def usable(self) -> bool:
        """Return whether they span a triangle with white inside."""
        points = np.array(self.points())
        if not np.isfinite(points).all() or (points[:, 1] <= 0).any():
            return False
        matrix = np.vstack([points[:3].T, 1 - points[:3].sum(axis=1)])
        if abs(np.linalg.det(matrix)) < 1e-4:
            return False
        white = np.array([*self.white, 1 - sum(self.white)]) / self.white[1]
        return bool((np.linalg.solve(matrix, white) > 0).all())


SRGB = Primaries((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
BT2020 = Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
#: ITU-T H.273 (2021), table 2; 2 is "unspecified", for which sRGB is usual
_PRIMARIES = {
    1: SRGB,
    2: SRGB,
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: Primaries((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: Primaries((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), (0.310, 0.316)),
    9: BT2020,
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries((0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
#: table 3. The curves of video (1, 6, 14, 15) are taken as sRGB, as browsers do: most files that state them
#: are pictures that passed through a video encoder unchanged
_GAMMAS = {1: None, 2: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None}
_HIGH_RANGE: dict[int, HighRange] = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class StatedColour:
    """Meaning of the numbers in a picture."""

    primaries: Primaries = SRGB
    #: light is a coded value of 0..1 to this power; None is the curve of sRGB
    gamma: float | None = None
    high_range: HighRange | None = None

    def is_srgb(self) -> bool:
        return self.gamma is None and self.high_range is None and self.primaries.same_as(SRGB)


SRGB_COLOUR = StatedColour()
#: Adobe RGB (1998), 4.3.1
ADOBE_RGB = StatedColour(Primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 2.19921875)


def colour_of_cicp(primaries: int, transfer: int) -> StatedColour | None:
    """Return what two codes of H.273 mean, None when one of them is not known here.

    Example:
        >>> colour_of_cicp(1, 13).is_srgb()
        True
    """
    if primaries not in _PRIMARIES or transfer not in {*_GAMMAS, *_HIGH_RANGE}:
        return None
    return StatedColour(_PRIMARIES[primaries], _GAMMAS.get(transfer), _HIGH_RANGE.get(transfer))


@lru_cache(maxsize=8)
def stated_profile(stated: StatedColour, grey: bool) -> bytes:
    """Return an ICC profile that says the same, of a grey or an RGB picture."""
    import imagecodecs

    curve = None
    if stated.gamma is None:
        curve = srgb_to_linear(np.linspace(0, 1, _CURVE_STEPS)).astype(np.float32)
    primaries = None if grey else [value for point in stated.primaries.points()[:3] for value in point]
    return dated_never(
        imagecodecs.cms_profile(
            "gray" if grey else "rgb",
            whitepoint=stated.primaries.white,
            primaries=primaries,
            transferfunction=curve,
            gamma=stated.gamma,
        )
    )

"""The way from any profile to sRGB, for formats that hold no profile."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import ImageCms

from srnet_cli.imaging.colour.profiles import profile_space
from srnet_cli.imaging.colour.stated import SRGB_COLOUR, stated_profile
from srnet_cli.imaging.picture import Pixels

#: colours along each channel that tell one profile from another
_LATTICE = 9
#: steps of 16 bits that are less than one of 8
_SAME = 256


@lru_cache(maxsize=8)
def is_srgb(icc: bytes) -> bool:
    """Return whether a profile of RGB or grey means what sRGB does, to within a step of 8 bits.

    Raises:
        ValueError: it does not say what its colours are.
    """
    steps = np.linspace(0, 65_535, _LATTICE).round().astype(np.uint16)
    if profile_space(icc) == "GRAY":
        colours = steps[None, :, None]
    else:
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return int(np.abs(to_srgb(colours, icc).astype(np.int64) - colours).max()) <= _SAME


def to_srgb(pixels: Pixels, icc: bytes) -> Pixels:
    """Return H×W×1 or H×W×3 pixels of a profile in sRGB, or in grey of its curve, of the same depth.

    Raises:
        ValueError: the profile does not say what its colours are.
    """
    import imagecodecs

    grey = pixels.shape[2] == 1
    space = "gray" if grey else "rgb"
    try:
        converted: Pixels = imagecodecs.cms_transform(
            np.ascontiguousarray(pixels),
            icc,
            stated_profile(SRGB_COLOUR, grey),
            colorspace=space,
            outcolorspace=space,
            intent=int(ImageCms.Intent.RELATIVE_COLORIMETRIC),
            flags=int(ImageCms.Flags.BLACKPOINTCOMPENSATION),
        )
    except imagecodecs.CmsError as error:
        raise ValueError(f"the profile cannot be used: {error}") from error
    return converted.reshape(pixels.shape)

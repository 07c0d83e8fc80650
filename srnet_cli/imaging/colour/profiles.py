"""Colour profiles: which can be kept, and the way from CMYK to sRGB."""

from __future__ import annotations

import io
import struct
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from srnet_cli.errors import InputError
from srnet_cli.imaging.colour.holes import is_whole
from srnet_cli.imaging.srgb import linear_to_srgb

ProfileSpace = Literal["RGB ", "GRAY", "CMYK", "Lab "]

_HEADER_BYTES = 128
_D50 = np.array([0.9642, 1.0, 0.8249], np.float32)
#: XYZ of D50 to linear sRGB, adapted after Bradford
_LINEAR_FROM_XYZ = np.array(
    [[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]], np.float32
)


def profile_space(icc: bytes | None) -> str | None:
    """Return the colour space of a profile (``"RGB "``, ``"GRAY"``, ``"CMYK"``), None if it is damaged."""
    if icc is None or len(icc) < _HEADER_BYTES:
        return None
    if struct.unpack(">I", icc[:4])[0] > len(icc) or icc[36:40] != b"acsp" or not is_whole(icc):
        return None
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ImageCms.PyCMSError):
        return None
    return icc[16:20].decode("latin-1")


def profile_name(icc: bytes) -> str:
    """Return what a profile calls itself, empty if it does not say."""
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        return ""


def cmyk_to_srgb(path: Path, image: Image.Image, icc: bytes | None) -> tuple[NDArray[np.uint8], list[str]]:
    """Return a CMYK picture in sRGB by its profile, or by the plain formula without one; with notes.

    Raises:
        InputError: the profile is damaged, and with it every colour.
    """
    space = profile_space(icc)
    if icc and space is None:
        raise InputError(
            "is CMYK, and the profile that says its colours is damaged",
            path=path,
            remedy="take another copy, or convert it to RGB in the program that wrote it",
        )
    if space != "CMYK" or icc is None:
        note = "is CMYK without a usable profile: its colours are approximate"
        return np.asarray(image.convert("RGB")), [note]
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return np.asarray(converted if converted is not None else image.convert("RGB")), []


def lab_to_srgb(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return CIE L*a*b* of D50 (L 0..100), H×W×3, in sRGB of 0..1; Little CMS would take 8 bits only."""
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    # CIE 15:2004, 8.2.1.1, backwards.
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * (108 / 841)) * _D50
    linear = np.clip(xyz @ _LINEAR_FROM_XYZ.T, 0, 1)
    return np.asarray(linear_to_srgb(linear), np.float32)


@cache
def srgb_profile() -> bytes:
    """Return the sRGB profile that developed RAW files carry, the same bytes on every run."""
    return dated_never(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def dated_never(icc: bytes) -> bytes:
    """Return a profile that was just made without the date, which would differ on every run."""
    # ICC.1:2010, 7.2.8.
    return icc[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + icc[36:]

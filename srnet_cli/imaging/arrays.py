"""NumPy arrays and images of Pillow as pictures, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging.colour import profile_space
from srnet_cli.imaging.picture import Metadata, Picture, Pixels

_WHITE = 65_535
#: modes of Pillow that are zoomed as they are, and those that become one of them first
_MODES = frozenset({"L", "LA", "RGB", "RGBA", "I;16"})
_BECOME = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB"}


def picture_of_array(array: NDArray[Any]) -> Picture:
    """Return an array as a picture: H×W, or H×W×C with C of 1 (grey), 2 (and alpha), 3 (RGB) or 4 (RGBA).

    uint8 and uint16 are taken as they are, floating-point values of 0..1 with 16 bits.

    Raises:
        InputError: it has another shape or type, no pixels, or values outside 0..1.
    """
    samples = np.asarray(array)
    if samples.ndim not in (2, 3) or samples.size == 0 or (samples.ndim == 3 and samples.shape[2] > 4):
        raise InputError(
            f"an array of shape {samples.shape} is no picture", remedy="H×W, or H×W×C with C of 1 to 4"
        )
    if np.issubdtype(samples.dtype, np.floating):
        if not (np.isfinite(samples).all() and samples.min() >= 0 and samples.max() <= 1):
            raise InputError("an array of floating-point values must lie in 0..1")
        samples = np.rint(samples.astype(np.float64) * _WHITE).astype(np.uint16)
    if samples.dtype not in (np.uint8, np.uint16):
        raise InputError(f"an array of {samples.dtype} is no picture", remedy="uint8, uint16 or float 0..1")
    samples = np.atleast_3d(samples)
    grey, has_alpha = samples.shape[2] < 3, samples.shape[2] in (2, 4)
    pixels = samples[..., [0, 0, 0]] if grey else samples[..., :3]
    alpha = np.ascontiguousarray(samples[..., -1]) if has_alpha else None
    return Picture(np.ascontiguousarray(pixels), alpha, grey=grey)


def array_like(picture: Picture, array: NDArray[Any]) -> NDArray[Any]:
    """Return a picture with the type and the channels of the array that it was made of."""
    parts: list[Pixels] = [picture.pixels[..., :1] if picture.grey else picture.pixels]
    if picture.alpha is not None:
        parts.append(picture.alpha[..., None])
    samples: NDArray[Any] = np.concatenate(parts, axis=2)
    if np.issubdtype(array.dtype, np.floating):
        samples = (samples.astype(np.float64) / _WHITE).astype(array.dtype)
    return samples[..., 0] if array.ndim == 2 else samples


def picture_of_image(image: Image.Image) -> Picture:
    """Return an image of Pillow as a picture, with its profile.

    Raises:
        InputError: for a mode that is not of grey or RGB values of 8 bits, or of grey values of 16.
    """
    mode = (
        "RGBA" if image.mode == "P" and "transparency" in image.info else _BECOME.get(image.mode, image.mode)
    )
    if mode not in _MODES:
        raise InputError(f"an image of mode {image.mode} is not zoomed", remedy='image.convert("RGB")')
    samples = np.asarray(image if mode == image.mode else image.convert(mode))
    picture = picture_of_array(samples)
    icc = image.info.get("icc_profile")
    fitting = profile_space(icc) == ("GRAY" if picture.grey else "RGB ")
    return Picture(
        picture.pixels, picture.alpha, grey=picture.grey, metadata=Metadata(icc=icc if fitting else None)
    )


def image_like(picture: Picture, image: Image.Image) -> Image.Image:
    """Return a picture as an image of Pillow, with what is said besides pixels in its original."""
    channels = (1 if picture.grey else 3) + (picture.alpha is not None)
    samples = array_like(picture, np.empty((1, 1, channels), picture.pixels.dtype))
    made = Image.fromarray(samples[..., 0] if channels == 1 else samples)
    made.info = {name: value for name, value in image.info.items() if name != "transparency"}
    return made

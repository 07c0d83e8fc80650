from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from srnet_cli.imaging.orientation import upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_same_as_pillow(orientation: int) -> None:
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    image = Image.fromarray(pixels)
    image.getexif()[274] = orientation
    turned = upright(pixels, orientation)
    np.testing.assert_array_equal(turned, np.asarray(ImageOps.exif_transpose(image)))
    assert turned.flags.c_contiguous


def test_single_channel_and_16_bit() -> None:
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3)
    np.testing.assert_array_equal(upright(pixels, 6), [[3, 0], [4, 1], [5, 2]])

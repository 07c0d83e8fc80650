"""Zeros in JPEG 2000: those that its coder writes for patterns, and those of sectors that a disk lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, scene
from tests.faults.test_holes import with_hole

HEIGHT, WIDTH = 384, 512


@pytest.mark.parametrize("resolutions", [2, 6])
def test_long_zeros_of_a_pattern_in_jpeg_2000_pass(tmp_path: Path, resolutions: int) -> None:
    """Bars are alike from side to side only, dots from top to bottom as well."""
    y, x = np.mgrid[:512, :512]
    bars = np.where(y % 8 < 4, 40, 181 if resolutions == 6 else 240)
    dots = ((x % 8 == 0) & (y % 8 == 0)) * 200
    path, long = tmp_path / "a.jp2", 0
    for drawn in (bars, dots):
        for irreversible in (False, True):
            image = Image.fromarray(drawn.astype(np.uint8))
            options = {"num_resolutions": resolutions, "irreversible": irreversible}
            path.write_bytes(encoded("JPEG2000", image, **options))
            long += bytes(512) in path.read_bytes()
            assert read_picture(path).width == 512
    assert long


def test_long_zeros_of_a_wave_in_jpeg_2000_pass(tmp_path: Path) -> None:
    """It goes up and down once in a block, and is alike from top to bottom."""
    wave = np.rint(np.abs(np.arange(512) % 32 - 16) * 164 / 16).astype(np.uint16) * 256
    drawn, path = np.repeat(wave[:, None], 320, axis=1), tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(drawn, level=0, reversible=True, resolutions=2))
    assert bytes(512) in path.read_bytes()
    assert read_picture(path).width == 320


def _slide() -> NDArray[Any]:
    """A photograph on a page that goes from one colour to another, from top to bottom."""
    colours = np.linspace((30, 60, 120), (200, 220, 250), HEIGHT)
    page = np.rint(np.repeat(colours[:, None], WIDTH, axis=1)).astype(np.uint8)
    page[64:-64, 96:-96] = scene(HEIGHT, WIDTH)[64:-64, 96:-96]
    return page


def _window() -> NDArray[Any]:
    """A photograph with a bar above it, and edges all across."""
    window = np.full((HEIGHT, WIDTH, 3), 236, np.uint8)
    window[:28] = np.rint(np.linspace(250, 210, 28))[:, None, None]
    window[48:-40, 10:-10] = scene(HEIGHT, WIDTH)[48:-40, 10:-10]
    window[-24:] = 90
    return window


@pytest.mark.parametrize("options", [{}, {"quality_layers": [8], "irreversible": True}])
@pytest.mark.parametrize("draw", [_slide, _window])
def test_a_hole_in_jpeg_2000_is_noticed_beside_a_gradient(
    tmp_path: Path, draw: Callable[[], NDArray[Any]], options: dict[str, Any]
) -> None:
    """Whose blocks are alike from side to side, as those of patterns are."""
    path, whole = tmp_path / "a.jp2", encoded("JPEG2000", draw(), **options)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    for share in (0.3, 0.5, 0.8):
        for length in (512, 4096):
            path.write_bytes(with_hole(whole, share, length))
            with pytest.raises(InputError, match=r"damaged|incomplete"):
                read_picture(path)

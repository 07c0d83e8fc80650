"""imageio gives the pixels that Pillow gives, and writes what a row of the table asks for."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnet_cli.imaging import Picture, WriteOptions, read_picture, write_picture


def image(mode: str) -> Image.Image:
    y, x = np.mgrid[:31, :47]
    pixels = np.stack([5 * x, 8 * y, 3 * (x + y), 255 - 5 * x], axis=2).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB" if mode in "1LP" else mode).convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("name", ["a.bmp", "a.dib", "a.gif"])
def test_pixels_are_those_of_pillow(tmp_path: Path, name: str, mode: str) -> None:
    if name == "a.gif" and mode == "RGBA":
        pytest.skip("transparency of GIF has a test of its own")
    image(mode).save(tmp_path / name)
    theirs = Image.open(tmp_path / name)
    picture = read_picture(tmp_path / name)
    np.testing.assert_array_equal(picture.pixels, np.asarray(theirs.convert("RGB")))
    if mode == "RGBA" and theirs.mode == "RGBA":
        np.testing.assert_array_equal(picture.alpha, np.asarray(theirs)[..., 3])


def test_gif_with_transparency_and_frames(tmp_path: Path) -> None:
    frames = [image("P"), image("P").rotate(180)]
    index = int(np.asarray(frames[0])[4, 4])
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], transparency=index)
    picture = read_picture(tmp_path / "a.gif")
    theirs = np.asarray(Image.open(tmp_path / "a.gif").convert("RGBA"))
    np.testing.assert_array_equal(picture.pixels, theirs[..., :3])
    assert picture.alpha is not None and picture.alpha.min() == 0
    np.testing.assert_array_equal(picture.alpha, theirs[..., 3])
    assert picture.metadata.notes == ("only its first frame was read",)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {"quality": 95, "subsampling": 0}),
        ("a.webp", {"quality": 90, "method": 4}),
        ("a.avif", {"quality": 80, "subsampling": "4:2:0"}),
    ],
)
@pytest.mark.parametrize("grey", [False, True])
def test_written_pixels_are_those_of_pillow(
    tmp_path: Path, name: str, options: dict[str, Any], grey: bool
) -> None:
    source = image("L" if grey else "RGB")
    pixels = np.asarray(source.convert("RGB"))
    write_picture(Picture(pixels, grey=grey), tmp_path / name, WriteOptions())
    theirs = io.BytesIO()
    stored = source if name == "a.jpg" else source.convert("RGB")
    stored.save(theirs, name[2:].upper().replace("JPG", "JPEG"), **options)
    expected = np.asarray(Image.open(theirs).convert("RGB"))
    np.testing.assert_array_equal(read_picture(tmp_path / name).pixels, expected)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_damaged_exif_does_not_spoil_the_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {}
    image("RGB").save(path, exif=b"Exif\0\0nonsense", **options)
    assert read_picture(path).metadata.exif is None

"""Unusual pictures that are not damaged: every one comes out whole, in its own kind."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from srnet_cli.imaging import read_picture
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.resize import resize
from tests.captures import Capture
from tests.faults.pictures import (
    HEIGHT,
    WIDTH,
    encoded,
    encoded_arw,
    encoded_dng,
    encoded_png16,
    encoded_tiff,
    scene,
)
from tests.faults.program import Ended, Program, disk

Zoom = Callable[..., tuple[Ended, Path]]
ORIENTATION = 274


@pytest.fixture
def zoom(srnet: Program, model: Path, tmp_path: Path) -> Zoom:
    """Zooms a picture given as bytes, and checks that the result is all that has come to the disk."""

    def run(name: str, content: bytes, result: str, *options: str) -> tuple[Ended, Path]:
        source, target = tmp_path / name, tmp_path / result
        source.write_bytes(content)
        before = disk(tmp_path)
        ended = srnet("zoom", source, "-s", "2", "--model", model, "-o", target, *options)
        assert ended.code == 0, ended.err
        after = disk(tmp_path)
        assert set(after) - set(before) == {result}
        assert {name: after[name] for name in before} == before
        return ended, target

    return run


def pixels(path: Path) -> NDArray[Any]:
    """What another reader finds in the file."""
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    values = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    assert values is not None
    order = {2: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}
    return np.asarray(values) if values.ndim == 2 else np.asarray(values)[..., order[values.shape[2]]]


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 37), (41, 1), (3, 500), (2, 2), (17, 23), (31, 61), (33, 65)]
)
def test_sizes_from_one_pixel_on_odd_and_prime(zoom: Zoom, height: int, width: int) -> None:
    _, target = zoom("a.png", encoded("PNG", scene(height, width)), "b.png")
    assert pixels(target).shape == (2 * height, 2 * width, 3)


def test_three_rows_of_five_thousand(zoom: Zoom) -> None:
    _, target = zoom("a.png", encoded("PNG", scene(3, 5000)), "b.png")
    assert pixels(target).shape == (6, 10_000, 3)


def test_sixteen_bit_grey_stays_sixteen_bit_grey(zoom: Zoom) -> None:
    grey = scene(dtype="uint16")[..., 0]
    for name, content in (("a.png", encoded_png16(grey)), ("a.tif", encoded_tiff(grey))):
        _, target = zoom(name, content, f"b{Path(name).suffix}")
        found = pixels(target)
        assert found.dtype == np.uint16
        assert found.shape == (2 * HEIGHT, 2 * WIDTH)
        target.unlink()


def test_cmyk_becomes_rgb_and_says_so(zoom: Zoom) -> None:
    content = encoded("JPEG", Image.fromarray(scene()).convert("CMYK"), quality=95)
    ended, target = zoom("a.jpg", content, "b.jpg")
    assert "its colours are approximate" in ended.err
    with Image.open(target) as result:
        assert (result.mode, result.size) == ("RGB", (2 * WIDTH, 2 * HEIGHT))


@pytest.mark.parametrize("mode", ["P", "1", "L"])
def test_palette_and_one_bit(zoom: Zoom, mode: str) -> None:
    content = encoded("PNG", Image.fromarray(scene()).convert(mode))
    _, target = zoom("a.png", content, "b.png")
    with Image.open(target) as result:
        assert (result.mode, result.size) == ("RGB" if mode == "P" else "L", (2 * WIDTH, 2 * HEIGHT))


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("depth", ["uint8", "uint16"])
def test_alpha_is_a_plain_resize(zoom: Zoom, channels: int, depth: str) -> None:
    colours = scene(dtype=depth)[..., : channels - 1]
    alpha = scene(dtype=depth)[::-1, :, 1]
    given = np.dstack([colours, alpha])
    content = encoded_tiff(
        given, photometric="rgb" if channels == 4 else "minisblack", extrasamples=["unassalpha"]
    )
    _, target = zoom("a.tif", content, "b.tif")
    found = pixels(target)
    assert found.shape == (2 * HEIGHT, 2 * WIDTH, channels)
    assert found.dtype == depth
    assert np.array_equal(
        found[..., -1], resize(np.ascontiguousarray(alpha), 2 * HEIGHT, 2 * WIDTH, "bicubic")
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_in_jpeg_tiff_and_raw(
    srnet: Program, model: Path, tmp_path: Path, orientation: int
) -> None:
    """The same result as for a file whose pixels are stored upright, and the tag says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    inputs = tmp_path / "in"
    inputs.mkdir()
    (inputs / "jpeg.jpg").write_bytes(encoded("JPEG", quality=95, exif=exif))
    (inputs / "tiff.tif").write_bytes(encoded("TIFF", exif=exif))
    (inputs / "deep.tif").write_bytes(
        encoded_tiff(
            scene(dtype="uint16"), photometric="rgb", extratags=[(ORIENTATION, 3, 1, orientation, True)]
        )
    )
    (inputs / "dng.dng").write_bytes(encoded_dng(Capture(orientation=orientation)))
    (inputs / "arw.arw").write_bytes(encoded_arw(Capture(orientation=orientation)))

    reference = tmp_path / "reference"
    reference.mkdir()
    stored = {
        "jpeg": _decoded(encoded("JPEG", quality=95)),
        "tiff": scene(),
        "deep": scene(dtype="uint16"),
        "dng": _developed(tmp_path / "reference.dng", encoded_dng()),
        "arw": _developed(tmp_path / "reference.arw", encoded_arw()),
    }
    for name, values in stored.items():
        tifffile.imwrite(reference / f"{name}.tif", upright(values, orientation), photometric="rgb")

    arguments = ("--model", model, "-s", "2", "--format", "tiff")
    assert srnet("zoom", inputs, "-o", tmp_path / "out", *arguments).code == 0
    assert srnet("zoom", reference, "-o", tmp_path / "expected", *arguments).code == 0
    for name in stored:
        found, expected = (
            tmp_path / "out" / f"{name}_x2.tif",
            tmp_path / "expected" / f"{name}_x2.tif",
        )
        assert np.array_equal(tifffile.imread(found), tifffile.imread(expected)), name
        with tifffile.TiffFile(found) as file:
            tag = file.pages[0].tags.get(ORIENTATION)
            assert tag is None or tag.value == 1, name


def test_a_wide_profile_is_kept_and_a_corrupt_one_dropped_with_a_word(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    display_p3 = _display_p3()
    corrupt = display_p3[:60] + b"\xff" * 40 + display_p3[100:200]
    for kind in ("PNG", "JPEG", "TIFF"):
        suffix = kind.lower()
        (tmp_path / f"p3.{suffix}").write_bytes(encoded(kind, icc_profile=display_p3))
        (tmp_path / f"corrupt.{suffix}").write_bytes(encoded(kind, icc_profile=corrupt))
    (tmp_path / "p3.tif").write_bytes(
        encoded_tiff(scene(dtype="uint16"), photometric="rgb", iccprofile=display_p3)
    )
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", model, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    for suffix in ("png", "jpeg", "tiff", "tif"):
        assert read_picture(tmp_path / "out" / f"p3_x2.{suffix}").metadata.icc == display_p3, suffix
    for suffix in ("png", "jpeg", "tiff"):
        assert read_picture(tmp_path / "out" / f"corrupt_x2.{suffix}").metadata.icc is None
        assert f"corrupt.{suffix}: its colour profile is damaged and was left out" in ended.err


def test_focal_length_is_not_needed_to_zoom(zoom: Zoom) -> None:
    _, target = zoom("a.dng", encoded_dng(Capture(focal_length=None)), "b.tif")
    assert read_picture(target).metadata.focal_length is None


def _decoded(content: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def _developed(path: Path, content: bytes) -> NDArray[Any]:
    path.write_bytes(content)
    try:
        return read_picture(path).pixels
    finally:
        path.unlink()


def _display_p3() -> bytes:
    """An RGB matrix profile with the primaries of Display P3: sRGB's with other colorants."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    colorants = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for tag, values in colorants.items():
        entry = profile.index(tag, 128)
        offset = int.from_bytes(profile[entry + 4 : entry + 8], "big")
        for index, value in enumerate(values):
            fixed = round(value * 65_536) & 0xFFFFFFFF
            profile[offset + 8 + 4 * index : offset + 12 + 4 * index] = fixed.to_bytes(4, "big")
    return bytes(profile)

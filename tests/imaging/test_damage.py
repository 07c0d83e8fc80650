"""Damaged files are refused; a half-decoded picture never passes for a whole one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import Picture, read_focal_length, read_mosaic, read_picture, write_picture
from tests.captures import Capture, write_arw, write_dng, write_dng_mosaic


def scene(dtype: str = "uint8") -> Any:
    generator = np.random.default_rng(5)
    y, x = np.mgrid[:120, :160]
    smooth = np.stack([x / 160, y / 120, (x + y) / 280], axis=2)
    return np.rint(
        np.clip(smooth + generator.normal(0, 0.05, smooth.shape), 0, 1) * np.iinfo(dtype).max
    ).astype(dtype)


def pillow_writer(**options: Any) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(scene()).save(path, **options)


def encoded(make: Callable[[], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(make())

    return write


def heif(bits: int = 8) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        pillow_heif = pytest.importorskip("pillow_heif")
        values = scene() if bits == 8 else scene("uint16")
        size = values.shape[1], values.shape[0]
        file = pillow_heif.from_bytes("RGB" if bits == 8 else "RGB;16", size, values.tobytes())
        file.save(path, quality=90)

    return write


def deep_png(path: Path) -> None:
    path.write_bytes(cv2.imencode(".png", scene("uint16"))[1].tobytes())


def deep_tiff(**options: Any) -> Callable[[Path], None]:
    return lambda path: tifffile.imwrite(path, scene("uint16"), photometric="rgb", **options)


WRITERS: dict[str, Callable[[Path], None]] = {
    "baseline.jpg": pillow_writer(quality=90),
    "progressive.jpg": pillow_writer(quality=90, progressive=True),
    "a.png": pillow_writer(),
    "deep.png": deep_png,
    "lossy.webp": pillow_writer(quality=80),
    "lossless.webp": pillow_writer(lossless=True),
    "a.avif": pillow_writer(quality=80),
    "a.bmp": pillow_writer(),
    "a.heic": heif(),
    "deep.heic": heif(bits=16),
    "a.jxl": lambda path: path.write_bytes(imagecodecs.jpegxl_encode(scene(), distance=1.0)) and None,
    "deep.jxl": lambda path: (
        path.write_bytes(imagecodecs.jpegxl_encode(scene("uint16"), lossless=True)) and None
    ),
    "own.jxl": lambda path: write_picture(Picture(scene("uint16")), path) and None,
    "a.jp2": lambda path: path.write_bytes(imagecodecs.jpeg2k_encode(scene(), level=40)) and None,
    "plain.tif": pillow_writer(),
    "lzw.tif": pillow_writer(compression="tiff_lzw"),
    "deep.tif": deep_tiff(),
    "deflate.tif": deep_tiff(compression="adobe_deflate", rowsperstrip=16),
    "a.dng": lambda path: write_dng(path, scene() / 255),
    "a.arw": lambda path: write_arw(path, scene() / 255),
}


@pytest.mark.parametrize("name", WRITERS)
def test_cut_short_anywhere(tmp_path: Path, name: str) -> None:
    if name.endswith("avif") and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / name
    WRITERS[name](path)
    read_picture(path)
    whole = path.read_bytes()
    cuts = {
        1,
        4,
        16,
        40,
        *(len(whole) * part // 20 for part in range(1, 20)),
        len(whole) - 40,
        len(whole) - 12,
    }
    # JPEG and BMP may end in a byte or two that say nothing about the picture.
    cuts |= set() if name.endswith(("jpg", "bmp")) else {len(whole) - 2, len(whole) - 1}
    for cut in sorted(cuts):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError) as caught:
            read_picture(path)
            pytest.fail(f"{name} cut to {cut} of {len(whole)} bytes passed")
        assert caught.value.path == path


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.tif", "a.webp", "a.avif", "a.bmp", "a.dng", "a.ARW", "a.cr3"]
)
@pytest.mark.parametrize("content", [b"", b"just a text\n", b"\0" * 5000, bytes(range(256)) * 40])
def test_no_picture_at_all(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_picture(path)
    with pytest.raises(InputError):
        read_focal_length(path)


@pytest.mark.parametrize(
    "name", ["baseline.jpg", "progressive.jpg", "a.png", "lossless.webp", "a.avif", "a.dng"]
)
def test_lower_part_never_arrived(tmp_path: Path, name: str) -> None:
    """What an interrupted copy leaves: the right length, zeros at the end."""
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    for keep in (len(whole) // 2, len(whole) * 9 // 10):
        path.write_bytes(whole[:keep] + bytes(len(whole) - keep))
        with pytest.raises(InputError):
            read_picture(path)
            pytest.fail(f"{name} with {keep} of {len(whole)} bytes passed")


def test_jpeg_with_a_thumbnail_and_data_behind_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[270] = "x"
    Image.fromarray(scene()).save(path, exif=exif.tobytes() + b"\xff\xd8 thumbnail \xff\xd9", quality=90)
    path.write_bytes(path.read_bytes() + b"a film, for instance" * 100)
    assert read_picture(path).height == 120
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        read_picture(path)


def test_empty_missing_and_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        read_picture(tmp_path / "empty.png")
    with pytest.raises(InputError, match="no such file"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(InputError, match="is a folder"):
        read_picture(tmp_path)


def test_formats_that_are_not_supported(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(scene()).save(path, format="TGA")
    with pytest.raises(InputError, match="not a picture in a supported format"):
        read_picture(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "deep.png"])
def test_header_that_claims_a_huge_picture(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS.get(name, pillow_writer())(path)
    data = bytearray(path.read_bytes())
    if name.endswith("png"):
        data[16:24] = struct.pack(">II", 60_000, 60_000)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    elif name.endswith("jpg"):
        start = data.index(b"\xff\xc0")
        data[start + 5 : start + 9] = struct.pack(">HH", 60_000, 60_000)
    elif name.endswith("bmp"):
        data[18:26] = struct.pack("<ii", 60_000, 60_000)
    else:
        with tifffile.TiffFile(path, mode="r+b") as file:
            file.pages[0].tags[256].overwrite(60_000)
            file.pages[0].tags[257].overwrite(60_000)
        data = bytearray(path.read_bytes())
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"60000×60000 pixels") as caught:
        read_picture(path)
    assert caught.value.remedy == "--max-pixels raises the limit"


def test_limit_of_pixels_holds_for_every_format_and_can_be_raised(tmp_path: Path) -> None:
    for name, write in WRITERS.items():
        if name.endswith("avif") and not features.check("avif"):
            continue
        path = tmp_path / name
        write(path)
        with pytest.raises(InputError, match="more than the limit"):
            read_picture(path, max_pixels=160 * 120 - 1)
        assert read_picture(path, max_pixels=160 * 120).height == 120


def test_png_with_a_wrong_checksum(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    pillow_writer()(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="checksum"):
        read_picture(path)


def test_raw_without_values(tmp_path: Path) -> None:
    for value in (0, 700):
        path = tmp_path / f"{value}.dng"
        write_dng_mosaic(path, np.full((64, 96), value, np.uint16))
        with pytest.raises(InputError, match=f"all its RAW values are {value}"):
            read_picture(path)


def test_raw_whose_lower_rows_are_missing(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    values = generator.integers(500, 9000, (200, 96)).astype(np.uint16)
    values[150:] = 0
    path = tmp_path / "a.dng"
    write_dng_mosaic(path, values)
    with pytest.raises(InputError, match="the last 50 of 200 rows"):
        read_picture(path)
    with pytest.raises(InputError, match="the last 50 of 200 rows"):
        read_mosaic(path)


def test_dark_raw_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "dark.dng"
    write_dng(path, np.zeros((64, 96, 3)), Capture(read_noise=3.0))
    assert read_picture(path).pixels.mean() < 2000


def test_raw_name_with_another_picture_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.ARW"
    Image.fromarray(scene()).save(path, format="JPEG")
    with pytest.raises(InputError, match="is a JPEG picture, not RAW as its name says"):
        read_picture(path)


def test_every_broken_raw_of_the_collection(shared: Path) -> None:
    found = sorted((shared / "data" / "raw_broken").iterdir())
    assert len(found) == 17
    for path in found:
        with pytest.raises(InputError) as caught:
            read_picture(path)
            pytest.fail(f"{path.name} passed")
        assert caught.value.path == path
        assert "\n" not in caught.value.reason

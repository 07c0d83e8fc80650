"""Formats of phones and of other programs: depth, orientation, colours, EXIF, and refusals."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import Base

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_focal_length, read_picture, read_size
from srnet_cli.imaging.formats import FORMATS, foreign_kind


def scene(dtype: str = "uint8", height: int = 48, width: int = 64) -> Any:
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x / width, y / height, (x + y) / (height + width)], axis=2)
    return np.rint(smooth * np.iinfo(dtype).max).astype(dtype)


def heif(path: Path, mode: str, values: Any, **options: Any) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = pillow_heif.from_bytes(mode, (values.shape[1], values.shape[0]), values.tobytes())
    file.save(path, quality=-1, chroma=444, matrix_coefficients=0, **options)
    return path


def exif(**more: Any) -> bytes:
    stored = Image.Exif()
    stored[Base.Make], stored[Base.Orientation] = "Phone", more.get("orientation", 1)
    stored.get_ifd(0x8769)[Base.FocalLength] = 5.7
    return stored.tobytes()


def test_a_phones_picture(tmp_path: Path) -> None:
    path = heif(tmp_path / "a.HEIC", "RGB", scene(), exif=exif(orientation=6))
    picture = read_picture(path)
    expected = np.rot90(scene(), -1)
    assert picture.pixels.shape == expected.shape and picture.bit_depth == 8
    assert np.abs(picture.pixels.astype(int) - expected).max() <= 2
    assert read_size(path) == (64, 48)
    assert picture.metadata.focal_length == pytest.approx(5.7) == read_focal_length(path)
    assert picture.metadata.exif is not None and b"Phone" in picture.metadata.exif


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_white_in_every_depth(tmp_path: Path, dtype: str) -> None:
    values = np.full((32, 32, 3), np.iinfo(dtype).max, dtype)
    picture = read_picture(heif(tmp_path / "a.heif", "RGB" if dtype == "uint8" else "RGB;16", values))
    assert picture.pixels.dtype == dtype and picture.pixels.min() == picture.peak


def test_ten_bits_stay_fine_grained(tmp_path: Path) -> None:
    values = scene("uint16", 32, 1024)
    picture = read_picture(heif(tmp_path / "a.heic", "RGB;16", values))
    assert picture.bit_depth == 16
    assert np.abs(picture.pixels.astype(int) - values).max() < 3 * 64
    assert len(np.unique(picture.pixels[..., 0])) > 600


def test_a_phones_profile_is_kept(tmp_path: Path) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read_picture(heif(tmp_path / "a.heic", "RGB", scene(), icc_profile=icc))
    assert picture.metadata.icc == icc


def test_transparency_of_heif(tmp_path: Path) -> None:
    alpha = np.linspace(0, 255, 48 * 64).reshape(48, 64, 1).astype(np.uint8)
    picture = read_picture(heif(tmp_path / "a.heic", "RGBA", np.concatenate([scene(), alpha], axis=2)))
    assert picture.alpha is not None and np.abs(picture.alpha.astype(int) - alpha[..., 0]).max() <= 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("size", [(48, 64), (37, 301), (600, 20), (256, 256)])
def test_jpeg_xl_and_jpeg_2000(tmp_path: Path, dtype: str, size: tuple[int, int]) -> None:
    values = scene(dtype, *size)
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(values, lossless=True))
    (tmp_path / "b.jxl").write_bytes(imagecodecs.jpegxl_encode(values, lossless=True, usecontainer=True))
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(values, reversible=True, level=0))
    for name in ("a.jxl", "b.jxl", "a.jp2"):
        assert np.array_equal(read_picture(tmp_path / name).pixels, values)
        assert read_size(tmp_path / name) == size


@pytest.mark.parametrize("options", [{"lossless": True}, {"distance": 0.1}])
@pytest.mark.parametrize("bits", [4, 7, 9, 10, 12, 14])
def test_white_of_other_depths_is_white_in_jpeg_xl(
    tmp_path: Path, bits: int, options: dict[str, Any]
) -> None:
    path, peak = tmp_path / "a.jxl", 2**bits - 1
    ramp = np.rint(scene()[..., 0] / scene()[..., 0].max() * peak).astype("uint8" if bits <= 8 else "uint16")
    four = np.dstack([ramp, ramp[::-1], ramp[:, ::-1], peak - ramp])
    path.write_bytes(imagecodecs.jpegxl_encode(four, bitspersample=bits, **options))
    picture = read_picture(path)
    assert picture.alpha is not None
    found = np.dstack([picture.pixels, picture.alpha]) / np.iinfo(picture.pixels.dtype).max
    error = np.abs(found - four / peak)
    assert error.max() <= 1 / 255 if "lossless" in options else error.mean() <= 0.04


def test_grey_and_transparent_jpeg_xl(tmp_path: Path) -> None:
    (tmp_path / "g.jxl").write_bytes(imagecodecs.jpegxl_encode(scene()[..., 0], lossless=True))
    assert read_picture(tmp_path / "g.jxl").grey
    four = np.concatenate([scene(), scene()[..., :1]], axis=2)
    (tmp_path / "t.jxl").write_bytes(imagecodecs.jpegxl_encode(four, lossless=True))
    picture = read_picture(tmp_path / "t.jxl")
    assert picture.alpha is not None and np.array_equal(picture.alpha, four[..., 3])


def test_a_profile_in_jpeg_2000(tmp_path: Path) -> None:
    plain = imagecodecs.jpeg2k_encode(scene(), codecformat="jp2", reversible=True, level=0)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    place = plain.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", plain, place)
    box = struct.pack(">I4s3B", 11 + len(icc), b"colr", 2, 0, 0) + icc
    start = plain.index(b"jp2h") - 4
    (whole,) = struct.unpack_from(">I", plain, start)
    changed = bytearray(plain[:place] + box + plain[place + length :])
    struct.pack_into(">I", changed, start, whole + len(box) - length)
    (tmp_path / "a.jp2").write_bytes(changed)
    assert read_picture(tmp_path / "a.jp2").metadata.icc == icc


def psd(values: Any, depth: int = 8) -> bytes:
    """Photoshop's format without layers, uncompressed (Adobe's specification, 2019)."""
    height, width, channels = values.shape
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, channels, height, width, depth, 3)
    planes = values.transpose(2, 0, 1).astype(">u1" if depth == 8 else ">u2").tobytes()
    return head + bytes(12) + bytes(2) + planes


def test_photoshop(tmp_path: Path) -> None:
    path = tmp_path / "a.psd"
    path.write_bytes(psd(scene()))
    picture = read_picture(path)
    assert np.array_equal(picture.pixels, scene()) and picture.metadata.notes == ()
    assert read_size(path) == (48, 64)
    for cut in (10, 24, 30, 3000, len(psd(scene())) - 1):
        path.write_bytes(psd(scene())[:cut])
        with pytest.raises(InputError):
            read_picture(path)
    path.write_bytes(psd(scene("uint16"), 16))
    with pytest.raises(InputError, match="16 bits"):
        read_picture(path)


@pytest.mark.parametrize(
    "claim",
    [
        b"\xff\x0a" + (2**70 - 2).to_bytes(30, "little"),
        b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", 41, 0, 2**31, 2**31, *[0] * 6, 3) + b"\x07\1\1" * 3,
    ],
)
def test_pictures_that_claim_too_much_are_not_decoded(tmp_path: Path, claim: bytes) -> None:
    path = tmp_path / "a.jxl"
    path.write_bytes(claim)
    with pytest.raises(InputError, match="more than the limit"):
        read_picture(path)


def test_without_the_package_its_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = heif(tmp_path / "a.heic", "RGB", scene())
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(InputError, match="pip install pillow-heif"):
        read_picture(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "a film"),
        (b"v/1\1\2\0\0\0", "an OpenEXR picture"),
        (b"nothing at all", "not a picture in a supported format"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_picture(tmp_path / "a.jpg")


def test_no_format_that_is_read_is_called_foreign() -> None:
    for suffix, options in (
        (".png", {}),
        (".tif", {}),
        (".jpg", {}),
        (".webp", {}),
        (".bmp", {}),
        (".gif", {}),
    ):
        content = io.BytesIO()
        Image.fromarray(scene()).save(content, Image.registered_extensions()[suffix], **options)
        assert foreign_kind(content.getvalue()[:32]) is None
    assert {row.result for row in FORMATS.values()} <= set(FORMATS)

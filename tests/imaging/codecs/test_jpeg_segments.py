"""JPEG files whose pixels are all there, whatever else is wrong with them, and those whose are not."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.jpeg_segments import tidied, unsupported_kind


def scene(height: int = 120, width: int = 160) -> NDArray[np.uint8]:
    generator = np.random.default_rng(3)
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x / width, y / height, (x + y) / (width + height)], axis=2) * 255
    return np.clip(smooth + generator.normal(0, 12, smooth.shape), 0, 255).astype(np.uint8)


def jpeg(progressive: bool = False, grey: bool = False, pixels: NDArray[np.uint8] | None = None) -> bytes:
    image = Image.fromarray(scene() if pixels is None else pixels)
    file = io.BytesIO()
    (image.convert("L") if grey else image).save(file, "JPEG", quality=90, progressive=progressive)
    return file.getvalue()


def decoded(tmp_path: Path, data: bytes) -> NDArray[Any]:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    return read_picture(path).pixels


def ahead_of(data: bytes, marker: int, stray: bytes) -> bytes:
    at = data.index(bytes((0xFF, marker)))
    return data[:at] + stray + data[at:]


@pytest.mark.parametrize("marker", [0xDB, 0xC4, 0xC0, 0xC2, 0xDA])
@pytest.mark.parametrize("stray", [b"\0\0\0\0\0", b"stray" * 40, b"\xff\0\xff\0"])
def test_stray_bytes_between_segments(tmp_path: Path, marker: int, stray: bytes) -> None:
    data = jpeg(progressive=marker == 0xC2)
    np.testing.assert_array_equal(decoded(tmp_path, ahead_of(data, marker, stray)), decoded(tmp_path, data))


@pytest.mark.parametrize("padding", [b"Z" * 254, b"\0" * 1000, b"\xaa\x55" * 300, b"x", b"\xff" * 200])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_padding_ahead_of_the_end(tmp_path: Path, padding: bytes, progressive: bool, grey: bool) -> None:
    data = jpeg(progressive, grey)
    np.testing.assert_array_equal(decoded(tmp_path, data[:-2] + padding + data[-2:]), decoded(tmp_path, data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_only_the_end_is_missing(tmp_path: Path, progressive: bool, grey: bool) -> None:
    data = jpeg(progressive, grey)
    np.testing.assert_array_equal(decoded(tmp_path, data[:-2]), decoded(tmp_path, data))
    np.testing.assert_array_equal(decoded(tmp_path, data[:-1]), decoded(tmp_path, data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("lost", [40, 400, 4000])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_missing_pixels_are_damage(tmp_path: Path, progressive: bool, lost: int, end: bytes) -> None:
    with pytest.raises(InputError, match=r"cut short|damaged"):
        decoded(tmp_path, jpeg(progressive)[: -2 - lost] + end)


def test_missing_scans_are_damage(tmp_path: Path) -> None:
    """A progressive file cut exactly between two scans decodes without a warning, only coarser."""
    data = jpeg(progressive=True)
    scans = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    tables = data.rfind(b"\xff\xc4", 0, scans[-1])
    with pytest.raises(InputError):
        decoded(tmp_path, data[: max(tables, scans[-2])])
    with pytest.raises(InputError):
        decoded(tmp_path, data[: scans[1]])


def test_a_table_that_lost_bytes_is_damage(tmp_path: Path) -> None:
    """What stands behind a table that is too short for itself is not stray."""
    data = jpeg()
    at = data.index(b"\xff\xdb")
    shorter = data[: at + 2] + struct.pack(">H", 40) + data[at + 4 :]
    assert tidied(shorter) == shorter
    with pytest.raises(InputError):
        decoded(tmp_path, shorter)


def test_flat_pictures_are_not_taken_for_padding(tmp_path: Path) -> None:
    flat = np.full((600, 800, 3), 200, np.uint8)
    assert np.abs(decoded(tmp_path, jpeg(pixels=flat)).astype(int) - 200).max() <= 1


def test_whole_files_stay_as_they_are() -> None:
    for data in (jpeg(), jpeg(progressive=True), jpeg(grey=True), jpeg() + b"behind the end"):
        assert tidied(data) == data


def test_kinds_that_are_not_read_are_named(tmp_path: Path) -> None:
    data = jpeg()
    at = data.index(b"\xff\xc0")
    deep = imagecodecs.jpeg8_encode(scene().astype(np.uint16) * 16, bitspersample=12)
    lossless = data[:at] + b"\xff\xc3" + data[at + 2 :]
    for hostile, kind in ((deep, "12 bits a sample"), (lossless, "lossless")):
        with pytest.raises(InputError, match=f"not supported \\({kind}"):
            decoded(tmp_path, hostile)


def test_nonsense_ends() -> None:
    data = jpeg()
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(data[: generator.integers(2, len(data))])
        for position in generator.integers(2, len(damaged) + 1, 4):
            damaged[position - 1] = generator.choice([0, 0xFF, 0xDA, 0xC4, 0xD9])
        tidied(bytes(damaged))
        unsupported_kind(bytes(damaged))


def test_bit_fields_of_bmp_are_named_or_read(tmp_path: Path) -> None:
    def bmp(masks: tuple[int, int, int], bits: int, pixel: int) -> bytes:
        row = (pixel.to_bytes(bits // 8, "little") * 4).ljust(16, b"\0")[: (4 * bits // 8 + 3) // 4 * 4]
        head = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, bits, 3, len(row) * 4, 2835, 2835, 0, 0)
        body = head + struct.pack("<3I", *masks) + row * 4
        return b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 66) + body

    path = tmp_path / "a.bmp"
    path.write_bytes(bmp((0xF800, 0x7E0, 0x1F), 16, 0xF81F))
    assert read_picture(path).pixels[0, 0].tolist() == [255, 0, 255]
    path.write_bytes(bmp((0x3FF00000, 0xFFC00, 0x3FF), 32, 0x3FF003FF))
    with pytest.raises(InputError, match="bit fields"):
        read_picture(path)


@pytest.mark.parametrize(
    ("bits", "compression", "colours", "header", "kind"),
    [
        (2, 0, 0, 40, "of 2 bits a pixel"),
        (64, 0, 0, 40, "of 64 bits a pixel"),
        (0, 4, 0, 40, "with another format inside"),
        (24, 5, 0, 40, "with another format inside"),
        (8, 0, 300, 40, "with a palette of 300 colours"),
        (24, 0, 0, 48, "with a header of 48 bytes"),
    ],
)
def test_unusual_kinds_of_bmp_are_named(
    tmp_path: Path, bits: int, compression: int, colours: int, header: int, kind: str
) -> None:
    head = struct.pack("<IiiHHIIiiII", header, 4, 4, 1, bits, compression, 64, 2835, 2835, colours, 0)
    body = head + bytes(range(256)) * 8
    (tmp_path / "a.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 14 + len(body), 0, 0, 54) + body)
    with pytest.raises(InputError, match=kind) as caught:
        read_picture(tmp_path / "a.bmp")
    assert caught.value.remedy is not None

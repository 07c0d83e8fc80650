"""AVIF: depth, stated colours and size, which Pillow hides."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture, write_picture
from srnet_cli.imaging.codecs.avif_read import read_header

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def ramp(bits: int) -> NDArray[Any]:
    x = np.linspace(0, (1 << bits) - 1, 64)
    picture = np.stack(np.broadcast_arrays(x[:, None], x[None], x.mean()), axis=2)
    return picture.round().astype(np.uint8 if bits == 8 else np.uint16)


def encoded(bits: int = 8, cicp: tuple[int, int] | None = None) -> bytes:
    data = bytes(imagecodecs.avif_encode(ramp(bits), level=100, bitspersample=bits))
    at = data.index(b"nclx")
    return data if cicp is None else data[: at + 4] + struct.pack(">HH", *cicp) + data[at + 8 :]


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_depth(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(encoded(bits))
    header = read_header(path.read_bytes())
    assert (header.width, header.height, header.bit_depth) == (64, 64, bits)
    picture = read_picture(path)
    assert picture.bit_depth == (8 if bits == 8 else 16)
    np.testing.assert_allclose(picture.pixels / picture.peak, ramp(bits) / ((1 << bits) - 1), atol=0.02)
    notes = write_picture(picture, tmp_path / "b.jpg")
    assert notes == (() if bits == 8 else ("JPEG is written with 8 bits, the picture has 16",))


def test_deep_pictures_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    path = tmp_path / "a.avif"
    Image.fromarray(ramp(8)[:32]).save(path, exif=exif.tobytes())
    assert read_picture(path).pixels.shape == (64, 32, 3)


@pytest.mark.parametrize(("cicp", "red_x"), [((12, 13), 0.5151), ((9, 1), 0.6734)])
@pytest.mark.parametrize("bits", [8, 10])
def test_stated_colours_are_carried(tmp_path: Path, cicp: tuple[int, int], red_x: float, bits: int) -> None:
    import io

    from PIL import ImageCms

    path = tmp_path / "a.avif"
    path.write_bytes(encoded(bits, cicp))
    icc = read_picture(path).metadata.icc
    assert icc is not None
    red = ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.red_primary
    assert red[0][0] == pytest.approx(red_x, abs=1e-3)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range(tmp_path: Path, transfer: int) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(encoded(10, (9, transfer)))
    picture = read_picture(path)
    assert picture.metadata.icc is None and "high dynamic range" in picture.metadata.notes[0]


def test_unknown_colours_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(encoded(8, (10, 17)))
    metadata = read_picture(path).metadata
    assert "CICP 10, 17" in metadata.notes[0] and not metadata.colour_known


def test_too_large_is_named(tmp_path: Path) -> None:
    data = encoded()
    at = data.index(b"ispe")
    path = tmp_path / "a.avif"
    for size in ((16_385, 16_385), (40_000, 16)):
        path.write_bytes(data[: at + 8] + struct.pack(">II", *size) + data[at + 16 :])
        with pytest.raises(InputError, match=f"AVIF of {size[0]}×{size[1]} pixels"):
            read_picture(path, max_pixels=10**9)


def test_damaged_boxes_change_nothing_but_the_default() -> None:
    data = encoded(10)
    generator = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(data[:400])
        for position in generator.integers(0, 400, 3):
            damaged[position] = generator.integers(0, 256)
        assert read_header(bytes(damaged[: generator.integers(0, 401)])).bit_depth in (8, 10, 12)


def _inverted(data: bytes, start: int, length: int = 64) -> bytes:
    return (
        data[:start] + bytes(255 - value for value in data[start : start + length]) + data[start + length :]
    )


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_grey_with_alpha_is_read_and_its_damage_noticed(tmp_path: Path, mode: str) -> None:
    """The second decoder has no grey with alpha; both are coded pictures of their own."""
    random, path = np.random.default_rng(4), tmp_path / "a.avif"
    grey, alpha = (np.clip(ramp(8)[..., 1] + random.normal(0, 20, (64, 64)), 0, 255) for _ in range(2))
    stored = np.dstack([grey, alpha] if mode == "LA" else [grey] * 3 + [alpha]).astype(np.uint8)
    Image.fromarray(stored).save(path, subsampling="4:0:0", quality=90, speed=9)
    picture, data = read_picture(path), path.read_bytes()
    assert picture.alpha is not None
    assert np.abs(picture.pixels[..., 0] - grey).mean() < 8
    first = data.rindex(b"mdat") + 4
    assert len(data) - first > 1000
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        path.write_bytes(_inverted(data, first + int(share * (len(data) - first))))
        with pytest.raises(InputError, match="damaged"):
            read_picture(path)

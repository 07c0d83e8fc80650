"""Photographs in a frame of black or white: the last row of picture ends where the rows above it do."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.captures import Capture
from tests.faults.dngs import HEIGHT, dng_of, lossless, short, values
from tests.faults.hostile import with_tail
from tests.faults.pictures import encoded, encoded_tiff, scene

_TALL, _WIDE = 200, 300


def _photo() -> NDArray[np.uint8]:
    return np.asarray(scene(_TALL, _WIDE).clip(8, 247), np.uint8)


def _psd(picture: NDArray[np.uint8]) -> bytes:
    tall, wide, channels = picture.shape
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, tall, wide, 8, 3) + bytes(12)
    return head + b"\0\0" + picture.transpose(2, 0, 1).tobytes()


def _linear_dng(picture: NDArray[np.uint8]) -> bytes:
    tall, wide, _ = picture.shape
    tags: dict[int, Any] = {
        256: short(wide),
        257: short(tall),
        258: short(16, 16, 16),
        262: short(34892),
        277: short(3),
        278: short(tall),
        284: short(1),
        50713: short(1, 1),
        50714: short(0, 0, 0),
        50717: short(65535, 65535, 65535),
    }
    return dng_of([(picture.astype("<u2") * 257).tobytes()], tags)


def _tiff(**options: Any) -> Callable[[NDArray[np.uint8]], bytes]:
    return lambda picture: encoded_tiff(picture, photometric="rgb", **options)


_KINDS: dict[str, Callable[[NDArray[np.uint8]], bytes]] = {
    "rgb.tif": _tiff(),
    "strips.tif": _tiff(rowsperstrip=16),
    "tiles.tif": _tiff(tile=(64, 64)),
    "low-tiles.tif": _tiff(tile=(16, 512)),
    "grey.tif": lambda picture: encoded_tiff(picture[..., 1]),
    "deep.tif": lambda picture: encoded_tiff(picture.astype(np.uint16) * 257, photometric="rgb"),
    "planes.tif": lambda picture: encoded_tiff(
        np.ascontiguousarray(picture.transpose(2, 0, 1)), photometric="rgb", planarconfig="separate"
    ),
    "planes.psd": _psd,
    "rgb.bmp": lambda picture: encoded("BMP", picture),
    "grey.bmp": lambda picture: encoded("BMP", Image.fromarray(picture[..., 1])),
    "palette.bmp": lambda picture: encoded("BMP", Image.fromarray(picture).quantize(200)),
    "linear.dng": _linear_dng,
}


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("kind", _KINDS)
def test_photographs_in_frames_pass(tmp_path: Path, kind: str, value: int) -> None:
    path = tmp_path / kind
    for width in (1, 3, 6, 9, 12, 20, 28, 45):
        framed = np.pad(_photo(), ((width, width), (width, width), (0, 0)), constant_values=value)
        path.write_bytes(_KINDS[kind](framed))
        assert read_picture(path).pixels.shape[:2] == framed.shape[:2], width


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("kind", _KINDS)
def test_two_framed_photographs_and_a_margin_below_pass(tmp_path: Path, kind: str, value: int) -> None:
    path = tmp_path / kind
    for width in (6, 10, 24):
        one = np.pad(_photo(), ((width, width), (width, width), (0, 0)), constant_values=value)
        below = np.pad(_photo(), ((0, 70), (0, width), (0, 0)), constant_values=value)
        for picture in (np.concatenate([one, one]), below):
            path.write_bytes(_KINDS[kind](picture))
            assert read_picture(path).pixels.shape[:2] == picture.shape[:2], width


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("kind", [kind for kind in _KINDS if kind != "palette.bmp"])
def test_the_same_photographs_that_break_off_are_refused(tmp_path: Path, kind: str, fill: bytes) -> None:
    """Their frame, of another value, goes on above what is missing of the last row."""
    path, width = tmp_path / kind, 10
    framed = np.pad(_photo(), ((width, width), (width, width), (0, 0)), constant_values=128)
    whole = _KINDS[kind](framed)
    path.write_bytes(whole)
    assert read_picture(path).width == _WIDE + 2 * width
    for share in (0.4567, 0.702):
        path.write_bytes(with_tail(whole, share, fill))
        with pytest.raises(InputError, match=r"incomplete|damaged"):
            read_picture(path)


def test_an_end_of_a_packed_dng_passes(tmp_path: Path) -> None:
    """Each of its codes was decoded, so that nothing of it can be missing, whatever its end looks like."""
    path, light = tmp_path / "a.dng", values()
    light[60, 80:] = light[61:] = Capture().white_level
    path.write_bytes(dng_of([lossless(light)], {259: short(7), 278: short(HEIGHT)}))
    assert read_picture(path).height == HEIGHT
    path.write_bytes(dng_of([light.astype("<u2").tobytes()], {278: short(HEIGHT)}))
    with pytest.raises(InputError, match="the last 39 of 100 rows hold no data"):
        read_picture(path)

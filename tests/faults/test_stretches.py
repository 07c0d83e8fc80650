"""Stretches of zeros or ones in uncompressed planes and tiles, and at the head of the pixels of a TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded_tiff, passes
from tests.faults.test_tiff_order import _LAYOUTS, _TALL, _WIDE, _picture, _tiff


def _lost(data: bytes, start: int, length: int, fill: bytes) -> bytes:
    return data[:start] + fill * length + data[start + length :]


def _refuse(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"hold no data|are lost"):
        read_picture(path, max_pixels=1 << 20)


_FILLS = pytest.mark.parametrize("fill", [b"\0", b"\xff"])


@_FILLS
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("layout", ["planes", "tiles", "large tiles", "tiles of planes"])
def test_a_stretch_in_the_order_of_the_file_is_refused(
    tmp_path: Path, layout: str, dtype: str, fill: bytes
) -> None:
    """None of these tiles is padded."""
    picture = np.tile(_picture(dtype), (2, 2, 1))[:256, :384]
    whole = _tiff(picture, layout)
    row = 64 * 384 // 16 * picture.itemsize
    for first, rows in ((50, 10), (61, 41)):
        start = len(whole) - picture.nbytes + first * row + row // 50 + 19
        _refuse(tmp_path / "a.tif", _lost(whole, start, rows * row + 11, fill))


@_FILLS
@pytest.mark.parametrize("layout", ["tiles", "large tiles"])
def test_sectors_that_end_in_the_padding_of_tiles_are_refused(
    tmp_path: Path, layout: str, fill: bytes
) -> None:
    whole = _tiff(_picture(), layout)
    sectors = range(20, len(whole) // 512 - 40, 5)
    passed = sum(passes(tmp_path / "a.tif", _lost(whole, sector * 512, 33 * 512, fill)) for sector in sectors)
    assert passed < 0.3 * len(sectors)


@_FILLS
@pytest.mark.parametrize("layout", _LAYOUTS)
def test_a_lost_head_is_refused(tmp_path: Path, layout: str, fill: bytes) -> None:
    """The header is there: what is lost began in other data ahead of the pixels."""
    picture = np.tile(_picture(), (2, 2, 1))[:256, :384]
    whole = _tiff(picture, layout)
    first = whole.index(picture[0, :20].tobytes() if "plan" not in layout else picture[0, :20, 0].tobytes())
    for share in (0.1, 0.52):
        sector = (first + int(share * picture.size)) // 512 * 512
        while layout == "tiles" and not 10 < (sector - first) % (64 * 3) < 180:
            sector += 512  # it ends with a row
        in_pixel = sector + 37 + ((sector + 37 - first) % 3 == 0)
        for end in (sector,) if "plan" in layout else (sector, in_pixel):
            _refuse(tmp_path / "a.tif", _lost(whole, first, end - first, fill))


def test_a_frame_that_is_not_quite_straight_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    picture = np.asarray(Image.fromarray(np.pad(_picture(), ((40, 40), (0, 0), (0, 0)))).rotate(0.1))
    for layout in _LAYOUTS:
        path.write_bytes(_tiff(picture[:230], layout))
        assert (read_picture(path, max_pixels=1 << 20).pixels == picture[:230]).all()


@pytest.mark.parametrize("layout", _LAYOUTS)
@pytest.mark.parametrize("value", [0, 255])
def test_boxes_and_bars_of_one_value_pass(tmp_path: Path, layout: str, value: int) -> None:
    path = tmp_path / "a.tif"
    for box in (
        np.s_[30:170, 50:250],
        np.s_[:100],
        np.s_[:100, :200],
        np.s_[64:128],
        np.s_[70:120, 10:],
        np.s_[:, 40:200],
        np.s_[40:150, 64:192],
        np.s_[..., 1],
        np.s_[40:150, :, 2],
    ):
        picture = _picture().copy()
        picture[box] = value
        path.write_bytes(_tiff(picture, layout))
        assert (read_picture(path, max_pixels=1 << 20).pixels == picture).all()


@pytest.mark.parametrize("layout", _LAYOUTS)
@pytest.mark.parametrize("value", [0, 255])
def test_round_and_slanted_shapes_pass(tmp_path: Path, layout: str, value: int) -> None:
    path = tmp_path / "a.tif"
    y, x = np.mgrid[:_TALL, :_WIDE]
    shapes: tuple[Any, ...] = (
        (y - 100) ** 2 + (x - 150) ** 2 < 80**2,
        y < 30 + x / 10,
        abs(y - 100 - x / 30) < 30,
        abs(y - 120 + x / 20) < 40,
        x + y < 250,
    )
    for shape in shapes:
        picture = _picture().copy()
        picture[shape] = value
        path.write_bytes(_tiff(picture, layout))
        assert (read_picture(path, max_pixels=1 << 20).pixels == picture).all()


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_slanted_shapes_in_one_colour_pass(tmp_path: Path, layout: str) -> None:
    """They begin within each pixel, as only its green has other values."""
    path, picture = tmp_path / "a.tif", _picture()
    picture[..., ::2] = 0
    y, x = np.mgrid[:_TALL, :_WIDE]
    for shape in (y < 30 + x / 10, y < 40 - x / 10, y < 40 + x / 299, y < 41 - x / 200):
        green = np.where(shape[..., None], 0, picture)
        path.write_bytes(_tiff(green, layout))
        assert (read_picture(path, max_pixels=1 << 20).pixels == green).all()


@_FILLS
def test_a_middle_where_a_colour_has_the_value_anyway(tmp_path: Path, fill: bytes) -> None:
    value = fill[0]
    picture = np.dstack([_picture(), np.full((_TALL, _WIDE), value)]).astype(np.uint8)
    whole = encoded_tiff(picture, photometric="rgb", extrasamples=["unassalpha"])
    start = len(whole) - picture.nbytes
    for first, end in ((20.3, 60.6), (90.5, 102.2)):
        at, until = (start + int(place * _WIDE) * 4 for place in (first, end))
        _refuse(tmp_path / "a.tif", _lost(whole, at, until - at, fill))

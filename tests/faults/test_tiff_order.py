"""Uncompressed planes and tiles that break off in the order of the file, where the picture shows no end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.hostile import with_tail
from tests.faults.pictures import encoded_tiff, scene

_TALL, _WIDE = 212, 300
_LAYOUTS: dict[str, dict[str, Any]] = {
    "planes": {"planarconfig": "separate", "rowsperstrip": 64},
    "whole planes": {"planarconfig": "separate"},
    "tiles": {"tile": (64, 64)},
    "large tiles": {"tile": (128, 128)},
    "tiles of planes": {"planarconfig": "separate", "tile": (64, 64)},
}


def _picture(dtype: str = "uint8") -> NDArray[Any]:
    peak = np.iinfo(dtype).max
    return scene(_TALL, _WIDE, dtype).clip(peak // 32, peak - peak // 32)


def _tiff(picture: NDArray[Any], layout: str, **more: Any) -> bytes:
    options = _LAYOUTS[layout] | more
    if "planarconfig" in options:
        picture = np.ascontiguousarray(picture.transpose(2, 0, 1))
    return encoded_tiff(picture, photometric="rgb", **options)


def _psd(picture: NDArray[Any]) -> bytes:
    tall, wide, channels = picture.shape
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, tall, wide, 8, 3) + bytes(12)
    return head + b"\0\0" + picture.transpose(2, 0, 1).tobytes()


@pytest.mark.parametrize("share", [0.3, 0.5, 0.68, 0.9])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("layout", _LAYOUTS)
def test_a_tail_of_planes_or_tiles_is_refused(tmp_path: Path, layout: str, fill: bytes, share: float) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(with_tail(_tiff(_picture(), layout), share, fill))
    with pytest.raises(InputError, match="is incomplete"):
        read_picture(path, max_pixels=1 << 20)


@pytest.mark.parametrize("more", [{"byteorder": ">"}, {"bigtiff": True}])
@pytest.mark.parametrize("layout", ["planes", "tiles"])
def test_a_tail_of_deep_samples_is_refused(tmp_path: Path, layout: str, more: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(with_tail(_tiff(_picture("uint16"), layout, **more), 0.55))
    with pytest.raises(InputError, match="is incomplete"):
        read_picture(path, max_pixels=1 << 20)


@pytest.mark.parametrize("layout", ["planes", "tiles"])
def test_a_tail_of_real_numbers_is_refused(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "a.tif"
    real = (_picture() / 255).astype(np.float32)
    path.write_bytes(with_tail(_tiff(real, layout), 0.55))
    with pytest.raises(InputError, match="is incomplete"):
        read_picture(path, max_pixels=1 << 20)


@pytest.mark.parametrize("share", [0.3, 0.34, 0.5, 0.67, 0.9])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_tail_of_photoshop_planes_is_refused(tmp_path: Path, fill: bytes, share: float) -> None:
    path = tmp_path / "a.psd"
    path.write_bytes(with_tail(_psd(_picture()), share, fill))
    with pytest.raises(InputError, match="is incomplete"):
        read_picture(path, max_pixels=1 << 20)


def _with(change: Callable[[NDArray[np.uint8]], object]) -> NDArray[np.uint8]:
    picture = np.asarray(_picture())
    change(picture)
    return picture


_WHOLE: dict[str, NDArray[np.uint8]] = {
    "a photograph": _picture(),
    "no blue": _with(lambda p: p[..., 2].fill(0)),
    "full blue": _with(lambda p: p[..., 2].fill(255)),
    "red alone": _with(lambda p: p[..., 1:].fill(0)),
    "grey": np.repeat(_picture()[..., :1], 3, axis=2),
    "a white margin": np.pad(_picture()[20:-20, 25:-25], ((20, 20), (25, 25), (0, 0)), constant_values=255),
    "a black margin": np.pad(_picture()[20:-20, 25:-25], ((20, 20), (25, 25), (0, 0))),
    "a margin at the right": np.pad(_picture()[:-40, :-6], ((0, 40), (0, 6), (0, 0)), constant_values=255),
    "a yellow bar below": _with(lambda p: p.__setitem__(slice(170, None), (255, 255, 0))),
    "a red bar below": _with(lambda p: p.__setitem__(slice(170, None), (255, 0, 0))),
    "white below": _with(lambda p: p[100:].fill(255)),
    "one white": np.full((_TALL, _WIDE, 3), 255, np.uint8),
    "one black": np.zeros((_TALL, _WIDE, 3), np.uint8),
    "a box": _with(lambda p: p[60:, 110:].fill(255)),
    "opaque": np.concatenate([_picture(), np.full((_TALL, _WIDE, 1), 255, np.uint8)], axis=2),
    "opaque, white below": np.concatenate(
        [_with(lambda p: p[100:].fill(255)), np.full((_TALL, _WIDE, 1), 255, np.uint8)], axis=2
    ),
}


@pytest.mark.parametrize("name", _WHOLE)
@pytest.mark.parametrize("layout", _LAYOUTS)
def test_planes_and_tiles_of_one_value_pass(tmp_path: Path, layout: str, name: str) -> None:
    path = tmp_path / "a.tif"
    picture = _WHOLE[name]
    path.write_bytes(_tiff(picture, layout, extrasamples=["unassalpha"] if picture.shape[2] == 4 else None))
    assert (read_picture(path, max_pixels=1 << 20).pixels[..., :3] == picture[..., :3]).all()


@pytest.mark.parametrize("name", [name for name in _WHOLE if not name.startswith("opaque")])
def test_photoshop_planes_of_one_value_pass(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.psd"
    path.write_bytes(_psd(_WHOLE[name]))
    assert (read_picture(path, max_pixels=1 << 20).pixels == _WHOLE[name]).all()

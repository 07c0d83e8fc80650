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


def _in_ink() -> NDArray[np.uint8]:
    """Return inks, the black one 0 as most programs have it."""
    return np.concatenate([255 - _picture(), np.zeros((_TALL, _WIDE, 1), np.uint8)], axis=2)


_ONE_COLOUR: dict[str, tuple[NDArray[Any], bytes]] = {
    "ink": (_in_ink(), b"\0"),
    "green alone": (_with(lambda p: p[..., ::2].fill(0)), b"\0"),
    "no blue": (_with(lambda p: p[..., 2].fill(0)), b"\0"),
    "opaque": (_WHOLE["opaque"], b"\xff"),
    "opaque, deep": (_WHOLE["opaque"].astype(np.uint16) * 257, b"\xff"),
    "grey, opaque": (_WHOLE["opaque"][..., 2:], b"\xff"),
    "colours": (_picture(), b"\0"),
    "32 bits": (_picture()[..., 0].astype(np.uint32) << 23, b"\0"),
}


def _refuse_each(path: Path, whole: bytes, first: int, fill: bytes, within: Callable[[int], bool]) -> None:
    """Refuse tails from sectors on that begin within a row, of twelve rows or more."""
    path.write_bytes(whole)
    assert read_picture(path, max_pixels=1 << 20).height == _TALL
    places = [at for at in range(-(-first // 512) * 512, len(whole) - 14 * _WIDE * 12, 512) if within(at)]
    for at in places[:: len(places) // 9 or 1]:
        path.write_bytes(whole[:at] + fill * (len(whole) - at))
        with pytest.raises(InputError, match="is incomplete"):
            read_picture(path, max_pixels=1 << 20)


@pytest.mark.parametrize("name", _ONE_COLOUR)
def test_a_tail_is_noticed_where_a_colour_has_its_value_anyway(tmp_path: Path, name: str) -> None:
    """It begins at a sector within a row, be it at the very start or end."""
    picture, fill = _ONE_COLOUR[name]
    kind = "separated" if name == "ink" else "rgb" if picture.shape[2:] in ((3,), (4,)) else "minisblack"
    extra = (
        ["unassalpha"] if picture.ndim == 3 and kind != "separated" and picture.shape[2] in (2, 4) else None
    )
    whole = encoded_tiff(picture, photometric=kind, extrasamples=extra, planarconfig="contig")
    row, start = picture[0].nbytes, len(whole) - picture.nbytes
    pixel = max(row // _WIDE, 4)

    def within(at: int) -> bool:
        return pixel < (at - start) % row < row - pixel

    _refuse_each(tmp_path / "a.tif", whole, start + 2 * row, fill, within)
    _refuse_each(
        tmp_path / "a.tif",
        whole,
        start + 2 * row,
        fill,
        lambda at: within(at) and min((at - start) % row, -(at - start) % row) < row // 50,
    )


def test_an_alpha_that_breaks_off_is_noticed(tmp_path: Path) -> None:
    """It has one value, and what is lost of it is another."""
    picture = _WHOLE["opaque"]
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    tiff = encoded_tiff(planes, photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"])
    for name, whole in (("a.tif", tiff), ("a.psd", _psd(picture))):
        start = len(whole) - _TALL * _WIDE
        assert whole[start : start + 9] == b"\xff" * 9
        path = tmp_path / name
        for at in range(-(-(start + _WIDE) // 512) * 512, len(whole) - 9 * _WIDE, 512):
            if 3 < (at - start) % _WIDE < _WIDE - 3:
                path.write_bytes(whole[:at] + bytes(len(whole) - at))
                with pytest.raises(InputError, match="is incomplete"):
                    read_picture(path, max_pixels=1 << 20)


def test_an_alpha_with_edges_passes(tmp_path: Path) -> None:
    y, x = np.mgrid[:_TALL, :_WIDE]
    shapes: dict[str, NDArray[np.bool_]] = {
        "a circle": (y - 90) ** 2 + (x - 150) ** 2 < 80**2,
        "the upper part": y < 170,
        "a box at the left": (y < 150) & (x < 212),
        "a box at the right": (y < 150) & (x >= 212),
        "a slanted edge": y < 120 + x / 9,
        "the other way": y < 160 - x / 9,
    }
    for name, shape in shapes.items():
        alpha = np.where(shape, 255, 0)[..., None].astype(np.uint8)
        picture = np.concatenate([_picture() * (alpha > 0), alpha], axis=2)
        for layout in _LAYOUTS:
            path = tmp_path / "a.tif"
            path.write_bytes(_tiff(picture, layout, extrasamples=["unassalpha"]))
            assert (read_picture(path, max_pixels=1 << 20).pixels == picture[..., :3]).all(), (name, layout)
        path = tmp_path / "a.psd"
        path.write_bytes(_psd(picture))
        assert read_picture(path, max_pixels=1 << 20).height == _TALL, name


def test_ink_over_blank_paper_passes(tmp_path: Path) -> None:
    path, ink = tmp_path / "a.tif", _in_ink()
    ink[120:] = 0
    path.write_bytes(encoded_tiff(ink, photometric="separated"))
    assert read_picture(path, max_pixels=1 << 20).height == _TALL


@pytest.mark.parametrize("kind", ["rgb", "minisblack", "planes"])
@pytest.mark.parametrize("fill", [0, 255])
@pytest.mark.parametrize("side", [16, 64])
def test_a_bar_below_that_begins_at_a_tile_passes(tmp_path: Path, side: int, fill: int, kind: str) -> None:
    """Tiles are padded at the right with what the bar has, a row of which does not break off there."""
    picture = np.asarray(_picture()) if kind != "minisblack" else np.ascontiguousarray(_picture()[..., 0])
    assert picture.shape[1] % side
    first = (_TALL - 16) // side * side
    for top in range(first - 1, first + 4):
        with_bar = picture.copy()
        with_bar[top:] = fill
        whole = _in_tiles(with_bar, side, fill, kind)
        path = tmp_path / "a.tif"
        path.write_bytes(whole)
        shown = read_picture(path, max_pixels=1 << 20).pixels
        assert (shown == (with_bar[..., None] if kind == "minisblack" else with_bar)).all(), top


@pytest.mark.parametrize("kind", ["rgb", "minisblack", "planes"])
@pytest.mark.parametrize("fill", [0, 255])
def test_a_first_row_of_a_tile_that_breaks_off_is_refused(tmp_path: Path, fill: int, kind: str) -> None:
    """Within the picture, or in padding that repeats it."""
    side = 64
    picture = np.asarray(_picture()) if kind != "minisblack" else np.ascontiguousarray(_picture()[..., 0])
    pixel = 3 if kind == "rgb" else 1
    path = tmp_path / "a.tif"
    shown = _WIDE % side
    for padding, column in ((fill, shown // 2), (None, shown // 2), (None, (shown + side) // 2)):
        whole = _in_tiles(picture, side, padding, kind)
        tile = side * side * pixel
        # The last tile of the last row but one, in the file's last plane.
        at = len(whole) - (-(-_WIDE // side) + 1) * tile + column * pixel
        path.write_bytes(whole[:at] + bytes([fill]) * (len(whole) - at))
        with pytest.raises(InputError, match="is incomplete"):
            read_picture(path, max_pixels=1 << 20)


def _in_tiles(picture: NDArray[np.uint8], side: int, padding: int | None, kind: str) -> bytes:
    """A TIFF in tiles, whose padding is of one value, or repeats the border."""
    tall, wide = picture.shape[:2]
    beyond = ((0, -tall % side), (0, -wide % side), (0, 0))
    cube = picture.reshape(tall, wide, -1)
    padded = (
        np.pad(cube, beyond, "edge") if padding is None else np.pad(cube, beyond, constant_values=padding)
    )
    planes = np.moveaxis(padded, 2, 0)[..., None] if kind == "planes" else padded[None]
    tiles = [
        plane[top : top + side, left : left + side]
        for plane in planes
        for top in range(0, padded.shape[0], side)
        for left in range(0, padded.shape[1], side)
    ]
    whole = encoded_tiff(
        np.ascontiguousarray(np.moveaxis(picture, 2, 0)) if kind == "planes" else picture,
        photometric="minisblack" if kind == "minisblack" else "rgb",
        tile=(side, side),
        **({"planarconfig": "separate"} if kind == "planes" else {}),
    )
    pixels = b"".join(tile.tobytes() for tile in tiles)
    return whole[: -len(pixels)] + pixels

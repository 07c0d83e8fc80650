"""Coded pixels with another end, other values or other tables than they had; and rare ones that are whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, encoded_tiff, passes, scene

HEIGHT, WIDTH = 120, 160


def _photo() -> NDArray[Any]:
    return scene(HEIGHT, WIDTH)


def _with_tail(data: bytes, share: float, fill: str) -> bytes:
    keep = int(len(data) * share)
    count = len(data) - keep
    match fill:
        case "random":
            return data[:keep] + random.Random(1).randbytes(count)
        case "repeated":
            return data[:keep] + (data[keep - 256 : keep] * (count // 256 + 1))[:count]
    return data[:keep] + bytes([int(fill, 16)]) * count


JPEG_2000: dict[str, Callable[[], bytes]] = {
    "a.jp2": lambda: encoded("JPEG2000", _photo(), quality_layers=[8], irreversible=True),
    "layers.jp2": lambda: encoded(
        "JPEG2000", _photo(), quality_mode="rates", quality_layers=[60, 20, 6], progression="RPCL"
    ),
    "tiled.jp2": lambda: encoded("JPEG2000", _photo(), tile_size=(64, 64)),
    "bare.j2k": lambda: bytes(imagecodecs.jpeg2k_encode(_photo(), level=38, codecformat="j2k")),
    "a.tif": lambda: encoded_tiff(_photo(), photometric="rgb", compression="jpeg2000"),
}


@pytest.mark.parametrize("name", JPEG_2000)
def test_a_jpeg_2000_with_another_end_is_refused(tmp_path: Path, name: str) -> None:
    path, whole = tmp_path / name, JPEG_2000[name]()
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    for fill in ("00", "ff", "55", "random", "repeated"):
        for share in (0.3, 0.7, 0.95):
            path.write_bytes(_with_tail(whole, share, fill))
            with pytest.raises(InputError):
                read_picture(path)


@pytest.mark.parametrize("name", ["a.jp2", "layers.jp2", "tiled.jp2", "bare.j2k"])
def test_a_jpeg_2000_with_other_values_in_its_middle_is_refused(tmp_path: Path, name: str) -> None:
    """Where a byte of ones has more behind it than a coder writes, as one in some six hundred has."""
    path, whole = tmp_path / name, JPEG_2000[name]()
    keep = len(whole) // 2
    for seed in range(4):
        other = random.Random(seed).randbytes(200) + b"\xff\xa0" + random.Random(seed).randbytes(200)
        path.write_bytes(whole[:keep] + other + whole[keep + len(other) :])
        with pytest.raises(InputError):
            read_picture(path)


def test_markers_between_packets_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.j2k"
    whole = JPEG_2000["bare.j2k"]()
    body = whole.index(b"\xff\x93") + 2
    part = whole.rindex(b"\xff\x90", 0, body)
    length = int.from_bytes(whole[part + 6 : part + 10], "big")
    # A comment in the header of the part, as other writers put there, and no length but "to the end".
    comment = b"\xff\x64\0\x06\0\x01ab"
    path.write_bytes(whole[: part + 6] + bytes(4) + whole[part + 10 : body - 2] + comment + whole[body - 2 :])
    assert length and np.array_equal(read_picture(path).pixels[..., :3], _decoded(tmp_path, whole))


def _decoded(folder: Path, data: bytes) -> NDArray[Any]:
    path = folder / "other.j2k"
    path.write_bytes(data)
    return read_picture(path).pixels


@pytest.mark.parametrize("container", [True, False])
@pytest.mark.parametrize("quality", [50, 90])
@pytest.mark.parametrize("colours", ["RGB", "L"])
def test_a_jpeg_xl_made_from_a_jpeg_without_loss(
    tmp_path: Path, colours: str, quality: int, container: bool
) -> None:
    """Its first box of the codestream has seven bytes, and its header goes on in the next one."""
    picture = _photo() if colours == "RGB" else _photo()[..., 0]
    stored = encoded("JPEG", picture, quality=quality)
    path, original = tmp_path / "a.jxl", tmp_path / "a.jpg"
    path.write_bytes(imagecodecs.jpegxl_encode_jpeg(stored, usecontainer=container))
    original.write_bytes(stored)
    found, expected = read_picture(path), read_picture(original)
    assert (found.height, found.width) == (HEIGHT, WIDTH)
    assert np.abs(found.pixels.astype(int) - expected.pixels).mean() < 3


def _without_step(data: bytes, at: int = 1) -> bytes:
    """A JPEG whose first table of steps has a zero."""
    table = data.index(b"\xff\xdb") + 4
    return data[: table + at] + b"\0" + data[table + at + 1 :]


@pytest.mark.parametrize("at", [1, 2, 40, 64])
@pytest.mark.parametrize("progressive", [True, False])
def test_a_step_of_zero_is_refused(tmp_path: Path, at: int, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    whole = encoded("JPEG", _photo(), progressive=progressive)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    path.write_bytes(_without_step(whole, at))
    with pytest.raises(InputError, match="table of steps"):
        read_picture(path)


def _sky() -> NDArray[Any]:
    """Flat below: the codes of its blocks are short, and a decoder takes zeros for them."""
    pixels = _photo()
    pixels[HEIGHT // 3 :] = 90
    return pixels


@pytest.mark.parametrize("fill", ["00", "ff", "55"])
@pytest.mark.parametrize("progressive", [True, False])
def test_a_jpeg_whose_end_holds_one_value_is_refused(tmp_path: Path, progressive: bool, fill: str) -> None:
    path = tmp_path / "a.jpg"
    for pixels in (_photo(), _sky()):
        whole = encoded("JPEG", pixels, quality=40, optimize=True, progressive=progressive)
        for keep in (len(whole) - 80, int(len(whole) * 0.9), int(len(whole) * 0.6)):
            if len(whole) - keep < 66:
                continue
            path.write_bytes(_with_tail(whole, keep / len(whole), fill))
            with pytest.raises(InputError):
                read_picture(path)


def test_a_jpeg_without_its_end_marker_alone_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded("JPEG", _sky())[:-2])
    assert read_picture(path).width == WIDTH


WEBP: dict[str, dict[str, Any]] = {
    "lossy": {"quality": 80},
    "lossless": {"lossless": True},
    "quick lossless": {"lossless": True, "method": 0},
    "animated": {"quality": 80, "save_all": True, "append_images": [Image.new("RGB", (WIDTH, HEIGHT))]},
}


@pytest.mark.parametrize("fill", ["00", "ff", "55", "random"])
@pytest.mark.parametrize("kind", WEBP)
def test_a_webp_with_another_end_is_refused(tmp_path: Path, kind: str, fill: str) -> None:
    """Other values rarely need exactly as many bytes as the pixels did: once or twice in a hundred times."""
    path, whole = tmp_path / "a.webp", encoded("WEBP", _grainy(), **WEBP[kind])
    if kind == "animated":  # the first frame alone is decoded
        whole = encoded(
            "WEBP", _grainy(), **{**WEBP[kind], "append_images": [Image.fromarray(_grainy()[::-1])]}
        )
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    assert sum(passes(path, _with_tail(whole, share, fill)) for share in (0.1, 0.2, 0.3, 0.35, 0.4)) <= 1


def _grainy() -> NDArray[Any]:
    noise = np.random.default_rng(0).integers(-20, 21, (HEIGHT, WIDTH, 3))
    return (_photo().astype(np.int32) + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "options", [{"quality": 75, "method": 0}, {"quality": 1}, {"lossless": True, "method": 0}]
)
@pytest.mark.parametrize("below", [0, 255])
@pytest.mark.parametrize("with_alpha", [True, False])
def test_flat_halves_and_even_masks_in_webp_are_read(
    tmp_path: Path, options: dict[str, Any], below: int, with_alpha: bool
) -> None:
    """A quick coder writes zeros for them, hundreds of bytes."""
    pixels = np.concatenate([_photo(), np.full((3 * HEIGHT, WIDTH, 3), below, np.uint8)])
    if with_alpha:
        ramp = np.broadcast_to(np.arange(WIDTH, dtype=np.uint8), pixels.shape[:2])
        pixels = np.dstack([pixels, ramp])
    path = tmp_path / "a.webp"
    path.write_bytes(encoded("WEBP", Image.fromarray(pixels), **options))
    assert read_picture(path).height == 4 * HEIGHT

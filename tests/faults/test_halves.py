"""Half a picture is no picture: what a header asks for and what is there are compared for every format."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.captures import Capture, write_dng, write_dng_mosaic
from tests.faults.hostile import (
    TALL,
    WIDE,
    fewer_strips,
    jpeg_of_first_scans,
    noisy,
    png_chunk,
    png_of_rows,
    retagged,
    strip_with_tail,
    tiff,
    with_tail,
)
from tests.faults.pictures import encoded, encoded_arw, encoded_dng, encoded_tiff


def _fax(kind: str) -> bytes:
    return encoded("TIFF", Image.fromarray(noisy()).convert("1"), compression=kind)


def _packed(kind: str) -> bytes:
    return encoded("TIFF", noisy(), compression=kind)


HALVES: dict[str, Callable[[], bytes]] = {
    "strips.tif": lambda: fewer_strips(tiff()),
    "strips-deflate.tif": lambda: fewer_strips(tiff(compression="adobe_deflate")),
    "no-counts.tif": lambda: retagged(tiff(), 279, 4, 0, 0),
    "twice-the-height.tif": lambda: retagged(tiff(), 257, 4, 1, 2 * TALL),
    "one-strip-too-high.tif": lambda: retagged(
        retagged(encoded_tiff(noisy(), photometric="rgb"), 257, 4, 1, 2 * TALL), 278, 4, 1, 2 * TALL
    ),
    "tail.tif": lambda: with_tail(encoded_tiff(noisy("uint16"), photometric="rgb"), 0.53),
    "tail-of-ones.tif": lambda: with_tail(encoded_tiff(noisy("uint16"), photometric="rgb"), 0.532, b"\xff"),
    **{
        f"{kind}-{name}.tif": (lambda kind=kind, fill=fill: strip_with_tail(_fax(kind), fill))
        for kind in ("group3", "group4", "tiff_ccitt")
        for name, fill in (("zeros", b"\0"), ("ones", b"\xff"))
    },
    **{
        f"{kind}-{name}.tif": (lambda kind=kind, fill=fill: strip_with_tail(_packed(kind), fill))
        for kind in ("packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg")
        for name, fill in (("zeros", b"\0"), ("ones", b"\xff"))
    },
    "rows.png": lambda: png_of_rows(TALL // 2),
    "one-row.png": lambda: png_of_rows(TALL - 1),
    "no-row.png": lambda: png_of_rows(0),
    "tail.jpg": lambda: with_tail(encoded("JPEG", noisy(), quality=95), 0.4),
    "tail-of-ones.jpg": lambda: with_tail(encoded("JPEG", noisy(), quality=95), 0.7, b"\xff"),
    "tail-progressive.jpg": lambda: with_tail(encoded("JPEG", noisy(), progressive=True, optimize=True), 0.5),
    "scans.jpg": lambda: jpeg_of_first_scans(3),
    "one-scan.jpg": lambda: jpeg_of_first_scans(1),
    "unrefined.jpg": lambda: jpeg_of_first_scans(9),
    "tail.bmp": lambda: with_tail(encoded("BMP", noisy()), 0.532),
    "tail.gif": lambda: with_tail(encoded("GIF", noisy()), 0.5),
    "tail.webp": lambda: with_tail(encoded("WEBP", noisy(), quality=95), 0.5),
    "tail-of-ones.webp": lambda: with_tail(encoded("WEBP", noisy(), quality=95), 0.5, b"\xff"),
    "tail.dng": lambda: with_tail(encoded_dng(height=TALL, width=WIDE), 0.5),
    "tail-of-ones.dng": lambda: with_tail(encoded_dng(height=TALL, width=WIDE), 0.5, b"\xff"),
    "tail.ARW": lambda: with_tail(encoded_arw(), 0.5),
    "tail-of-ones.ARW": lambda: with_tail(encoded_arw(), 0.5, b"\xff"),
}


@pytest.mark.parametrize("name", HALVES)
def test_half_a_picture_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HALVES[name]())
    with pytest.raises(InputError) as caught:
        read_picture(path)
    assert caught.value.path == path
    reason = caught.value.reason
    assert any(word in reason for word in ("incomplete", "damaged", "cut short", "no picture")), reason


@pytest.mark.parametrize(("black", "white"), [(16383, 16383), (16000, 4095), ((0, 0, 0, 20_000), 16383)])
def test_levels_without_a_picture_between_are_refused(
    tmp_path: Path, black: int | tuple[int, ...], white: int
) -> None:
    path = tmp_path / "a.dng"
    write_dng_mosaic(
        path,
        np.random.default_rng(1).integers(600, 12_000, (64, 96)).astype(np.uint16),
        Capture(black_level=black, white_level=white),
    )
    with pytest.raises(InputError, match="has no picture"):
        read_picture(path)


def test_a_picture_that_comes_out_constant_is_refused(tmp_path: Path) -> None:
    """All values, which differ, lie below the black level."""
    path = tmp_path / "a.dng"
    values = np.random.default_rng(1).integers(100, 500, (64, 96)).astype(np.uint16)
    write_dng_mosaic(path, values, Capture(black_level=512))
    with pytest.raises(InputError, match="developed to one colour, though its values differ"):
        read_picture(path)


def _night() -> Image.Image:
    """Black above and below, with a few lights between."""
    sky = np.zeros((256, 320, 3), np.uint8)
    sky[120:124, 40:44] = sky[130:140, 200:230] = 250
    return Image.fromarray(sky)


BLACK: dict[str, Callable[[], bytes]] = {
    "night.jpg": lambda: encoded("JPEG", _night()),
    "night-optimised.jpg": lambda: encoded("JPEG", _night(), optimize=True),
    "night-progressive.jpg": lambda: encoded("JPEG", _night(), progressive=True),
    "night-grey.jpg": lambda: encoded("JPEG", _night().convert("L"), optimize=True),
    "black.jpg": lambda: encoded("JPEG", Image.new("L", (2000, 1000), 0), optimize=True),
    "night.png": lambda: encoded("PNG", _night()),
    "night.webp": lambda: encoded("WEBP", _night()),
    "night.gif": lambda: encoded("GIF", _night()),
    "night.bmp": lambda: encoded("BMP", _night()),
    "night.tif": lambda: encoded("TIFF", _night()),
    **{
        f"blank-{colour}-{kind}.tif": (
            lambda kind=kind, colour=colour: encoded(
                "TIFF", Image.new("1", (600, 400), colour), compression=kind
            )
        )
        for kind in ("group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "tiff_adobe_deflate")
        for colour in (0, 1)
    },
    # A frame: black above and below. A mask: few values. A page: white below. A circle: ends gradually.
    "letterbox.tif": lambda: encoded_tiff(
        np.pad(noisy(), ((40, 40), (0, 0), (0, 0))), photometric="rgb"
    ),
    "mask.tif": lambda: encoded_tiff(np.repeat([[255] * WIDE, [0] * WIDE], 60, axis=0).astype(np.uint8)),
    "page.tif": lambda: encoded_tiff(
        np.concatenate([noisy(), np.full_like(noisy(), 255)]), photometric="rgb"
    ),
    "circle.tif": lambda: encoded_tiff(
        noisy() * (np.hypot(*np.mgrid[-48:48, -64:64])[..., None] < 40).astype(np.uint8), photometric="rgb"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BLACK)
def test_a_black_end_that_belongs_to_the_picture_passes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BLACK[name]())
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB")).astype(int)
    found = read_picture(path).pixels.astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 1


def test_a_masked_border_of_a_raw_file_passes(tmp_path: Path) -> None:
    """Rows below the picture that no light reaches read black with its noise, or nothing at all."""
    path = tmp_path / "a.dng"
    write_dng(path, noisy() / 255, Capture(read_noise=4.0))
    whole = read_picture(path).pixels
    values = np.random.default_rng(2).integers(600, 9000, (TALL, WIDE)).astype(np.uint16)
    values[-4:] = 0
    write_dng_mosaic(tmp_path / "b.dng", values, Capture())
    values[-30:] = 16383
    write_dng_mosaic(tmp_path / "c.dng", values, Capture())
    assert whole.shape == read_picture(tmp_path / "b.dng").pixels.shape
    # Overexposed below: every value at the white level, which no sensor exceeds.
    assert int(read_picture(tmp_path / "c.dng").pixels[-20:-5].min()) > 60_000


@pytest.mark.parametrize(
    ("width", "height"), [(WIDE, TALL - 8), (WIDE, TALL // 2), (WIDE - 16, TALL), (WIDE // 2, TALL)]
)
@pytest.mark.parametrize("kind", ["RGB", "P", "LA"])
def test_a_png_of_a_smaller_size_than_its_data_is_refused(
    tmp_path: Path, kind: str, width: int, height: int
) -> None:
    path = tmp_path / "a.png"
    whole = encoded("PNG", Image.fromarray(noisy()).convert(kind))
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (TALL, WIDE)
    header = struct.pack(">II", width, height) + whole[24:29]
    path.write_bytes(whole[:8] + png_chunk(b"IHDR", header) + whole[33:])
    with pytest.raises(InputError, match="more pixels than its size"):
        read_picture(path)

"""What comes out of one colour: pictures that are so pass, and what became so on the way is refused."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded

TALL, WIDE = 64, 96
_NUMBERS = np.random.default_rng(1).integers(0, 200, (TALL, WIDE)).astype(np.uint8)


def _palette(kind: str, numbers: NDArray[np.uint8], colours: list[tuple[int, int, int]]) -> bytes:
    if kind == "TIFF":
        table = np.array(colours * 256)[:256].T.astype(np.uint16) * 257
        file = io.BytesIO()
        tifffile.imwrite(file, numbers, photometric="palette", colormap=table, compression="zlib")
        return file.getvalue()
    if kind == "PSD":
        flat = np.array(colours * 256)[:256].T.astype(np.uint8).tobytes()
        head = b"8BPS" + struct.pack(">H6xHIIHHI", 1, 1, TALL, WIDE, 8, 2, 768) + flat
        return head + bytes(10) + numbers.tobytes()
    image = Image.fromarray(numbers, "P")
    image.putpalette(sum((colours * 256)[:256], ()))
    options: dict[str, Any] = {"optimize": False} if kind == "GIF" else {}
    return encoded(kind, image, **options)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "PNG", "PSD", "TIFF"])
def test_numbers_of_one_colour_are_refused_unless_they_are_one_number(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(_palette(kind, _NUMBERS, [(9, 70, 90)]))
    with pytest.raises(InputError, match="to one colour"):
        read_picture(path)
    for colours in ([(9, 70, 90)], [(0, 0, 0), (255, 255, 255)], [(255, 255, 255), (1, 2, 3)]):
        path.write_bytes(_palette(kind, np.zeros_like(_NUMBERS), colours))
        assert (read_picture(path).pixels == colours[0]).all()
    path.write_bytes(_palette(kind, _NUMBERS, [(9, 70, 90), (9, 70, 91)]))
    assert np.unique(read_picture(path).pixels[..., 2]).tolist() == [90, 91]


@pytest.mark.parametrize("kind", ["BMP", "GIF", "PNG", "TIFF", "JPEG", "WEBP", "JPEG2000", "AVIF"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_pictures_of_one_colour_pass(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / f"a.{'jp2' if kind == 'JPEG2000' else kind.lower()}"
    for value in (0, 255):
        image = Image.new("L", (WIDE, TALL), value).convert(mode)
        if mode == "1" and kind in ("JPEG", "WEBP", "JPEG2000", "AVIF"):
            image = image.convert("L")
        path.write_bytes(encoded(kind, image))
        assert np.unique(read_picture(path).pixels).tolist() == [value]


def test_deep_values_that_all_become_black_are_refused(tmp_path: Path) -> None:
    """So do the numbers of objects, where white is the largest of 32 bits."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, _NUMBERS.astype(np.uint32), photometric="minisblack")
    with pytest.raises(InputError, match="to one colour, though its values differ"):
        read_picture(path)
    tifffile.imwrite(path, np.zeros((TALL, WIDE), np.uint32), photometric="minisblack")
    assert not read_picture(path).pixels.any()
    # Floating-point black or white may have a little noise.
    tifffile.imwrite(path, _NUMBERS.astype(np.float32) * np.float32(1e-9), photometric="minisblack")
    assert not read_picture(path).pixels.any()


def test_what_is_not_shown_may_differ(tmp_path: Path) -> None:
    path, white = tmp_path / "a.tif", np.full((TALL, WIDE), 255, np.uint8)
    stored = np.dstack([white, white, white, _NUMBERS])
    tifffile.imwrite(path, stored, photometric="rgb", extrasamples=["unspecified"])
    assert (read_picture(path).pixels == 255).all()
    tifffile.imwrite(path, stored, photometric="rgb", extrasamples=["unassalpha"])
    assert (read_picture(path).pixels == 255).all()

"""What lies behind the pixels of a BMP: no further rows, but its profile and a little padding."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, scene

HEIGHT, WIDTH = 120, 160
#: where the header has width and height
_AT = 18


def _bmp(mode: str) -> bytes:
    return encoded("BMP", Image.fromarray(scene(HEIGHT, WIDTH)).convert(mode))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_bitmap_with_pixels_behind_its_own_is_refused(tmp_path: Path, mode: str) -> None:
    path, whole = tmp_path / "a.bmp", _bmp(mode)
    for tail in (b"", b"\1" * 16, bytes(512)):
        path.write_bytes(whole + tail)
        assert read_picture(path).pixels.shape[:2] == (HEIGHT, WIDTH)
    for width, height in ((WIDTH - 32, HEIGHT), (WIDTH, HEIGHT - 8), (WIDTH, -HEIGHT // 2)):
        path.write_bytes(whole[:_AT] + struct.pack("<ii", width, height) + whole[_AT + 8 :])
        with pytest.raises(InputError, match="is damaged: "):
            read_picture(path)


def test_the_profile_behind_a_bitmap_passes(tmp_path: Path) -> None:
    """A header of 124 bytes names it."""
    pixels, profile = _bmp("RGB")[54:], bytes(range(256)) * 12
    info = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    info += bytes(16) + b"DEBM" + bytes(48) + struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    size = 14 + len(info) + len(pixels) + len(profile)
    whole = b"BM" + struct.pack("<IHHI", size, 0, 0, 14 + len(info)) + info + pixels + profile
    path = tmp_path / "a.bmp"
    path.write_bytes(whole)
    assert len(info) == 124
    assert np.array_equal(read_picture(path).pixels, scene(HEIGHT, WIDTH))
    path.write_bytes(whole + profile)
    with pytest.raises(InputError, match="behind its pixels"):
        read_picture(path)

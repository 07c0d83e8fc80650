"""The size of a picture from its header is that of the picture as it is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture, read_size


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.avif", "a.tif", "a.bmp", "a.gif"])
def test_a_header_says_what_is_read(tmp_path: Path, name: str, orientation: int) -> None:
    if name.endswith("avif") and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    exif = Image.Exif()
    exif[274] = orientation
    options = {} if name.endswith(("bmp", "gif")) else {"exif": exif}
    Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / name, **options)
    picture = read_picture(tmp_path / name)
    assert read_size(tmp_path / name) == (picture.height, picture.width)


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"\xff\x0a", b"8BPS"]
)
def test_headers_that_are_not_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError):
        read_size(tmp_path / "a.png")

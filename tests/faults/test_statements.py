"""What a file says about itself, and cannot be so: it costs the statement, never the picture, nor a crash."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_focal_length, read_picture, write_picture
from tests.captures import Capture, write_arw, write_dng
from tests.faults.hostile import TALL, noisy, png_chunk, png_of_rows
from tests.faults.pictures import encoded

LARGEST = 2**32 - 1
CAPTURES: dict[str, dict[str, Any]] = {
    "year": {"date": "99999:99:99 99:99:99"},
    "year-0": {"date": "0000:00:00 00:00:00"},
    "no-date": {"date": "when it rained"},
    "not-ascii": {"model": "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "date": "2024:06:01 12:00:00"},
    "longest-exposure": {"exposure_time": Fraction(LARGEST)},
    "shortest-exposure": {"exposure_time": Fraction(1, LARGEST)},
    "aperture": {"aperture": Fraction(LARGEST)},
    "aperture-0": {"aperture": Fraction(0)},
    "iso": {"iso": 65_535},
    "orientation": {"orientation": 0},
    "orientation-9": {"orientation": 9},
}


@pytest.mark.parametrize("write", [write_dng, write_arw])
@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_that_says_the_impossible_is_developed(tmp_path: Path, name: str, write: Any) -> None:
    if name == "not-ascii" and write is write_arw:
        pytest.skip("the camera is what tells LibRaw that it is one")
    path = tmp_path / ("a.dng" if write is write_dng else "a.ARW")
    fields = dict(CAPTURES[name])
    model = fields.pop("model", None)
    write(path, noisy() / 255, Capture(**fields))
    if model is not None:
        path.write_bytes(path.read_bytes().replace(b"Test camera", b"Test cam\xe9\xff\xfe"))
    picture = read_picture(path)
    assert picture.pixels.shape == noisy().shape
    assert read_focal_length(path) == 35.0
    for suffix in (".tif", ".jpg", ".png", ".webp"):
        write_picture(picture, tmp_path / f"b{suffix}")
        assert read_picture(tmp_path / f"b{suffix}").pixels.shape == picture.pixels.shape


@pytest.mark.parametrize("density", [LARGEST, LARGEST - 1, 2**31, 1])
def test_a_picture_of_any_density_is_written(tmp_path: Path, density: int) -> None:
    png, bmp = png_of_rows(TALL), bytearray(encoded("BMP", noisy()))
    body = struct.pack(">IIB", density, density, 1)
    (tmp_path / "a.png").write_bytes(png[:33] + png_chunk(b"pHYs", body) + png[33:])
    bmp[38:46] = struct.pack("<II", density, density)
    (tmp_path / "a.bmp").write_bytes(bmp)
    for name in ("a.png", "a.bmp"):
        picture = read_picture(tmp_path / name)
        assert np.array_equal(picture.pixels, noisy())
        for suffix in (".tif", ".jpg", ".png", ".webp", ".avif"):
            target = tmp_path / f"{name}{suffix}"
            write_picture(picture, target)
            assert read_picture(target).pixels.shape == noisy().shape


@pytest.mark.parametrize("pattern", [(0, 0, 0, 0), (0, 1, 1, 0), (1, 2, 2, 1), (6, 6, 6, 6)])
def test_a_mosaic_without_one_of_its_colours_is_refused(tmp_path: Path, pattern: tuple[int, ...]) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, noisy() / 255, replace(Capture(), pattern="RGGB"))
    usual = struct.pack("<HHI4B", 33422, 1, 4, 0, 1, 1, 2)
    data = path.read_bytes()
    assert data.count(usual) == 1
    path.write_bytes(data.replace(usual, struct.pack("<HHI4B", 33422, 1, 4, *pattern)))
    with pytest.raises(InputError, match="of its 3 colours"):
        read_picture(path)

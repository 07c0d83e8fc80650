"""The mark that every result carries, and recognising results by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, features

from srnet_cli.imaging import Metadata, Picture, write_picture
from srnet_cli.imaging.formats import written_formats
from srnet_cli.imaging.metadata import is_own_result, software_mark
from srnet_cli.imaging.metadata.exif import software_of
from srnet_cli.version import own_version


def picture(**metadata: Any) -> Picture:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    return Picture(pixels, metadata=Metadata(**metadata))


def foreign_exif(software: str | None) -> bytes:
    exif = Image.Exif()
    exif[271] = "Maker"
    if software is not None:
        exif[305] = software
    return exif.tobytes().removeprefix(b"Exif\0\0")


def test_the_mark_names_program_and_version() -> None:
    assert software_mark() == f"srnet {own_version()}"


#: in which finished pictures are written
FINISHED = [row for row in written_formats() if not row.holds_camera_colours]


@pytest.mark.parametrize("row", FINISHED, ids=lambda row: row.name)
def test_the_mark_says_what_the_pixels_were_made_with(tmp_path: Path, row: Any) -> None:
    if row.name == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / f"a{row.suffixes[0]}"
    write_picture(picture(made_with="srnet-x4 crisp 0.5, strength 0.8"), path)
    assert is_own_result(path) and row.read_exif is not None
    assert software_of(row.read_exif(path)) == f"srnet {own_version()} (srnet-x4 crisp 0.5, strength 0.8)"


@pytest.mark.parametrize("row", FINISHED, ids=lambda row: row.name)
@pytest.mark.parametrize("exif", [None, b"nonsense", foreign_exif("Other program 1.0")])
def test_every_result_is_recognised(tmp_path: Path, row: Any, exif: bytes | None) -> None:
    if row.name == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / f"a{row.suffixes[0]}"
    write_picture(picture(exif=exif), path)
    assert is_own_result(path)
    # Content decides: a renamed result is one, too.
    renamed = path.rename(tmp_path / "other.dat")
    assert is_own_result(renamed)


@pytest.mark.parametrize("software", [None, "srnetwork 2", "Other program 1.0"])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_pictures_of_others_are_not(tmp_path: Path, name: str, software: str | None) -> None:
    path = tmp_path / name
    if name == "a.tif":
        tifffile.imwrite(path, picture().pixels, photometric="rgb", software=software or False)
    else:
        Image.fromarray(picture().pixels).save(path, exif=foreign_exif(software))
    assert not is_own_result(path)


def test_what_cannot_be_read_is_not(tmp_path: Path) -> None:
    for name, data in (
        ("empty", b""),
        ("text", b"srnet 0.1.0"),
        ("a.png", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIf"),
        ("a.tif", b"II*\0\xff\xff\xff\xff"),
        ("a.jpg", b"\xff\xd8\xff\xe1\x00"),
        ("a.webp", b"RIFF\xff\0\0\0WEBPVP8X"),
    ):
        (tmp_path / name).write_bytes(data)
        assert not is_own_result(tmp_path / name)
    assert not is_own_result(tmp_path / "missing.png")
    assert not is_own_result(tmp_path)

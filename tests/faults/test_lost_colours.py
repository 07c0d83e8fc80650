"""TIFF files cut at their very end, where writers put what a picture says besides its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ImageCms, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import colour, read_picture
from srnet_cli.imaging.colour.profiles import profile_space
from tests.faults.pictures import encoded, encoded_tiff, scene

_PROFILE = colour.stated_profile(colour.ADOBE_RGB, False)

needs_libtiff = pytest.mark.skipif(not features.check("libtiff"), reason="Pillow without libtiff")


@needs_libtiff
@pytest.mark.parametrize("lost", [1, 100, len(_PROFILE) - 10])
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_profile_that_is_cut_is_said(tmp_path: Path, compression: str, lost: int) -> None:
    path = tmp_path / "a.tif"
    whole = encoded("TIFF", scene(60, 80), compression=compression, icc_profile=_PROFILE)
    assert whole.index(_PROFILE) + len(_PROFILE) >= len(whole) - 1
    path.write_bytes(whole)
    assert read_picture(path).metadata.icc == _PROFILE
    path.write_bytes(whole[: whole.index(_PROFILE) + len(_PROFILE) - lost])
    found = read_picture(path).metadata
    assert not found.colour_known
    assert any("of its colours is damaged" in note for note in found.notes)


@pytest.mark.parametrize("lost", [1, 20, 47])
def test_primaries_that_are_cut_are_said(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "a.tif"
    adobe = (64, 100, 33, 100, 21, 100, 71, 100, 15, 100, 6, 100)
    whole = encoded_tiff(
        scene(60, 80), photometric="rgb", compression="lzw", extratags=[(319, 5, 6, adobe, True)]
    )
    at = whole.index(np.array(adobe, "<u4").tobytes())
    values = whole[at : at + 48]
    start = len(whole)
    moved = whole.replace(
        (319).to_bytes(2, "little") + b"\x05\0\x06\0\0\0" + at.to_bytes(4, "little"),
        (319).to_bytes(2, "little") + b"\x05\0\x06\0\0\0" + start.to_bytes(4, "little"),
    )
    assert moved != whole
    path.write_bytes(moved + values)
    assert read_picture(path).metadata.icc is not None
    for data in (moved + values[:-lost], moved + bytes(48)):
        path.write_bytes(data)
        found = read_picture(path).metadata
        assert not found.colour_known
        assert any("of its colours is damaged" in note for note in found.notes)


def test_other_statements_that_are_cut_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    whole = encoded_tiff(scene(60, 80), photometric="rgb", compression="lzw", description="x" * 99)
    at = whole.index(b"x" * 99)
    entry = whole.index((270).to_bytes(2, "little") + b"\x02\0\x64\0\0\0")
    moved = whole[: entry + 8] + len(whole).to_bytes(4, "little") + whole[entry + 12 :]
    path.write_bytes(moved + whole[at : at + 100])
    assert not read_picture(path).metadata.notes
    path.write_bytes(moved + whole[at : at + 50])
    found = read_picture(path).metadata
    assert found.colour_known
    assert any("besides its picture" in note for note in found.notes)


@pytest.mark.parametrize("kept", [0, 128, 200, 380])
def test_a_profile_of_zeros_is_left_out(tmp_path: Path, kept: int) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (_PROFILE, srgb):
        assert profile_space(profile) == "RGB "
        broken = profile[:kept] + bytes(len(profile) - kept)
        assert profile_space(broken) is None
        path = tmp_path / "a.png"
        path.write_bytes(encoded("PNG", scene(40, 50), icc_profile=broken))
        try:
            assert read_picture(path).metadata.icc is None
        except InputError as error:
            assert "damaged" in error.reason


def test_a_whole_grey_profile_is_kept() -> None:
    assert profile_space(colour.stated_profile(colour.ADOBE_RGB, True)) == "GRAY"

"""JPEG XL as it is written: round trips in every depth and layout, what its header says, what it carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from srnet_cli.errors import OutputError
from srnet_cli.imaging import Metadata, Picture, WriteOptions, read_picture, read_size, write_picture
from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.codecs.further.jpeg_xl_header import LINEAR, read_header, with_srgb_curve
from srnet_cli.imaging.colour import (
    ADOBE_RGB,
    SRGB_COLOUR,
    Primaries,
    StatedColour,
    is_srgb,
    srgb_profile,
    stated_profile,
    to_srgb,
)
from srnet_cli.imaging.metadata.exif import colour_space_of
from srnet_cli.imaging.write import check_output, open_strip_writer


def scene(dtype: str = "uint8", height: int = 61, width: int = 90) -> Any:
    y, x = np.mgrid[:height, :width]
    waves = [0.5 + 0.45 * np.sin(x / 9 + phase) * np.cos(y / 13 - phase) for phase in (0, 1, 2)]
    return np.rint(np.stack(waves, axis=2) * np.iinfo(dtype).max).astype(dtype)


def picture(dtype: str = "uint8", grey: bool = False, alpha: bool = False, **metadata: Any) -> Picture:
    values = scene(dtype)
    if grey:
        values = np.repeat(values[..., :1], 3, axis=2)
    transparency = np.ascontiguousarray(values[::-1, :, 0]) if alpha else None
    return Picture(values, transparency, grey=grey, metadata=Metadata(**metadata))


def codestream(path: Path) -> bytes:
    return next(body for kind, body in boxes(path.read_bytes()) if kind == b"jxlc")


@pytest.mark.parametrize("quality", [None, 100])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_round_trip(tmp_path: Path, grey: bool, alpha: bool, dtype: str, quality: int | None) -> None:
    source, path = picture(dtype, grey, alpha), tmp_path / "a.jxl"
    assert write_picture(source, path, WriteOptions(quality=quality)) == ()
    back = read_picture(path)
    assert back.metadata.notes == () and read_size(path) == (61, 90)
    assert (back.pixels.dtype, back.grey) == (source.pixels.dtype, grey)
    # Alpha is never lossy.
    np.testing.assert_array_equal(back.alpha, source.alpha)
    if quality == 100:
        np.testing.assert_array_equal(back.pixels, source.pixels)
    else:
        error = (back.pixels.astype(float) - source.pixels) / source.peak
        assert 0 < np.abs(error).mean() < 0.01 and abs(error.mean()) < 0.002
    # Browsers show numbers by what the header says of them.
    assert read_header(codestream(path), 4).colour == SRGB_COLOUR


def test_quality_counts(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sizes = []
    for quality in (10, 50, 90, 100):
        write_picture(Picture(noise), tmp_path / f"{quality}.jxl", WriteOptions(quality=quality))
        sizes.append((tmp_path / f"{quality}.jxl").stat().st_size)
    assert sizes == sorted(set(sizes))


def test_strips_make_the_same_file(tmp_path: Path) -> None:
    write_picture(picture("uint16"), tmp_path / "a.jxl")
    with open_strip_writer(tmp_path / "b.jxl", 61, 90, 3, source_depth=16) as writer:
        for start in range(0, 61, 7):
            writer.write_rows(scene("uint16")[start : start + 7])
    assert (tmp_path / "a.jxl").read_bytes() == (tmp_path / "b.jxl").read_bytes()


def test_eight_bits_of_sixteen(tmp_path: Path) -> None:
    write_picture(picture("uint16"), tmp_path / "a.jxl", WriteOptions(bit_depth=8, quality=100))
    back = read_picture(tmp_path / "a.jxl")
    assert back.bit_depth == 8
    np.testing.assert_array_equal(back.pixels, (scene("uint16").astype(np.uint32) + 128) // 257)


@pytest.mark.parametrize("grey", [False, True])
def test_a_profile_of_srgb_changes_no_pixel(tmp_path: Path, grey: bool) -> None:
    profiles = [stated_profile(SRGB_COLOUR, grey)] + ([] if grey else [srgb_profile()])
    for icc in profiles:
        source = picture("uint16", grey, icc=icc)
        notes = write_picture(source, tmp_path / "a.jxl", WriteOptions(quality=100), overwrite=True)
        assert notes == ()
        np.testing.assert_array_equal(read_picture(tmp_path / "a.jxl").pixels, source.pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("grey", [False, True])
def test_colours_of_another_profile_are_brought_to_srgb(tmp_path: Path, grey: bool, dtype: str) -> None:
    icc = stated_profile(StatedColour(gamma=1.8) if grey else ADOBE_RGB, grey)
    assert not is_srgb(icc)
    source = picture(dtype, grey, alpha=True, icc=icc)
    notes = write_picture(source, tmp_path / "a.jxl", WriteOptions(quality=100))
    assert len(notes) == 1 and "brought to sRGB" in notes[0]
    back = read_picture(tmp_path / "a.jxl")
    channels = slice(1 if grey else 3)
    np.testing.assert_array_equal(back.pixels[..., channels], to_srgb(source.pixels[..., channels], icc))
    np.testing.assert_array_equal(back.alpha, source.alpha)


@pytest.mark.parametrize("grey", [False, True])
def test_a_profile_that_says_no_colours_is_left_out(tmp_path: Path, grey: bool) -> None:
    whole = stated_profile(StatedColour(gamma=1.8) if grey else ADOBE_RGB, grey)
    source = picture(grey=grey, icc=whole.replace(b"kTRC" if grey else b"rXYZ", b"none"))
    notes = write_picture(source, tmp_path / "a.jxl", WriteOptions(quality=100))
    assert ["damaged" in note for note in notes] == [True, False] and "not known" in notes[1]
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jxl").pixels, source.pixels)


def test_colours_that_are_not_known_are_named(tmp_path: Path) -> None:
    (note,) = write_picture(picture(colour_known=False), tmp_path / "a.jxl")
    assert note == "JPEG XL calls all colours sRGB; what these are is not known"


def test_adobe_rgb_by_its_formula() -> None:
    """Adobe RGB (1998), 4.3: its red is as red as sRGB gets, its grey has another curve."""
    icc = stated_profile(ADOBE_RGB, False)
    grey = np.full((1, 1, 3), 32_768, np.uint16)
    light = 0.5**2.19921875
    expected = (1.055 * light ** (1 / 2.4) - 0.055) * 65_535
    np.testing.assert_allclose(to_srgb(grey, icc).ravel(), expected, atol=60)
    red = np.array([[[65_535, 0, 0]]], np.uint16)
    np.testing.assert_allclose(to_srgb(red, icc).ravel(), [65_535, 0, 0], atol=60)


def test_the_exif_says_srgb_after_that(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif.get_ifd(0x8769)[40961] = 2  # Adobe RGB
    stored = exif.tobytes().removeprefix(b"Exif\0\0")
    source = picture(icc=stated_profile(ADOBE_RGB, False), exif=stored)
    assert colour_space_of(source.metadata.exif) == "Adobe RGB"
    write_picture(source, tmp_path / "a.jxl")
    back = read_picture(tmp_path / "a.jxl").metadata
    assert colour_space_of(back.exif) == "sRGB" and back.icc is None and back.colour_known


def test_without_its_library_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagecodecs.JPEGXL, "available", False)
    with pytest.raises(OutputError, match=r"pip install .*--only-binary imagecodecs imagecodecs,"):
        check_output(tmp_path / "a.jxl", 10, 10)
    assert check_output(tmp_path / "a.png", 10, 10) == ()


def test_the_header_of_linear_light() -> None:
    for values in (scene("uint16"), scene("uint16")[..., 0]):
        stream = bytes(imagecodecs.jpegxl_encode(values, lossless=True))
        pieces = dict(boxes(stream))
        stream = pieces.get(b"jxlc", stream)
        assert read_header(stream, 4).colour == LINEAR
        changed = with_srgb_curve(stream)
        assert read_header(changed, 4).colour == SRGB_COLOUR and len(changed) == len(stream)
        np.testing.assert_array_equal(imagecodecs.jpegxl_decode(changed), values)
        with pytest.raises(ValueError, match="linear light"):
            with_srgb_curve(changed)


def header_bits(*fields: tuple[int, int]) -> bytes:
    """A header of 8×8 pixels and 8 bits without extra fields, then the fields: values and their bits."""
    head = [(1, 1), (0, 5), (1, 3), (0, 1), (0, 1), (0, 1), (0, 2), (0, 1), *fields]
    value, place = 0, 0
    for number, count in head:
        value |= number << place
        place += count
    return b"\xff\x0a" + value.to_bytes(40, "little")


NO_CHANNEL, XYB, OWN, NO_PROFILE, RGB, D65 = (0, 2), (0, 1), (0, 1), (0, 1), (0, 2), (1, 2)


@pytest.mark.parametrize(
    ("primaries", "curve", "expected"),
    [
        # Enumerated values: 1 is the code 1, 2 the code 2 and four bits above 2.
        ((1, 2), [(0, 1), (2, 2), (13 - 2, 4)], SRGB_COLOUR),
        (
            (2 | (11 - 2) << 2, 6),
            [(0, 1), (2, 2), (13 - 2, 4)],
            StatedColour(Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
        ),
        ((1, 2), [(1, 1), (4_545_455, 24)], "gamma"),
        ((2 | (9 - 2) << 2, 6), [(0, 1), (2, 2), (16 - 2, 4)], "PQ"),
        ((2, 6), [(0, 1), (2, 2), (13 - 2, 4)], None),  # own primaries
    ],
)
def test_enumerated_colours(primaries: tuple[int, int], curve: Any, expected: Any) -> None:
    stream = header_bits(NO_CHANNEL, XYB, OWN, NO_PROFILE, RGB, D65, primaries, *curve)
    header = read_header(stream, 4)
    assert (header.height, header.width) == (8, 8)
    found = header.colour
    if expected == "gamma":
        assert found is not None and found.gamma == pytest.approx(2.2, abs=1e-4)
    elif expected == "PQ":
        assert found is not None and found.high_range == "PQ"
    elif expected is None:
        assert found is None
    else:
        assert found is not None and found.gamma is None and found.primaries.same_as(expected.primaries)


def test_a_profile_in_the_codestream_is_no_stated_colour() -> None:
    assert read_header(header_bits(NO_CHANNEL, XYB, OWN, (1, 1), RGB), 4).colour is None

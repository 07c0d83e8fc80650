"""PNG of every kind: depths, transparency, animation, long texts, and what it says about its colours."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from srnet_cli.errors import InputError
from srnet_cli.imaging import Picture, read_picture, write_picture
from srnet_cli.imaging.colour import colour_of_cicp, stated_profile
from srnet_cli.imaging.srgb import srgb_to_linear
from tests.imaging.codecs.pngs import (
    CHANNELS,
    GREY,
    GREY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    SIGNATURE,
    chunk,
    idat,
    png,
)

KINDS = [(GREY, d) for d in (1, 2, 4, 8, 16)] + [(PALETTE, d) for d in (1, 2, 4, 8)]
KINDS += [(kind, depth) for kind in (RGB, GREY_ALPHA, RGBA) for depth in (8, 16)]
P3_CHRM = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def values(kind: int, depth: int) -> NDArray[Any]:
    generator = np.random.default_rng(depth)
    return generator.integers(0, 1 << depth, (19, 23, CHANNELS[kind]))


def opened(tmp_path: Path, data: bytes) -> Picture:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    return read_picture(path)


def ramp() -> NDArray[Any]:
    x = np.linspace(0, 255, 40).round()
    return np.stack(np.broadcast_arrays(x[:, None], x[None], 128.0), axis=2).astype(np.uint8)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(("kind", "depth"), KINDS)
def test_every_kind(tmp_path: Path, kind: int, depth: int, transparent: bool, interlaced: bool) -> None:
    stored = values(kind, depth)
    peak, unit = (65_535, 1) if depth == 16 else (255, 255 // ((1 << depth) - 1))
    colours, alpha, ahead = stored * unit, None, b""
    if kind == PALETTE:
        palette = np.random.default_rng(1).integers(0, 256, (1 << depth, 4)).astype(np.uint8)
        ahead = chunk(b"PLTE", palette[:, :3].tobytes())
        colours = palette[stored[..., 0]][..., :3]
        if transparent:
            ahead += chunk(b"tRNS", palette[:, 3].tobytes())
            alpha = palette[stored[..., 0]][..., 3]
    elif kind in (GREY_ALPHA, RGBA):
        colours, alpha = colours[..., :-1], colours[..., -1]
    elif transparent:
        ahead = chunk(b"tRNS", stored[3, 4].astype(">u2").tobytes())
        alpha = np.where((stored == stored[3, 4]).all(axis=2), 0, peak)
    picture = opened(tmp_path, png(stored, kind, depth, ahead, interlaced))
    assert picture.bit_depth == (16 if depth == 16 else 8)
    assert picture.grey == (kind in (GREY, GREY_ALPHA))
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to(colours, picture.pixels.shape))
    if alpha is None or alpha.min() == peak:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, alpha)


def test_short_transparency_of_a_palette(tmp_path: Path) -> None:
    stored = np.arange(16).reshape(4, 4, 1)
    ahead = chunk(b"PLTE", bytes(range(48))) + chunk(b"tRNS", b"\x00\x80")
    picture = opened(tmp_path, png(stored, PALETTE, 4, ahead))
    assert picture.alpha is not None
    assert picture.alpha.ravel().tolist() == [0, 128, *[255] * 14]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("kind", [RGB, RGBA])
def test_an_animation_gives_its_still_picture(tmp_path: Path, kind: int, hidden: bool, depth: int) -> None:
    still, other = values(kind, depth), values(kind, depth)[::-1]
    height, width = still.shape[:2]

    def control(number: int) -> bytes:
        return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 10, 0, 0))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    body = chunk(b"acTL", struct.pack(">II", 1 if hidden else 2, 0))
    body += b"" if hidden else control(0)
    body += chunk(b"IDAT", idat(still, depth))
    number = 0 if hidden else 1
    body += control(number) + chunk(b"fdAT", struct.pack(">I", number + 1) + idat(other, depth))
    picture = opened(tmp_path, SIGNATURE + head + body + chunk(b"IEND", b""))
    np.testing.assert_array_equal(picture.pixels, still[..., :3])
    assert picture.metadata.notes == (() if hidden else ("only its first frame was read",))


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_long_text_is_no_damage(tmp_path: Path, kind: bytes) -> None:
    text = b"word " * 500_000
    middle = b"\0" if kind == b"zTXt" else b"\1\0\0\0"
    ahead = chunk(kind, b"Comment\0" + middle + zlib.compress(text))
    picture = opened(tmp_path, png(ramp(), RGB, 8, ahead))
    np.testing.assert_array_equal(picture.pixels, ramp())
    assert picture.metadata.texts == (("Comment", text.decode()),)
    bomb = chunk(kind, b"Comment\0" + middle + zlib.compress(bytes(1 << 26)))
    picture = opened(tmp_path, png(ramp(), RGB, 8, bomb))
    assert picture.metadata.texts == ()
    assert picture.metadata.notes == ("a text in it is damaged or too long and was left out",)


def test_a_long_profile_is_kept(tmp_path: Path) -> None:
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    icc += np.random.default_rng(0).bytes(1_500_000)
    icc[:4] = struct.pack(">I", len(icc))
    ahead = chunk(b"iCCP", b"long\0\0" + zlib.compress(bytes(icc)))
    picture = opened(tmp_path, png(ramp(), RGB, 8, ahead))
    assert picture.metadata.icc == bytes(icc)
    for name in ("b.png", "b.tif"):
        write_picture(picture, tmp_path / name)
        assert read_picture(tmp_path / name).metadata.icc == bytes(icc)


def test_apples_own_form_is_named(tmp_path: Path) -> None:
    data = png(ramp(), RGB, 8)
    with pytest.raises(InputError, match="CgBI"):
        opened(tmp_path, data[:8] + chunk(b"CgBI", b"\x50\0\x20\x06") + data[8:])


def to_srgb(picture: Picture) -> NDArray[Any]:
    """The picture as a colour-managed viewer shows it."""
    assert picture.metadata.icc is not None
    profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.metadata.icc))
    shown = ImageCms.profileToProfile(
        Image.fromarray(picture.pixels), profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return np.asarray(shown).astype(int)


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_gamma_is_carried_as_a_profile(tmp_path: Path, gamma: float) -> None:
    ahead = chunk(b"gAMA", struct.pack(">I", round(100_000 / gamma)))
    picture = opened(tmp_path, png(ramp(), RGB, 8, ahead))
    np.testing.assert_array_equal(picture.pixels, ramp())
    light = srgb_to_linear(to_srgb(picture) / 255)
    assert np.abs(light - (ramp() / 255) ** gamma).max() < 0.008
    for name in ("b.png", "b.jpg", "b.tif", "b.webp"):
        write_picture(picture, tmp_path / name)
        assert read_picture(tmp_path / name).metadata.icc == picture.metadata.icc
    assert b"sRGB" not in (tmp_path / "b.png").read_bytes()[:64]


@pytest.mark.parametrize(
    "ahead",
    [
        chunk(b"cHRM", P3_CHRM),
        chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", P3_CHRM),
        chunk(b"cICP", bytes((12, 13, 0, 1))),
        # What stands first in the specification counts.
        chunk(b"cICP", bytes((12, 13, 0, 1))) + chunk(b"sRGB", b"\0"),
    ],
)
def test_primaries_are_carried_as_a_profile(tmp_path: Path, ahead: bytes) -> None:
    picture = opened(tmp_path, png(np.full((4, 4, 3), (0, 200, 0)), RGB, 8, ahead))
    assert picture.metadata.icc is not None
    red = ImageCms.ImageCmsProfile(io.BytesIO(picture.metadata.icc)).profile.red_primary
    # Display P3's red, adapted to D50 (SMPTE EG 432-1 and Bradford).
    np.testing.assert_allclose(red[0], (0.5151, 0.2412, -0.0011), atol=5e-4)
    # P3 green is beyond sRGB's.
    assert to_srgb(picture)[0, 0].tolist()[0] == 0


@pytest.mark.parametrize(
    "ahead",
    [
        b"",
        chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100_000)),
        chunk(b"gAMA", struct.pack(">I", 45455)),
        chunk(b"gAMA", struct.pack(">I", 45455))
        + chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        chunk(b"cICP", bytes((1, 13, 0, 1))),
        chunk(b"gAMA", bytes(4)),
    ],
)
def test_srgb_needs_no_profile(tmp_path: Path, ahead: bytes) -> None:
    picture = opened(tmp_path, png(ramp(), RGB, 8, ahead))
    assert picture.metadata.icc is None
    write_picture(picture, tmp_path / "b.png")
    assert b"sRGB" in (tmp_path / "b.png").read_bytes()[:64]


@pytest.mark.parametrize(
    ("ahead", "note"),
    [
        (chunk(b"cICP", bytes((1, 17, 0, 1))), "cICP 1, 17, 0, 1"),
        (chunk(b"cICP", bytes((1, 13, 0, 0))), "cICP 1, 13, 0, 0"),
        (chunk(b"cHRM", bytes(32)), "cHRM"),
        (chunk(b"iCCP", b"x\0\0nonsense"), "profile is damaged"),
        (chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200))), "profile is damaged"),
    ],
)
def test_unknown_colours_are_said_and_never_called_srgb(tmp_path: Path, ahead: bytes, note: str) -> None:
    picture = opened(tmp_path, png(ramp(), RGB, 8, ahead))
    assert len(picture.metadata.notes) == 1 and note in picture.metadata.notes[0]
    np.testing.assert_array_equal(picture.pixels, ramp())
    write_picture(picture, tmp_path / "b.png")
    assert b"sRGB" not in (tmp_path / "b.png").read_bytes()[:64]


def test_grey_with_gamma(tmp_path: Path) -> None:
    picture = opened(tmp_path, png(ramp()[..., :1], GREY, 8, chunk(b"gAMA", struct.pack(">I", 100_000))))
    assert picture.grey and picture.metadata.icc is not None
    assert picture.metadata.icc[16:20] == b"GRAY"


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(("transfer", "white"), [(16, 0.5807), (18, 0.75)])
def test_high_dynamic_range_is_brought_to_srgb(
    tmp_path: Path, transfer: int, white: float, depth: int
) -> None:
    peak = (1 << depth) - 1
    stored = np.zeros((3, 4, 3), int)
    stored[0] = round(white * peak)
    stored[1] = peak
    stored[2, :, 1] = round(white * peak)
    picture = opened(tmp_path, png(stored, RGB, depth, chunk(b"cICP", bytes((9, transfer, 0, 1)))))
    assert picture.metadata.icc is None and "high dynamic range" in picture.metadata.notes[0]
    shown = picture.pixels / picture.peak
    # White of 203 cd/m² becomes 0.753 of the light: the curve's value at x = 1 (worked out by hand).
    np.testing.assert_allclose(srgb_to_linear(shown[0]), 0.753, atol=0.02)
    np.testing.assert_allclose(shown[1], 1, atol=0.01)
    # BT.2020's green lies outside sRGB.
    assert shown[2, 0, 0] == 0 and shown[2, 0, 1] > 0.8


def test_profiles_do_not_depend_on_the_time() -> None:
    stated = colour_of_cicp(12, 13)
    assert stated is not None
    first = stated_profile(stated, False)
    stated_profile.cache_clear()
    assert stated_profile(stated, False) == first


@pytest.mark.parametrize("keyword", [b"exif", b"APP1"])
@pytest.mark.parametrize("packed", [False, True])
def test_exif_as_a_raw_profile(tmp_path: Path, keyword: bytes, packed: bool) -> None:
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    data = exif.tobytes()
    body = b"\n%s\n%8d\n%s\n" % (keyword, len(data), data.hex().encode())
    name = b"Raw profile type " + keyword + b"\0"
    ahead = chunk(b"zTXt", name + b"\0" + zlib.compress(body)) if packed else chunk(b"tEXt", name + body)
    picture = opened(tmp_path, png(ramp()[:20], RGB, 8, ahead))
    assert picture.pixels.shape == (40, 20, 3)
    kept = Image.Exif()
    assert picture.metadata.exif is not None
    kept.load(picture.metadata.exif)
    assert (kept[271], kept[274]) == ("Maker", 1)
    assert picture.metadata.texts == ()

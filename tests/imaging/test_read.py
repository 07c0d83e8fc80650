"""Reading every kind of picture: values, grey, alpha, depth, orientation, profile."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_focal_length, read_picture, write_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.depth import to_bit_depth
from srnet_cli.imaging.orientation import upright

HEIGHT, WIDTH = 37, 53
#: made once, because a profile holds the time it was made
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def colours(dtype: str = "uint8", channels: int = 3) -> NDArray[Any]:
    """A smooth gradient whose four corners and channels all differ."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramps = [x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT), 1 - 0.8 * x / WIDTH][:channels]
    return np.rint(np.stack(ramps, 2) * np.iinfo(dtype).max).astype(dtype)


def saved(tmp_path: Path, image: Image.Image, name: str, **options: Any) -> Path:
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp"])
def test_lossless_rgb(tmp_path: Path, name: str) -> None:
    options = {"lossless": True} if name.endswith("webp") else {}
    picture = read_picture(saved(tmp_path, Image.fromarray(colours()), name, **options))
    np.testing.assert_array_equal(picture.pixels, colours())
    assert (picture.bit_depth, picture.grey, picture.alpha, picture.raw) == (8, False, None, False)
    assert picture.pixels.flags.c_contiguous
    assert picture.source == tmp_path / name


@pytest.mark.parametrize("name", ["a.jpg", "a.avif"])
def test_lossy_rgb(tmp_path: Path, name: str) -> None:
    if name == "a.avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    picture = read_picture(saved(tmp_path, Image.fromarray(colours()), name, quality=95))
    assert np.abs(picture.pixels.astype(int) - colours()).mean() < 2


def test_content_decides_not_the_suffix(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(colours()), "really_png.jpg", format="PNG")
    np.testing.assert_array_equal(read_picture(path).pixels, colours())


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_16_bit(tmp_path: Path, channels: int, kind: str) -> None:
    values = colours("uint16", 4)
    stored = values[..., [0, 3]] if channels == 2 else values[..., :channels]
    path = tmp_path / f"a.{kind}"
    if kind == "tif":
        extra = {"extrasamples": ["unassalpha"]} if channels in (2, 4) else {}
        tifffile.imwrite(path, stored.squeeze(), photometric="rgb" if channels > 2 else "minisblack", **extra)
    elif channels == 2:
        path.write_bytes(png_bytes(stored, colour_type=4))
    else:
        order = [0] if channels == 1 else [2, 1, 0, 3][:channels]
        path.write_bytes(cv2.imencode(".png", stored[..., order])[1].tobytes())
    picture = read_picture(path)
    assert picture.bit_depth == 16
    assert picture.grey == (channels < 3)
    np.testing.assert_array_equal(picture.pixels, stored[..., [0, 0, 0]] if channels < 3 else stored[..., :3])
    if channels in (2, 4):
        assert picture.alpha is not None
        np.testing.assert_array_equal(picture.alpha, stored[..., -1])
    else:
        assert picture.alpha is None


def png_bytes(values: NDArray[Any], colour_type: int, extra: bytes = b"") -> bytes:
    """A PNG without filters, for kinds that the libraries cannot write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    depth = values.dtype.itemsize * 8
    lines = values.astype(values.dtype.newbyteorder(">")).reshape(values.shape[0], -1).view(np.uint8)
    filtered = np.concatenate([np.zeros((values.shape[0], 1), np.uint8), lines], axis=1)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour_type, 0, 0, 0)
    idat = chunk(b"IDAT", zlib.compress(filtered.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + idat + chunk(b"IEND", b"")


def test_16_bit_png_with_a_transparent_colour(tmp_path: Path) -> None:
    values = colours("uint16", 3)
    colour = values[3, 4]
    body = b"tRNS" + colour.astype(">u2").tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes(values, 2, struct.pack(">I", 6) + body + struct.pack(">I", zlib.crc32(body))))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, values)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha == 0, (values == colour).all(axis=2))


@pytest.mark.parametrize("compression", ["none", "deflate", "lzw"])
@pytest.mark.parametrize("layout", ["strips", "tiles", "planar", "big", "big-endian", "white is zero"])
def test_16_bit_tiff_layouts(tmp_path: Path, compression: str, layout: str) -> None:
    values = colours("uint16", 3)
    path = tmp_path / "a.tif"
    if compression == "lzw":
        if layout not in ("strips", "white is zero"):
            pytest.skip("no writer at hand")
        cv2.imwrite(
            str(path), values[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW]
        )
        np.testing.assert_array_equal(read_picture(path).pixels, values)
        return
    options: dict[str, Any] = {"photometric": "rgb"}
    if compression == "deflate":
        options |= {"compression": "adobe_deflate", "predictor": layout == "strips"}
    if layout == "tiles":
        options |= {"tile": (16, 16)}
    if layout == "planar":
        options |= {"planarconfig": "separate"}
    if layout == "big":
        options |= {"bigtiff": True}
    if layout == "big-endian":
        options |= {"byteorder": ">"}
    if layout == "white is zero":
        tifffile.imwrite(
            path, 65535 - values[..., 0], photometric="miniswhite", compression=options.get("compression")
        )
        np.testing.assert_array_equal(read_picture(path).pixels[..., 0], values[..., 0])
        return
    tifffile.imwrite(path, np.moveaxis(values, 2, 0) if layout == "planar" else values, **options)
    np.testing.assert_array_equal(read_picture(path).pixels, values)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_8_bit_tiff_compressions(tmp_path: Path, compression: str, mode: str) -> None:
    if compression == "jpeg" and mode == "RGBA":
        pytest.skip("JPEG in TIFF has no alpha")
    image = Image.fromarray(colours(channels=4), "RGBA").convert(mode)
    picture = read_picture(saved(tmp_path, image, "a.tif", compression=compression))
    tolerance = 12 if compression == "jpeg" else 0
    np.testing.assert_allclose(picture.pixels, np.asarray(image.convert("RGB")), atol=tolerance)
    assert (picture.alpha is not None) == (mode == "RGBA")
    assert picture.grey == (mode == "L")


def test_premultiplied_alpha_is_undone(tmp_path: Path) -> None:
    values = np.full((8, 8, 4), 30_000, np.uint16)
    values[..., :3] = 15_000
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=["assocalpha"])
    picture = read_picture(path)
    np.testing.assert_allclose(picture.pixels, 65_535 / 2, atol=1)


def test_float_tiff(tmp_path: Path) -> None:
    values = colours("uint16").astype(np.float32) / 65_535
    values[0, 0] = 1.5
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="rgb")
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels[1:], colours("uint16")[1:])
    assert (picture.pixels[0, 0] == 65_535).all()
    assert "clipped" in picture.metadata.notes[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(tmp_path: Path, value: float) -> None:
    values = np.full((8, 8, 3), 0.5, np.float32)
    values[3, 3, 1] = value
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="rgb")
    with pytest.raises(InputError, match="NaN or infinite"):
        read_picture(path)


def test_float_values_of_another_range_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, colours().astype(np.float32) + 2, photometric="rgb")
    with pytest.raises(InputError, match="outside 0"):
        read_picture(path)


def test_several_pages_first_in_full_size(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((8, 8, 3), np.uint16), photometric="rgb", subfiletype=1)
        file.write(colours("uint16"), photometric="rgb", subfiletype=0)
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, colours("uint16"))
    assert picture.metadata.notes == ("only its first page was read",)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_palette_and_one_bit(tmp_path: Path, name: str, mode: str) -> None:
    image = Image.fromarray(colours()).convert(mode)
    picture = read_picture(saved(tmp_path, image, name))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    if mode != "P":
        assert picture.grey
    assert picture.alpha is None


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = Image.fromarray(colours()).convert("P")
    path = saved(tmp_path, image, "a.png", transparency=int(np.asarray(image)[5, 5]))
    picture = read_picture(path)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(image) == np.asarray(image)[5, 5])


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_alpha(tmp_path: Path, name: str) -> None:
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    picture = read_picture(saved(tmp_path, Image.fromarray(colours(channels=4)), name, **options))
    np.testing.assert_array_equal(picture.pixels, colours())
    np.testing.assert_array_equal(picture.alpha, colours(channels=4)[..., 3])


def test_grey_with_alpha(tmp_path: Path) -> None:
    values = colours(channels=4)[..., [0, 3]]
    picture = read_picture(saved(tmp_path, Image.fromarray(values, "LA"), "a.png"))
    assert picture.grey
    np.testing.assert_array_equal(picture.pixels, values[..., [0, 0, 0]])
    np.testing.assert_array_equal(picture.alpha, values[..., 1])


def test_alpha_that_hides_nothing_is_dropped(tmp_path: Path) -> None:
    image = Image.fromarray(colours()).convert("RGBA")
    assert read_picture(saved(tmp_path, image, "a.png")).alpha is None


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_without_profile(tmp_path: Path, name: str) -> None:
    image = Image.fromarray(colours()).convert("CMYK")
    picture = read_picture(saved(tmp_path, image, name))
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(picture.pixels.astype(int), colours(), atol=8)
    assert "CMYK without a usable profile" in picture.metadata.notes[0]
    assert picture.metadata.icc is None


def test_16_bit_cmyk(tmp_path: Path) -> None:
    cmyk = np.asarray(Image.fromarray(colours()).convert("CMYK")).astype(np.uint16) * 257
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, cmyk, photometric="separated")
    np.testing.assert_allclose(read_picture(path).pixels.astype(int), colours(), atol=2)


def set_tiff_orientation(path: Path, orientation: int) -> None:
    """Put a new directory with the orientation at the end of a little-endian TIFF."""
    data = path.read_bytes()
    structure = ifd.parse(data)
    assert structure is not None
    entries = {**structure.directories[0].entries, 274: ifd.entry(ifd.SHORT, orientation)}
    padding = bytes(len(data) % 2)
    at = len(data) + len(padding)
    packed = ifd.pack(ifd.Directory(entries), at)
    path.write_bytes(data[:4] + struct.pack("<I", at) + data[8:] + padding + packed)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "name", ["a.jpg", "a.tif", "a.png", "a.webp", "a.avif", "deep.png", "deep.tif", "lzw.tif"]
)
def test_every_orientation_comes_out_upright(tmp_path: Path, name: str, orientation: int) -> None:
    if name == "a.avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    # How a camera stores an upright picture: the inverse of what the tag says.
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    stored = upright(colours("uint16" if "deep" in name or "lzw" in name else "uint8"), inverse)
    path = tmp_path / name
    exif = Image.Exif()
    exif[274] = orientation
    if name == "deep.tif":
        tifffile.imwrite(path, stored, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    elif name == "lzw.tif":
        options = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW]
        cv2.imwrite(str(path), stored[..., ::-1], options)
        set_tiff_orientation(path, orientation)
    elif name == "deep.png":
        body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        path.write_bytes(png_bytes(stored, 2, chunk))
    else:
        quality = (
            {"quality": 95} if name in ("a.jpg", "a.avif") else {"lossless": True} if "webp" in name else {}
        )
        Image.fromarray(stored).save(path, exif=exif.tobytes(), **quality)
    picture = read_picture(path)
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    difference = np.abs(to_bit_depth(picture.pixels, 8).astype(int) - colours())
    assert difference.mean() < 2
    exif_after = Image.Exif()
    exif_after.load(picture.metadata.exif)
    assert exif_after.get(274, 1) == 1


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png", "a.webp", "a.avif", "deep.tif"])
def test_profile_is_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "deep.tif":
        tifffile.imwrite(path, colours("uint16"), photometric="rgb", iccprofile=PROFILE)
    else:
        Image.fromarray(colours()).save(path, icc_profile=PROFILE)
    assert read_picture(path).metadata.icc == PROFILE


@pytest.mark.parametrize("icc", [b"nonsense", PROFILE[:200], b"\0" * 500])
def test_damaged_profile_is_dropped_with_a_note(tmp_path: Path, icc: bytes) -> None:
    path = saved(tmp_path, Image.fromarray(colours()), "a.jpg", icc_profile=icc)
    picture = read_picture(path)
    assert picture.metadata.icc is None
    assert "profile is damaged" in picture.metadata.notes[0]


def test_profile_of_another_colour_space_is_dropped_with_a_note(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture = read_picture(saved(tmp_path, Image.fromarray(colours()), "a.png", icc_profile=lab))
    assert picture.metadata.icc is None
    assert "does not fit" in picture.metadata.notes[0]


def test_animation_first_frame_with_a_note(tmp_path: Path) -> None:
    frames = [Image.fromarray(colours()), Image.fromarray(255 - colours())]
    path = saved(tmp_path, frames[0], "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, colours())
    assert picture.metadata.notes == ("only its first frame was read",)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 5000), (17, 31)])
@pytest.mark.parametrize("kind", [".png", ".tif", ".jpg", ".bmp"])
def test_odd_sizes(tmp_path: Path, shape: tuple[int, int], kind: str) -> None:
    picture = read_picture(saved(tmp_path, Image.new("RGB", shape[::-1], (10, 200, 30)), f"a{kind}"))
    assert picture.pixels.shape == (*shape, 3)
    np.testing.assert_allclose(picture.pixels[0, 0], (10, 200, 30), atol=3)


def test_focal_length_of_pictures(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(34665)[37386] = 85.0
    for name in ("a.jpg", "a.png", "a.webp", "a.tif"):
        path = saved(tmp_path, Image.fromarray(colours()), name, exif=exif.tobytes())
        assert read_focal_length(path) == 85.0, name
        assert read_picture(path).metadata.focal_length == 85.0, name
    assert read_focal_length(saved(tmp_path, Image.fromarray(colours()), "none.jpg")) is None


def test_unusual_names(tmp_path: Path) -> None:
    for name in ("ünï cödé.png", "new\nline.png", "-dash.png"):
        assert read_picture(saved(tmp_path, Image.fromarray(colours()), name)).width == WIDTH


def test_interlaced_png(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(colours()).save(buffer, "PNG", interlace=1)
    path = tmp_path / "a.png"
    path.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read_picture(path).pixels, colours())


def dcf_exif(space: int, index: str | None) -> bytes:
    """EXIF as a camera writes it for one of its colour spaces."""
    children = {} if index is None else {ifd.INTEROP_POINTER: [ifd.Directory({1: ifd.ascii_entry(index)})]}
    exif = ifd.Directory({40961: ifd.entry(ifd.SHORT, space)}, children)
    return b"Exif\0\0" + ifd.pack_file(ifd.Directory({}, {ifd.EXIF_POINTER: [exif]}))


@pytest.mark.parametrize(("space", "index"), [(0xFFFF, "R03"), (2, None)])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_a_cameras_adobe_rgb_is_carried_as_a_profile(
    tmp_path: Path, name: str, space: int, index: str | None
) -> None:
    path = saved(tmp_path, Image.fromarray(colours()), name, exif=dcf_exif(space, index))
    icc = read_picture(path).metadata.icc
    assert icc is not None
    green = ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.green_primary
    # Of Adobe's own profile (D50).
    np.testing.assert_allclose(green[0], (0.2053, 0.6257, 0.0609), atol=1e-3)


@pytest.mark.parametrize(("space", "index", "known"), [(1, "R98", True), (0xFFFF, None, False)])
def test_uncalibrated_is_never_called_srgb(
    tmp_path: Path, space: int, index: str | None, known: bool
) -> None:
    path = saved(tmp_path, Image.fromarray(colours()), "a.jpg", exif=dcf_exif(space, index))
    picture = read_picture(path)
    assert picture.metadata.icc is None and picture.metadata.colour_known == known
    write_picture(picture, tmp_path / "b.png")
    assert (b"sRGB" in (tmp_path / "b.png").read_bytes()[:64]) == known


def test_primaries_of_tiff_are_carried_as_a_profile(tmp_path: Path) -> None:
    primaries = [68, 100, 32, 100, 265, 1000, 69, 100, 15, 100, 6, 100]
    tags = [(318, 5, 2, (3127, 10000, 329, 1000), True), (319, 5, 6, tuple(primaries), True)]
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, colours(), photometric="rgb", extratags=tags)
    icc = read_picture(path).metadata.icc
    assert icc is not None
    red = ImageCms.ImageCmsProfile(io.BytesIO(icc)).profile.red_primary
    np.testing.assert_allclose(red[0], (0.5151, 0.2412, -0.0011), atol=1e-3)

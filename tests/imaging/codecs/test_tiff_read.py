"""TIFF of every layout: what other programs write comes out as it was meant."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import Picture, read_picture
from srnet_cli.imaging.codecs import ifd

HEIGHT, WIDTH = 37, 53


def gradient(dtype: str, channels: int) -> NDArray[Any]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    ramps = [x / (WIDTH - 1), y / (HEIGHT - 1), (x + y) / (WIDTH + HEIGHT), 1 - 0.8 * x / WIDTH, 0.2 + y / 60]
    stacked = np.stack(ramps[:channels], 2)
    return stacked.astype(dtype) if "float" in dtype else np.rint(stacked * np.iinfo(dtype).max).astype(dtype)


def read(path: Path, values: NDArray[Any], **options: Any) -> Picture:
    tifffile.imwrite(path, values, **options)
    return read_picture(path)


def handmade(path: Path, data: bytes, tags: dict[int, tuple[int, ...]], big: str = "") -> None:
    """A page of one strip, with tags that no library writes."""
    entries = {
        256: ifd.entry(ifd.LONG, WIDTH),
        257: ifd.entry(ifd.LONG, HEIGHT),
        259: ifd.entry(ifd.SHORT, 1),
        273: ifd.entry(ifd.LONG, 16),
        278: ifd.entry(ifd.LONG, HEIGHT),
        279: ifd.entry(ifd.LONG, len(data)),
    } | {tag: ifd.entry(ifd.SHORT, *values) for tag, values in tags.items()}
    at = 16 + len(data) + len(data) % 2
    directory = ifd.pack(ifd.Directory(entries), at, order=">" if big else "<", big=bool(big))
    head = struct.pack(">2sHHHQ", b"MM", 43, 8, 0, at) if big else struct.pack("<2sHIQ", b"II", 42, at, 0)
    path.write_bytes(head + data + b"\0" * (len(data) % 2) + directory)


@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "deflate", "zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [3, 4])
def test_planar(tmp_path: Path, compression: str | None, dtype: str, channels: int) -> None:
    values = gradient(dtype, channels)
    picture = read(
        tmp_path / "a.tif",
        np.moveaxis(values, 2, 0),
        photometric="rgb",
        planarconfig="separate",
        compression=compression,
        extrasamples=["unassalpha"] if channels == 4 else None,
        rowsperstrip=7,
    )
    expected = np.rint(values * 65_535).astype(np.uint16) if dtype == "float32" else values
    np.testing.assert_array_equal(picture.pixels, expected[..., :3])
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])


@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_planar_grey_with_alpha(tmp_path: Path, compression: str | None, dtype: str) -> None:
    values = gradient(dtype, 2)
    picture = read(
        tmp_path / "a.tif",
        np.moveaxis(values, 2, 0),
        photometric="minisblack",
        planarconfig="separate",
        extrasamples=["unassalpha"],
        compression=compression,
    )
    assert picture.grey
    np.testing.assert_array_equal(picture.pixels[..., 0], values[..., 0])
    np.testing.assert_array_equal(picture.alpha, values[..., 1])


@pytest.mark.parametrize("tile", [None, (16, 32)])
@pytest.mark.parametrize("compression", ["lzw", "deflate", "zstd", "lzma"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
def test_predictors(tmp_path: Path, tile: tuple[int, int] | None, compression: str, dtype: str) -> None:
    values = gradient(dtype, 3)
    options = {"photometric": "rgb", "compression": compression, "predictor": True, "tile": tile}
    picture = read(tmp_path / "a.tif", values, **options)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].predictor == (3 if "float" in dtype else 2)
    expected = np.rint(values.astype(np.float32) * 65_535) if "float" in dtype else values
    np.testing.assert_array_equal(picture.pixels, expected)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("channels", [3, 4])
def test_webp_inside(tmp_path: Path, lossless: bool, channels: int) -> None:
    values = gradient("uint8", channels)
    options = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    picture = read(
        tmp_path / "a.tif",
        values,
        photometric="rgb",
        compression="webp",
        compressionargs={"lossless": lossless},
        **options,
    )
    np.testing.assert_allclose(picture.pixels, values[..., :3], atol=0 if lossless else 40)


@pytest.mark.parametrize("colours", ["rgb", "ycbcr"])
def test_jpeg_inside_as_pillow_reads_it(tmp_path: Path, colours: str) -> None:
    picture = read(
        tmp_path / "a.tif",
        gradient("uint8", 3),
        photometric=colours,
        compression="jpeg",
        tile=(16, 16),
        subsampling=(2, 2) if colours == "ycbcr" else None,
    )
    theirs = np.asarray(Image.open(tmp_path / "a.tif").convert("RGB")).astype(int)
    assert np.abs(picture.pixels - theirs).max() <= 4


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "zstd"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_as_pillow_reads_it(tmp_path: Path, mode: str, compression: str) -> None:
    image = Image.fromarray(gradient("uint8", 3)).convert(mode)
    image.save(tmp_path / "a.tif", compression=compression)
    theirs = np.asarray(Image.open(tmp_path / "a.tif").convert("RGB")).astype(int)
    # Of YCbCr libtiff itself makes RGB where it decompresses, with another rounding.
    tolerance = 1 if mode == "YCbCr" else 0
    np.testing.assert_allclose(read_picture(tmp_path / "a.tif").pixels, theirs, atol=tolerance)


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
@pytest.mark.parametrize("samples", [1, 3])
def test_packed_bits(tmp_path: Path, bits: int, samples: int) -> None:
    values = np.rint(gradient("float64", samples) * (2**bits - 1)).astype(np.uint16)
    kind = np.uint8 if bits <= 8 else np.uint16
    lines = [imagecodecs.packints_encode(line.ravel().astype(kind), bits) for line in values]
    handmade(
        tmp_path / "a.tif",
        b"".join(lines),
        {258: (bits,) * samples, 262: (2 if samples == 3 else 1,), 277: (samples,)},
    )
    peak = 255 if bits <= 8 else 65_535
    expected = np.rint(values / (2**bits - 1) * peak)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels[..., :samples], expected)


@pytest.mark.parametrize("samples", [1, 3])
def test_floats_of_24_bits(tmp_path: Path, samples: int) -> None:
    values = gradient("float32", samples)
    data = imagecodecs.float24_encode(values)
    tags = {258: (24,) * samples, 262: (2 if samples == 3 else 1,), 277: (samples,), 339: (3,) * samples}
    handmade(tmp_path / "a.tif", data, tags)
    read_back = read_picture(tmp_path / "a.tif").pixels[..., :samples]
    np.testing.assert_allclose(read_back, values * 65_535, atol=2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("compression", ["lzw", "packbits"])
def test_grey_with_alpha(tmp_path: Path, dtype: str, compression: str) -> None:
    values = gradient(dtype, 2)
    options = {"photometric": "minisblack", "extrasamples": ["unassalpha"], "compression": compression}
    picture = read(tmp_path / "a.tif", values, planarconfig="contig", **options)
    assert picture.grey
    np.testing.assert_array_equal(picture.pixels[..., 0], values[..., 0])
    np.testing.assert_array_equal(picture.alpha, values[..., 1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero_leaves_alpha_alone(tmp_path: Path, dtype: str) -> None:
    values = gradient(dtype, 2)
    options = {"photometric": "miniswhite", "extrasamples": ["unassalpha"], "planarconfig": "contig"}
    picture = read(tmp_path / "a.tif", values, **options)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.iinfo(dtype).max - values[..., 0])
    np.testing.assert_array_equal(picture.alpha, values[..., 1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("alpha", [False, True])
def test_cmyk(tmp_path: Path, dtype: str, alpha: bool) -> None:
    peak = np.iinfo(dtype).max
    rgb = gradient("uint8", 3)
    inks = np.asarray(Image.fromarray(rgb).convert("CMYK")).astype(dtype) * (peak // 255)
    stored = np.concatenate([inks, gradient(dtype, 2)[..., 1:]], axis=2) if alpha else inks
    options = {"extrasamples": ["unassalpha"]} if alpha else {}
    picture = read(
        tmp_path / "a.tif",
        stored.astype(dtype),
        photometric="separated",
        compression="lzw",
        planarconfig="contig",
        **options,
    )
    np.testing.assert_allclose(picture.pixels.astype(int), rgb, atol=2)
    assert (picture.alpha is not None) == alpha
    if alpha:
        np.testing.assert_allclose(picture.alpha, gradient("uint8", 2)[..., 1], atol=1)


def lab_picture(deep: bool, offset: bool) -> NDArray[Any]:
    """White, grey, and the red, green and blue of sRGB, in CIE L*a*b* of D50."""
    lab = np.array(
        [[[100, 0, 0], [50, 0, 0], [54.29, 80.81, 69.89], [87.82, -79.29, 80.99], [29.57, 68.3, -112.03]]]
    )
    unit = 256 if deep else 1
    white = (65_280 if offset else 65_535) if deep else 255
    lightness = np.rint(lab[..., :1] / 100 * white)
    chroma = np.rint((lab[..., 1:] + (128 if offset else 0)) * unit)
    both = np.concatenate([lightness, chroma], axis=2).astype(np.int64)
    return (both % (65_536 if deep else 256)).astype(np.uint16 if deep else np.uint8)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("kind", ["cielab", "icclab"])
def test_lab(tmp_path: Path, deep: bool, kind: str) -> None:
    picture = read(
        tmp_path / "a.tif", lab_picture(deep, kind == "icclab"), photometric=kind, planarconfig="contig"
    )
    expected = np.array([[255, 255, 255], [119, 119, 119], [255, 0, 0], [0, 255, 0], [0, 0, 255]])
    scale = 257 if deep else 1
    assert picture.bit_depth == (16 if deep else 8)
    # 8 bits of chroma are coarse: a step of it moves the dark channel of a saturated colour far.
    np.testing.assert_allclose(picture.pixels[0] / scale, expected, atol=2 if deep else 24)


@pytest.mark.parametrize("bits", [32, 64])
def test_lab_of_floating_point_is_what_it_says(tmp_path: Path, bits: int) -> None:
    """L* of 0..100 and chromas as they are, as libvips has it."""
    whole = lab_picture(True, False).astype(np.uint16)
    real = np.concatenate([whole[..., :1] / 655.35, whole[..., 1:].view(np.int16) / 256], axis=2)
    for name, values in (("whole.tif", whole), ("real.tif", real.astype(f"float{bits}"))):
        tifffile.imwrite(tmp_path / name, values, photometric="cielab", planarconfig="contig")
    found = [read_picture(tmp_path / name).pixels.astype(int) for name in ("whole.tif", "real.tif")]
    np.testing.assert_allclose(found[1], found[0], atol=2)
    real[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", real, photometric="cielab", planarconfig="contig")
    with pytest.raises(InputError, match="NaN"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("kind", "dtype"), [("icclab", "float32"), ("cielab", "uint32"), ("cielab", "float16")]
)
def test_lab_of_other_samples_is_named(tmp_path: Path, kind: str, dtype: str) -> None:
    values = np.ones((HEIGHT, WIDTH, 3), dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=kind, planarconfig="contig")
    with pytest.raises(InputError, match="of a kind that is not supported"):
        read_picture(tmp_path / "a.tif")


def test_lab_as_little_cms_sees_it(tmp_path: Path) -> None:
    from PIL import ImageCms

    rgb = Image.fromarray(gradient("uint8", 3) // 2 + 50)
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(rgb, *profiles, outputMode="LAB")
    assert lab is not None
    lab.save(tmp_path / "a.tif")
    picture = read_picture(tmp_path / "a.tif")
    assert np.abs(picture.pixels - np.asarray(rgb).astype(int)).mean() < 1.5


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes(tmp_path: Path, bits: int) -> None:
    """Colours of 16 bits stay so; those that hold only 8 come out as 8."""
    generator = np.random.default_rng(3)
    palette = generator.integers(0, 65_536, (3, 2**bits), dtype=np.uint16)
    indices = generator.integers(0, 2**bits, (HEIGHT, WIDTH)).astype(f"uint{bits}")
    picture = read(tmp_path / "a.tif", indices, photometric="palette", colormap=palette)
    np.testing.assert_array_equal(picture.pixels, palette.T[indices])
    eight = read(tmp_path / "b.tif", indices, photometric="palette", colormap=(palette >> 8) * np.uint16(257))
    np.testing.assert_array_equal(eight.pixels, (palette >> 8).T[indices])
    assert eight.bit_depth == 8


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_big_endian_bigtiff(tmp_path: Path, dtype: str) -> None:
    values = gradient(dtype, 3)
    picture = read(tmp_path / "a.tif", values, photometric="rgb", bigtiff=True, byteorder=">")
    np.testing.assert_array_equal(picture.pixels, values)
    data = values.astype(values.dtype.newbyteorder(">")).tobytes()
    bits = values.dtype.itemsize * 8
    handmade(tmp_path / "b.tif", data, {258: (bits,) * 3, 262: (2,), 277: (3,)}, big="yes")
    np.testing.assert_array_equal(read_picture(tmp_path / "b.tif").pixels, values)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_compressions(tmp_path: Path, compression: str) -> None:
    image = Image.fromarray(gradient("uint8", 3)).convert("1")
    image.save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, np.asarray(image.convert("RGB")))


def test_large_profile_is_kept(tmp_path: Path) -> None:
    from srnet_cli.imaging.colour import srgb_profile

    icc = bytearray(srgb_profile() + bytes(1 << 20))
    icc[:4] = struct.pack(">I", len(icc))
    picture = read(tmp_path / "a.tif", gradient("uint8", 3), photometric="rgb", iccprofile=bytes(icc))
    assert picture.metadata.icc == bytes(icc)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_dng_tag_does_not_make_a_picture_raw(tmp_path: Path, dtype: str) -> None:
    values = gradient(dtype, 3)
    tag = (50706, "B", 4, (1, 4, 0, 0), True)
    picture = read(tmp_path / "a.tif", values, photometric="rgb", extratags=[tag])
    np.testing.assert_array_equal(picture.pixels, values)
    assert not picture.raw


@pytest.mark.parametrize(
    ("values", "options", "reason"),
    [
        (gradient("uint16", 3).astype(np.int16), {"photometric": "rgb"}, "format 2"),
        (gradient("uint8", 3).astype(np.complex64), {"photometric": "rgb"}, "format 6"),
        (gradient("uint8", 3), {"photometric": "itulab", "planarconfig": "contig"}, "photometric 10"),
    ],
)
def test_what_is_not_supported_says_so(
    tmp_path: Path, values: NDArray[Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=f"not supported .*{reason}") as caught:
        read(tmp_path / "a.tif", values, **options)
    assert caught.value.remedy is not None


@pytest.mark.parametrize("compression", [32766, 34676])
def test_compressions_that_are_not_supported(tmp_path: Path, compression: int) -> None:
    handmade(tmp_path / "a.tif", bytes(5000), {258: (8,), 262: (1,), 277: (1,), 259: (compression,)})
    with pytest.raises(InputError, match=f"not supported .compression {compression}") as caught:
        read_picture(tmp_path / "a.tif")
    assert caught.value.remedy is not None


def test_tiles_larger_than_any_picture_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", gradient("uint8", 3), photometric="rgb", tile=(16, 16), compression="lzw"
    )
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags[322].overwrite(60_000)
        file.pages[0].tags[323].overwrite(60_000)
    with pytest.raises(InputError, match="tiles are larger"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", ["lzw", "packbits", "deflate", "jpeg"])
def test_damaged_strips_are_refused(tmp_path: Path, compression: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise, photometric="rgb", compression=compression, rowsperstrip=96)
    with tifffile.TiffFile(path) as file:
        start, length = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    data = bytearray(path.read_bytes())
    data[start + length // 2 : start + length] = np.random.default_rng(1).bytes(length - length // 2)
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_picture(path)

"""Writing: round trips through every format and depth, limits, metadata, strips, nothing half-written."""

from __future__ import annotations

import errno
import io
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from srnet_cli.errors import OutputError, UsageError
from srnet_cli.imaging import (
    Metadata,
    Picture,
    WriteOptions,
    check_output,
    open_strip_writer,
    read_picture,
    write_picture,
)
from srnet_cli.imaging.codecs import png_write, tiff_write
from srnet_cli.imaging.codecs.png_write import combined_adler32
from srnet_cli.imaging.colour import srgb_profile

HEIGHT, WIDTH = 211, 157


def scene(dtype: str = "uint8", channels: int = 3) -> NDArray[Any]:
    generator = np.random.default_rng(1)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    smooth = np.stack([x / WIDTH, y / HEIGHT, (x + y) / (WIDTH + HEIGHT), 1 - x / WIDTH][:channels], axis=2)
    noisy = np.clip(smooth + generator.normal(0, 0.01, smooth.shape), 0, 1)
    return np.rint(noisy * np.iinfo(dtype).max).astype(dtype)


def exif_bytes(**tags: Any) -> bytes:
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 1
    exif.get_ifd(34665)[37386] = 50.0
    exif.get_ifd(34665)[40962] = 1
    exif.get_ifd(34853)[1] = "N"
    exif.get_ifd(34853)[2] = (47.0, 22.0, 33.5)
    return exif.tobytes().removeprefix(b"Exif\0\0")


def picture(dtype: str = "uint8", *, grey: bool = False, alpha: bool = False, **metadata: Any) -> Picture:
    pixels = scene(dtype)
    if grey:
        pixels = np.ascontiguousarray(pixels[..., [0, 0, 0]])
    return Picture(
        pixels,
        np.ascontiguousarray(scene(dtype, 4)[..., 3]) if alpha else None,
        grey=grey,
        metadata=Metadata(**metadata),
    )


def needs_avif(name: str) -> None:
    if name.endswith("avif") and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_lossless_round_trip(tmp_path: Path, name: str, grey: bool, alpha: bool, dtype: str) -> None:
    source = picture(dtype, grey=grey, alpha=alpha)
    assert write_picture(source, tmp_path / name) == ()
    back = read_picture(tmp_path / name)
    np.testing.assert_array_equal(back.pixels, source.pixels)
    assert back.pixels.dtype == source.pixels.dtype
    assert back.grey == grey
    if alpha:
        np.testing.assert_array_equal(back.alpha, source.alpha)
    else:
        assert back.alpha is None


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_other_readers_agree(tmp_path: Path, dtype: str) -> None:
    source = picture(dtype)
    for name in ("a.png", "a.tif"):
        write_picture(source, tmp_path / name)
        theirs = cv2.imread(str(tmp_path / name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(theirs[..., ::-1], source.pixels, err_msg=f"OpenCV, {name}")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), source.pixels)
    if dtype == "uint8":
        for name in ("a.png", "a.tif"):
            np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), source.pixels)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.avif"])
@pytest.mark.parametrize("grey", [False, True])
def test_lossy_formats(tmp_path: Path, name: str, grey: bool) -> None:
    needs_avif(name)
    source = picture(grey=grey)
    write_picture(source, tmp_path / name)
    difference = read_picture(tmp_path / name).pixels.astype(int) - source.pixels
    assert np.abs(difference).mean() < 3
    assert abs(difference.mean()) < 0.5


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.avif"])
def test_quality_counts(tmp_path: Path, name: str) -> None:
    needs_avif(name)
    sizes = []
    for quality in (20, 60, 100):
        path = tmp_path / f"{quality}{name}"
        write_picture(picture(), path, WriteOptions(quality=quality))
        sizes.append(path.stat().st_size)
    assert sizes == sorted(set(sizes))


def test_webp_of_full_quality_loses_nothing(tmp_path: Path) -> None:
    write_picture(picture(), tmp_path / "a.webp", WriteOptions(quality=100))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.webp").pixels, scene())


@pytest.mark.parametrize("name", ["a.webp", "a.avif"])
def test_alpha_of_lossy_formats(tmp_path: Path, name: str) -> None:
    needs_avif(name)
    source = picture(alpha=True)
    write_picture(source, tmp_path / name)
    back = read_picture(tmp_path / name)
    assert back.alpha is not None and source.alpha is not None
    assert np.abs(back.alpha.astype(int) - source.alpha).mean() < 3


@pytest.mark.parametrize("grey", [False, True])
def test_alpha_in_jpeg_is_laid_on_white_with_a_note(tmp_path: Path, grey: bool) -> None:
    source = picture(grey=grey)
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    notes = write_picture(replace(source, alpha=alpha), tmp_path / "a.jpg")
    assert notes == ("JPEG holds no transparency: the picture was laid on white",)
    back = read_picture(tmp_path / "a.jpg").pixels.astype(int)
    assert back[:, : WIDTH // 2 - 16].min() > 250
    assert np.abs(back[:, WIDTH // 2 + 16 :] - source.pixels[:, WIDTH // 2 + 16 :]).mean() < 3


def test_depth_options(tmp_path: Path) -> None:
    deep = picture("uint16")
    write_picture(deep, tmp_path / "a.png", WriteOptions(bit_depth=8))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, np.rint(deep.pixels / 257.0))
    write_picture(picture(), tmp_path / "b.tif", WriteOptions(bit_depth=16))
    np.testing.assert_array_equal(read_picture(tmp_path / "b.tif").pixels, scene().astype(np.uint16) * 257)
    notes = write_picture(deep, tmp_path / "c.jpg")
    assert notes == ("JPEG is written with 8 bits, the picture has 16",)
    with pytest.raises(OutputError, match="JPEG is written with 8 bits"):
        write_picture(deep, tmp_path / "d.jpg", WriteOptions(bit_depth=16))
    assert not (tmp_path / "d.jpg").exists()


def test_format_by_option_and_by_suffix(tmp_path: Path) -> None:
    write_picture(picture(), tmp_path / "odd.name", WriteOptions(format="png"))
    assert (tmp_path / "odd.name").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OutputError, match="names no format"):
        write_picture(picture(), tmp_path / "a.xyz")
    with pytest.raises(OutputError, match="no suffix"):
        write_picture(picture(), tmp_path / "a")


def test_options_are_checked() -> None:
    for wrong in ({"format": "gif"}, {"bit_depth": 12}, {"quality": 0}, {"quality": 101}):
        with pytest.raises(UsageError):
            WriteOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "height", "width"),
    [
        ("a.jpg", 10, 65_501),
        ("a.jpg", 70_000, 10),
        ("a.webp", 16_384, 10),
        ("a.avif", 10, 32_769),
        ("a.avif", 17_000, 17_000),
    ],
)
def test_limits_of_formats_are_known_before_the_work(name: str, height: int, width: int) -> None:
    with pytest.raises(OutputError, match="holds at most") as caught:
        check_output(Path(name), height, width)
    assert caught.value.remedy is not None


@pytest.mark.parametrize(("name", "side"), [("a.jpg", 65_500), ("a.webp", 16_383)])
def test_the_largest_side_really_works(tmp_path: Path, name: str, side: int) -> None:
    check_output(tmp_path / name, side, 2)
    write_picture(Picture(np.full((2, side, 3), 90, np.uint8)), tmp_path / name)
    assert read_picture(tmp_path / name).width == side


def test_notes_before_the_work() -> None:
    assert check_output(Path("a.png"), 10, 10, alpha=True, source_depth=16) == ()
    assert "laid on white" in check_output(Path("a.jpg"), 10, 10, alpha=True)[0]
    assert "quality has no meaning" in check_output(Path("a.png"), 10, 10, WriteOptions(quality=3))[0]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp", "a.avif"])
def test_metadata_is_carried(tmp_path: Path, name: str) -> None:
    needs_avif(name)
    path = tmp_path / name
    write_picture(picture(icc=srgb_profile(), exif=exif_bytes()), path)
    back = read_picture(path).metadata
    assert back.icc == srgb_profile()
    assert back.focal_length == 50.0
    with Image.open(path) as image:
        exif = image.getexif()
        assert exif[271] == "Maker"
        assert exif.get(274, 1) == 1
        details = exif.get_ifd(34665)
        assert (details[40962], details[40963]) == (WIDTH, HEIGHT)
        assert exif.get_ifd(34853)[2] == (47.0, 22.0, 33.5)
        assert image.info["icc_profile"] == srgb_profile()


def test_grey_profile_is_kept_in_grey_and_left_out_otherwise(tmp_path: Path) -> None:
    # Little CMS makes no profile of grey; its header is what counts for the choice.
    grey_icc = bytearray(srgb_profile())
    grey_icc[16:20] = b"GRAY"
    grey = picture(grey=True, icc=bytes(grey_icc))
    assert write_picture(grey, tmp_path / "a.png") == ()
    assert read_picture(tmp_path / "a.png").metadata.icc == bytes(grey_icc)
    notes = write_picture(grey, tmp_path / "a.webp")
    assert "profile does not fit" in notes[0]
    assert read_picture(tmp_path / "a.webp").metadata.icc is None


def test_exif_too_long_for_jpeg_loses_its_maker_note_first(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271] = "Maker"
    exif.get_ifd(34665)[37386] = 50.0
    exif.get_ifd(34665)[37500] = bytes(70_000)
    raw = exif.tobytes().removeprefix(b"Exif\0\0")
    assert "maker note" in write_picture(picture(exif=raw), tmp_path / "a.jpg")[0]
    assert read_picture(tmp_path / "a.jpg").metadata.focal_length == 50.0
    write_picture(picture(exif=raw), tmp_path / "a.png")
    assert len(read_picture(tmp_path / "a.png").metadata.exif or b"") > 70_000
    exif[270] = "x" * 80_000
    raw = exif.tobytes().removeprefix(b"Exif\0\0")
    assert "EXIF" in write_picture(picture(exif=raw), tmp_path / "b.jpg")[0]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_strips_of_any_height_give_the_same_file(
    tmp_path: Path, name: str, dtype: str, channels: int
) -> None:
    rows = scene(dtype, channels)
    depth = rows.dtype.itemsize * 8
    contents = []
    for steps in ([HEIGHT], [1] * HEIGHT, [7, 100, 3, HEIGHT - 110]):
        path = tmp_path / f"{len(steps)}{name}"
        with open_strip_writer(path, HEIGHT, WIDTH, channels, source_depth=depth) as writer:
            start = 0
            for step in steps:
                buffer = rows[start : start + step].copy()
                writer.write_rows(buffer)
                # The caller may use its buffer again at once.
                buffer[:] = 0
                start += step
        contents.append(read_picture(path))
    for other in contents[1:]:
        np.testing.assert_array_equal(other.pixels, contents[0].pixels)
    if name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(contents[0].pixels[..., 0], rows[..., 0])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_pictures_of_many_blocks(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(png_write, "_BLOCK_BYTES", 3000)
    monkeypatch.setattr(tiff_write, "_STRIP_BYTES", 3000)
    write_picture(picture("uint16"), tmp_path / name)
    np.testing.assert_array_equal(read_picture(tmp_path / name).pixels, scene("uint16"))


def test_same_bytes_on_every_run(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif", "a.jpg", "a.webp"):
        write_picture(picture(exif=exif_bytes()), tmp_path / f"1{name}")
        write_picture(picture(exif=exif_bytes()), tmp_path / f"2{name}")
        assert (tmp_path / f"1{name}").read_bytes() == (tmp_path / f"2{name}").read_bytes()


def test_big_tiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tiff_write.needs_big(40_000, 40_000, 3, 8)
    assert not tiff_write.needs_big(24_000, 16_000, 3, 16)
    monkeypatch.setattr(tiff_write, "_CLASSIC_LIMIT", 1000)
    write_picture(picture("uint16", icc=srgb_profile(), exif=exif_bytes()), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        np.testing.assert_array_equal(file.asarray(), scene("uint16"))
    back = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(back.pixels, scene("uint16"))
    assert back.metadata.focal_length == 50.0
    assert back.metadata.icc == srgb_profile()


def test_wrong_rows_leave_nothing(tmp_path: Path) -> None:
    rows = scene()
    for bad in (rows[:, :-1], rows[..., :2], np.concatenate([rows, rows])):
        with (
            pytest.raises(ValueError, match="rows"),
            open_strip_writer(tmp_path / "a.png", HEIGHT, WIDTH, 3) as writer,
        ):
            writer.write_rows(bad)
    with (
        pytest.raises(ValueError, match="only 10 of"),
        open_strip_writer(tmp_path / "a.png", HEIGHT, WIDTH, 3) as writer,
    ):
        writer.write_rows(rows[:10])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp"])
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() > 5000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(data)[:5001] if len(data) > 5001 else data)

    def opened(path: Path, mode: str = "r", *args: Any, **more: Any) -> Any:
        return io.BufferedWriter(FullDisk(path, "w")) if mode == "wb" else original(path, mode, *args, **more)

    original = Path.open
    target = tmp_path / name
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "open", opened)
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    with pytest.raises(OutputError, match="disk is full"):
        write_picture(Picture(noise), target, overwrite=True)
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        write_picture(picture(), path)
    assert path.read_bytes() == b"old"
    write_picture(picture(), path, overwrite=True)
    assert read_picture(path).width == WIDTH


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 5000)])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp", "a.avif", "a.jxl"])
def test_odd_sizes(tmp_path: Path, name: str, shape: tuple[int, int]) -> None:
    needs_avif(name)
    write_picture(Picture(np.full((*shape, 3), 77, np.uint8)), tmp_path / name)
    back = read_picture(tmp_path / name)
    assert back.pixels.shape == (*shape, 3)
    assert np.abs(back.pixels.astype(int) - 77).max() < 4


def test_checksums_of_two_pieces() -> None:
    generator = np.random.default_rng(0)
    for first, second in ((0, 10), (10, 0), (1, 1), (70_000, 123_457)):
        a, b = generator.bytes(first), generator.bytes(second)
        assert combined_adler32(zlib.adler32(a), zlib.adler32(b), second) == zlib.adler32(a + b)


def test_profile_of_developed_pictures_is_srgb_and_never_changes() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    first = srgb_profile()
    srgb_profile.cache_clear()
    assert srgb_profile() == first

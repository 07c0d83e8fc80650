"""Sectors lost in the middle of compressed pixels, the file whole around them: decoders go on behind them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.proof.holes import check_raw_piece
from tests.captures import Capture
from tests.faults.hostile import retagged, with_tail
from tests.faults.pictures import encoded, encoded_dng, encoded_tiff, scene

HEIGHT, WIDTH = 384, 512


def _photo() -> NDArray[Any]:
    return scene(HEIGHT, WIDTH)


def _with_alpha() -> Image.Image:
    photo = _photo()
    return Image.fromarray(np.dstack([photo, photo[::-1, :, 0]]))


def _heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    stored = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(_photo())).save(stored, quality=90)
    return stored.getvalue()


def with_hole(data: bytes, share: float, length: int, fill: bytes = b"\0") -> bytes:
    """A file without so many bytes from this share of it on."""
    start = int(share * (len(data) - length))
    return data[:start] + fill * length + data[start + length :]


PHOTOS: dict[str, Callable[[], bytes]] = {
    "a.jpg": lambda: encoded("JPEG", _photo(), quality=90),
    "optimised.jpg": lambda: encoded("JPEG", _photo(), quality=90, optimize=True),
    "small.jpg": lambda: encoded("JPEG", _photo(), quality=40, optimize=True),
    "grey.jpg": lambda: encoded("JPEG", Image.fromarray(_photo()).convert("L"), optimize=True),
    "progressive.jpg": lambda: encoded("JPEG", _photo(), quality=90, progressive=True),
    "restarts.jpg": lambda: encoded("JPEG", _photo(), quality=90, restart_marker_rows=1),
    "jpeg.tif": lambda: encoded("TIFF", _photo(), compression="jpeg"),
    "a.webp": lambda: encoded("WEBP", _photo(), quality=90),
    "lossless.webp": lambda: encoded("WEBP", _photo(), lossless=True),
    "alpha.webp": lambda: encoded("WEBP", _with_alpha(), quality=90),
    "a.avif": lambda: encoded("AVIF", _photo(), quality=80, speed=9),
    "a.heic": _heic,
    "a.jxl": lambda: bytes(imagecodecs.jpegxl_encode(_photo(), distance=1.0, effort=3)),
    "zstd.tif": lambda: encoded_tiff(_photo(), photometric="rgb", compression="zstd"),
    "webp.tif": lambda: encoded_tiff(_photo(), photometric="rgb", compression="webp"),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_picture_with_a_hole_is_refused(tmp_path: Path, name: str) -> None:
    path, whole = tmp_path / name, PHOTOS[name]()
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    for share in (0.3, 0.5, 0.61, 0.8):
        for length in (512, 4096):
            for fill in (b"\0", b"\xff"):
                path.write_bytes(with_hole(whole, share, length, fill))
                with pytest.raises(InputError) as caught:
                    read_picture(path)
                assert any(w in caught.value.reason for w in ("damaged", "incomplete", "cut short"))


@pytest.mark.parametrize(
    "options", [{"quality": 80, "speed": 9}, {"quality": 60, "speed": 8, "subsampling": "4:2:0"}]
)
def test_other_values_in_an_avif_are_noticed(tmp_path: Path, options: dict[str, Any]) -> None:
    """Nothing is missing, and its decoder makes a picture of any codes."""
    path, whole = tmp_path / "a.avif", encoded("AVIF", _photo(), **options)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    first = whole.rindex(b"mdat") + 100
    for seed, length in enumerate((1, 4, 64, 512)):
        random = np.random.default_rng(seed)
        start = int(random.integers(first, len(whole) - 600))
        other = bytes(255 - value for value in whole[start : start + length])
        path.write_bytes(whole[:start] + other + whole[start + length :])
        with pytest.raises(InputError, match="damaged"):
            read_picture(path)


def lossless_dng(values: NDArray[np.uint16]) -> bytes:
    """A DNG whose mosaic is lossless JPEG, in one piece."""
    plain = encoded_dng(Capture(read_noise=4.0), *values.shape)
    coded = bytes(imagecodecs.ljpeg_encode(values, bitspersample=14))
    changed = retagged(retagged(plain, 259, 3, 1, 7), 273, 4, 1, len(plain))
    return retagged(changed, 279, 4, 1, len(coded)) + coded


def test_a_raw_file_of_lossless_jpeg_with_a_hole_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    noise = np.random.default_rng(0).normal(0, 30, (HEIGHT, WIDTH))
    values = (1000 + 20 * np.mgrid[:HEIGHT, :WIDTH].sum(0) % 9000 + noise).astype(np.uint16)
    whole = lossless_dng(values)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    start = whole.rindex(b"\xff\xd8\xff")
    for share in (0.3, 0.6):
        for fill in (b"\0", b"\xff"):
            path.write_bytes(whole[:start] + with_hole(whole[start:], share, 2048, fill))
            with pytest.raises(InputError, match="lost"):
                read_picture(path)


def test_the_lowest_quality_in_a_raw_file_passes(tmp_path: Path) -> None:
    """All steps of its tables are 255, 64 bytes of them."""
    data = encoded("JPEG", _photo(), quality=1)
    assert b"\xff" * 60 in data
    check_raw_piece(tmp_path, data)


def test_an_overexposed_raw_file_of_lossless_jpeg_passes(tmp_path: Path) -> None:
    """Where all samples are the same, their code may be zeros, thousands of them."""
    path = tmp_path / "a.dng"
    values = np.full((HEIGHT, WIDTH), 16_383, np.uint16)
    values[:40] = np.random.default_rng(0).integers(1000, 1003, (40, WIDTH))
    path.write_bytes(lossless_dng(values))
    assert bytes(512) in path.read_bytes()
    assert read_picture(path).width == WIDTH


JPEG_2000: dict[str, Callable[[], bytes]] = {
    "a.jp2": lambda: encoded("JPEG2000", _photo()),
    "lossy.jp2": lambda: encoded("JPEG2000", _photo(), quality_layers=[8], irreversible=True),
    "precincts.jp2": lambda: encoded("JPEG2000", _photo(), precinct_size=(256, 256)),
    "usual.jp2": lambda: bytes(imagecodecs.jpeg2k_encode(_photo(), level=0)),
    "tiles.jp2": lambda: encoded("JPEG2000", _photo(), precinct_size=(128, 128), tile_size=(200, 250)),
    "a.tif": lambda: encoded_tiff(_photo(), photometric="rgb", compression="jpeg2000"),
}


@pytest.mark.parametrize("name", JPEG_2000)
def test_a_jpeg_2000_with_a_hole_or_without_its_end_is_refused(tmp_path: Path, name: str) -> None:
    path, whole = tmp_path / name, JPEG_2000[name]()
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    for share in (0.3, 0.5, 0.8):
        end = len(whole) if name.endswith("jp2") else whole.rindex(b"\xff\xd9") + 2
        kept = int(share * end)
        tail = whole[:kept] + bytes(end - kept) + whole[end:]
        holes = [with_hole(whole, share, 512, fill) for fill in (b"\0", b"\xff")]
        for damaged in (*holes, tail):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=r"damaged|incomplete|cut short"):
                read_picture(path)


def psd(packed: bool) -> bytes:
    """A Photoshop file without layers; packed rows as they come, in runs of different bytes."""
    planes = _photo().transpose(2, 0, 1)
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, HEIGHT, WIDTH, 8, 3) + bytes(12)
    if not packed:
        return head + struct.pack(">H", 0) + planes.tobytes()
    parts = planes.reshape(-1, WIDTH // 128, 128)
    rows = [b"".join(b"\x7f" + part.tobytes() for part in row) for row in parts]
    return head + struct.pack(f">H{len(rows)}H", 1, *map(len, rows)) + b"".join(rows)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_photoshop_file_whose_rows_are_not_all_there_is_refused(
    tmp_path: Path, share: float, fill: bytes
) -> None:
    path = tmp_path / "a.psd"
    for whole in (psd(packed=True), psd(packed=False)):
        path.write_bytes(whole)
        assert np.array_equal(read_picture(path).pixels, _photo())
        damaged = [with_tail(whole, share, fill), whole[: int(share * len(whole))]]
        if whole == psd(packed=True):
            damaged.append(with_hole(whole, share, 512, fill))
        for data in damaged:
            path.write_bytes(data)
            with pytest.raises(InputError, match=r"damaged|incomplete|cut short"):
                read_picture(path)


def _drawings() -> dict[str, NDArray[Any]]:
    """What compresses to runs: flat, in slopes, in stripes."""
    y, x = np.mgrid[:512, :2048]
    grey = {
        "black": 0 * x,
        "white": 0 * x + 255,
        "slope": x // 8,
        "falling": 255 - x // 8,
        "down": y // 2,
        "steps": np.clip(255 - x // 8 * 3, 0, 255),
        "saw": 255 - x % 512 // 2,
        "stripes": x % 2 * 255,
        "bars": (x % 4 < 2) * 255,
        "squares": (x // 8 + y // 8) % 2 * 255,
        "half": (y > 250) * 255,
        "dots": ((x % 8 == 0) & (y % 8 == 0)) * 255,
    }
    return {name: np.dstack([values] * 3).astype(np.uint8) for name, values in grey.items()}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 30}),
        ("JPEG", {"quality": 90, "optimize": True}),
        ("JPEG", {"quality": 90, "progressive": True}),
        ("WEBP", {"quality": 90}),
        ("WEBP", {"quality": 10}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 80, "speed": 10}),
        ("JPEG2000", {}),
        ("JPEG2000", {"quality_layers": [80, 40, 20, 10, 5], "irreversible": True, "tile_size": (256, 256)}),
        ("JPEG2000", {"precinct_size": (64, 64), "codeblock_size": (32, 32)}),
    ],
)
def test_drawings_without_contents_for_long_stretches_pass(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    for name, pixels in _drawings().items():
        path.write_bytes(encoded(kind, pixels, **options))
        assert read_picture(path).width == 2048, name


@pytest.mark.parametrize("period", [4, 8])
def test_a_pattern_in_jpeg_2000_passes(tmp_path: Path, period: int) -> None:
    """What repeats in every block of its coefficients is coded to zeros; no photograph does."""
    drawn = np.tile(np.random.default_rng(0).integers(0, 256, (8, 8)), (64, 64))
    if period == 4:
        drawn = 100 + (np.mgrid[:512, :512] // 4).sum(axis=0) % 2 * 56
    path = tmp_path / "a.jp2"
    path.write_bytes(encoded("JPEG2000", np.dstack([drawn] * 3).astype(np.uint8)))
    assert bytes(64) in path.read_bytes()
    assert np.array_equal(read_picture(path).pixels[..., 0], drawn)


@pytest.mark.parametrize("quality", [10, 50, 80])
def test_ones_in_smooth_webp_of_a_quick_coder_pass(tmp_path: Path, quality: int) -> None:
    """Blocks that are predicted by three neighbours, one after the other, are bytes of ones."""
    image = Image.fromarray(scene(100, 150)).resize((2000, 40), Image.Resampling.LANCZOS)
    path = tmp_path / "a.webp"
    path.write_bytes(encoded("WEBP", image, quality=quality, method=0))
    assert b"\xff" * 64 in path.read_bytes()
    assert read_picture(path).width == 2000


def test_short_zeros_in_jpeg_2000_of_two_resolutions_pass(tmp_path: Path) -> None:
    """A gradient has a block's plane of bits without any, again and again."""
    y, x = np.mgrid[:240, :320]
    slopes = np.dstack([x * 255 // 319, y * 255 // 239, (x + y) // 3]).astype(np.uint8)
    path = tmp_path / "a.jp2"
    path.write_bytes(encoded("JPEG2000", slopes, num_resolutions=2))
    assert bytes(90) in path.read_bytes()
    assert np.array_equal(read_picture(path).pixels, slopes)


def test_a_large_sky_in_webp_passes(tmp_path: Path) -> None:
    """Hundreds of bytes of zeros, each for a hundred pixels."""
    sky = np.zeros((3000, 4000, 3), np.uint8)
    sky[1400:1464, 2000:2064] = scene(64, 64)
    path = tmp_path / "a.webp"
    path.write_bytes(encoded("WEBP", sky, quality=90))
    assert bytes(128) in path.read_bytes()
    assert read_picture(path).height == 3000


def test_a_flat_area_in_lossless_webp_of_a_quick_encoder_passes(tmp_path: Path) -> None:
    """Every pixel is written out, by codes that are all zeros."""
    flat = np.full((512, 1024, 3), 200, np.uint8)
    flat[:64] = scene(64, 1024)
    path = tmp_path / "a.webp"
    path.write_bytes(encoded("WEBP", flat, lossless=True, method=0))
    assert np.array_equal(read_picture(path).pixels, flat)


@pytest.mark.parametrize("name", ["a.avif", "a.heic"])
def test_parts_that_moved_up_are_noticed(tmp_path: Path, name: str) -> None:
    """By a sector that is there twice, or a transfer as text: the last part ends ahead of the file."""
    path, whole = tmp_path / name, PHOTOS[name]()
    for behind in (
        b"\r\n",
        bytes(20),
        b"\0\0\0\x0cmpvd1234",
        b"\0\0\x30\x0a\x04\0\0\0Name" + whole[-40:] + b"\0\0SEFT",
        b"vivo{}",
    ):
        path.write_bytes(whole + behind)
        assert read_picture(path).width == WIDTH
    middle = len(whole) // 2
    head, pixels = whole[:middle], whole[middle:]
    for moved in (head + pixels.replace(b"\n", b"\r\n"), whole[: middle + 512] + pixels):
        path.write_bytes(moved)
        with pytest.raises(InputError):
            read_picture(path)

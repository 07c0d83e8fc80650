"""What a WebP says of its size, in one place and another, and how much of its data a picture of it needs."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, encoded_tiff, passes_unsaid, scene

HEIGHT, WIDTH = 240, 320
_VP8, _VP8L = b"\x9d\x01\x2a", b"\x2f"


def _restated(data: bytes, width: int, height: int) -> bytes:
    """A WebP whose first coded picture states another size."""
    changed, lossy = bytearray(data), data.find(_VP8)
    if lossy >= 0:
        struct.pack_into("<HH", changed, lossy + 3, width, height)
    else:
        at = data.index(b"VP8L") + 9
        (bits,) = struct.unpack_from("<I", data, at)
        struct.pack_into("<I", changed, at, bits >> 28 << 28 | height - 1 << 14 | width - 1)
    return bytes(changed)


def _animated(**options: Any) -> bytes:
    frames = [Image.fromarray(scene(HEIGHT, WIDTH)[::step]).resize((WIDTH, HEIGHT)) for step in (1, 2)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def _extended(**options: Any) -> bytes:
    """A still picture with a canvas, for its profile."""
    return encoded("WEBP", scene(HEIGHT, WIDTH), icc_profile=bytes(128), **options)


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("make", [_animated, _extended])
def test_a_picture_of_another_size_than_its_frame_is_refused(
    tmp_path: Path, make: Any, lossless: bool
) -> None:
    path, whole = tmp_path / "a.webp", make(lossless=lossless)
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (HEIGHT, WIDTH)
    for width, height in ((WIDTH - 1, HEIGHT), (WIDTH, HEIGHT - 1), (WIDTH, HEIGHT // 2), (HEIGHT, WIDTH)):
        path.write_bytes(_restated(whole, width, height))
        with pytest.raises(InputError):
            read_picture(path)


def test_a_canvas_of_another_size_than_its_picture_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.webp", _extended()
    at = whole.index(b"VP8X") + 12
    path.write_bytes(whole[:at] + (WIDTH + 15).to_bytes(3, "little") + whole[at + 3 :])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("method", [0, 4])
def test_a_simple_file_that_states_fewer_blocks_is_refused(tmp_path: Path, flat: bool, method: int) -> None:
    """Nothing else states a size; what says how blocks are predicted is then left over."""
    pixels = scene(HEIGHT, WIDTH) // (8 if flat else 1)
    if flat:
        pixels[HEIGHT // 8 :] = np.arange(WIDTH, dtype=np.uint8)[:, None] // 2
    path, whole = tmp_path / "a.webp", encoded("WEBP", pixels, method=method)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    for width, height in ((WIDTH // 2, HEIGHT), (WIDTH, HEIGHT // 2)):
        path.write_bytes(_restated(whole, width, height))
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("start", [0.35, 0.6])
def test_a_lossy_file_that_ends_in_zeros_is_refused(tmp_path: Path, start: float) -> None:
    path, whole = tmp_path / "a.webp", encoded("WEBP", scene(HEIGHT, WIDTH))
    kept = int(start * len(whole))
    path.write_bytes(whole[:kept] + bytes(len(whole) - kept))
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("height", [100, 128])
@pytest.mark.parametrize("quality", [1, 100])
def test_a_ramp_of_alpha_of_a_quick_coder_passes(
    tmp_path: Path, turned: bool, height: int, quality: int
) -> None:
    """All of its rows differ by about one number, of which filters leave zeros."""
    ramp = np.broadcast_to(np.linspace(0, 255, height).astype(np.uint8)[:, None], (height, WIDTH))
    alpha, path = ramp[::-1] if turned else ramp, tmp_path / "a.webp"
    whole = encoded("WEBP", np.dstack([scene(height, WIDTH), alpha]), method=0, quality=quality, exact=True)
    path.write_bytes(whole)
    picture = read_picture(path)
    assert picture.alpha is not None and np.array_equal(picture.alpha, alpha)


@pytest.mark.parametrize("bands", [(255, 0), (0, 255), (255, 128, 0, 64), tuple(range(0, 240, 10))])
@pytest.mark.parametrize("lossless", [False, True])
def test_bands_of_a_quick_coder_pass(tmp_path: Path, bands: tuple[int, ...], lossless: bool) -> None:
    """Whole bands of alpha, or of few colours, may be the code that is ones, again and again."""
    band = np.repeat(np.array(bands, np.uint8), HEIGHT * 2 // len(bands))[:, None].repeat(WIDTH, 1)
    shown = [band, 255 - band, band] if lossless else [scene(*band.shape)]
    path = tmp_path / "a.webp"
    path.write_bytes(encoded("WEBP", np.dstack([*shown, band]), method=0, lossless=lossless, exact=True))
    picture = read_picture(path)
    assert picture.alpha is not None and np.array_equal(picture.alpha, band)


@pytest.mark.parametrize("lossless", [False, True])
def test_lost_ones_in_few_colours_are_noticed(tmp_path: Path, lossless: bool) -> None:
    """In a picture that is half flat, and where the flat half is not what is lost."""
    few = scene(2 * HEIGHT, WIDTH) // 64 * 64
    few[HEIGHT:] = 64
    alpha = np.ascontiguousarray(few[..., 0])
    pixels = few if lossless else np.dstack([np.full_like(few, 200), alpha])
    path, whole = tmp_path / "a.webp", encoded("WEBP", pixels, method=0, lossless=lossless)
    for start in range(1000, 5000, 800):
        path.write_bytes(whole[:start] + b"\xff" * 512 + whole[start + 512 :])
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("lossless", [False, True])
def test_lost_zeros_in_a_tiffs_webp_are_noticed_by_its_end(tmp_path: Path, lossless: bool) -> None:
    """Where the picture is smooth zeros may be codes; what is behind them has lost its place."""
    rows, columns = np.mgrid[:256, :256]
    smooth = 128 + 60 * np.sin(rows / 40) * np.cos(columns / 30)
    noise = np.random.default_rng(5).integers(-3, 4, (256, 256, 3))
    picture = np.clip(np.repeat(smooth[..., None], 3, axis=2) + noise, 0, 255).astype(np.uint8)
    data = imagecodecs.webp_encode(picture, lossless=lossless, level=90)
    with_alpha = np.dstack([picture, rows.astype(np.uint8)])
    for values in (picture, with_alpha, picture // 8 * 8):
        path = tmp_path / "a.tif"
        options: dict[str, Any] = {"lossless": lossless, "level": 90}
        path.write_bytes(encoded_tiff(values, photometric="rgb", compression="webp", compressionargs=options))
        assert read_picture(path).pixels.shape == (256, 256, 3)
    path.write_bytes(encoded_tiff(picture, photometric="rgb", compression="webp", compressionargs=options))
    whole = path.read_bytes()
    start = whole.index(b"RIFF") + len(data) // 2
    path.write_bytes(whole[:start] + bytes(512) + whole[start + 512 :])
    with pytest.raises(InputError, match="damaged"):
        read_picture(path)


def _renamed(data: bytes, name: bytes, bit: int) -> bytes:
    at = data.index(name) + bit // 8
    return data[:at] + bytes([data[at] ^ 1 << bit % 8]) + data[at + 1 :]


@pytest.mark.parametrize("name", [b"ANMF", b"ANIM", b"VP8 ", b"VP8L"])
def test_a_first_frame_with_a_damaged_name_is_refused(tmp_path: Path, name: bytes) -> None:
    """Decoders pass over it, and show the second."""
    path, whole = tmp_path / "a.webp", _animated(lossless=name == b"VP8L")
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    for bit in range(32):
        path.write_bytes(_renamed(whole, name, bit))
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("animated", [False, True])
def test_alpha_with_a_damaged_name_is_refused(tmp_path: Path, animated: bool) -> None:
    alpha = np.tile(np.arange(WIDTH, dtype=np.uint8)[:, None], (HEIGHT, 1, 1))
    pixels = np.dstack([scene(HEIGHT, WIDTH), alpha])
    more = [Image.fromarray(pixels[::-1].copy())]
    options: dict[str, Any] = {"save_all": True, "append_images": more} if animated else {}
    path, whole = tmp_path / "a.webp", encoded("WEBP", pixels, **options)
    path.write_bytes(whole)
    assert read_picture(path).alpha is not None
    for bit in range(32):
        path.write_bytes(_renamed(whole, b"ALPH", bit))
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("make", [_animated, _extended])
def test_chunks_of_other_names_pass(tmp_path: Path, make: Any) -> None:
    path, whole = tmp_path / "a.webp", make()
    first = whole.index(b"ANMF" if make is _animated else b"VP8 ")
    for at in (30, first, len(whole)):
        more = whole[:at] + b"abcd" + struct.pack("<I", 40) + b"notes" * 8 + whole[at:]
        path.write_bytes(more[:4] + struct.pack("<I", len(more) - 8) + more[8:])
        assert read_picture(path).width == WIDTH


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("make", [_animated, _extended])
def test_bytes_that_were_put_in_are_noticed_by_the_end(tmp_path: Path, make: Any, lossless: bool) -> None:
    path, whole = tmp_path / "a.webp", make(lossless=lossless)
    for behind in (b"", bytes(4), bytes(600), b"\r\n"):
        path.write_bytes(whole + behind)
        assert (read_picture(path).metadata.doubt is None) == (not behind)
    middle = whole.index(b"VP8") + 200
    for count in (1, 2, 3, 24, 512):
        path.write_bytes(whole[:middle] + b"\x55" * count + whole[middle:])
        with pytest.raises(InputError):
            read_picture(path)
    for behind in (b"x", b"\0", bytes(3), b"\n", b"\0\n"):
        path.write_bytes(whole + behind)
        with pytest.raises(InputError, match="does not end where it says"):
            read_picture(path)


@pytest.mark.parametrize("behind", [b"", bytes(600), b"\r\n"])
def test_it_is_said_where_an_end_and_what_is_behind_it_are_alike(tmp_path: Path, behind: bytes) -> None:
    """Of a picture whose lower part is of one colour the last bytes are zeros, as padding is."""
    path = tmp_path / "a.webp"
    flat = scene(HEIGHT, WIDTH).copy()
    flat[HEIGHT // 2 :] = 255
    whole = encoded("WEBP", flat, quality=80)
    assert whole.endswith(bytes(8))
    path.write_bytes(whole + behind)
    assert (read_picture(path).metadata.doubt is not None) == bool(behind)
    for count in (1, 2, 4, 5, 8):
        assert not passes_unsaid(path, whole[:400] + b"\x55" * count + whole[400:] + behind)


def _cut_by_sector(data: bytes, length: int, value: bytes) -> bytes:
    """A file whose last sector, of so many bytes, has lost its values."""
    return data[:-length] + value * length


def _textured(height: int, width: int) -> NDArray[np.uint8]:
    """Stripes and noise, of which nothing that is predicted is flat."""
    rows, columns = np.mgrid[:height, :width]
    stripes = 128 + 60 * np.sin(columns * rows / 150) + np.random.default_rng(3).normal(0, 6, (height, width))
    return np.repeat(np.clip(stripes, 0, 255).astype(np.uint8)[..., None], 3, axis=2) // np.uint8(
        [[[1, 2, 1]]]
    )


@pytest.mark.parametrize("value", [b"\0", b"\xff"])
@pytest.mark.parametrize("method", [0, 4])
@pytest.mark.parametrize("lossless", [False, True])
def test_lost_values_of_a_short_last_sector_are_noticed(
    tmp_path: Path, lossless: bool, method: int, value: bytes
) -> None:
    """They are decoded to about as many pixels as those that were there."""
    path = tmp_path / "a.webp"
    for height in range(100, 148, 8):
        whole = encoded("WEBP", _textured(height, WIDTH), lossless=lossless, method=method, quality=75)
        assert passes_unsaid(path, whole)
        for length in (8, 14, 26, 40, 62, 90):
            assert not passes_unsaid(path, _cut_by_sector(whole, length, value)), (height, length)


@pytest.mark.parametrize("value", ["zeros", "ones"])
@pytest.mark.parametrize("lossless", [False, True])
def test_what_may_be_lost_is_counted(tmp_path: Path, lossless: bool, value: str) -> None:
    """Bytes ahead of those that are lost may be alike, as may be one behind, which makes a length even."""
    path, found = tmp_path / "a.webp", 0
    for height in range(100, 148, 4):
        whole = encoded("WEBP", _textured(height, WIDTH), lossless=lossless, method=0)
        path.write_bytes(_cut_by_sector(whole, 12, b"\0" if value == "zeros" else b"\xff"))
        try:
            doubt = read_picture(path).metadata.doubt
        except InputError:
            continue
        found += 1
        assert doubt is not None
        assert re.fullmatch(rf"the last 1[1-4] bytes of its pixels are {value}, which may be lost: .*", doubt)
    assert found or not lossless


@pytest.mark.parametrize("method", [0, 2, 4, 6])
@pytest.mark.parametrize("lossless", [False, True])
def test_zeros_of_a_flat_lower_right_pass(tmp_path: Path, lossless: bool, method: int) -> None:
    path, zeros = tmp_path / "a.webp", 0
    for colour in (0, 255, 90):
        for quality in (0, 75, 100):
            flat = _textured(200, 300)
            flat[90:] = colour
            whole = encoded("WEBP", flat, lossless=lossless, method=method, quality=quality)
            assert passes_unsaid(path, whole), (colour, quality)
            zeros = max(zeros, len(whole) - len(whole.rstrip(b"\0")))
    assert zeros >= 8 or (lossless and method)


@pytest.mark.parametrize("turned", [False, True])
def test_zeros_of_a_ramp_without_loss_pass(tmp_path: Path, turned: bool) -> None:
    """All of its rows, or columns, differ by one number, and predictors leave zeros."""
    path = tmp_path / "a.webp"
    for first, step in ((0, 1), (255, -1), (7, 2)):
        values = (first + step * np.arange(120)).astype(np.uint8)[:, None].repeat(120, 1)
        ramp = np.dstack([values.T if turned else values] * 3)
        assert passes_unsaid(path, encoded("WEBP", ramp, lossless=True, method=0, quality=0))


@pytest.mark.parametrize("side", [(1, 1), (1, 9), (9, 1), (17, 3)])
@pytest.mark.parametrize("lossless", [False, True])
def test_tiny_pictures_pass(tmp_path: Path, lossless: bool, side: tuple[int, int]) -> None:
    for pixels in (_textured(*side), np.zeros((*side, 3), np.uint8), np.full((*side, 3), 255, np.uint8)):
        assert passes_unsaid(tmp_path / "a.webp", encoded("WEBP", pixels, lossless=lossless, method=0))

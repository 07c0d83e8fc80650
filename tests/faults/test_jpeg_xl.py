"""Damage in JPEG XL of the lowest efforts, whose codes a decoder takes whatever they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.proof.jpeg_xl.quick import coded_quickly, most_bits
from tests.faults.pictures import encoded_tiff, passes, scene

_TALL, _WIDE = 300, 520
_MODES: dict[str, dict[str, Any]] = {"lossless": {"lossless": True}, "lossy": {"distance": 1.0}}


def _page(width: int = _WIDE) -> NDArray[np.uint8]:
    """A picture above, and nothing below: what goes on to the end may then be of any length."""
    samples = np.full((_TALL, width, 3), 255, np.uint8)
    samples[:180] = scene(180, width)
    return samples


def _coded(samples: NDArray[Any], effort: int, mode: str) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(samples, effort=effort, **_MODES[mode]))


@pytest.mark.parametrize("effort", [1, 2])
@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize(
    "samples", [scene(_TALL, _WIDE), _page(), _page(200), scene(_TALL, _WIDE) * np.uint16(257)]
)
def test_a_lost_sector_is_noticed(tmp_path: Path, effort: int, mode: str, samples: NDArray[Any]) -> None:
    path, whole = tmp_path / "a.jxl", _coded(samples, effort, mode)
    path.write_bytes(whole)
    assert read_picture(path).width == samples.shape[1]
    for start in np.linspace(700, len(whole) * 0.8, 5).astype(int).tolist():
        for fill in (b"\0", b"\xff"):
            for end in (start + 512, len(whole)):
                rest = whole[end:]
                path.write_bytes(whole[:start] + fill * (len(whole) - len(rest) - start) + rest)
                with pytest.raises(InputError):
                    read_picture(path)


def test_other_values_are_mostly_noticed(tmp_path: Path) -> None:
    path, random, passed = tmp_path / "a.jxl", np.random.default_rng(0), 0
    for mode in _MODES:
        whole = _coded(scene(_TALL, _WIDE), 1, mode)
        for start in np.linspace(700, len(whole) - 800, 10).astype(int).tolist():
            passed += passes(path, whole[:start] + random.bytes(512) + whole[start + 512 :])
    assert passed <= 1


def test_a_lost_sector_in_tiff_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    whole = encoded_tiff(
        scene(_TALL, _WIDE),
        photometric="rgb",
        compression="jpegxl",
        compressionargs={"effort": 1, "lossless": True},
    )
    path.write_bytes(whole)
    assert read_picture(path).width == _WIDE
    start = len(whole) // 2
    path.write_bytes(whole[:start] + bytes(512) + whole[start + 512 :])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("effort", [1, 2, 3, 7])
@pytest.mark.parametrize("mode", _MODES)
def test_whole_pictures_pass(tmp_path: Path, effort: int, mode: str) -> None:
    """With nothing in them for long, or so large that they are coded area by area, with room left free."""
    path, stripes = tmp_path / "a.jxl", np.zeros((300, 300, 3), np.uint8)
    stripes[::2] = 200
    large = np.full((260, 2300, 3), 240, np.uint8)
    large[:100, :300] = scene(100, 300)
    for samples in (np.zeros((400, 600, 3), np.uint8), stripes, large, _page(200), _page()[..., 0]):
        path.write_bytes(_coded(samples, effort, mode))
        assert read_picture(path).height == samples.shape[0]


@pytest.mark.parametrize("effort", [1, 3, 7])
@pytest.mark.parametrize("mode", _MODES)
def test_small_animations_pass(tmp_path: Path, effort: int, mode: str) -> None:
    """What is found in them is the last frame, and the first is read."""
    path, first = tmp_path / "a.jxl", scene(96, 128)
    frames = np.stack([np.roll(first, 8 * number, axis=1) for number in range(3)])
    whole = bytes(imagecodecs.jpegxl_encode(frames, effort=effort, photometric="rgb", **_MODES[mode]))
    path.write_bytes(whole)
    assert np.abs(read_picture(path).pixels[..., :3] - np.float64(first)).mean() < 12


@pytest.mark.parametrize("effort", [1, 2, 7])
@pytest.mark.parametrize("mode", _MODES)
def test_data_that_moved_up_is_noticed(tmp_path: Path, effort: int, mode: str) -> None:
    """A sector that is there twice is none that a table knows of; what is behind a picture is padding."""
    path, whole = tmp_path / "a.jxl", _coded(scene(90, 120), effort, mode)
    path.write_bytes(whole + bytes(700))
    assert read_picture(path).width == 120
    for start in range(100, len(whole) - 512, 1500):
        path.write_bytes(whole[: start + 512] + whole[start:])
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("width", [5, 260, 263, 516])
def test_a_plain_edge_of_a_few_columns_passes(tmp_path: Path, width: int) -> None:
    """In groups of less than eight columns the quickest coder writes equal pixels one by one."""
    path, samples = tmp_path / "a.jxl", np.full((600, width, 4), 255, np.uint8)
    samples[:180, : -(width // 8) or width, :3] = scene(180, width)[:, : -(width // 8) or width]
    for values in (samples, samples[..., :3], samples[..., 0], samples * np.uint16(257)):
        whole = _coded(np.ascontiguousarray(values), 1, "lossless")
        path.write_bytes(whole)
        assert read_picture(path).width == width
    start = len(whole) // 3  # in a group of its own
    path.write_bytes(whole[:start] + bytes(512) + whole[start + 512 :])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("slope", [1, 2, 3])
@pytest.mark.parametrize("size", [(90, 120), (300, 400)])
def test_a_ramp_from_corner_to_corner_passes(tmp_path: Path, size: tuple[int, int], slope: int) -> None:
    """Its differences to what the quickest coder expects are one value, whose code is a zero."""
    path, ramp = tmp_path / "a.jxl", (slope * np.indices(size).sum(0) % 256).astype(np.uint8)
    for samples in (ramp, np.dstack([scene(*size), ramp]), np.dstack([scene(*size)[..., 0], ramp])):
        whole = _coded(samples, 1, "lossless")
        path.write_bytes(whole)
        assert read_picture(path).height == size[0]
    at = len(whole) // 3  # among the codes of another channel
    path.write_bytes(whole[:at] + bytes(512) + whole[at + 512 :])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("bits", [9, 10, 12, 13, 14, 16])
def test_a_ramp_of_any_depth_passes(tmp_path: Path, bits: int) -> None:
    path, ramp = tmp_path / "a.jxl", np.indices((300, 400)).sum(0).astype(np.uint16)
    noise = np.random.default_rng(0).integers(0, 512, ramp.shape, np.uint16)
    for samples in (ramp, np.dstack([noise, ramp]), np.dstack([ramp, noise, ramp, noise])):
        kind = {"lossless": True, "bitspersample": bits}
        whole = bytes(imagecodecs.jpegxl_encode(samples & np.uint16((1 << bits) - 1), effort=1, **kind))
        path.write_bytes(whole)
        assert read_picture(path).height == len(ramp)
    at = len(whole) // 2
    path.write_bytes(whole[:at] + bytes(512) + whole[at + 512 :])
    with pytest.raises(InputError):
        read_picture(path)


def _turned(stream: bytes, orientation: int) -> bytes:
    """A grey picture of 10 bits and 300×400 that says how it has to be turned (ISO/IEC 18181-1, annex D)."""
    head, size, end = int.from_bytes(stream[2:8], "little"), 15, 42
    parts = [
        (head, size),
        (0b10, 2),  # not all as usual; further fields
        (orientation - 1, 3),
        (0, 3),  # no other size, no preview, no animation
        (head >> size + 2, end - size - 5),
        (1, 1),  # the usual brightness
        (head >> end - 3, 3),
    ]
    value = position = 0
    for bits, count in parts:
        value |= (bits & (1 << count) - 1) << position
        position += count
    return stream[:2] + value.to_bytes(-(-position // 8), "little") + stream[2 + -(-end // 8) :]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_ramp_that_is_turned_passes(tmp_path: Path, orientation: int) -> None:
    path, ramp = tmp_path / "a.jxl", np.indices((300, 400)).sum(0).astype(np.uint16)
    whole = bytes(imagecodecs.jpegxl_encode(ramp, lossless=True, effort=1, bitspersample=10))
    path.write_bytes(_turned(whole, orientation))
    assert read_picture(path).pixels.shape[:2] == ((400, 300) if orientation == 6 else (300, 400))


def test_another_depth_in_tiff_is_noticed(tmp_path: Path) -> None:
    """Its samples would be those of a darker picture."""
    path = tmp_path / "a.tif"
    kind = {"effort": 1, "lossless": True, "bitspersample": 10}
    samples = scene(90, 120) * np.uint16(4)
    whole = encoded_tiff(samples, photometric="rgb", compression="jpegxl", compressionargs=kind)
    path.write_bytes(whole)
    assert read_picture(path).pixels.max() > 1 << 15
    stated, other = (bytes([bits, 0]) * 3 for bits in (10, 16))
    assert whole.count(stated) == 1
    path.write_bytes(whole.replace(stated, other))
    with pytest.raises(InputError, match="a picture of 10 bits, in the place of one of 16"):
        read_picture(path)


def _boxed(samples: NDArray[Any], effort: int, mode: str) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(samples, effort=effort, usecontainer=True, **_MODES[mode]))


@pytest.mark.parametrize("effort", [1, 3, 7])
@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize("coded", [_coded, _boxed])
def test_padding_passes(tmp_path: Path, effort: int, mode: str, coded: Callable[..., bytes]) -> None:
    """So little that it may be what got among the pixels of the quickest coder is named."""
    path = tmp_path / "a.jxl"
    for height, width in ((90, 120), (1, 1)):
        whole = coded(scene(height, width), effort, mode)
        for count in (1, 2, 8, 15, 16, 17, 40, 512, 600):
            path.write_bytes(whole + bytes(count))
            picture = read_picture(path)
            assert (picture.height, picture.width) == (height, width)
            is_near = (effort, mode) == (1, "lossless") and count <= 16
            assert (picture.metadata.doubt is not None) == is_near
        for padding in (b"\r\n", b"\n", b"\x1a", b" " * 40, b"\xff" * 300):
            path.write_bytes(whole + padding)
            assert read_picture(path).height == height


def _is_known(path: Path, data: bytes) -> bool:
    """Return whether a damaged file is refused, or named."""
    path.write_bytes(data)
    try:
        return read_picture(path).metadata.doubt is not None
    except InputError:
        return True


def test_an_end_that_is_lost_ahead_of_padding_is_noticed(tmp_path: Path) -> None:
    """A file in clusters of 4096 bytes ends in zeros; so does one whose last sectors are gone."""
    path = tmp_path / "a.jxl"
    for samples in (scene(90, 120), scene(140, 250), scene(_TALL, _WIDE)):
        whole = _coded(samples, 1, "lossless")
        padding = bytes(-len(whole) % 4096)
        assert not _is_known(path, whole + padding)
        for start in range(len(whole) - 9, 700, -(len(whole) // 8)):
            assert _is_known(path, whole[:start] + bytes(len(whole) - start) + padding)


@pytest.mark.parametrize("coded", [_coded, _boxed])
def test_bytes_that_were_put_in_are_noticed(tmp_path: Path, coded: Callable[..., bytes]) -> None:
    path, random = tmp_path / "a.jxl", np.random.default_rng(1)
    for samples in (scene(90, 120), scene(140, 250)):
        whole = coded(samples, 1, "lossless")
        for start in np.linspace(300, len(whole) - 40, 12).astype(int).tolist():
            for added in (bytes(1 + start % 8), random.bytes(1 + start % 8)):
                path.write_bytes(whole[:start] + added + whole[start:])
                with pytest.raises(InputError):
                    read_picture(path)


@pytest.mark.parametrize("length", [4, 12, 48])
def test_a_short_last_sector_is_noticed(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.jxl"
    for height in range(90, 106):
        for coded in (_coded, _boxed):
            whole = coded(scene(height, 120), 1, "lossless")
            assert not _is_known(path, whole)
            assert _is_known(path, whole[:-length] + bytes(length))
            assert _is_known(path, whole[:-length] + b"\xff" * length)


@pytest.mark.parametrize("effort", [1, 7])
def test_what_is_behind_the_boxes_is_noticed(tmp_path: Path, effort: int) -> None:
    """Other boxes are none of it; one that is cut short is."""
    path, whole = tmp_path / "a.jxl", _boxed(scene(90, 120), effort, "lossless")
    further = (24).to_bytes(4, "big") + b"xml " + b"<x:xmpmeta />   "
    for behind in (b"", further, further + b"\n", further + bytes(512)):
        path.write_bytes(whole + behind)
        assert read_picture(path).width == 120
    for behind in (
        b"\x81",
        b"\x31\x07\0",
        whole[-512:],
        further[:-3],
        b"\x07" + further,
        b"\x11\x9a" + bytes(512),
    ):
        path.write_bytes(whole + behind)
        with pytest.raises(InputError, match="belong to none of its parts"):
            read_picture(path)


@pytest.mark.parametrize("shape", [(250, 250), (250, 250, 3), (250, 250, 4)])
def test_the_quickest_coder_is_not_asked_for_what_it_has_no_room_for(shape: tuple[int, ...]) -> None:
    """It would write beyond it, and the process would end."""
    noise = np.random.default_rng(0).integers(0, 1 << 16, shape, np.uint16)
    assert coded_quickly(noise, 16) is None
    for samples, bits in ((noise >> 6, 10), (noise[:100, :100], 16), (noise.astype(np.uint8), 8)):
        whole = coded_quickly(samples, bits)
        assert whole is not None
        np.testing.assert_array_equal(imagecodecs.jpegxl_decode(whole), samples)
    # Nothing but the first sample is something else than expected.
    assert most_bits(np.full((50, 60), 1000, np.uint16)) == 8 * 3000 + 10

"""GIF of more frames and blocks than a decoder can go through, and of more codes than its pixels need."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, passes, scene
from tests.faults.program import promptly

HEAD = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
FRAME = b"\x21\xf9\x04\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
BOMBS = {
    "frames": HEAD + FRAME * 200_000 + b";",
    "comments": HEAD + b"\x21\xfe\1a\0" * 1_500_000 + FRAME + b";",
    "blocks": HEAD + FRAME[:-1] + b"\1\0" * 1_500_000 + b"\0;",
    "nothing": HEAD + FRAME + bytes(1_500_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_gif_of_too_many_parts_is_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(BOMBS[name])
    with promptly(), pytest.raises(InputError, match="more than"):
        read_picture(path)


def test_animations_and_what_is_behind_the_end_pass(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    frames = [Image.fromarray(scene(48, 64)[::step]).resize((64, 48)).quantize(64) for step in (1, 2, 3)]
    whole = encoded("GIF", frames[0], save_all=True, append_images=frames[1:], comment=b"three of them" * 99)
    for data in (whole, whole + bytes(3_000_000)):
        path.write_bytes(data)
        picture = read_picture(path)
        assert np.array_equal(picture.pixels, np.asarray(frames[0].convert("RGB")))
        assert picture.metadata.notes == ("only its first frame was read",)


@pytest.mark.parametrize("colours", [2, 16, 250])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_sector_that_is_there_twice_is_damage(tmp_path: Path, colours: int, frames: int) -> None:
    path = tmp_path / "a.gif"
    noise = np.random.default_rng(colours).integers(0, colours, (2, 150, 200), dtype=np.uint8)
    pictures = [Image.fromarray(each) for each in noise[:frames]]
    whole = encoded("GIF", pictures[0], save_all=True, append_images=pictures[1:])
    assert passes(path, whole)
    length = len(encoded("GIF", pictures[0]))
    for start in range(1024, length - 512, 512):
        path.write_bytes(whole[:start] + whole[start - 512 :])
        with pytest.raises(InputError):
            read_picture(path)


def _animation() -> tuple[bytes, int, list[int]]:
    """Three frames of noise; also where the first begins, and each block of its codes."""
    noise = np.random.default_rng(3).integers(0, 256, (3, 150, 200), dtype=np.uint8)
    frames = [Image.fromarray(each) for each in noise]
    whole = encoded("GIF", frames[0], save_all=True, append_images=frames[1:])
    start = whole.index(b"\x2c\0\0\0\0" + struct.pack("<HH", 200, 150))
    blocks = [start + 11 + (3 << (whole[start + 9] & 7) + 1 if whole[start + 9] & 0x80 else 0)]
    while whole[blocks[-1]]:
        blocks.append(blocks[-1] + 1 + whole[blocks[-1]])
    return whole, start, blocks


@pytest.mark.parametrize("left", [1, 2, 40, 100])
def test_codes_that_a_first_frame_lacks_are_not_taken_from_the_next(tmp_path: Path, left: int) -> None:
    path = tmp_path / "a.gif"
    whole, _, blocks = _animation()
    assert passes(path, whole)
    lost, end = blocks[-1 - left], blocks[-1]
    assert not passes(path, whole[:lost] + whole[end:])
    assert not passes(path, whole[:lost] + bytes(end - lost) + whole[end:])
    assert not passes(path, whole[:lost] + b"\0" + whole[blocks[-left] :])


def test_a_first_frame_without_its_head_is_not_the_second(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    whole, start, blocks = _animation()
    for lost in (slice(start, start + 1), slice(start - 8, start + 1), slice(start, blocks[3] + 9)):
        assert not passes(path, whole[: lost.start] + whole[lost.stop :])
        assert not passes(path, whole[: lost.start] + b"\x55" * 512 + whole[lost.start + 512 :])


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("size", [512, 1024])
def test_a_sector_that_is_there_twice_ahead_of_a_flat_end_is_damage(
    tmp_path: Path, size: int, value: int
) -> None:
    """A few codes are all of it, which are left over then."""
    path = tmp_path / "a.gif"
    picture = np.full((400, 320), value, np.uint8)
    picture[40:280] = np.random.default_rng(1).integers(0, 256, (240, 320), dtype=np.uint8)
    whole = encoded("GIF", Image.fromarray(picture))
    assert passes(path, whole)
    for start in range(2 * size, len(whole) - size, 8 * size):
        assert not passes(path, whole[:start] + whole[start - size :])


@pytest.mark.parametrize("count", [1, 3, 6])
def test_bytes_put_into_a_table_of_colours_are_noticed(tmp_path: Path, count: int) -> None:
    """A table of another number than a power of two ends in zeros, as those behind a block may be there."""
    path = tmp_path / "a.gif"
    whole = encoded("GIF", Image.fromarray(scene(60, 80)).quantize(100))
    assert passes(path, whole)
    for place in (14, 100, 200):
        assert not passes(path, whole[:place] + b"\x55" * count + whole[place:])


XMP = b"<x:xmpmeta>" + b"<!-- a line of it -->\n" * 150 + b"</x:xmpmeta>"


def _blocks(content: bytes, size: int = 255) -> bytes:
    parts = (content[at : at + size] for at in range(0, len(content), size))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


PROFILE = (3144).to_bytes(4, "big") + np.random.default_rng(5).bytes(3140)
AHEAD = {
    "comment": b"\x21\xfe" + _blocks(b"a photograph of something " * 120),
    "lines": b"\x21\xfe" + _blocks("Zeile für Zeile, \x1b[1mwie sie war\n".encode() * 90, 38),
    "profile": b"\x21\xff\x0bICCRGBG1012" + _blocks(PROFILE),
    "xmp": b"\x21\xff\x0bXMP DataXMP" + XMP + bytes([1, *range(255, -1, -1), 0]),
    "blocks of xmp": b"\x21\xff\x0bXMP DataXMP" + _blocks(XMP),
    "loops": b"\x21\xff\x0bNETSCAPE2.0\3\1\0\0\0",
}


@pytest.mark.parametrize("name", AHEAD)
def test_what_is_ahead_of_the_first_frame_does_not_take_it_in(tmp_path: Path, name: str) -> None:
    """Then the second would be the first, whose codes are all there."""
    path = tmp_path / "a.gif"
    animation, place, _ = _animation()
    whole = animation[:place] + AHEAD[name] + animation[place:]
    first = read_picture(_written(path, whole)).pixels
    assert np.array_equal(first, read_picture(_written(path, animation)).pixels)
    end = place + len(AHEAD[name])
    for lost in (1, 9, 100, 512, 4096):
        for at in range(max(end - lost, place + 15), end):
            for put in (b"", b"\xff" * lost, b"\x55" * lost):
                damaged = whole[:at] + put + whole[at + lost :]
                if passes(path, damaged):
                    assert np.array_equal(read_picture(path).pixels, first)
            if lost > 100:
                break


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("behind", [b"", bytes(600), b"\x55" * 20])
def test_a_few_codes_and_padding_may_be_left_over(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "a.gif"
    whole = encoded("GIF", Image.fromarray(scene(40, 60)).quantize(64))
    assert whole.endswith(b"\0;")
    parts = (behind[at : at + 255] for at in range(0, len(behind), 255))
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    assert passes(path, whole[:-2] + blocks + b"\0;")


def test_codes_and_tables_that_do_not_hold_the_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    numbers = (np.arange(64 * 64) % 128).astype(np.uint8).reshape(64, 64)
    whole = encoded("GIF", Image.fromarray(numbers))
    path.write_bytes(whole)
    assert read_picture(path).width == 64
    table = 3 << (whole[10] & 7) + 1
    at = whole.index(b"\x2c", 13 + table) + 10
    for bits in (0, 12, 255):
        path.write_bytes(whole[:at] + bytes([bits]) + whole[at + 1 :])
        with pytest.raises(InputError, match="no codes begin with"):
            read_picture(path)
    # A table of 16 colours in its place, none of them for most pixels.
    colours = bytes(range(7, 55))
    path.write_bytes(
        whole[:10] + bytes([whole[10] & 0xF8 | 3]) + whole[11:13] + colours + whole[13 + table :]
    )
    with pytest.raises(InputError, match="of 128 colours, its table of 16"):
        read_picture(path)

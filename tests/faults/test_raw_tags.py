"""Tags of a DNG of another type or number, and which of its pictures is the sensor's."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Entry, entry
from tests.faults.dngs import HEIGHT, WIDTH, dng_of, short, values

_AREA, _ORIGIN, _SIZE, _BLACK, _WHITE = 50829, 50719, 50720, 50714, 50717
_AREAS = {
    _AREA: short(2, 2, HEIGHT - 2, WIDTH - 4),
    _ORIGIN: short(2, 2),
    _SIZE: short(WIDTH - 12, HEIGHT - 8),
}


def _dng(tags: dict[int, Entry] | None = None) -> bytes:
    return dng_of([values().astype("<u2").tobytes()], {**_AREAS, **(tags or {})})


def _read(path: Path, data: bytes) -> tuple[int, ...]:
    path.write_bytes(data)
    return read_picture(path).pixels.shape


def _entry_of(data: bytes, tag: int) -> int:
    (at,) = struct.unpack("<I", data[4:8])
    places = range(at + 2, at + 2 + 12 * struct.unpack_from("<H", data, at)[0], 12)
    return next(place for place in places if struct.unpack_from("<H", data, place)[0] == tag)


@pytest.mark.parametrize("tag", [_AREA, _ORIGIN, _SIZE, _BLACK, _WHITE, 33421, 33422, 50710, 50711, 50713])
@pytest.mark.parametrize("kind", [2, 6, 8, 9, 10, 11, 12, 16, 17])
def test_tags_of_a_type_that_dng_does_not_have_are_named(tmp_path: Path, tag: int, kind: int) -> None:
    data = bytearray(_dng({50711: short(1)}))
    assert _read(tmp_path / "a.dng", bytes(data)) == (HEIGHT - 8, WIDTH - 12, 3)
    struct.pack_into("<H", data, _entry_of(bytes(data), tag) + 2, kind)
    with pytest.raises(InputError, match=r"tag \d+|cut short"):
        _read(tmp_path / "b.dng", bytes(data))


@pytest.mark.parametrize(
    ("tag", "stated"), [(_AREA, short(2, 2, 96)), (_ORIGIN, short(2)), (_SIZE, short(90, 90, 90))]
)
def test_areas_of_another_number_of_values_are_named(tmp_path: Path, tag: int, stated: Entry) -> None:
    with pytest.raises(InputError, match=f"tag {tag}"):
        _read(tmp_path / "a.dng", _dng({tag: stated}))


@pytest.mark.parametrize("bit", range(16))
def test_bits_of_the_kind_of_picture(tmp_path: Path, bit: int) -> None:
    """With one of them tag 258 is 262, of which LibRaw takes the last."""
    for tag in (258, 262, 254):
        data = bytearray(_dng({254: entry(ifd.LONG, 0)}))
        at = _entry_of(bytes(data), tag)
        number, place = struct.unpack_from("<H", data, at)[0], at if tag != 254 else at + 8
        assert number == tag
        data[place + bit // 8] ^= 1 << bit % 8
        try:
            assert _read(tmp_path / "a.dng", bytes(data)) == (HEIGHT - 8, WIDTH - 12, 3)
            assert tag == 254
            assert bit
        except InputError:
            continue


def test_colours_that_are_none_of_the_listed(tmp_path: Path) -> None:
    for pattern in ((0, 6, 1, 2), (0, 1, 3, 2)):
        with pytest.raises(InputError, match=r"tag 33422|mosaic"):
            _read(tmp_path / "a.dng", _dng({33422: entry(ifd.BYTE, *pattern)}))


def test_a_grey_picture_has_no_mosaic(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tag 262"):
        _read(tmp_path / "a.dng", _dng({262: short(34892)}))


def test_one_colour_in_every_pixel_is_no_picture(tmp_path: Path) -> None:
    """Whose values are not said to differ."""
    pixels = np.broadcast_to(np.array([300, 200, 100], "<u2"), (HEIGHT, WIDTH, 3)).tobytes()
    tags = {
        258: short(16, 16, 16),
        262: short(34892),
        277: short(3),
        _BLACK: short(0, 0, 0),
        50713: short(1, 1),
    }
    tags |= {_WHITE: entry(ifd.LONG, *[16_383] * 3)}
    with pytest.raises(InputError, match="all its RAW values are 100, 200, 300"):
        _read(tmp_path / "a.dng", dng_of([pixels], tags))


@pytest.mark.parametrize("tag", [50721, 50728])
@pytest.mark.parametrize("kind", [1, 4, 9, 11, 12, 13])
def test_colours_of_another_type_are_named(tmp_path: Path, tag: int, kind: int) -> None:
    data = bytearray(_dng())
    struct.pack_into("<H", data, _entry_of(bytes(data), tag) + 2, kind)
    with pytest.raises(InputError, match=f"tag {tag}|cut short"):
        _read(tmp_path / "a.dng", bytes(data))


def test_a_neutral_of_other_colours_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tag 50728"):
        _read(tmp_path / "a.dng", _dng({50728: entry(ifd.RATIONAL, 1, 2, 1, 1)}))


def test_an_orientation_that_is_there_twice_is_named(tmp_path: Path) -> None:
    data = bytearray(_dng({274: short(1), 278: short(HEIGHT)}))
    at = _entry_of(bytes(data), 278)
    struct.pack_into("<H", data, at, 274)
    with pytest.raises(InputError, match=r"tag 27[48]"):
        _read(tmp_path / "a.dng", bytes(data))


@pytest.mark.parametrize("tag", [51008, 51009, 51022])
@pytest.mark.parametrize(("count", "is_whole"), [(1, True), (2, False), (0xFFFFFFFF, False)])
def test_more_steps_than_there_are(tmp_path: Path, tag: int, count: int, is_whole: bool) -> None:
    """In a lossy DNG whose list a lost sector made one of ones, the decoder went through all of them."""
    steps = struct.pack(">5I", count, 1, 0x01030000, 1, 0)
    data = _dng({tag: Entry(ifd.UNDEFINED, len(steps), steps)})
    if is_whole:
        assert _read(tmp_path / "a.dng", data) == (HEIGHT - 8, WIDTH - 12, 3)
        return
    with pytest.raises(InputError, match=f"tag {tag}"):
        _read(tmp_path / "a.dng", data)

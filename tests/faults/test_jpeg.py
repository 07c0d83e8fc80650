"""JPEG whose codes tell no damage, whose pixels lost their place, or that is nothing but segments."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import native
from srnet_cli.imaging.codecs.proof.holes import check_raw_piece
from tests.faults.pictures import encoded, passes, scene
from tests.faults.program import promptly

HEIGHT, WIDTH = 240, 320
BASELINE, LOSSLESS = 0xC0, 0xC3


def _photo(progressive: bool = False) -> bytes:
    return encoded("JPEG", scene(HEIGHT, WIDTH), quality=90, progressive=progressive)


def _segment(marker: int, body: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


@pytest.mark.parametrize("arithmetic", [0xC9, 0xCA, 0xCB, 0xCD])
def test_arithmetic_codes_are_refused_with_what_to_do(tmp_path: Path, arithmetic: int) -> None:
    """Their decoder takes zeros for what is missing, and never warns."""
    frame, named = bytes([0xFF, BASELINE]), bytes([0xFF, arithmetic])
    for name, whole in (
        ("a.jpg", _photo()),
        ("a.tif", encoded("TIFF", scene(HEIGHT, WIDTH), compression="jpeg")),
    ):
        path = tmp_path / name
        path.write_bytes(whole)
        assert read_picture(path).width == WIDTH
        at = whole.index(frame + b"\0\x11\x08")
        for data in (whole, whole[:-2]) if name == "a.jpg" else (whole,):
            path.write_bytes(data[:at] + named + data[at + 2 :])
            with pytest.raises(InputError) as caught:
                read_picture(path)
            assert "arithmetic" in caught.value.reason and "jpegtran" in (caught.value.remedy or "")
    piece = _photo().replace(frame + b"\0\x11", named + b"\0\x11")
    with pytest.raises(InputError, match="arithmetic"):
        check_raw_piece(tmp_path, piece)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_second_frame_is_refused(tmp_path: Path, progressive: bool) -> None:
    path, whole = tmp_path / "a.jpg", _photo(progressive)
    at = whole.index(bytes([0xFF, 0xC2 if progressive else BASELINE]))
    frame = whole[at : at + 19]
    other = frame[:5] + struct.pack(">HH", HEIGHT // 2, WIDTH) + frame[9:]
    for data in (
        whole[:at] + other + whole[at:],
        whole[: at + 19] + other + whole[at + 19 :],
        whole[:-2] + other + whole[-2:],
    ):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_picture(path)


def _bytes_left_over(path: Path, data: bytes, stray: bytes) -> bool:
    path.write_bytes(data[:-2] + stray + data[-2:])
    try:
        read_picture(path)
    except InputError as error:
        assert "extraneous" in error.reason
        return False
    return True


def test_only_padding_may_be_left_over(tmp_path: Path) -> None:
    """Cameras pad with one value, or two in turn; a few bytes of others are codes that lost their place."""
    path, whole = tmp_path / "a.jpg", _photo()
    for padding in (b"\0" * 30, b"Z" * 64, b"\xaa\x55" * 20, b"x", b" " * 3):
        assert _bytes_left_over(path, whole, padding), padding
    codes = whole[len(whole) // 2 :].replace(b"\xff", b"\1")
    for count in (16, 30, 64):
        assert not _bytes_left_over(path, whole, codes[:count])
    # Behind the end there may be anything.
    path.write_bytes(whole[:-2] + b"Z" * 20 + whole[-2:] + codes + b"\xff\xd9")
    assert read_picture(path).width == WIDTH


def test_a_sector_of_another_place_is_mostly_noticed(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.jpg", _photo()
    start, random, passed = whole.index(b"\xff\xda") + 20, np.random.default_rng(0), 0
    for _ in range(40):
        at, other = random.integers(start, len(whole) - 600, 2)
        passed += passes(path, whole[:at] + whole[other : other + 512] + whole[at + 512 :])
    assert passed <= 10


@pytest.mark.parametrize("progressive", [False, True])
def test_a_last_sector_of_a_few_zeros_is_noticed(tmp_path: Path, progressive: bool) -> None:
    path, whole = tmp_path / "a.jpg", _photo(progressive)
    for count in (3, 4, 8, 63):
        path.write_bytes(whole[:-count] + bytes(count))
        with pytest.raises(InputError):
            read_picture(path)
    path.write_bytes(whole[:-2])
    assert read_picture(path).width == WIDTH


def _scan(first: int, last: int, codes: dict[int, str], bits: str) -> bytes:
    """A scan of one grey component with its table, whose codes all have one length: symbol to bits."""
    table = bytearray(16)
    table[len(next(iter(codes.values()))) - 1] = len(codes)
    coded = (
        int(bits + "1" * (-len(bits) % 8), 2).to_bytes(-(-len(bits) // 8), "big").replace(b"\xff", b"\xff\0")
    )
    kind = 0x10 if first else 0
    head = bytes([1, 1, 0, first, last, 0])
    return _segment(0xC4, bytes([kind, *table, *codes])) + _segment(0xDA, head) + coded


def _of_equal_blocks(
    means: NDArray[np.int64], first: int, last: int, size: int, each: bool = False, pause: int = 0
) -> bytes:
    """A progressive JPEG with these means of blocks and one value, -(2^size - 1), at ``last`` or at each.

    One in ``pause`` of the blocks is without it.
    """
    tall, wide = means.shape
    codes = {category: f"{category:04b}" for category in range(12)}
    bits = []
    for step in np.diff(means.ravel(), prepend=0).tolist():
        category = abs(step).bit_length()
        value = step if step > 0 else step + (1 << category) - 1
        bits.append(codes[category] + (f"{value:0{category}b}" if category else ""))
    frame = struct.pack(">BHHBBBB", 8, tall * 8, wide * 8, 1, 1, 0x11, 0)
    data = b"\xff\xd8" + _segment(0xDB, bytes([0] + [16] * 64)) + _segment(0xC2, frame)
    data += _scan(0, 0, codes, "".join(bits))
    count = means.size
    values = last + 1 - first if each else 1
    run = 0 if each else last - first
    block = "0" * (1 + size) * values
    if pause:
        blocks = ["01" if number % pause == 0 else "0" + block for number in range(count)]
        data += _scan(first, last, {run << 4 | size: "00", 0: "01"}, "".join(blocks))
    else:
        data += _scan(first, last, {run << 4 | size: "0"}, block * count)
    run = count.bit_length() - 1
    nothing = {run << 4: "0"}, "0" + f"{count - (1 << run):0{run}b}"
    for band in ((1, first - 1), (last + 1, 63)):
        data += _scan(*band, *nothing) if band[0] <= band[1] else b""
    return data + b"\xff\xd9"


@pytest.mark.parametrize(
    ("first", "last", "each"),
    [(1, 1, False), (1, 2, False), (1, 2, True), (2, 2, False), (1, 5, False), (6, 8, False)],
)
@pytest.mark.parametrize("size", [1, 3])
def test_a_gradient_of_one_code_passes(tmp_path: Path, first: int, last: int, each: bool, size: int) -> None:
    """Of a table with one code: each block of the scan is that code, or two, hundreds of bytes of zeros."""
    path = tmp_path / "a.jpg"
    down, across = np.mgrid[:40, :50]
    noise = np.random.default_rng(0).integers(-20, 20, (40, 50))
    for means in (down - 20, across - 25, 2 * down - across):
        path.write_bytes(_of_equal_blocks(means, first, last, size, each))
        assert read_picture(path).width == 400
    path.write_bytes(_of_equal_blocks(noise, first, last, size, each))
    with pytest.raises(InputError, match="are lost"):
        read_picture(path)


BOMBS: dict[str, Callable[[], bytes]] = {
    "segments": lambda: _segment(0xFE) * 1_000_000,
    "fills": lambda: b"\xff" * 4_000_000,
    "restarts": lambda: b"\xff\xd0" * 2_000_000,
    "markers": lambda: b"\xff\x01\0\2" * 1_000_000,
    "stuffed": lambda: b"\xff\0" * 2_000_000,
    "starts": lambda: b"\xff\xd8\0\2" * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_jpeg_of_segments_is_refused_at_once(tmp_path: Path, name: str) -> None:
    """Each of them costs the decoders some ten microseconds."""
    path, whole = tmp_path / "a.jpg", _photo()
    path.write_bytes(whole[:2] + BOMBS[name]() + whole[2:])
    refusal = r"more than 10,000 segments|header of its picture is lost"
    with promptly(), pytest.raises(InputError, match=refusal):
        read_picture(path)


def test_as_many_segments_as_profiles_take_pass(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.jpg", _photo()
    path.write_bytes(whole[:2] + _segment(0xEB, b"profile") * 5000 + whole[2:])
    assert read_picture(path).width == WIDTH


def _with_a_second(first: bytes) -> bytes:
    """A photo and another behind it, as phones store what a brighter screen adds, or a second view."""
    return first + encoded("JPEG", scene(HEIGHT // 4, WIDTH // 4), quality=80)


def _with_a_small_version() -> bytes:
    """A photo whose EXIF has a small JPEG in it."""
    small = encoded("JPEG", scene(HEIGHT // 4, WIDTH // 4), quality=50)
    whole = _photo()
    return whole[:2] + _segment(0xE1, b"Exif\0\0" + small) + whole[2:]


DAMAGE: dict[str, Callable[[bytes, int, int], bytes]] = {
    "missing": lambda data, start, end: data[:start] + data[end:],
    "zeros": lambda data, start, end: data[:start] + bytes(end - start) + data[end:],
    "ones": lambda data, start, end: data[:start] + b"\xff" * (end - start) + data[end:],
    "codes": lambda data, start, end: data[:start] + data[end : 2 * end - start] + data[end:],
    "noise": lambda data, start, end: (
        data[:start] + np.random.default_rng(start).bytes(end - start) + data[end:]
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("make", [_photo, _with_a_small_version, lambda: _photo(progressive=True)])
def test_another_picture_is_not_taken_for_one_that_lost_its_header(
    tmp_path: Path, damage: str, make: Callable[[], bytes]
) -> None:
    """Decoders go on to what begins behind the end of the first."""
    path, first = tmp_path / "a.jpg", make()
    whole = _with_a_second(first)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    scan = first.rindex(b"\xff\xda\0\x0c")
    frame = max(first.rfind(bytes([0xFF, marker, 0, 17, 8])) for marker in (BASELINE, 0xC2))
    for start, end in (
        (20, frame + 500),
        (frame - 100, frame + 800),
        (frame - 10, frame + 10),
        (scan, scan + 9),
    ):
        damaged = DAMAGE[damage](whole, start, end)
        assert not passes(path, damaged) or read_picture(path).width == WIDTH


@pytest.mark.parametrize("make", [_photo, _with_a_small_version])
def test_a_length_that_reaches_into_another_picture_is_refused(
    tmp_path: Path, make: Callable[[], bytes]
) -> None:
    path, first = tmp_path / "a.jpg", make()
    whole, second = _with_a_second(first), len(first)
    # Exactly at its first segment nothing would tell.
    for at in (second, *range(second + 3, second + 20)):
        path.write_bytes(whole[:4] + struct.pack(">H", at - 4) + whole[6:])
        with pytest.raises(InputError):
            read_picture(path)


@pytest.mark.parametrize("make", [_photo, _with_a_small_version])
def test_what_is_left_of_a_segment_passes_ahead_of_others(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path, whole = tmp_path / "a.jpg", _with_a_second(make())
    at = make().rindex(bytes([0xFF, BASELINE, 0, 17, 8]))
    path.write_bytes(whole[:at] + b"stray" * 6 + whole[at:])
    assert read_picture(path).width == WIDTH


@pytest.mark.parametrize(
    "stray", [b"A", b"\0\0", b"\0\2", b"\xff" * 60, b"stray" * 12, b"\0\xe1" + bytes(460), b"\xff" * 400]
)
def test_filling_and_stray_bytes_ahead_of_a_segment_are_read(tmp_path: Path, stray: bytes) -> None:
    """As some cameras write them; the format allows any filling."""
    path, whole = tmp_path / "a.jpg", _with_a_second(_with_a_small_version())
    for mark in (b"\xff\xdb", bytes([0xFF, BASELINE, 0, 17, 8])):
        at = whole.rindex(mark, 0, whole.rindex(b"\xff\xd8\xff"))
        path.write_bytes(whole[:at] + stray + whole[at:])
        assert read_picture(path).width == WIDTH


def _of_photoshop() -> tuple[bytes, int, int]:
    """A JPEG with a small version as Photoshop stores it, and where that is torn to hide its start."""
    small = encoded("JPEG", scene(60, 80), quality=70)
    resource = b"8BIM\x04\x0c\0\0" + struct.pack(">I", 28 + len(small)) + bytes(28)
    whole = _photo()
    segment = _segment(0xED, b"Photoshop 3.0\0" + resource + small)
    return whole[:2] + segment + whole[2:], 2, 2 + segment.index(b"\xff\xdb")


@pytest.mark.parametrize("value", [b"\0", b"\xff", b"\x55"])
def test_a_small_version_is_not_the_picture_where_its_start_is_lost_too(tmp_path: Path, value: bytes) -> None:
    path = tmp_path / "a.jpg"
    whole, start, end = _of_photoshop()
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    path.write_bytes(whole[:start] + value * (end - start) + whole[end:])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("value", [b"\0", b"\xff", b"\x55"])
def test_a_small_version_is_not_the_picture_where_there_are_two(tmp_path: Path, value: bytes) -> None:
    """The second has a start, but the picture behind it has none."""
    path = tmp_path / "a.jpg"
    whole, start, end = _of_photoshop()
    more = _segment(0xE1, b"Exif\0\0" + encoded("JPEG", scene(60, 80)))
    behind = start + 4 + int.from_bytes(whole[start + 2 : start + 4], "big") - 2
    whole = whole[:behind] + more + whole[behind:]
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    path.write_bytes(whole[:start] + value * (end - start) + whole[end:])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("lost", [1, 2])
def test_tables_that_took_in_the_next_marker_are_noticed(tmp_path: Path, lost: int) -> None:
    """Then decoders have no codes, and take the usual ones: with wrong steps."""
    path, whole = tmp_path / "a.jpg", _photo()
    frame, codes = whole.index(bytes([0xFF, BASELINE, 0, 17, 8])), whole.index(b"\xff\xc4")
    scan = whole.index(b"\xff\xda")
    ordered = whole[:frame] + whole[codes:scan] + whole[frame:codes] + whole[scan:]
    path.write_bytes(ordered)
    assert read_picture(path).width == WIDTH
    place = frame - 20
    path.write_bytes(ordered[:place] + ordered[place + lost :])
    with pytest.raises(InputError):
        read_picture(path)


@pytest.mark.parametrize("value", [b"\0", b"\xff", b"\x55", b""])
def test_a_hole_from_one_header_to_the_next_is_noticed(tmp_path: Path, value: bytes) -> None:
    path, whole = tmp_path / "a.jpg", _with_a_second(_with_a_small_version())
    second = whole.rindex(b"\xff\xd8\xff")
    for start in (30, 100, whole.index(b"\xff\xdb") + 9):
        for end in (second + 2, second + 9, whole.index(b"\xff\xdb", second)):
            path.write_bytes(whole[:start] + value * (end - start) + whole[end:])
            with pytest.raises(InputError):
                read_picture(path)


NOTES: dict[str, Callable[[], bytes]] = {
    "end": lambda: b"\0\xff\xd9\0",
    "start of nothing": lambda: b"\xff\xd8\0\0\xff\xd9",
    "start": lambda: b"\xff\xd8\xff\xe1\0\x10Exif",
    "torn version": lambda: encoded("JPEG", scene(60, 80))[:-200],
    "two ends": lambda: encoded("JPEG", scene(60, 80)) + b"\xff\xd9",
}


@pytest.mark.parametrize("note", NOTES)
def test_markers_in_a_note_are_none_of_the_file(tmp_path: Path, note: str) -> None:
    """Makers' segments hold any bytes, and some programs leave a few between segments."""
    path, whole = tmp_path / "a.jpg", _photo()
    path.write_bytes(whole[:2] + _segment(0xE1, b"Maker\0" + NOTES[note]()) + b"\0\0" + whole[2:])
    assert read_picture(path).width == WIDTH


def test_a_lost_header_is_called_damage_however_long_its_picture(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.jpg", _with_a_second(_photo())
    frame = whole.index(bytes([0xFF, BASELINE, 0, 17, 8]))
    for stray in (b"", b"codes" * 250_000):
        path.write_bytes(whole[:frame] + bytes(700) + stray + whole[frame + 700 :])
        with pytest.raises(InputError, match="header of its picture is lost"):
            read_picture(path)


@pytest.mark.parametrize("kind", ["lossless", "JPEG-LS"])
def test_other_kinds_are_named_ahead_of_damage(tmp_path: Path, kind: str) -> None:
    path, marker = tmp_path / "a.jpg", {"lossless": LOSSLESS, "JPEG-LS": 0xF7}[kind]
    path.write_bytes(_photo().replace(bytes([0xFF, BASELINE, 0, 17]), bytes([0xFF, marker, 0, 17])))
    with pytest.raises(InputError, match=kind):
        read_picture(path)


def test_many_holes_that_may_be_a_gradient_take_one_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked, decode = tmp_path / "a.jpg", [], native._means
    monkeypatch.setattr(native, "_means", lambda data: asked.append(data) or decode(data))
    path.write_bytes(_of_equal_blocks(np.zeros((50, 50), np.int64), 1, 1, 1, pause=200))
    assert path.read_bytes().count(bytes(64)) > 9
    assert read_picture(path).width == 400
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_a_hole_from_within_the_header_of_a_scan_is_noticed(tmp_path: Path, name: str) -> None:
    """Of a scan of whole blocks libjpeg does not hear which part of them it says it has."""
    path = tmp_path / name
    whole = _photo() if name == "a.jpg" else encoded("TIFF", scene(HEIGHT, WIDTH), compression="jpeg")
    part = whole.rindex(b"\xff\xda\0\x0c") + 11
    for start in range(part, part + 4):
        for count in (512, 1024):
            path.write_bytes(whole[:start] + bytes(count) + whole[start + count :])
            with pytest.raises(InputError, match="damaged"):
                read_picture(path)
    path.write_bytes(whole[:part] + bytes(3) + whole[part + 3 :])
    assert read_picture(path).width == WIDTH


def test_long_ones_take_no_time(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.jpg", _photo()
    with promptly():
        path.write_bytes(whole[:-2] + b"\xff" * 1_000_000 + whole[-2:])
        assert read_picture(path).width == WIDTH
        with pytest.raises(InputError, match="are lost"):
            check_raw_piece(tmp_path, whole[:-2000] + b"\xff" * 1_000_000)

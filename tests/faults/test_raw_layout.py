"""What the directory of a RAW file says of its samples, against what is there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry, entry
from tests.captures import Capture
from tests.faults.dngs import CAPTURE, HEIGHT, WIDTH, dng_of, lossless, short, tiles_of, values
from tests.faults.hostile import retagged
from tests.faults.pictures import encoded_arw, encoded_dng, scene

TILE = 32
_TILES = {322: short(TILE), 323: short(TILE)}


def packed(samples: NDArray[np.uint16], bits: int) -> bytes:
    """Rows of so many bits a sample, the first bit first, each from a whole byte on."""
    places = np.arange(bits - 1, -1, -1)
    rows = samples.reshape(samples.shape[0], -1, 1) >> places & 1
    return np.packbits(rows.reshape(samples.shape[0], -1).astype(np.uint8), axis=1).tobytes()


def plain_tiles() -> bytes:
    return dng_of([tile.astype("<u2").tobytes() for tile in tiles_of(values(), TILE, TILE)], _TILES, True)


def packed_tiles() -> bytes:
    tiles = [packed(tile >> 2, 12) for tile in tiles_of(values(), TILE, TILE)]
    levels = {50714: short(128, 128, 128, 128), 50717: entry(ifd.LONG, 4095)}
    return dng_of(tiles, {**_TILES, **levels, 258: short(12)}, True)


def plain_strips(rows: int) -> Callable[[], bytes]:
    whole = values().astype("<u2")
    pieces = [whole[top : top + rows].tobytes() for top in range(0, HEIGHT, rows)]
    return lambda: dng_of(pieces, {278: short(rows)})


def packed_strip() -> bytes:
    levels = {50714: short(32, 32, 32, 32), 50717: entry(ifd.LONG, 1023)}
    return dng_of([packed(values() >> 4, 10)], {**levels, 258: short(10), 278: short(HEIGHT)})


def coded_tiles() -> bytes:
    return dng_of(
        [lossless(tile) for tile in tiles_of(values(), TILE, TILE)], {**_TILES, 259: short(7)}, True
    )


WHOLE: dict[str, Callable[[], bytes]] = {
    "tiles": plain_tiles,
    "packed tiles": packed_tiles,
    "strip": plain_strips(HEIGHT),
    "strips": plain_strips(30),
    "packed strip": packed_strip,
    "coded": coded_tiles,
}

#: kind → tag and the wrong value in it
WRONG = [
    *[("tiles", 322, wide) for wide in (16, 24, 31, 33, 40, 48)],
    *[("tiles", 323, tall) for tall in (24, 31, 33, 40)],
    *[(kind, 258, bits) for kind in ("tiles", "strip", "strips") for bits in (8, 10, 12, 14)],
    *[(kind, 258, 16) for kind in ("packed tiles", "packed strip")],
    ("packed strip", 258, 8),
    ("packed strip", 258, 12),
    ("packed tiles", 258, 10),
    *[("strip", 257, height) for height in (90, 99)],
    *[("strip", 256, width) for width in (120, 151, 153)],
    ("coded", 259, 1),
    ("strip", 259, 7),
]


def _written(tmp_path: Path, data: bytes, name: str = "a.dng") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", WHOLE)
def test_what_agrees_is_read(tmp_path: Path, kind: str) -> None:
    assert read_picture(_written(tmp_path, WHOLE[kind]())).pixels.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(("kind", "tag", "value"), WRONG)
def test_statements_that_the_pieces_contradict(tmp_path: Path, kind: str, tag: int, value: int) -> None:
    path = _written(tmp_path, retagged(WHOLE[kind](), tag, ifd.SHORT, 1, value))
    with pytest.raises(InputError, match=r"pieces? (\d+ )?of its pixels"):
        read_picture(path)


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 277, 33422, 50710, 50714, 50717, 50721, 50728])
def test_tags_without_a_value_are_named(tmp_path: Path, tag: int) -> None:
    path = _written(tmp_path, retagged(WHOLE["strip"](), tag, ifd.SHORT, 0, 0))
    with pytest.raises(InputError, match=rf"tag {tag} |not a RAW file|no colours"):
        read_picture(path)


#: tags that are not there, or say what cannot be, and the number or word by which they are named
ABSURD: dict[str, tuple[dict[int, Entry | None], str]] = {
    "no bits": ({258: None}, "258"),
    "a compression of nothing": ({259: short(0)}, "259"),
    "no pattern": ({33422: None}, "no colours"),
    "half a pattern": ({33422: entry(ifd.BYTE, 0, 1)}, "33422"),
    "white of zero": ({50717: entry(ifd.LONG, 0)}, "50717"),
    "white beyond all values": ({50717: entry(ifd.LONG, 262_128)}, "50717"),
    "black of no places": ({50713: short(0, 2)}, "50713"),
    "black of sixteen places": ({50713: short(4, 4)}, "50714"),
    "black of three places": ({50714: short(512, 512, 512)}, "50714"),
    "eight numbers of colours": ({50721: entry(10, *[1, 2, 3, 4] * 4)}, "50721"),
    "one colour": ({50721: entry(10, *[1, 2] * 9)}, "50721"),
    "a colour of nothing": ({50721: entry(10, *[2, 1, 0, 1, 0, 1, 0, 1, 3, 1, 0, 1, *[0, 1] * 3])}, "50721"),
    "one plane twice": ({50710: entry(ifd.BYTE, 0, 1, 0)}, "50710"),
    "one plane for all": ({50710: entry(ifd.BYTE, 0, 0, 0)}, "50710"),
    "two blues": ({33422: entry(ifd.BYTE, 0, 1, 2, 2)}, "not one of a sensor"),
    "reds side by side": ({33422: entry(ifd.BYTE, 0, 0, 1, 2)}, "not one of a sensor"),
    "blues on a diagonal": ({33422: entry(ifd.BYTE, 0, 2, 2, 1)}, "not one of a sensor"),
    "greens side by side": ({33422: entry(ifd.BYTE, 1, 1, 0, 2)}, "not one of a sensor"),
    "no version": ({50706: None}, "version of DNG"),
    "version zero": ({50706: entry(ifd.BYTE, 0, 0, 0, 0)}, "version of DNG"),
}


def _with(changes: dict[int, Entry | None]) -> bytes:
    """A DNG of one strip with other entries, or without them."""
    parsed = ifd.parse(encoded_dng(CAPTURE, HEIGHT, WIDTH))
    assert parsed is not None
    changed = {**parsed.directories[0].entries, **changes}
    entries = {tag: value for tag, value in changed.items() if value is not None}
    pixels = values().astype("<u2").tobytes()

    def head(start: int) -> bytes:
        return ifd.pack_file(Directory({**entries, 273: entry(ifd.LONG, start)}))

    return head(len(head(0))) + pixels


@pytest.mark.parametrize("name", ABSURD)
def test_statements_that_cannot_be(tmp_path: Path, name: str) -> None:
    changes, said = ABSURD[name]
    assert read_picture(_written(tmp_path, _with({}))).height == HEIGHT
    with pytest.raises(InputError, match=said):
        read_picture(_written(tmp_path, _with(changes)))


@pytest.mark.parametrize("place", range(84, 260, 20))
def test_a_directory_that_moved_is_no_other_makers(tmp_path: Path, place: int) -> None:
    """All tags of DNG are gone then, its version and those that ask for one."""
    whole = _with({})
    assert read_picture(_written(tmp_path, whole)).height == HEIGHT
    for damaged in (whole[:place] + b"\x55" + whole[place:], bytes(value & 0x7F for value in whole)):
        with pytest.raises(InputError):
            read_picture(_written(tmp_path, damaged))


def test_deflated_whole_numbers_are_not_called_damage(tmp_path: Path) -> None:
    """LibRaw unpacks floating-point values alone."""
    data = dng_of([zlib.compress(values().astype("<u2").tobytes())], {259: short(8), 278: short(HEIGHT)})
    with pytest.raises(InputError, match="not supported"):
        read_picture(_written(tmp_path, data))


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_every_mosaic_of_bayer_is_read(tmp_path: Path, pattern: str) -> None:
    path = _written(tmp_path, encoded_dng(Capture(pattern=pattern), HEIGHT, WIDTH))
    assert read_picture(path).pixels.shape == (HEIGHT, WIDTH, 3)


def _with_preview(shift: int) -> bytes:
    """A DNG whose pixels lie between a small version and the directory, or so many bytes from there."""
    parsed = ifd.parse(encoded_dng(CAPTURE, HEIGHT, WIDTH))
    assert parsed is not None
    small = scene(25, 38).astype(np.uint8).tobytes()
    pixels = values().astype("<u2").tobytes()
    preview = {
        254: entry(ifd.LONG, 1),
        256: short(38),
        257: short(25),
        258: short(8, 8, 8),
        259: short(1),
        262: short(2),
        273: entry(ifd.LONG, 8),
        277: short(3),
        278: short(25),
        284: short(1),
        279: entry(ifd.LONG, len(small)),
    }
    start = 8 + len(small)
    main = {**parsed.directories[0].entries, 273: entry(ifd.LONG, start + shift)}
    at = start + len(pixels)
    top = Directory(main, {ifd.SUB_DIRECTORIES: [Directory(preview)]})
    return struct.pack("<2sHI", b"II", 42, at) + small + pixels + ifd.pack(top, at)


@pytest.mark.parametrize("shift", [-512, -2, 2, 512])
def test_pixels_in_a_small_version_or_a_directory(tmp_path: Path, shift: int) -> None:
    assert read_picture(_written(tmp_path, _with_preview(0))).height == HEIGHT
    with pytest.raises(InputError, match=r"lies in (a small version of it|its directory)"):
        read_picture(_written(tmp_path, _with_preview(shift)))


@pytest.mark.parametrize(("tag", "value"), [(256, 38), (257, 25), (277, 3)])
@pytest.mark.parametrize("is_said_to_be_small", [True, False])
def test_another_picture_without_pixels_is_no_harm(
    tmp_path: Path, tag: int, value: int, is_said_to_be_small: bool
) -> None:
    """The picture of the sensor is proved by itself."""
    entry_of = struct.Struct("<HHII")
    kind = entry_of.pack(254, ifd.LONG, 1, 1), entry_of.pack(254, ifd.LONG, 1, is_said_to_be_small)
    stated = entry_of.pack(tag, ifd.SHORT, 1, value)
    whole = _with_preview(0)
    assert kind[0] in whole
    assert stated in whole
    changed = whole.replace(*kind).replace(stated, entry_of.pack(tag, ifd.SHORT, 1, 0), 1)
    assert read_picture(_written(tmp_path, changed)).height == HEIGHT


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        ("deflated whole numbers", {259: short(8)}),
        ("JPEG XL", {259: short(52546)}),
        ("colours in planes", {262: short(34892), 277: short(3), 258: short(16, 16, 16), 284: short(2)}),
    ],
)
def test_dngs_that_libraw_does_not_read_are_refused_by_name(
    tmp_path: Path, kind: str, tags: dict[int, Entry]
) -> None:
    path = _written(tmp_path, dng_of([values().astype("<u2").tobytes()], tags))
    with pytest.raises(InputError, match=kind) as refused:
        read_picture(path)
    assert "TIFF" in (refused.value.remedy or "")


#: tag of a camera's own file, and the wrong values in it
OF_A_CAMERA = [
    *[(256, width) for width in (72, 88, 94, 95, 97)],
    *[(257, height) for height in (48, 56, 63)],
    *[(259, code) for code in (7, 32769, 34713, 65000, 65535)],
    *[(279, length) for length in (0, 1, 64 * 96, 64 * 96 * 2 - 1, 64 * 95 * 2)],
]


@pytest.mark.parametrize(("tag", "value"), OF_A_CAMERA)
def test_a_camera_s_own_file_that_its_bytes_contradict(tmp_path: Path, tag: int, value: int) -> None:
    whole = encoded_arw()
    assert read_picture(_written(tmp_path, whole, "a.ARW")).pixels.shape == (64, 96, 3)
    path = _written(tmp_path, retagged(whole, tag, ifd.LONG, 1, value), "a.ARW")
    with pytest.raises(InputError, match=r"piece|pixels|compression"):
        read_picture(path)


def test_padding_behind_a_camera_s_pixels_passes(tmp_path: Path) -> None:
    """Such that aligns what follows, and more that is no number of rows."""
    for more in (4, 500, 1022):
        data = retagged(encoded_arw() + bytes(more), 279, ifd.LONG, 1, 64 * 96 * 2 + more)
        assert read_picture(_written(tmp_path, data, "a.ARW")).pixels.shape == (64, 96, 3)


@pytest.mark.parametrize(
    "pattern", [(0, 1, 2, 2), (1, 1, 0, 2), (0, 1, 1, 1), (0, 0, 0, 0), (0, 2, 2, 4), (0, 1, 1, 7)]
)
def test_a_camera_s_mosaic_that_is_none(tmp_path: Path, pattern: tuple[int, ...]) -> None:
    value = int.from_bytes(bytes(pattern), "little")
    path = _written(tmp_path, retagged(encoded_arw(), 33422, ifd.BYTE, 4, value), "a.ARW")
    with pytest.raises(InputError, match="mosaic"):
        read_picture(path)


@pytest.mark.parametrize("cut", [16, 40, 100, 150])
def test_a_file_whose_colours_are_cut_off(tmp_path: Path, cut: int) -> None:
    """Its directory lies at the end, and the values that do not fit into it last."""
    whole = _with_preview(0)
    with pytest.raises(InputError, match="cut short"):
        read_picture(_written(tmp_path, whole[:-cut]))


@pytest.mark.parametrize("tag", [50721, 50728])
def test_colours_without_a_denominator_are_refused(tmp_path: Path, tag: int) -> None:
    path, parsed = tmp_path / "a.dng", ifd.parse(encoded_dng())
    assert parsed is not None
    found = parsed.directories[0].entries[tag]
    for denominator in (10_000, 0, 0xFFFFFFFF):
        data = found.data[:-4] + denominator.to_bytes(4, "little")
        path.write_bytes(
            dng_of([values().astype("<u2").tobytes()], {tag: ifd.Entry(found.kind, found.count, data)})
        )
        if denominator == 10_000:
            assert read_picture(path).height == HEIGHT
            continue
        with pytest.raises(InputError, match=f"tag {tag} of its directory has no clear value"):
            read_picture(path)


@pytest.mark.parametrize(("levels", "is_read"), [((512,), True), ((512,) * 4, False), ((512, 512), False)])
def test_black_levels_without_a_pattern_are_one(
    tmp_path: Path, levels: tuple[int, ...], is_read: bool
) -> None:
    path, kept = tmp_path / "a.dng", dng_of([values().astype("<u2").tobytes()], {50714: short(*levels)})
    parsed = ifd.parse(kept)
    assert parsed is not None
    assert 50713 in parsed.directories[0].entries
    # In its place one that says nothing of the samples.
    path.write_bytes(kept.replace(struct.pack("<HHI", 50713, 3, 2), struct.pack("<HHI", 50709, 3, 2)))
    if is_read:
        assert read_picture(path).height == HEIGHT
        return
    with pytest.raises(InputError, match="tag 50714 of its directory has no clear value"):
        read_picture(path)

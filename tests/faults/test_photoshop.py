"""Photoshop files whose pixels are stored as they are: planes that break off, lost sectors, other sizes."""

from __future__ import annotations

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
from tests.faults.pictures import scene

TALL, WIDE = 330, 406
#: the numbers of the modes: bitmap, grey, palette, RGB
BITMAP, GREY, PALETTE, COLOURS = range(4)


def _plain(kind: str, picture: NDArray[np.uint8], packed: bool = False) -> bytes:
    image = Image.fromarray(picture)
    grey = np.asarray(image.convert("L"))
    colours = np.moveaxis(picture, -1, 0)
    planes: dict[str, tuple[int, int, NDArray[Any]]] = {
        "bitmap": (BITMAP, 1, ~np.packbits(np.asarray(image.convert("1")), axis=1)[None]),
        "grey": (GREY, 8, grey[None]),
        "palette": (PALETTE, 8, (grey - np.uint8(77))[None]),
        "rgb": (COLOURS, 8, colours),
        "alpha": (COLOURS, 8, np.concatenate([colours, np.full_like(grey, 255)[None]])),
    }
    mode, depth, stored = planes[kind]
    table = np.tile(np.roll(np.arange(256), 77), 3).astype(np.uint8).tobytes() if kind == "palette" else b""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, stored.shape[0], *grey.shape, depth, mode)
    head += struct.pack(">I", len(table)) + table + bytes(8) + struct.pack(">H", packed)
    if not packed:
        return head + stored.tobytes()
    rows = [imagecodecs.packbits_encode(row.tobytes()) for plane in stored for row in plane]
    return head + struct.pack(f">{len(rows)}H", *map(len, rows)) + b"".join(rows)


KINDS = ("bitmap", "grey", "palette", "rgb", "alpha")


@pytest.mark.parametrize("kind", KINDS)
def test_planes_that_break_off_or_lost_sectors_are_refused(tmp_path: Path, kind: str) -> None:
    path, whole = tmp_path / "a.psd", _plain(kind, scene(TALL, WIDE))
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (TALL, WIDE)
    row_bytes = WIDE if kind != "bitmap" else (WIDE + 7) // 8
    first = len(whole) - TALL * row_bytes * {"rgb": 3, "alpha": 4}.get(kind, 1)
    for fill in (b"\0", b"\xff"):
        for share in (0.3, 0.55, 0.7):
            row = first + int(TALL * share) * row_bytes
            sector = row // 512 * 512
            while not all(
                0.1 < (sector + length - first) % row_bytes / row_bytes < 0.9 for length in (0, 512, 2048)
            ):
                sector += 512
            damaged = [
                whole[:start] + fill * (len(whole) - start) for start in (sector, row + row_bytes // 3)
            ]
            damaged += [whole[:sector] + fill * length + whole[sector + length :] for length in (512, 2048)]
            for data in damaged:
                path.write_bytes(data)
                with pytest.raises(InputError, match=r"incomplete|damaged"):
                    read_picture(path)


@pytest.mark.parametrize("kind", ["grey", "rgb"])
def test_a_lost_last_sector_is_noticed_though_the_file_ends_within_it(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.psd"
    for width in range(WIDE, WIDE + 8):
        whole = _plain(kind, scene(TALL, width).clip(1, 254))
        left = (len(whole) - 1) % 512 + 1
        path.write_bytes(whole)
        assert read_picture(path).pixels.shape[:2] == (TALL, width)
        for fill in (b"\0", b"\xff"):
            path.write_bytes(whole[:-left] + fill * left)
            if 32 <= left < width:
                with pytest.raises(InputError, match="the last 1 of"):
                    read_picture(path)


@pytest.mark.parametrize("kind", KINDS)
def test_another_size_than_that_of_the_planes_is_refused(tmp_path: Path, kind: str) -> None:
    path, whole = tmp_path / "a.psd", _plain(kind, scene(TALL, WIDE))
    for width, height in ((WIDE, TALL // 2), (WIDE // 2, TALL), (WIDE, TALL + 9), (WIDE - 20, TALL)):
        path.write_bytes(whole[:14] + struct.pack(">II", height, width) + whole[22:])
        with pytest.raises(InputError, match="its size asks for"):
            read_picture(path)
    path.write_bytes(whole + b"\1")
    assert read_picture(path).pixels.shape[:2] == (TALL, WIDE)


@pytest.mark.parametrize("kind", KINDS)
def test_planes_with_black_or_white_areas_pass(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.psd"
    for value in (0, 255):
        for place in (np.s_[TALL // 2 :], np.s_[: TALL // 2], np.s_[:, WIDE // 2 :], np.s_[100:200, 90:300]):
            picture = scene(TALL, WIDE)
            picture[place] = value
            path.write_bytes(_plain(kind, picture))
            assert read_picture(path).pixels.shape[:2] == (TALL, WIDE)


@pytest.mark.parametrize("packed", [False, True])
def test_ones_are_black_in_a_bitmap(tmp_path: Path, packed: bool) -> None:
    path, picture = tmp_path / "a.psd", scene(TALL, WIDE)
    path.write_bytes(_plain("bitmap", picture, packed))
    expected = np.asarray(Image.fromarray(picture).convert("1")) * np.uint8(255)
    assert np.array_equal(read_picture(path).pixels[..., 0], expected)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mode_of_other_planes_bits_or_colours_is_refused(tmp_path: Path, kind: str, packed: bool) -> None:
    path, whole = tmp_path / "a.psd", _plain(kind, scene(TALL, WIDE), packed)
    path.write_bytes(whole)
    expected, own = read_picture(path), whole[25]
    for mode in range(10):
        path.write_bytes(whole[:25] + bytes([mode]) + whole[26:])
        # Of four planes each mode of four may be, and what is grey may have a table as well.
        if mode == own or (kind == "alpha" and mode == 4) or (kind == "palette" and mode == GREY):
            assert read_picture(path).pixels.shape == expected.pixels.shape
        else:
            with pytest.raises(InputError, match=r"no picture of mode|not supported"):
                read_picture(path)
    for table in (0, 3, 767, 1024):
        if kind == "palette":
            path.write_bytes(whole[:26] + struct.pack(">I", table) + bytes(table) + whole[30 + 768 :])
            with pytest.raises(InputError, match="a table of"):
                read_picture(path)
    at = 38 + (768 if kind == "palette" else 0)
    for compression in (2, 3, 4):
        path.write_bytes(whole[:at] + struct.pack(">H", compression) + whole[at + 2 :])
        with pytest.raises(InputError, match="no picture has compression"):
            read_picture(path)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("mode", "colours", "others"), [(GREY, 1, 1), (GREY, 1, 3), (COLOURS, 3, 2), (4, 4, 2)]
)
def test_planes_beside_those_of_the_colours_are_left_alone(
    tmp_path: Path, mode: int, colours: int, others: int, packed: bool
) -> None:
    """Of grey all but one more need names; packed ones have their lengths ahead of all pixels."""
    path, picture = tmp_path / "a.psd", scene(TALL, WIDE)
    planes = [picture[..., index % 3] + np.uint8(index) for index in range(colours)]
    names = b"\5first\6second\5third"
    alone: list[NDArray[Any]] = []
    for more in (0, others):
        stored = [*planes, *([picture[..., 2] // 2] * more)]
        rows = [row.tobytes() for plane in stored for row in plane]
        body = b"".join(rows)
        if packed:
            rows = [imagecodecs.packbits_encode(row) for row in rows]
            body = struct.pack(f">{len(rows)}H", *map(len, rows)) + b"".join(rows)
        head = b"8BPS" + struct.pack(">H6xHIIHHI", 1, len(stored), TALL, WIDE, 8, mode, 0)
        named = b"8BIM" + struct.pack(">H2xI", 1006, len(names)) + names + bytes(len(names) % 2)
        for resources in (named, b""):
            whole = head + struct.pack(">I", len(resources)) + resources + bytes(4)
            path.write_bytes(whole + struct.pack(">H", packed) + body)
            if mode == GREY and more > 1 and not resources:
                with pytest.raises(InputError, match="no picture of mode 1 has 4 planes"):
                    read_picture(path)
            elif more:
                assert np.array_equal(read_picture(path).pixels, alone[0])
            else:
                alone.append(read_picture(path).pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_an_end_of_packed_rows_is_refused(tmp_path: Path, kind: str, fill: bytes) -> None:
    """Of a bitmap, whose last row is dots, and of alpha, which is packed throughout, too."""
    path, whole = tmp_path / "a.psd", _plain(kind, scene(40, WIDE), packed=True)
    path.write_bytes(whole)
    assert read_picture(path).pixels.shape[:2] == (40, WIDE)
    for length in range(10, 120, 3):
        path.write_bytes(whole[:-length] + fill * length)
        with pytest.raises(InputError, match="is damaged"):
            read_picture(path)

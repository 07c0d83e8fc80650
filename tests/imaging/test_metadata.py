"""EXIF carry-over and the directory structure under it, with well-formed and hostile input."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.metadata import Shot, carried_exif, developed_exif, focal_length_of, orientation_of
from srnet_cli.imaging.metadata.exif import ExifPlace, exif_for_output


def camera_exif(order: str = "<") -> bytes:
    """EXIF as a camera writes it: layout tags, orientation, thumbnail, maker note, GPS."""
    exif = ifd.Directory(
        {
            33434: ifd.entry(ifd.RATIONAL, 1, 250),
            37386: ifd.entry(ifd.RATIONAL, 500, 10),
            37500: ifd.Entry(ifd.UNDEFINED, 5, b"maker"),
            40962: ifd.entry(ifd.LONG, 6000),
            40963: ifd.entry(ifd.LONG, 4000),
        },
        {ifd.INTEROP_POINTER: [ifd.Directory({1: ifd.ascii_entry("R98")})]},
    )
    gps = ifd.Directory({1: ifd.ascii_entry("N"), 2: ifd.entry(ifd.RATIONAL, 47, 1, 22, 1, 335, 10)})
    top = {
        256: ifd.entry(ifd.LONG, 6000),
        271: ifd.ascii_entry("Maker"),
        274: ifd.entry(ifd.SHORT, 6),
        513: ifd.entry(ifd.LONG, 1234),
    }
    children = {ifd.EXIF_POINTER: [exif], ifd.GPS_POINTER: [gps]}
    return ifd.pack_file(ifd.Directory(top, children), order)  # type: ignore[arg-type]


def loaded(exif: bytes | None) -> Any:
    assert exif is not None
    result = Image.Exif()
    result.load(exif)
    return result


@pytest.mark.parametrize("order", ["<", ">"])
def test_carried_over(order: str) -> None:
    raw = camera_exif(order)
    assert orientation_of(raw) == 6
    assert focal_length_of(raw) == 50.0
    kept = loaded(carried_exif(raw))
    assert (kept[271], kept[274]) == ("Maker", 1)
    assert not {256, 513} & set(kept)
    details = kept.get_ifd(ifd.EXIF_POINTER)
    assert details[33434] == pytest.approx(1 / 250)
    assert details[37500] == b"maker"
    assert kept.get_ifd(ifd.GPS_POINTER)[2] == (47.0, 22.0, 33.5)
    assert kept.get_ifd(ifd.INTEROP_POINTER)[1] == "R98"


@pytest.mark.parametrize("order", ["<", ">"])
def test_size_fields_follow_the_output(order: str) -> None:
    sized, notes = exif_for_output(carried_exif(camera_exif(order)), ExifPlace(321, 123, "x"))
    assert notes == ()
    details = loaded(sized).get_ifd(ifd.EXIF_POINTER)
    assert (details[40962], details[40963]) == (123, 321)
    # In the byte order of the original, which a maker note may rely on.
    assert sized[:2] == (b"II" if order == "<" else b"MM")


def test_developed_exif_prefers_the_file_and_fills_in_the_rest() -> None:
    top = ifd.Directory({271: ifd.ascii_entry("Maker"), 37386: ifd.entry(ifd.RATIONAL, 35, 1)})
    shot = Shot(
        make="Other",
        model="Model",
        lens="Lens",
        taken=datetime(2024, 5, 1, 10, 20, 30),
        exposure_time=0.008,
        aperture=5.6,
        iso=200,
        focal_length=36.0,
    )
    exif = loaded(developed_exif(top, shot))
    details = exif.get_ifd(ifd.EXIF_POINTER)
    assert (exif[271], exif[272], exif[306]) == ("Maker", "Model", "2024:05:01 10:20:30")
    assert (details[37386], details[34855], details[42036]) == (35, 200, "Lens")
    assert (details[33434], details[33437]) == (pytest.approx(1 / 125), pytest.approx(5.6))
    assert developed_exif(None, Shot()) is None


@pytest.mark.parametrize("value", [0, 9, 255])
def test_nonsense_orientation_means_upright(value: int) -> None:
    raw = ifd.pack_file(ifd.Directory({274: ifd.entry(ifd.SHORT, value)}))
    assert orientation_of(raw) == 1


def test_no_focal_length() -> None:
    for values in ((0, 1), (0, 0), (5, 0)):
        raw = ifd.pack_file(ifd.Directory({37386: ifd.entry(ifd.RATIONAL, *values)}))
        assert focal_length_of(raw) is None
    assert focal_length_of(None) is None


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_structure_round_trip(order: Any, big: bool) -> None:
    directory = ifd.Directory(
        {
            270: ifd.ascii_entry("a longer text than fits inline"),
            258: ifd.entry(ifd.SHORT, 16, 16, 16),
            282: ifd.entry(ifd.RATIONAL, 300, 1),
            256: ifd.entry(ifd.LONG, 70_000),
        },
        {ifd.SUB_DIRECTORIES: [ifd.Directory({256: ifd.entry(ifd.LONG, i)}) for i in range(3)]},
    )
    data = ifd.pack_file(directory, order)
    if big:
        head = struct.pack(f"{order}2sHHHQ", b"II" if order == "<" else b"MM", 43, 8, 0, 16)
        data = head + ifd.pack(directory, 16, order=order, big=True)
    parsed = ifd.parse(data)
    assert parsed is not None
    assert (parsed.order, parsed.big) == (order, big)
    assert parsed.directories[0].entries == directory.entries
    assert [d.number(256) for d in parsed.directories[0].children[ifd.SUB_DIRECTORIES]] == [0, 1, 2]


def test_hostile_structures_end_and_stay_small() -> None:
    raw = bytearray(camera_exif())
    generator = np.random.default_rng(0)
    for _ in range(3000):
        damaged = bytearray(raw)
        for position in generator.integers(0, len(raw), 4):
            damaged[position] = generator.integers(0, 256)
        data = bytes(damaged[: generator.integers(0, len(raw) + 1)])
        orientation_of(data)
        focal_length_of(data)
        kept, _ = exif_for_output(carried_exif(data), ExifPlace(10, 10, "x"))
        assert len(kept) < 4 * len(raw) + (1 << 15)


def test_directories_that_point_at_themselves() -> None:
    data = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x4a\x01\x04\0\x01\0\0\0\x08\0\0\0" + b"\x08\0\0\0"
    parsed = ifd.parse(data)
    assert parsed is not None
    assert len(list(parsed.walk())) == 1

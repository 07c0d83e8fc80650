"""The table that a DNG's samples are looked up in, whole and with a sector of it lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.raw.layout.curve import check_curve
from tests.faults.dngs import WIDTH, dng_of, short, values

TABLE, SECTOR = 50712, 512
_LENGTH = 1 << 14


def _curve(kind: str) -> NDArray[np.uint16]:
    """Tables of cameras: like a logarithm, a straight line that ends at white, and one with black cut off."""
    x = np.arange(_LENGTH)
    if kind == "logarithm":
        return (65535 * (np.expm1(x / _LENGTH * 4) / np.expm1(4))).astype(np.uint16)
    if kind == "saturated":
        return np.minimum(x * 40, 65535).astype(np.uint16)
    return np.clip((x - 1000) * 4, 0, 65535).astype(np.uint16)


CURVES = ("logarithm", "saturated", "cut")


def _dng(kind: str) -> tuple[bytes, int]:
    """A DNG with such a table, and where the table begins."""
    data = dng_of([values().tobytes()], {TABLE: short(*_curve(kind).tolist())})
    parsed = ifd.parse(data)
    assert parsed is not None
    return data, parsed.directories[0].entries[TABLE].at


@pytest.mark.parametrize("kind", CURVES)
def test_tables_that_rise_pass(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.dng"
    path.write_bytes(_dng(kind)[0])
    assert read_picture(path).width == WIDTH


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("sectors", [1, 8])
def test_a_table_that_lost_sectors_is_refused(tmp_path: Path, fill: bytes, sectors: int) -> None:
    path, (whole, begin) = tmp_path / "a.dng", _dng("logarithm")
    end, size = begin + 2 * _LENGTH, sectors * SECTOR
    first = -(-begin // SECTOR) * SECTOR
    for at in range(first + 8 * SECTOR, end - size - SECTOR, 11 * SECTOR):
        path.write_bytes(whole[:at] + fill * size + whole[at + size :])
        with pytest.raises(InputError, match="table of its values"):
            read_picture(path)


def test_a_table_that_begins_or_ends_with_lost_sectors_is_refused(tmp_path: Path) -> None:
    path, (whole, begin) = tmp_path / "a.dng", _dng("saturated")
    sector = begin // SECTOR * SECTOR + 3 * SECTOR
    full = begin + 2 * int(np.argmax(_curve("saturated") == 65535))
    before = full // SECTOR * SECTOR - 2 * SECTOR
    for start, end, fill in ((begin, sector, b"\0"), (before, begin + 2 * _LENGTH, b"\xff")):
        path.write_bytes(whole[:start] + fill * (end - start) + whole[end:])
        with pytest.raises(InputError, match="table of its values"):
            read_picture(path)


def _short_dng(lead: int) -> tuple[bytes, int]:
    """A DNG of 8 bits whose table of 256 values is squares, behind a text; and where the table begins."""
    table = short(*(np.arange(256) ** 2 // 4).tolist())
    coded = (values() // 256).astype(np.uint8)
    text = ifd.Entry(ifd.ASCII, lead, b"x" * (lead - 1) + b"\0")
    tags = {258: short(8), TABLE: table, 270: text, 50714: short(0, 0, 0, 0), 50717: short(16256)}
    data = dng_of([coded.tobytes()], tags)
    parsed = ifd.parse(data)
    assert parsed is not None
    return data, parsed.directories[0].entries[TABLE].at


@pytest.mark.parametrize("lead", range(8, 520, 64))
def test_a_short_table_that_lost_a_part_is_refused(tmp_path: Path, lead: int) -> None:
    """All but what is too little to tell."""
    path, (whole, begin) = tmp_path / "a.dng", _short_dng(lead)
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    sector, end = -(-begin // SECTOR) * SECTOR, begin + 512
    for start, stop, fill in ((begin, sector, b"\0"), (sector, end, b"\xff")):
        if stop - start < 2 * 22:
            continue
        path.write_bytes(whole[:start] + fill * (stop - start) + whole[stop:])
        with pytest.raises(InputError, match="table of its values"):
            read_picture(path)


@pytest.mark.parametrize("size", [64, 256, 1024, 4096])
@pytest.mark.parametrize("unit", [1, 16, 64])
def test_tables_that_begin_with_zeros_up_to_a_sector_pass(tmp_path: Path, size: int, unit: int) -> None:
    """Black cut off, in fine values and coarse ones: what follows the zeros is no farther than any step."""
    for power in (0.5, 1, 2.2):
        for black in (0.01, 0.1, 0.3):
            light = np.clip((np.arange(size) / size - black) / (1 - black), 0, 1) ** power
            table = (light * 16383 / unit).astype(int) * unit
            begin = SECTOR * 20 - 2 * int(np.argmax(table > 0))
            entry = replace(short(*table.tolist()), at=begin)
            check_curve(tmp_path, ifd.Directory({TABLE: entry}))


def test_a_table_of_one_value_is_refused(tmp_path: Path) -> None:
    path, (whole, begin) = tmp_path / "a.dng", _dng("logarithm")
    for fill in (b"\0", b"\xff"):
        path.write_bytes(whole[:begin] + fill * 2 * _LENGTH + whole[begin + 2 * _LENGTH :])
        with pytest.raises(InputError):
            read_picture(path)

"""The table that a DNG's samples are looked up in, whole and with a sector of it lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
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


def test_a_table_of_one_value_is_refused(tmp_path: Path) -> None:
    path, (whole, begin) = tmp_path / "a.dng", _dng("logarithm")
    for fill in (b"\0", b"\xff"):
        path.write_bytes(whole[:begin] + fill * 2 * _LENGTH + whole[begin + 2 * _LENGTH :])
        with pytest.raises(InputError):
            read_picture(path)

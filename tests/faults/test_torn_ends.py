"""RAW files without compression whose end was not copied: zeros or ones from a sector of the file on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.captures import Capture, write_dng_mosaic
from tests.faults.pictures import encoded_arw, encoded_dng

SECTOR = 512
#: rows of no whole number of sectors, so that most of these begin within one
HEIGHT, WIDTH = 120, 402
CAPTURE = Capture(read_noise=4.0)
FILES: dict[str, Callable[[], bytes]] = {
    "a.dng": lambda: encoded_dng(CAPTURE, HEIGHT, WIDTH),
    "a.ARW": lambda: encoded_arw(CAPTURE, HEIGHT, WIDTH),
}


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("name", FILES)
def test_an_end_of_less_than_eight_rows_is_noticed(tmp_path: Path, name: str, fill: bytes) -> None:
    path, whole = tmp_path / name, FILES[name]()
    path.write_bytes(whole)
    assert read_picture(path).height == HEIGHT
    last, row = (len(whole) - 1) // SECTOR * SECTOR, 2 * WIDTH
    first = len(whole) - HEIGHT * row
    tried = 0
    for start in range(last, len(whole) - 8 * row, -SECTOR):
        if not 4 < (start - first) % row < row - 4:
            continue
        path.write_bytes(whole[:start] + fill * (len(whole) - start))
        with pytest.raises(InputError, match=r"pixels are lost|rows hold nothing"):
            read_picture(path)
        tried += 1
    assert tried >= 8


@pytest.mark.parametrize("value", [0, 16_383])
def test_an_end_that_begins_at_no_sector_or_below_rows_of_its_value_passes(
    tmp_path: Path, value: int
) -> None:
    """Lines that a sensor has lost."""
    path = tmp_path / "a.dng"
    values = np.random.default_rng(3).integers(600, 9000, (HEIGHT, WIDTH)).astype(np.uint16)
    write_dng_mosaic(path, values)
    first = path.stat().st_size - 2 * values.size
    for column in range(80, 120):
        if (first + 2 * ((HEIGHT - 1) * WIDTH + column)) % SECTOR > 2:
            drawn = values.copy()
            drawn[-1, column:] = value
            write_dng_mosaic(path, drawn, Capture(white_level=16_383))
            assert read_picture(path).height == HEIGHT
    at = -(first + 2 * (HEIGHT - 1) * WIDTH) % SECTOR // 2
    values[-6:-1, WIDTH // 4 :] = value
    values[-1, at:] = value
    write_dng_mosaic(path, values, Capture(white_level=16_383))
    assert read_picture(path).height == HEIGHT

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from srnet_cli.data.shots.frames import read_packed
from srnet_cli.errors import DataError
from srnet_cli.imaging.raw.mosaic import pack_mosaic, pack_upright
from tests.captures import Capture, write_dng_mosaic

PATTERNS = {
    "RGGB": [[0, 1], [1, 2]],
    "BGGR": [[2, 1], [1, 0]],
    "GRBG": [[1, 0], [2, 1]],
    "GBRG": [[1, 2], [0, 1]],
}


def test_channels_are_red_green_blue_green() -> None:
    values = np.array([[512, 1000], [3000, 16383]], np.uint16)
    packed = pack_mosaic(values)
    span = 16383 - 512
    expected = [0.0, (1000 - 512) / span, 1.0, (3000 - 512) / span]
    assert packed[0, 0] == pytest.approx(expected)
    assert packed.dtype == np.float32


def test_values_are_not_clipped_and_odd_sides_are_dropped() -> None:
    packed = pack_mosaic(np.full((5, 7), 300, np.uint16))
    assert packed.shape == (2, 3, 4)
    assert packed.max() < 0


def test_a_white_level_below_black_is_refused() -> None:
    with pytest.raises(ValueError, match="not above black"):
        pack_mosaic(np.zeros((2, 2), np.uint16), 600, 500)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_every_pattern_and_orientation_packs_to_the_same_colours(pattern: str, orientation: int) -> None:
    """Red sites hold 100, green 200, blue 300: the channels must hold just that."""
    cell = np.array(PATTERNS[pattern])
    values = np.tile((cell + 1) * 100, (4, 6)).astype(np.uint16)
    black = cell.astype(np.float32)  # levels 0, 1, 2: they must follow their colour
    packed = pack_upright(values, cell, black, 1000.0, orientation)
    expected = [100 / 1000, 199 / 999, 298 / 998, 199 / 999]
    assert packed.values.reshape(-1, 4) == pytest.approx(np.tile(expected, (packed.values.size // 4, 1)))
    assert packed.size == ((8, 12) if orientation in (1, 3) else (12, 8))


def test_a_mosaic_without_bayer_pattern_is_refused() -> None:
    with pytest.raises(DataError, match="not a Bayer pattern"):
        pack_upright(np.zeros((4, 4), np.uint16), np.array([[0, 0], [1, 2]]), np.zeros((2, 2)), 10.0, 1)


def test_a_file_is_packed_with_its_own_levels(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(64, 4096, (64, 96)).astype(np.uint16)
    capture = Capture(black_level=(60, 61, 62, 64), white_level=4000, pattern="RGGB")
    write_dng_mosaic(tmp_path / "a.dng", values, capture)
    packed = read_packed(tmp_path / "a.dng")
    assert packed.values[..., 0] == pytest.approx(
        (values[::2, ::2].astype(np.float32) - 60) / (4000 - 60), abs=1e-4
    )
    assert packed.values[..., 2] == pytest.approx(
        (values[1::2, 1::2].astype(np.float32) - 64) / (4000 - 64), abs=1e-4
    )

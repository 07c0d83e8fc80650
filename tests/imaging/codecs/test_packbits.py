"""Packets of PackBits that no coder writes, and those that look like them."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from srnet_cli.imaging.codecs.proof.packbits import first_lost

_NOISE = np.random.default_rng(0).integers(1, 255, 120).astype(np.uint8).tobytes()
_ROW = bytes(imagecodecs.packbits_encode(_NOISE))


@pytest.mark.parametrize(("smallest", "unpacked"), [(b"\0\0", 1), (b"\xff\xff", 2)])
def test_smallest_packets_are_lost_ones_but_where_rows_are_as_small(smallest: bytes, unpacked: int) -> None:
    piece, size = _ROW + smallest * 20 + _ROW, 240 + 20 * unpacked
    for row_bytes in (1, 2, 3, 120):
        assert first_lost([_ROW, piece], [120, size], row_bytes) == (None if row_bytes == unpacked else 1)


def test_what_follows_the_pixels_is_padding() -> None:
    assert first_lost([_ROW + bytes(100), _ROW + b"\xff" * 100], [120, 120], 120) is None


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_stored_ends_are_lost_but_where_runs_are_stored(fill: bytes) -> None:
    lost = _ROW[:-30] + fill * 30
    assert first_lost([_ROW, lost], [120, 120], 120) == 1
    assert first_lost([lost, _ROW], [120, 120], 120) == 0
    for stored in (b"\x77" + _NOISE[:60] + b"\5" * 60, lost):
        assert first_lost([_ROW, lost, stored], [120] * 3, 120) is None
    # What is packed is no sign of a coder that does not pack.
    assert first_lost([lost, b"\x89\0"], [120, 120], 120) == 0


def test_few_zeros_at_an_end_are_pixels() -> None:
    assert first_lost([_ROW[:-7] + bytes(7)], [120], 120) is None
    assert first_lost([_ROW[:-9] + bytes(9)], [120], 120) is None


def test_packets_of_nothing_are_left_out() -> None:
    assert first_lost([b"\x80" * 20 + _ROW[:-40] + b"\x80" + bytes(40)], [120], 120) == 0
    assert first_lost([b"\x80" * 20 + _ROW], [120], 120) is None

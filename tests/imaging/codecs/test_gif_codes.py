"""How many pixels the codes of a GIF make, and how they end."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from srnet_cli.imaging.codecs.proof.gif import codes as module
from srnet_cli.imaging.codecs.proof.gif.blocks import count, joined
from srnet_cli.imaging.codecs.proof.gif.codes import end_with_pixels

CLEAR, END = 4, 5


def _packed(codes: list[int], bits: int = 3) -> bytes:
    number = sum(code << bits * place for place, code in enumerate(codes))
    return number.to_bytes(-(-bits * len(codes) // 8), "little")


def _plain(pixels: int) -> list[int]:
    """Codes of pixels that are not compressed: a new table before it grows."""
    return [code for _ in range(pixels // 2) for code in (CLEAR, 1, 2)]


@pytest.mark.parametrize(
    "behind", [[END], [CLEAR, END], [], [0] * 99, [END, 1, 2, 3, 1, 2, 3, 1, 2, 3], [CLEAR, 0, 0, 0, 0, 0, 0]]
)
def test_pixels_and_an_end_are_whole(behind: list[int]) -> None:
    assert end_with_pixels(_packed(_plain(600) + behind), 2, 600)


@pytest.mark.parametrize("behind", [[1, 2, 3, 1, 2, 3, 1, 2, 3, END], [CLEAR, 1, 2, 3, 1, 2, 3, 1, 2, 3]])
def test_codes_behind_the_last_pixel_are_too_many(behind: list[int]) -> None:
    assert not end_with_pixels(_packed(_plain(600) + behind), 2, 600)


@pytest.mark.parametrize("pixels", [598, 599, 601, 602, 5])
def test_other_sizes_do_not_fit(pixels: int) -> None:
    assert not end_with_pixels(_packed([*_plain(600), END]), 2, pixels)


def test_a_code_of_no_entry_ends_it() -> None:
    assert not end_with_pixels(_packed([CLEAR, 1, 7, END]), 2, 3)
    # One that is just being made: the pixel before, twice.
    assert end_with_pixels(_packed([CLEAR, 1, 6, END]), 2, 3)


def test_more_tables_than_there_is_time_for_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TABLES", 50)
    assert not end_with_pixels(_packed([*_plain(90), END]), 2, 1000)
    assert end_with_pixels(_packed([*_plain(900), END]), 2, 1000)


@pytest.mark.parametrize("kind", ["noise", "flat", "ramp", "stripes"])
@pytest.mark.parametrize("colours", [2, 5, 256])
def test_codes_of_a_coder_are_whole(
    tmp_path_factory: pytest.TempPathFactory, kind: str, colours: int
) -> None:
    """Tables that are full, codes of 12 bits, entries of thousands of pixels."""
    height, width = 301, 517
    values = {
        "noise": np.random.default_rng(colours).integers(0, colours, (height, width)),
        "flat": np.zeros((height, width)),
        "ramp": np.add.outer(np.arange(height), np.arange(width)) % colours,
        "stripes": np.repeat(np.arange(height)[:, None] % colours, width, axis=1),
    }[kind].astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(values).save(stored, "GIF")
    data = stored.getvalue()
    first = count(tmp_path_factory.getbasetemp(), data).first
    assert first is not None and (first.height, first.width) == (height, width)
    coded = joined(data, first.codes)
    assert end_with_pixels(coded, first.bits, height * width)
    for pixels in (height * width - 1, height * width + 1):
        assert not end_with_pixels(coded, first.bits, pixels)

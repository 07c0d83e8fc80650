"""DNGs that other programs develop: what is compared, and how it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.raw_dng import compare, convert, libraw
from docs.raw import dng_note, dng_table
from srnet_cli.errors import InputError
from tests.captures import write_dng
from tests.scene import sample_scene


def test_a_cast_is_found_and_a_rim_is_not_compared() -> None:
    colours = np.random.default_rng(0).integers(40, 200, (5, 6, 3), np.uint8)
    original = colours.repeat(32, axis=0).repeat(32, axis=1)
    made = original.repeat(2, axis=0).repeat(2, axis=1)
    made[..., 0] += 3
    made[:8] = 0
    levels, within, areas = compare(original, made)
    assert levels == pytest.approx((3, 0, 0), abs=0.2) and within == 0 and areas > 4
    assert compare(original, made[6:, :-4])[0] == pytest.approx((3, 0, 0), abs=0.5)
    with pytest.raises(InputError, match="comes out as"):
        compare(original, original)


def test_libraw_develops_a_dng_as_its_original(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", sample_scene(96, 128))
    assert convert(tmp_path / "a.dng", tmp_path / "b.dng") == ""
    original, made = (libraw(tmp_path / name, tmp_path / "none.png") for name in ("a.dng", "b.dng"))
    assert made.shape == (192, 256, 3)
    assert np.abs(compare(original, made)[0]).max() < 2


def test_a_line_for_each_file() -> None:
    row = {"file": "a.dng", "program": "LibRaw", "levels": [0.1, -0.24, 0], "areas": 9, "reason": ""}
    other = {**row, "program": "darktable-cli", "levels": None, "reason": "not the original: it is old"}
    left = {**row, "file": "b.nef", "program": "", "levels": None, "reason": "developed"}
    table = dng_table({"rows": [row, other, left]})
    assert table == [
        ["", "LibRaw", "darktable-cli"],
        ["`a.dng`", "+0.1 -0.2 +0.0", "cannot read the original"],
    ]
    assert "of 9 flat areas" in dng_note({"rows": [row, other]})

"""Rectangles of pixels, and how people write them."""

from __future__ import annotations

import numpy as np
import pytest

from srnet_cli.errors import UsageError
from srnet_cli.imaging.boxes import Box, parse_box


def test_a_box_cuts_its_pixels_out_of_an_array() -> None:
    box = Box(1, 2, height=3, width=4)
    assert (box.bottom, box.right) == (4, 6)
    assert np.ones((9, 9, 3))[box.slices].shape == (3, 4, 3)


def test_a_box_reads_what_it_writes() -> None:
    box = Box(top=10, left=20, height=30, width=40)
    assert str(box) == "20,10,40,30"
    assert parse_box(str(box), "--crop") == box


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4", "-1,0,5,5", "0,0,0,5"])
def test_other_texts_are_refused_naming_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--crop"):
        parse_box(text, "--crop")


@pytest.mark.parametrize("box", [Box(0, 0, 11, 5), Box(-1, 0, 5, 5), Box(0, 0, 0, 5), Box(0, 6, 5, 5)])
def test_a_box_outside_a_picture_or_without_pixels_does_not_lie_in_it(box: Box) -> None:
    assert Box(0, 0, 10, 10).lies_in(10, 10)
    assert not box.lies_in(10, 10)

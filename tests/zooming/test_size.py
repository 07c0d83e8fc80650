"""Sizes that are asked for instead of a scale."""

from __future__ import annotations

import pytest

from srnet_cli.errors import UsageError
from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.frame import Sheet, Size, parse_sheet
from srnet_cli.zooming.request import ZoomRequest


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (Size(width=6000), (6000, 4000)),
        (Size(height=3000), (4500, 3000)),
        (Size(width=6000, height=3000), (4500, 3000)),
        (Size(width=6000, height=9000), (6000, 4000)),
        (Size(megapixels=24), (6000, 4000)),
        (Size(sheet=parse_sheet("60x40cm@254dpi")), (6000, 4000)),
        (Size(sheet=parse_sheet("400 x 600 mm @ 254")), (6000, 4000)),
        (Size(sheet=parse_sheet("20×30in@100ppi")), (3000, 2000)),
        # A square sheet is filled both ways.
        (Size(sheet=parse_sheet("10x10in@300dpi")), (4500, 3000)),
    ],
)
def test_the_scale_follows_from_the_size(size: Size, expected: tuple[int, int]) -> None:
    request = ZoomRequest(size=size)
    frame = request.frame_of(1000, 1500)
    assert (frame.width, frame.height) == expected
    turned = ZoomRequest(size=Size(size.height, size.width, size.megapixels, size.sheet)).frame_of(1500, 1000)
    assert (turned.height, turned.width) == expected


def test_a_size_is_that_of_the_part_that_is_zoomed() -> None:
    frame = ZoomRequest(size=Size(width=900), crop=Box(10, 20, 100, 300)).frame_of(1000, 1500)
    assert (frame.width, frame.height, frame.scale) == (900, 300, 3)


@pytest.mark.parametrize(
    ("size", "reason"),
    [(Size(width=1499), "more than w1499"), (Size(megapixels=500), "times the size")],
)
def test_sizes_that_cannot_be_reached(size: Size, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        ZoomRequest(size=size).frame_of(1000, 1500)


@pytest.mark.parametrize(
    "text", ["", "60x40", "60x40cm", "60cm@300dpi", "0x40cm@300dpi", "60x40cm@0dpi", "axbcm@1"]
)
def test_prints_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--print"):
        parse_sheet(text)


def test_sizes_have_names() -> None:
    assert [
        ZoomRequest(size=size).tag
        for size in (Size(6000), Size(None, 10), Size(6000, 10), Size(megapixels=2.5))
    ] == [
        "w6000",
        "h10",
        "w6000-h10",
        "2.5MP",
    ]
    assert str(parse_sheet("60x40cm@300dpi")) == "60x40cm@300dpi"
    assert parse_sheet("5x4in@300") == Sheet(5, 4, "in", 300)

"""Details, previews and the page of comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from srnet_cli.imaging import Picture, WriteOptions, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_to_file
from srnet_cli.zooming.request import ZoomRequest
from srnet_cli.zooming.showing.comparison import Comparison
from srnet_cli.zooming.showing.details import textured_details
from srnet_cli.zooming.showing.preview import write_preview

from .models import nearest_model, noise


def engine(scale: int) -> Engine:
    return Engine(nearest_model(scale), EngineOptions(device="cpu", precision="fp32"))


def test_details_lie_where_the_texture_is_and_not_on_each_other() -> None:
    pixels = np.full((300, 400, 3), 90, np.uint8)
    pixels[40:80, 60:100] = noise(40, 40)
    pixels[200:230, 300:330] = noise(30, 30) // 2
    first, second = textured_details(pixels, 40, 40, count=2)
    assert abs(first.top - 40) <= 2 and abs(first.left - 60) <= 2
    assert second.top <= 200 and second.bottom >= 230 and second.left <= 300 and second.right >= 330
    (within,) = textured_details(pixels, 40, 40, within=Box(100, 100, 200, 300))
    assert within.lies_in(300, 400) and within.top >= 100


def test_details_of_a_small_or_flat_picture_are_the_picture() -> None:
    assert textured_details(np.zeros((20, 30, 3), np.uint8), 40, 50, count=3) == [Box(0, 0, 20, 30)]


def test_a_large_picture_is_looked_at_reduced() -> None:
    pixels = np.full((1500, 3001, 3), 90, np.uint8)
    pixels[1300:1400, 2800:2900] = noise(25, 25).repeat(4, axis=0).repeat(4, axis=1)
    (box,) = textured_details(pixels, 160, 160)
    assert box.lies_in(1500, 3001)
    assert box.top <= 1300 and box.bottom >= 1400 and box.left <= 2800 and box.right >= 2900


def test_a_preview_shows_a_detail_before_and_after(tmp_path: Path) -> None:
    picture = Picture(noise(60, 80, dtype=np.uint16))
    request = ZoomRequest(scale=2, preview=True, crop=Box(10, 20, 30, 40))
    write_preview(picture, request.frame_of(60, 80), [engine(2)], request, tmp_path / "p.png")
    drawn = read_picture(tmp_path / "p.png").pixels
    part = (picture.pixels[10:40, 20:60].astype(np.uint32) + 128) // 257
    assert np.array_equal(drawn[:60, 88:168], part.repeat(2, axis=0).repeat(2, axis=1))
    assert not np.array_equal(drawn[:60, :80], drawn[:60, 88:168])


def test_the_page_shows_the_pixels_of_the_result(tmp_path: Path) -> None:
    picture, frame = Picture(noise(50, 70)), plan_frame(50, 70, 2, "camera")
    page, target = Comparison(picture, frame), tmp_path / "a.png"
    zoom_to_file(picture, frame, [engine(2)], target, WriteOptions(), on_rows=page.see)
    page.write(tmp_path / "a.html", target, ["nearest"], overwrite=False)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "http" not in text.replace("http://www.w3.org", "") and text.count('class="compare"') == 1
    (part,) = page._parts
    result = read_picture(target).pixels
    assert np.array_equal(part.pixels, result[part.box.slices])
    assert part.box.height >= 48 and part.box.width >= 68

"""The page of ``srnet ui`` and the page of ``--compare`` in a real browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from srnet_cli import zoom
from srnet_cli.imaging import Picture, read_picture
from srnet_cli.imaging.resize import resize
from srnet_cli.zooming.chain import automatic_chain, usual_crisp
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.showing.comparison import Comparison
from tests.faults.program import assert_civil, finish
from tests.page.browser import open_browser
from tests.page.tab import PATIENCE, draw, send


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_it_ends_in_peace(served: tuple[subprocess.Popen[str], str], name: str, code: int) -> None:
    process, _ = served
    process.send_signal(getattr(signal, name))
    ended = finish(process)
    assert ended.code == code
    assert_civil(ended)
    assert len(ended.err.splitlines()) == (2 if name == "SIGINT" else 1), ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_nothing_that_was_dropped_stays(
    served: tuple[subprocess.Popen[str], str], tmp_path: Path, name: str
) -> None:
    """Neither the picture, here too large to be kept in memory, nor what was shown of it."""
    process, address = served
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        found = re.search(rb"/_nicegui/client/[^\"\\ ]*/upload/[0-9]+", answer.read())
    assert found is not None
    picture = draw(tmp_path / "photo.png", 1200, 1200)
    for number in (1, 2):
        send(address + found[0].decode(), picture)
        deadline = time.monotonic() + PATIENCE
        while len(shown := list((tmp_path / "temporary").glob("srnet-*/*/made/*.png"))) < number:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert len(shown) == 2
    process.send_signal(getattr(signal, name))
    assert_civil(finish(process))
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("served", ["pipe"], indirect=True)
def test_nothing_stored_in_the_current_folder_is_read(address: str) -> None:
    """The fixture has put a pipe there, which would be waited for."""
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        assert answer.status == 200


def test_a_picture_is_dropped_zoomed_compared_and_downloaded(address: str, tmp_path: Path) -> None:
    with open_browser() as browser:
        page = browser.new_page(accept_downloads=True, viewport={"width": 1100, "height": 1200})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(address)
        page.set_input_files("input[type=file]", draw(tmp_path / "photo.png"))
        page.get_by_text("64×48; drag on the picture").wait_for()
        page.get_by_text("fast", exact=True).click()

        # A part of it, by the mouse.
        picture = page.locator(".chosen img").bounding_box()
        left, top, scale = picture["x"], picture["y"], picture["width"] / 64
        page.mouse.move(left + 8 * scale, top + 4 * scale)
        page.mouse.down()
        page.mouse.move(left + 40 * scale, top + 28 * scale, steps=4)
        page.mouse.up()
        page.get_by_text("click for the whole").wait_for()

        page.get_by_role("button", name="Zoom").click()
        result = page.locator(".result")
        result.get_by_text("photo_x4_crop-").wait_for()
        frame = page.frame_locator("iframe")
        assert frame.locator(".compare").count() >= 1
        with page.expect_download() as download:
            result.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "got.png")
        page.close()
    got = read_picture(tmp_path / "got.png")
    assert abs(got.width - 4 * 32) <= 8 and abs(got.height - 4 * 24) <= 8


def test_a_zoom_is_as_crisp_as_the_models_are_unasked(address: str, tmp_path: Path) -> None:
    """The slider begins where ``srnet zoom`` is without --crisp."""
    source = draw(tmp_path / "photo.png")
    usual = usual_crisp(4, light=True)
    assert usual is not None
    with open_browser() as browser:
        page = browser.new_page(accept_downloads=True, viewport={"width": 1100, "height": 1200})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(address)
        page.set_input_files("input[type=file]", source)
        page.get_by_text("fast", exact=True).click()
        page.locator(f"[role=slider][aria-valuenow='{usual:g}']").wait_for()
        page.get_by_role("button", name="Zoom").click()
        result = page.locator(".result")
        with page.expect_download() as download:
            result.get_by_role("button", name="Download").click()
        download.value.save_as(tmp_path / "got.png")
        page.close()
    (model,) = automatic_chain(4, light=True)
    expected = zoom(read_picture(source), 4, model=model)
    assert isinstance(expected, Picture)
    np.testing.assert_array_equal(read_picture(tmp_path / "got.png").pixels, expected.pixels)


def test_what_is_no_picture_is_said_and_the_next_are_taken(address: str, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"nothing of the kind")
    with open_browser() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(address)
        page.set_input_files("input[type=file]", tmp_path / "broken.png")
        page.get_by_text("broken.png: is not a picture").wait_for()
        page.set_input_files("input[type=file]", [draw(tmp_path / "a.png"), draw(tmp_path / "b.png")])
        page.get_by_text("2 pictures; all of each is zoomed").wait_for()
        page.close()


def test_other_names_of_this_computer_are_not_answered(address: str) -> None:
    request = urllib.request.Request(address, headers={"Host": "elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE)
    assert refused.value.code == 400


@pytest.mark.parametrize("path", ["", "_nicegui_ws/socket.io/?EIO=4&transport=polling"])
def test_other_pages_are_not_answered(address: str, path: str) -> None:
    for name, value in (("Origin", "http://elsewhere.example"), ("Sec-Fetch-Site", "cross-site")):
        request = urllib.request.Request(address.rstrip("/") + "/" + path, headers={name: value})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == 403
    with urllib.request.urlopen(address, timeout=PATIENCE) as page:
        assert page.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_slider_of_a_comparison(tmp_path: Path) -> None:
    picture = read_picture(draw(tmp_path / "a.png"))
    frame = plan_frame(48, 64, 4)
    comparison = Comparison(picture, frame)
    comparison.see(0, resize(picture.pixels, 192, 256, "nearest"))
    comparison.write(tmp_path / "a.html", tmp_path / "a_x4.png", ["some-model"], overwrite=False)
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 900, "height": 900})
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "a.html").as_uri())
        stage = page.locator(".stage").first
        assert stage.locator("img.left").get_attribute("data-method") == "bicubic"
        assert stage.locator("img.right").get_attribute("data-method") == "some-model"
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
        cut = stage.evaluate("element => element.style.getPropertyValue('--cut')")
        assert float(cut.removesuffix("%")) == pytest.approx(25, abs=1.5)
        assert all(url.startswith(("file:", "data:")) for url in requests)
        page.close()

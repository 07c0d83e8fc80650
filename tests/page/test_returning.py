"""Whoever comes back to the page finds what was asked of it, and nobody else does."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from tests.page.tab import PATIENCE, Browser, draw, wait

pytest.importorskip("nicegui", reason="needs the extra 'ui'")


def results(browser: Browser) -> list[str]:
    return [text.split()[0] for text in browser.load().texts if "_x4.png  " in text]


def test_a_second_load_shows_what_is_finished_to_the_same_browser(address: str, tmp_path: Path) -> None:
    browser, other = Browser(address), Browser(address)
    page = browser.load()
    assert "Download" not in page.texts and not page.comparisons
    page.zoom([draw(tmp_path / "photo.png")], until=lambda: results(browser) == ["photo_x4.png"])
    again = browser.load()
    assert "photo_x4.png  256×192" in again.texts
    (comparison,) = again.comparisons
    with urllib.request.urlopen(address + comparison, timeout=PATIENCE) as answer:
        assert answer.read().startswith(b"<!doctype html>")
    # Everybody on this computer may use the page; of what others do there they see nothing.
    assert results(other) == [] and not other.load().comparisons
    (name,) = browser.cookies
    assert other.cookies[name] != browser.cookies[name]


def test_what_is_zoomed_when_the_page_goes_is_finished_and_shown(address: str, tmp_path: Path) -> None:
    browser = Browser(address)
    pictures = [draw(tmp_path / name, 24, 32) for name in ("a.png", "b.png")]

    def is_at_work() -> bool:
        return any(text.startswith("zooming ") for text in browser.load().texts)

    browser.load().zoom(pictures, until=is_at_work)
    assert len(results(browser)) < 2
    wait(lambda: len(results(browser)) == 2)
    assert results(browser) == ["a_x4.png", "b_x4.png"]
    wait(lambda: not is_at_work())


def test_keys_of_others_are_not_taken(address: str) -> None:
    """Any server of this computer may set one, and would then know it."""
    own = Browser(address)
    own.load()
    (name,) = own.cookies
    fixed = Browser(address, {name: "known-to-another"})
    fixed.load()
    assert len(fixed.cookies[name] or "") > 40

"""A real browser without a window, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def open_browser() -> Iterator[Any]:
    """Yield Playwright's browser; skips the test where the extra ``browser`` or a Chromium is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra 'browser'")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("needs a Chromium of the system, or CHROMIUM=/path")
    with playwright.sync_playwright() as playing:
        # Without its sandbox, which containers and root do not permit; it opens nothing but our own pages.
        browser = playing.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()

"""What a browser does with the page, without one: it loads it, drops pictures, clicks, and goes away."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
import urllib.request
from collections.abc import Callable, Sequence
from http.cookiejar import CookieJar
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from srnet_cli.imaging import Picture, write_picture

PATIENCE = 120
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
_CLIENT = re.compile(r"client_id[\"']?\s*:\s*[\"']([0-9a-f-]{36})")


def draw(path: Path, height: int = 48, width: int = 64) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    write_picture(Picture(pixels), path)
    return path


def send(address: str, picture: Path) -> None:
    """Drop a picture as a browser does."""
    head = f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{picture.name}"\r\n'
    body = head.encode() + b"Content-Type: image/png\r\n\r\n" + picture.read_bytes() + b"\r\n--XX--\r\n"
    request = urllib.request.Request(address, body, {"Content-Type": "multipart/form-data; boundary=XX"})
    urllib.request.urlopen(request, timeout=PATIENCE).close()


class Page:
    """One load of the page: its elements, as they were sent with it."""

    def __init__(self, address: str, text: str) -> None:
        self._address = address
        found, client = _ELEMENTS.search(text), _CLIENT.search(text)
        assert found is not None and client is not None
        self._client = client[1]
        self._elements: dict[str, Any] = json.loads(html.unescape(found[1]))

    @property
    def texts(self) -> list[str]:
        """Everything that is written on it and not hidden."""
        shown = [each for each in self._elements.values() if "hidden" not in each.get("class", [])]
        return [each["text"] for each in shown if each.get("text")]

    @property
    def comparisons(self) -> list[str]:
        """Where its frames lead."""
        return [each["props"]["src"] for each in self._elements.values() if each["tag"] == "iframe"]

    def zoom(self, pictures: Sequence[Path], until: Callable[[], bool]) -> None:
        """Drop pictures, click on the button, and break the connection when ``until`` says so."""
        asyncio.run(self._zoom(pictures, until))

    async def _zoom(self, pictures: Sequence[Path], until: Callable[[], bool]) -> None:
        told: list[str] = []

        async def hear(update: dict[str, Any]) -> None:
            told.extend(each["text"] for each in update.values() if isinstance(each, dict) and "text" in each)

        socket = import_module("socketio").AsyncClient()
        socket.on("update", hear)
        await socket.connect(self._address, socketio_path="/_nicegui_ws/socket.io", transports=["websocket"])
        try:
            about = {"client_id": self._client, "tab_id": "tab", "old_tab_id": None, "next_message_id": 0}
            assert await socket.call("handshake", {**about, "document_id": self._client})
            (url,) = (e["props"]["url"] for e in self._elements.values() if "url" in e.get("props", {}))
            for number, picture in enumerate(pictures, start=1):
                await asyncio.to_thread(send, self._address + url, picture)
                # From then on the button is there to be pressed.
                sign = "drag on the picture" if number == 1 else f"{number} pictures"
                await asyncio.to_thread(wait, lambda sign=sign: any(sign in text for text in told))
            await socket.emit("event", {**self._pressed("Zoom"), "client_id": self._client, "args": {}})
            await asyncio.to_thread(wait, until)
        finally:
            await socket.disconnect()

    def _pressed(self, label: str) -> dict[str, Any]:
        (button,) = (k for k, e in self._elements.items() if e.get("props", {}).get("label") == label)
        (listener,) = (e["listener_id"] for e in self._elements[button]["events"] if e["type"] == "click")
        return {"id": int(button), "listener_id": listener}


class Browser:
    """A browser, which keeps cookies."""

    def __init__(self, address: str, cookies: dict[str, str] | None = None) -> None:
        self._address = address
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        if cookies:
            self._opener.addheaders = [("Cookie", "; ".join(f"{k}={v}" for k, v in cookies.items()))]

    @property
    def cookies(self) -> dict[str, str | None]:
        """What it was given."""
        return {cookie.name: cookie.value for cookie in self._jar}

    def load(self) -> Page:
        """Load the page, again, too."""
        with self._opener.open(self._address, timeout=PATIENCE) as answer:
            return Page(self._address, answer.read().decode())


def wait(until: Callable[[], bool]) -> None:
    """Wait for what comes by itself."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.2)

"""What other pages in the same browser may have of ours: nothing."""

from __future__ import annotations

import asyncio
import io
import logging
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="needs the extra 'ui'")

from srnet_cli.page.neighbours import KeepNeighboursOut, say_nonsense_briefly

HERE = ("host", "127.0.0.1:8765")


async def _inner(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})
    else:
        await send({"type": "lifespan.startup.complete"})


def answered(kind: str, *headers: tuple[str, str]) -> list[dict[str, Any]]:
    """Ask the page with these headers, and return what is sent."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    encoded = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": kind, "method": "GET", "path": "/", "headers": encoded}
    asyncio.run(KeepNeighboursOut(_inner)(scope, receive, send))
    return sent


OWN = [
    (HERE,),
    (HERE, ("sec-fetch-site", "none")),
    (HERE, ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8765")),
    (("host", "localhost:9000"), ("origin", "http://localhost:9000")),
]
FOREIGN = [
    (HERE, ("origin", "http://elsewhere.example")),
    (HERE, ("origin", "null")),
    (HERE, ("origin", "https://127.0.0.1:8765")),
    (HERE, ("origin", "http://127.0.0.1:3000")),
    (HERE, ("origin", "http://127.0.0.1:8765"), ("sec-fetch-site", "cross-site")),
    (HERE, ("sec-fetch-site", "cross-site")),
    (HERE, ("sec-fetch-site", "same-site")),
]


@pytest.mark.parametrize("headers", OWN)
def test_the_user_and_the_page_itself_are_answered(headers: tuple[tuple[str, str], ...]) -> None:
    start, body = answered("http", *headers)
    assert start["status"] == 200 and body["body"] == b"page"
    assert (b"x-frame-options", b"SAMEORIGIN") in start["headers"]
    assert (b"content-security-policy", b"frame-ancestors 'self'") in start["headers"]
    assert answered("websocket", *headers) == [{"type": "websocket.accept"}]


@pytest.mark.parametrize("headers", FOREIGN)
def test_other_pages_are_not(headers: tuple[tuple[str, str], ...]) -> None:
    assert answered("http", *headers)[0]["status"] == 403
    assert [message["type"] for message in answered("websocket", *headers)] == ["websocket.close"]


def test_what_is_no_request_passes() -> None:
    assert answered("lifespan") == [{"type": "lifespan.startup.complete"}]


@pytest.mark.parametrize("name", ["uvicorn.error", "engineio.server"])
def test_nonsense_of_other_programs_is_a_line(name: str) -> None:
    logger, heard = logging.getLogger(name), io.StringIO()
    handler, filters = logging.StreamHandler(heard), list(logger.filters)
    logger.addHandler(handler)
    try:
        say_nonsense_briefly()
        try:
            raise ValueError("too many\npackets")
        except ValueError as error:
            logger.error("Exception in %s", "application", exc_info=error)
        logger.error("port %d is taken", 80)
    finally:
        logger.removeHandler(handler)
        logger.filters = filters
    assert heard.getvalue() == (
        "a request was not understood (ValueError: too many packets)\nport 80 is taken\n"
    )

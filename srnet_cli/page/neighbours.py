"""Pages elsewhere, which the browser must not let reach this one, and nonsense that other programs send."""

from __future__ import annotations

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: what a browser says of a request that this page made, or the user
_OWN = ("same-origin", "none")
#: who says what became of a request that was not understood
_LOGGERS = ("uvicorn.error", "engineio.server")


class KeepNeighboursOut:
    """Refuse what a browser sends for a page of another origin, and let none show this one in a frame.

    The page itself shows comparisons in frames. Programs that are no browsers say nothing of an origin, and
    are answered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif is_own(Headers(scope=scope)):
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refused = PlainTextResponse("This page is not for other pages.", status_code=403)
            await refused(scope, receive, send)


def is_own(headers: Headers) -> bool:
    """Tell whether a request is the user's, or this page's, by what browsers say of it."""
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{headers.get('host')}":
        return False
    return headers.get("sec-fetch-site", "none") in _OWN


def _unframed(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Frame-Options"] = "SAMEORIGIN"
            headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        await send(message)

    return wrapped


def say_nonsense_briefly() -> None:
    """Have a request that the server cannot make sense of, from a program that is no browser, said in a line.

    What fails in the page itself is said elsewhere, and as it was.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_in_one_line)


def _in_one_line(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        record.msg, record.args, record.exc_info = f"a request was not understood ({said})", (), None
    return True

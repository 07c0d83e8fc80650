"""Browsers, known again when they come back: each sees what it asked for, and none what another one did."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: entry of a request that has the key of its browser
BROWSER = "srnet.browser"
_PAGE = "/"
#: longer than a server runs; without an age a cookie would go when the browser is updated
_SECONDS = 30 * 24 * 3600


class KnowBrowsers:
    """Give each browser that loads the page a key in a cookie, which no script reads and no other page sends.

    Keys that were not given here are not taken: another server of this computer may have set them. All of
    them share a browser's cookies, so the name says whose it is.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._name = f"srnet-{port}"
        self._given: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == _PAGE:
            key = Request(scope).cookies.get(self._name)
            if key not in self._given:
                key = secrets.token_urlsafe(32)
                self._given.add(key)
                send = self._giving(key, send)
            scope[BROWSER] = key
        await self._app(scope, receive, send)

    def _giving(self, key: str, send: Send) -> Send:
        cookie = f"{self._name}={key}; Path={_PAGE}; Max-Age={_SECONDS}; HttpOnly; SameSite=Strict"

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return wrapped

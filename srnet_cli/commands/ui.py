"""``srnet ui``: a page on this computer."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLES = """
  srnet ui                                        opens the browser
  srnet ui --port 9000 --no-browser               only says where the page is
"""


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where on this computer.")] = 8765,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it.")] = True,
) -> None:
    """Zoom on a page: drop a picture, choose, compare, download. Nobody else reaches it."""
    import os
    import tempfile
    from contextlib import ExitStack
    from pathlib import Path

    from srnet_cli.compute.measurements import user_cache
    from srnet_cli.console import say
    from srnet_cli.errors import DeviceError, MissingExtraError
    from srnet_cli.version import extra_command

    with ExitStack() as kept:
        cache = user_cache() or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="srnet-")))
        # NiceGUI reads what it once stored from the current folder, perhaps one of a stranger's pictures.
        os.environ["NICEGUI_STORAGE_PATH"] = str(cache / "page")
        try:
            from srnet_cli.page.view import serve as serve_page
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("srnet_cli"):
                raise
            raise MissingExtraError(
                f"the page needs the package {error.name!r}", remedy=extra_command("ui")
            ) from error
        if not _is_free(port):
            raise DeviceError(f"port {port} of this computer is taken", remedy="--port names another")
        say(f"http://127.0.0.1:{port}  (Ctrl-C ends it)")
        serve_page(port, browser)


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""The page, served by a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.program import environment, finish, start
from tests.page.tab import PATIENCE


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], str]]:
    pytest.importorskip("nicegui", reason="needs the extra 'ui'")
    if getattr(request, "param", None) == "pipe":
        (tmp_path / ".nicegui").mkdir()
        os.mkfifo(tmp_path / ".nicegui" / "storage-general.json")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # NiceGUI takes a process with pytest's variables for one of its own tests.
    variables = {name: value for name, value in environment().items() if not name.startswith("PYTEST")}
    # Its own, so that it shows what stays there.
    (tmp_path / "temporary").mkdir()
    variables["TMPDIR"] = str(tmp_path / "temporary")
    process = start("ui", "--no-browser", "--port", str(port), folder=tmp_path, env=variables)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE
    try:
        while True:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"no page: {finish(process)}")
                time.sleep(0.2)
        yield process, address
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=PATIENCE)


@pytest.fixture
def address(served: tuple[subprocess.Popen[str], str]) -> str:
    return served[1]

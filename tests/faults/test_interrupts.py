"""Ctrl-C while the program is imported or works: one line and code 130, whatever it interrupts."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.pictures import encoded
from tests.faults.program import PATIENCE, ROOT, environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

#: starts the program; the import of a module, or a call, is where Ctrl-C is pressed
SCRIPT = """
import os, signal, sys
where = sys.argv.pop(1)

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == where:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
            if os.environ.get("SWALLOWED"):
                try:
                    for _ in range(1000):
                        pass
                except KeyboardInterrupt:
                    raise ImportError("as C code makes of it") from None

sys.meta_path.insert(0, Press())
if os.environ.get("IGNORED"):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
from srnet_cli.__main__ import start
start()
"""


def pressed(where: str, *arguments: str, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, where, *arguments],
        cwd=folder,
        env=environment({"PYTHONPATH": str(ROOT), **changes}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize("swallowed", ["", "1"])
@pytest.mark.parametrize(
    "where",
    [
        "srnet_cli.main",
        "typer",
        "srnet_cli.commands.zoom",
        "torch._C",
        "srnet_cli.zooming.batch",
    ],
)
def test_one_line_and_its_code(tmp_path: Path, where: str, swallowed: str) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    ended = pressed(where, "zoom", "a.png", "-s", "1", folder=tmp_path, SWALLOWED=swallowed)
    assert ended.returncode == 130, ended.stderr
    assert len(ended.stderr.splitlines()) == 1 and ended.stderr.startswith("interrupted"), ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_ignored_ctrl_c_stays_ignored(tmp_path: Path) -> None:
    """As in the background of a shell, or under nohup."""
    ended = pressed("srnet_cli.main", "models", folder=tmp_path, IGNORED="1")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("place", ["object", "callback"])
def test_a_signal_in_the_end_of_an_object_is_not_lost(number: signal.Signals, place: str) -> None:
    """Python drops what is raised there: the signal has to come again."""
    script = """
import os, signal, sys, time, weakref
from srnet_cli import interrupts, main
interrupts.raise_and_remember()
for number in interrupts.requests_to_end():
    signal.signal(number, main._terminate)

def end(*_):
    os.kill(os.getpid(), int(sys.argv[1]))
    for _ in range(1000):
        pass

class Lock:
    pass

class Object(Lock):
    __del__ = end

try:
    lock = Object() if sys.argv[2] == "object" else Lock()
    told = weakref.ref(lock, None if sys.argv[2] == "object" else end)
    del lock
    time.sleep(20)
except BaseException as ended:
    print(type(ended).__name__)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, str(int(number)), place],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=15,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert ended.stdout in ("KeyboardInterrupt\n", "SystemExit\n"), ended
    assert ended.stderr == ""


HANG_UP = """
import os, signal, sys
from srnet_cli import interrupts, main
for number in interrupts.requests_to_end():
    signal.signal(number, main._terminate)
asked = []
with interrupts.hang_up_as_terminate():
    if "server" in sys.argv:  # that ends by itself
        signal.signal(signal.SIGTERM, lambda *_: asked.append("to end"))
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    for _ in range(1000):
        pass
    print(*asked, flush=True)
print("went on")
"""


@pytest.mark.parametrize(
    ("name", "server", "code", "out"),
    [
        ("SIGHUP", "server", 129, "to end\n"),
        ("SIGHUP", "", 129, ""),
        ("SIGTERM", "", 143, ""),
        ("SIGTERM", "server", 0, "to end\nwent on\n"),
    ],
)
def test_a_closed_terminal_where_only_sigterm_is_known(name: str, server: str, code: int, out: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANG_UP, name, server],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, out, "")


def test_a_terminal_that_nohup_keeps_is_not_heard_either() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANG_UP, "SIGHUP", ""],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "\nwent on\n", "")

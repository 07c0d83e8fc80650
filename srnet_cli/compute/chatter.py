"""What C libraries say to the process's stderr, past Python: heard, and kept off the terminal."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from typing import TextIO

from srnet_cli.lenient import lenient_stderr

_STDERR = 2
_turned_aside = threading.RLock()


@dataclass
class Collected:
    """What was heard; complete at the end of the block."""

    text: bytes = b""


@contextmanager
def collecting() -> Iterator[Collected]:
    """Gather what is written to file descriptor 2 by others than Python, which keeps its stderr."""
    collected = Collected()
    with _turned_aside, ExitStack() as undo:
        try:
            own = os.dup(_STDERR)
        except OSError:
            yield collected  # a process without stderr; what the libraries say is lost
            return
        undo.callback(os.close, own)
        undo.enter_context(_python_keeps(own))
        received, sent = os.pipe()
        if hasattr(os, "set_blocking"):
            os.set_blocking(sent, False)  # what does not fit is lost, but no writer waits for a reader
        os.dup2(sent, _STDERR)
        os.close(sent)
        try:
            yield collected
        finally:
            os.dup2(own, _STDERR)
            with os.fdopen(received, "rb") as file:
                collected.text = file.read()


@contextmanager
def _python_keeps(descriptor: int) -> Iterator[None]:
    """Let Python's stderr write to ``descriptor`` while 2 is something else."""
    if sys.stderr is None or not _is_on(sys.stderr, _STDERR):
        yield
        return
    sys.stderr.flush()
    with (
        open(descriptor, "wb", closefd=False) as file,
        lenient_stderr(file) as stream,
        redirect_stderr(stream),
    ):
        yield


def _is_on(stream: TextIO, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError):
        return False  # a stream of Python's own, such as a test's

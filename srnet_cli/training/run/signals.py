"""Being asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

from srnet_cli.interrupts import requests_to_end

#: seconds in which further signals are the same request: of one Ctrl-C, torchrun hands on a second SIGINT
ONE_REQUEST = 1.0


class StopRequest:
    """``number`` is the signal that asked, 0 while none has."""

    def __init__(self) -> None:
        self.number = 0
        self._since = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.number:
            self.number, self._since = number, monotonic()
        elif number == signal.SIGINT and monotonic() - self._since > ONE_REQUEST:
            # Asked twice: the person does not want to wait for a checkpoint.
            raise KeyboardInterrupt


@contextmanager
def stop_at_signals() -> Iterator[StopRequest]:
    """Note SIGINT, SIGTERM and SIGHUP instead of dying of them; a second SIGINT interrupts at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, request) for number in (signal.SIGINT, *requests_to_end())}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

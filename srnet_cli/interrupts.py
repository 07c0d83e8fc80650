"""Ctrl-C: at once while the program is imported, as an exception while it works.

An exception would be no use in an import, which other modules and C code turn into errors of their own.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

Handler = Callable[[int, FrameType | None], None]

#: how a shell says that Ctrl-C ended a program
INTERRUPTED = 130


class Interrupts:
    """Handler that raises, and remembers: what it interrupts may raise something else."""

    def __init__(self) -> None:
        self.heard = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        raise KeyboardInterrupt


def end_at_once() -> None:
    """Let Ctrl-C end the process with one line; nothing has been begun yet that would be lost."""
    _replace_default(_end)


def raise_and_remember() -> None:
    """Let Ctrl-C raise from here on."""
    _replace_default(Interrupts())


def heard() -> bool:
    """Return whether Ctrl-C was pressed, whatever came of it."""
    handler = signal.getsignal(signal.SIGINT)
    return isinstance(handler, Interrupts) and handler.heard


def end_as_the_system_does() -> None:
    """Leave Ctrl-C to the system while the interpreter tidies up, which an exception would only disturb."""
    if isinstance(signal.getsignal(signal.SIGINT), Interrupts):
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _replace_default(handler: Handler) -> None:
    # Any other is ignored, as in the background, or someone's.
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _end):
        signal.signal(signal.SIGINT, handler)


def _end(number: int, frame: FrameType | None) -> None:
    if sys.stderr is not None:
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)

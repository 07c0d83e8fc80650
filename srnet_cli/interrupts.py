"""Ctrl-C: at once while the program is imported, as an exception while it works.

An exception would be no use in an import, which other modules and C code turn into errors of their own.
Processes that work for another one end with it, too.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

Handler = Callable[[int, FrameType | None], None]

#: how a shell says that Ctrl-C ended a program
INTERRUPTED = 130
#: and that SIGKILL did
_KILLED = 137
#: seconds until a signal is tried again
_SOON = 0.02


class Interrupts:
    """Handler that raises, and remembers: what it interrupts may raise something else."""

    def __init__(self) -> None:
        self.heard = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.heard = True
        if not put_off(number, frame):
            raise KeyboardInterrupt


def put_off(number: int, frame: FrameType | None) -> bool:
    """Send a signal again soon that came where nothing may be raised; return whether it did."""
    off = _in_finalizer(frame)
    if off:
        _send_soon(number)
    return off


def _in_finalizer(frame: FrameType | None) -> bool:
    """Return whether ``frame`` belongs to the end of an object, where Python drops whatever is raised."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _send_soon(number: int) -> None:
    """Send the signal once more, when what must not be disturbed is over, or else again."""
    main = threading.main_thread().ident

    def send() -> None:
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, number)
        else:  # Windows
            signal.raise_signal(number)

    timer = threading.Timer(_SOON, send)
    timer.daemon = True
    timer.start()


def requests_to_end() -> list[int]:
    """Return the signals besides Ctrl-C that ask a program to end; one that is ignored, as by nohup, is none.

    A terminal that is closed sends the second.
    """
    known = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
    return [each for each in known if each is not None and signal.getsignal(each) != signal.SIG_IGN]


def end_at_once() -> None:
    """Let Ctrl-C end the process with one line; nothing has been begun yet that would be lost."""
    _replace_default(_end)


def raise_and_remember() -> None:
    """Let Ctrl-C raise from here on; where Python drops what a signal raises, it comes again."""
    _replace_default(Interrupts())
    sys.unraisablehook = _dropped


def _dropped(unraisable: "sys.UnraisableHookArgs") -> None:
    number = _raised_by(unraisable.exc_value)
    if number is None:
        sys.__unraisablehook__(unraisable)
    else:
        _send_soon(number)


def _raised_by(error: BaseException | None) -> int | None:
    """Return the signal whose handler has raised this; None of another error."""
    if isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    code = error.code if isinstance(error, SystemExit) else None
    return next((number for number in requests_to_end() if code == exit_code_of(number)), None)


def exit_code_of(number: int) -> int:
    """Return how a shell says that a signal ended a program.

    Example:
        >>> exit_code_of(15)
        143
    """
    return 128 + number


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
        with suppress(OSError):
            os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def end_with_parent() -> None:
    """Have a process of ``multiprocessing`` end with the one that started it, in whatever way that ends.

    One that is killed, as where memory runs out, tells its processes nothing: they would go on writing
    without its lock, and then wait for work for ever.
    """
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os._exit(_KILLED)  # what is half written is swept later, as after any kill

    threading.Thread(target=follow, name="follow parent", daemon=True).start()


@contextmanager
def hang_up_as_terminate() -> Iterator[None]:
    """Let a closed terminal do what SIGTERM does, where that alone is known; the code stays its own."""
    number = getattr(signal, "SIGHUP", None)
    if number not in requests_to_end():
        yield
        return
    heard = False

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        heard = True
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(number, hang_up)
    try:
        yield
    except SystemExit:
        if not heard:
            raise
    finally:
        signal.signal(number, before)
    if heard:
        raise SystemExit(exit_code_of(number))

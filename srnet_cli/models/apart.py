"""One call in a process of its own, for libraries that may take the process with them."""

from __future__ import annotations

import logging
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from srnet_cli.compute.imports import current_folder_kept_out
from srnet_cli.errors import ProcessDiedError, SrnetError, unexpected
from srnet_cli.interrupts import end_with_parent

Result = TypeVar("Result")

#: seconds that a process may take to end when its work is done
_PATIENCE = 10
_WARNINGS = "PYTHONWARNINGS"


def run_apart(task: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function of a module in a new process; it, its arguments and its result are pickled.

    Raises:
        SrnetError: what the function raised.
        ProcessDiedError: the process ended before the function did.
    """
    # Not forked: threads of torch that the parent has would be missing.
    context = get_context("spawn")
    answer, teller = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(teller, task, arguments), daemon=True)
    try:
        with current_folder_kept_out(), _silent():
            process.start()
        teller.close()  # of the two ends that are left, the last closes when the process ends
        try:
            result, error, where = answer.recv()
        except EOFError:
            process.join()
            raise ProcessDiedError(f"the process died ({_end(process.exitcode)})") from None
        process.join(_PATIENCE)
    finally:
        answer.close()
        if process.pid is not None:
            process.kill()
            process.join()
    if error is not None:
        raise error from RuntimeError(where)
    return result  # type: ignore[no-any-return]


@contextmanager
def _silent() -> Iterator[None]:
    """Have Python processes that are started in a block warn of nothing, not even of what dead ones left."""
    before = os.environ.get(_WARNINGS)
    os.environ.setdefault(_WARNINGS, "ignore")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_WARNINGS, None)


def _end(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _work(teller: Connection, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C goes to the whole group of processes; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    logging.disable(logging.CRITICAL)  # torch's loggers have handlers of their own, which write to stderr
    warnings.simplefilter("ignore")
    try:
        teller.send((task(*arguments), None, ""))
    except SrnetError as error:
        teller.send((None, error, traceback.format_exc()))
    except Exception as error:
        teller.send((None, unexpected(error), traceback.format_exc()))

"""``python -m srnet_cli``, and the console script."""

import os
import sys
from os.path import realpath  # loaded by Python itself; pathlib would look in that folder for its own


def _current_folder() -> str | None:
    """Return the current folder; None where it was removed, and Python does not look there either."""
    try:
        return realpath(".")
    except OSError:
        return None


def _home() -> str:
    """Return the folder that this package is in: the current one in a clone of it."""
    return realpath(f"{__file__}/../..")


def _leave_current_folder(run_as_module: bool) -> None:
    """Take no modules from the current folder but this package itself.

    ``python -m`` looks there first. An empty entry of PYTHONPATH leads there, too, as
    ``PYTHONPATH=$PYTHONPATH:/more`` leaves one where the variable was not set.
    """
    current = _current_folder()
    if current is None or current == _home():
        return
    if run_as_module and not sys.flags.safe_path and sys.path and realpath(sys.path[0]) == current:
        del sys.path[0]
    stated = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if sys.flags.ignore_environment or "" not in stated[1:] + stated[:-1]:
        return
    if current not in map(realpath, filter(None, stated)):
        sys.path[:] = [place for place in sys.path if realpath(place) != current]


def _restart_where_variables_are_ignored() -> None:
    """Where Python was told to ignore its variables (``-E``), begin anew with ``-P``.

    Processes of ``multiprocessing`` are told the same, and would not hear from a variable that they are to
    take no modules from the current folder.
    """
    is_ignoring = sys.flags.ignore_environment and not sys.flags.safe_path
    if is_ignoring and sys.executable and not (_current_folder() == _home() or hasattr(sys, "frozen")):
        os.execv(sys.executable, [sys.executable, "-P", *sys.orig_argv[1:]])


def start() -> None:
    """Run the program; Ctrl-C counts from here on, also while it is still being imported."""
    _restart_where_variables_are_ignored()
    _leave_current_folder(run_as_module=False)
    from srnet_cli import interrupts

    interrupts.end_at_once()
    from srnet_cli.main import run

    run()


if __name__ == "__main__":
    _leave_current_folder(run_as_module=True)
    start()

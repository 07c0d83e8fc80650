"""``python -m srnet_cli``, and the console script."""

import os
import sys


def _leave_current_folder(run_as_module: bool) -> None:
    """Take no modules from the current folder but this package itself.

    ``python -m`` looks there first. An empty entry of PYTHONPATH leads there, too, as
    ``PYTHONPATH=$PYTHONPATH:/more`` leaves one where the variable was not set.
    """
    from os.path import realpath  # loaded by Python itself; pathlib would look there for what it needs

    try:
        current = realpath(".")
    except OSError:
        return  # it was removed: Python does not look there either
    if current == realpath(f"{__file__}/../.."):
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
    if is_ignoring and sys.executable and not (_is_here() or hasattr(sys, "frozen")):
        os.execv(sys.executable, [sys.executable, "-P", *sys.orig_argv[1:]])


def _is_here() -> bool:
    """Return whether the current folder is that of this package, as in a clone of it."""
    from os.path import realpath

    try:
        return realpath(".") == realpath(f"{__file__}/../..")
    except OSError:
        return False  # it was removed


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

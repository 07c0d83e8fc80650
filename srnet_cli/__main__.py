"""``python -m srnet_cli``, and the console script."""

import os
import sys
from os.path import realpath, split  # loaded by Python itself; pathlib would look in that folder for its own


def _current_folder() -> str | None:
    """Return the current folder; None where it was removed, and Python does not look there either."""
    try:
        return realpath(".")
    except OSError:
        return None


def _home() -> str:
    """Return the folder that this package is in: the current one in a clone of it."""
    return realpath(f"{__file__}/../..")


def _module_run() -> str | None:
    """Return the module that ``python -m`` was given; None for a script, ``-c`` and standard input."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return None if spec is None else spec.name


def _leave_current_folder() -> None:
    """Take no modules from the current folder but this package itself.

    ``python -m`` looks there first, ``python -c`` and ``python -`` by an empty entry. An empty entry of
    PYTHONPATH leads there, too, as ``PYTHONPATH=$PYTHONPATH:/more`` leaves one where the variable was not
    set.
    """
    current = _current_folder()
    if current is None or current == _home():
        return
    if _module_run() and not sys.flags.safe_path and sys.path and realpath(sys.path[0]) == current:
        del sys.path[0]
    sys.path[:] = filter(None, sys.path)
    stated = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if sys.flags.ignore_environment or "" not in stated[1:] + stated[:-1]:
        return
    if current not in map(realpath, filter(None, stated)):
        sys.path[:] = [place for place in sys.path if realpath(place) != current]


def _is_started_as_itself() -> bool:
    """Tell whether Python was asked for this program: by its module, or by the script that pip makes.

    Another program may have read its own text from standard input, or have modules beside it.
    """
    if _module_run() is not None:
        return _module_run() == "srnet_cli.__main__"
    folder, name = split(realpath(getattr(sys.modules["__main__"], "__file__", None) or ""))
    return name == "srnet" and folder != _home()


def _restart_where_variables_are_ignored() -> None:
    """Where Python was told to ignore its variables (``-E``), begin anew with ``-P``.

    Processes of ``multiprocessing`` are told the same, and would not hear from a variable that they are to
    take no modules from the current folder. Windows cannot go on in the place of a program.
    """
    is_ignoring = sys.flags.ignore_environment and not sys.flags.safe_path
    can = os.name != "nt" and sys.executable and not hasattr(sys, "frozen")
    if is_ignoring and can and _is_started_as_itself() and _current_folder() != _home():
        os.execv(sys.executable, [sys.executable, "-P", *sys.orig_argv[1:]])


def start() -> None:
    """Run the program; Ctrl-C counts from here on, also while it is still being imported."""
    _restart_where_variables_are_ignored()
    _leave_current_folder()
    from srnet_cli import interrupts

    interrupts.end_at_once()
    from srnet_cli.main import run

    run()


if __name__ == "__main__":
    start()

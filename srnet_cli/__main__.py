"""``python -m srnet_cli``, and the console script."""

import sys


def _leave_current_folder() -> None:
    """Take no modules from the current folder, where ``python -m`` looks first, but this package itself."""
    from os.path import realpath  # loaded by Python itself; pathlib would look there for what it needs

    if sys.flags.safe_path or not sys.path:
        return
    try:
        current = realpath(".")
    except OSError:
        return  # it was removed: Python does not look there either
    if realpath(sys.path[0]) == current != realpath(f"{__file__}/../.."):
        del sys.path[0]


def start() -> None:
    """Run the program; Ctrl-C counts from here on, also while it is still being imported."""
    from srnet_cli import interrupts

    interrupts.end_at_once()
    from srnet_cli.main import run

    run()


if __name__ == "__main__":
    _leave_current_folder()
    start()

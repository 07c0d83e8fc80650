"""The program's two voices: stdout carries data, stderr everything meant for people."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from srnet_cli.errors import SrnetError


@cache
def people() -> Console:
    """Give the console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def emit_json(document: Any) -> None:
    """Print one machine-readable document on stdout."""
    json.dump(document, output(), indent=2, ensure_ascii=False, allow_nan=False)
    output().write("\n")
    output().flush()


def output() -> TextIO:
    """Give stdout.

    Raises:
        OutputError: it was closed before the program began.
    """
    if sys.stdout is None:
        from srnet_cli.errors import OutputError

        raise OutputError("standard output is closed", remedy="leave out --json, or do not close it")
    return sys.stdout


def show_error(error: SrnetError) -> None:
    """Print one line: the file, the reason, what to do."""
    from rich.markup import escape

    where = "" if error.path is None else f"[bold]{escape(printable(str(error.path)))}[/]: "
    remedy = "" if error.remedy is None else f"  [cyan]→ {escape(printable(error.remedy))}[/]"
    people().print(f"[bold red]error[/] {where}{escape(printable(error.reason))}{remedy}")


def warn(message: str) -> None:
    """Print a line that is worth knowing but stops nothing."""
    from rich.markup import escape

    people().print(f"[yellow]note[/] {escape(printable(message))}")


def printable(text: str) -> str:
    """Make control characters visible, so that a file name cannot break or forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

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

    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def emit_json(document: Any) -> None:
    """Print one machine-readable document on stdout."""
    stream = output()
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        # Names that are no text, or a terminal without their letters: JSON can say them in ASCII.
        text = json.dumps(document, indent=2, allow_nan=False)
    stream.write(text + "\n")
    stream.flush()


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
    where = "" if error.path is None else printable(str(error.path))
    remedy = "" if error.remedy is None else f"  → {printable(error.remedy)}"
    reason = printable(error.reason)
    say(("error", "bold red"), " ", (where, "bold"), ": " if where else "", reason, (remedy, "cyan"))


def warn(message: str) -> None:
    """Print a line that is worth knowing but stops nothing."""
    say(("note", "yellow"), " ", printable(message))


def say(*parts: str | tuple[str, str]) -> None:
    """Print a line of texts as they are, or of texts with a style: no markup is looked for in them."""
    from rich.text import Text

    people().print(Text.assemble(*parts))


def printable(text: str) -> str:
    """Make control characters visible, so that a file name cannot break or forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

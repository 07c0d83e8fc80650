"""The program's two voices: stdout carries data, stderr everything meant for people."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from srnet_cli.errors import SrnetError


@dataclass
class _Voice:
    """What is said to people, and how much of it."""

    console: Console
    #: for what is said even to those who want to hear nothing
    failures: Console
    verbose: bool = False
    #: what paths that stand for something else are called
    names: dict[Path, str] = field(default_factory=dict)


@cache
def _voice() -> _Voice:
    from rich.console import Console

    def make() -> Console:
        return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

    return _Voice(make(), make())


def people() -> Console:
    """Give the console on stderr."""
    return _voice().console


def is_verbose() -> bool:
    """Tell whether what is usually left out is to be said."""
    return _voice().verbose


def speak(*, quiet: bool = False, verbose: bool = False) -> None:
    """Say from now on errors only, or more than usual, or as much as usual."""
    _voice().console.quiet, _voice().verbose = quiet, verbose


def call(path: Path, name: str) -> None:
    """Give a temporary file, in errors, the name of what it stands for."""
    _voice().names[path] = name


def emit_json(document: Any) -> None:
    """Print one machine-readable document on stdout."""
    stream = output()
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        # Names that are no text, or a terminal without their letters: JSON can say them in ASCII.
        text = json.dumps(document, indent=2, allow_nan=False)
    stream.write("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text) + "\n")
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
    where = "" if error.path is None else printable(_voice().names.get(error.path, str(error.path)))
    remedy = "" if error.remedy is None else f"  → {printable(error.remedy)}"
    reason = printable(error.reason)
    parts = (("error", "bold red"), " ", (where, "bold"), ": " if where else "", reason, (remedy, "cyan"))
    voice = _voice()
    # The one that knows of a progress bar on the screen, as long as it speaks.
    _print(voice.failures if voice.console.quiet else voice.console, parts)


def warn(message: str) -> None:
    """Print a line that is worth knowing but stops nothing."""
    say(("note", "yellow"), " ", printable(message))


def say(*parts: str | tuple[str, str]) -> None:
    """Print a line of texts as they are, or of texts with a style: no markup is looked for in them."""
    _print(people(), parts)


def _print(console: Console, parts: tuple[str | tuple[str, str], ...]) -> None:
    """Print one line; a terminal gets it broken between words, and so a path without spaces in one piece."""
    from rich.text import Text

    text = Text.assemble(*parts)
    if console.is_terminal:
        lines = text.divide(_breaks(text.plain, console.width))
        for line in lines:
            line.rstrip()
        text = Text("\n").join(lines)
    console.print(text)


def _breaks(text: str, width: int) -> list[int]:
    """Find where lines of ``width`` cells begin, the first one left out; words stay whole."""
    from rich.cells import cell_len

    found, filled = [], 0
    for word in re.finditer(r"\s*\S+", text):
        if filled and filled + cell_len(word[0]) > width:
            found.append(word.end() - len(word[0].lstrip()))
            filled = cell_len(word[0].lstrip())
        else:
            filled += cell_len(word[0])
    return found


def printable(text: str) -> str:
    """Make control characters visible, so that a file name cannot break or forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def drawable(text: str) -> str:
    """Make a name fit for a figure: matplotlib takes what stands between dollars for a formula."""
    return printable(text).replace("$", r"\$")

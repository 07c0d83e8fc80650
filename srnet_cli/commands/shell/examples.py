"""Examples below the help of a command, laid out for the width of the terminal."""

from __future__ import annotations

import re
import shutil
import textwrap
from typing import Any

import typer
from typer.core import TyperCommand

_HEADING = "Examples"
_INDENT, _BELOW = 2, 6


class Command(TyperCommand):
    """Command whose epilog is examples, a line each, what they do behind two spaces or more; then prose.

    Its numbers are such as people write.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            given = self.make_parser(ctx).parse_args(list(args))[0]
            for parameter in self.params:
                # Of the parser's own types, of which some take a range.
                if parameter.type.name.startswith(("int", "float")):
                    _refuse_odd(given.get(parameter.name or ""), parameter.opts[0])
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        examples, self.epilog = self.epilog, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self.epilog = examples
        if examples:
            typer.echo(f"\n {typer.style(_HEADING, bold=True)}\n")
            typer.echo(laid_out(examples, shutil.get_terminal_size().columns))


def _refuse_odd(text: Any, option: str) -> None:
    """Refuse a value that only Python would take for a number; what is not one at all, the parser refuses."""
    try:
        float(text)
    except (TypeError, ValueError):
        return
    from srnet_cli.config_file import parse_number
    from srnet_cli.errors import UsageError

    try:
        parse_number(text, float)
    except ValueError as error:
        raise UsageError(f"invalid value for {option}: {error}") from None


def laid_out(text: str, width: int) -> str:
    """Lay out examples and prose in ``width`` columns: comments beside the commands, or below them.

    Example:
        >>> print(laid_out("  srnet models    every model", 80))
          srnet models  every model
    """
    examples: list[tuple[str, str]] = []
    prose: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.startswith("  "):
            for line in paragraph.splitlines():
                command, _, comment = re.sub(r" {2,}", "\0", line.strip(), count=1).partition("\0")
                examples.append((command, comment))
        elif paragraph.strip():
            prose.append(" ".join(paragraph.split()))
    column = max((len(command) for command, comment in examples if comment), default=0) + 2
    beside = all(_INDENT + column + len(comment) <= width for _, comment in examples)
    lines: list[str] = []
    for command, comment in examples:
        if beside and comment:
            lines.append(f"{' ' * _INDENT}{command:<{column}}{comment}")
            continue
        lines.append(" \\\n".join(_wrapped(command, width - 2, _INDENT, _BELOW)))
        lines += _wrapped(comment, width, _BELOW, _BELOW)
    for paragraph in prose:
        lines += ["", *_wrapped(paragraph, width, 1, 1)]
    return "\n".join(lines) + "\n"


def _wrapped(text: str, width: int, first: int, further: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * further,
        break_on_hyphens=False,
        break_long_words=False,
    )

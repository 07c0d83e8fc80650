"""The help in a narrow terminal."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from srnet_cli.commands.shell.examples import laid_out
from srnet_cli.compute.devices import KINDS
from srnet_cli.main import app

PROGRAM: Any = typer.main.get_command(app)
#: characters of the column that tells what an option takes, at 80 columns
COLUMN = 22
WIDTH = 80


@pytest.mark.parametrize("name", sorted(PROGRAM.commands))
def test_what_an_option_takes_breaks_between_words(name: str) -> None:
    command = PROGRAM.commands[name]
    context = command.context_class(command, info_name=name)
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    assert options
    for option in options:
        taken = option.make_metavar(ctx=context) or ""
        assert all(len(word) <= COLUMN for word in taken.split()), (option.opts, taken)


@pytest.mark.parametrize("name", sorted(PROGRAM.commands))
def test_help_at_80_columns_names_every_option_and_keeps_its_lines(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", WIDTH)
    with pytest.raises(SystemExit):
        app([name, "--help"])
    shown = capsys.readouterr().out
    assert all(len(line) <= WIDTH for line in shown.splitlines())
    for option in PROGRAM.commands[name].params:
        if option.param_type_name == "option" and not option.hidden:
            for spelled in (*option.opts, *option.secondary_opts):
                assert spelled in shown, spelled
    assert "Examples" in shown


def test_examples_go_beside_or_below_by_the_width() -> None:
    text = """
  srnet a                       what it does
  srnet longer --option         something else
  srnet without --any-comment --but very --long

Prose that is
broken anywhere.
"""
    assert laid_out(text, 60).splitlines() == [
        "  srnet a                what it does",
        "  srnet longer --option  something else",
        "  srnet without --any-comment --but very --long",
        "",
        " Prose that is broken anywhere.",
    ]
    assert laid_out(text, 30).splitlines() == [
        "  srnet a",
        "      what it does",
        "  srnet longer --option",
        "      something else",
        "  srnet without \\",
        "      --any-comment --but \\",
        "      very --long",
        "",
        " Prose that is broken",
        " anywhere.",
    ]


@pytest.mark.parametrize("name", ["zoom", "eval", "train"])
def test_every_device_that_a_command_takes_is_named(name: str) -> None:
    command = PROGRAM.commands[name]
    context = command.context_class(command, info_name=name)
    (option,) = [option for option in command.params if "--device" in option.opts]
    named = {word for word in (option.make_metavar(ctx=context) or "").split() if word != "|"}
    assert named == {"auto", *(kind.name for kind in KINDS if kind.trains or name != "train")}

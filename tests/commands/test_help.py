"""The help in a narrow terminal."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main

from srnet_cli.main import app

PROGRAM: Any = typer.main.get_command(app)
#: characters of the column that tells what an option takes, at 80 columns
COLUMN = 22


@pytest.mark.parametrize("name", sorted(PROGRAM.commands))
def test_what_an_option_takes_breaks_between_words(name: str) -> None:
    command = PROGRAM.commands[name]
    context = command.context_class(command, info_name=name)
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    assert options
    for option in options:
        taken = option.make_metavar(ctx=context) or ""
        assert all(len(word) <= COLUMN for word in taken.split()), (option.opts, taken)

"""Errors say which file they concern."""

from __future__ import annotations

from pathlib import Path

from srnet_cli.errors import InputError


def test_an_error_without_a_file_is_given_one_and_another_keeps_its_own() -> None:
    bare = InputError("is damaged", remedy="copy it again").about(Path("a.png"))
    assert isinstance(bare, InputError)
    assert str(bare) == "a.png: is damaged (copy it again)"
    own = InputError("is damaged", path="b.png")
    assert own.about(Path("a.png")) is own

"""Names of the files of an evaluation."""

from __future__ import annotations

import unicodedata

import pytest

from srnet_cli.evaluation.outputs.names import file_name, set_names


@pytest.mark.parametrize(
    "titles",
    [
        ("Set 5", "Set-5"),
        ("test", "test", "test"),
        ("Set5", "sET5"),
        ("a", "a", "a-2"),
        ("caf\u00e9", "cafe\u0301"),
        ("x" * 300, "x" * 301),
        ("\u732b" * 83, "\u732b" * 84),
        ("", "-", "?"),
        ("\udcfc", "\udcfd"),
    ],
)
def test_no_two_files_are_alike(titles: tuple[str, ...]) -> None:
    pictures = ["a", "A", "a", "\u732b" * 100, "\udcfc"]
    names = set_names([(title, pictures) for title in titles], 4)
    files = [file for each in names for file in each.files]
    assert len(files) == len(titles) * (2 + 4)
    alike = {unicodedata.normalize("NFC", file).casefold() for file in files}
    assert len(alike) == len(files)
    assert max(len(part.encode()) for file in files for part in file.split("/")) <= 255
    # The same sets in another run of the same command get the same names.
    assert names == set_names([(title, pictures) for title in titles], 4)


def test_a_name_is_cut_between_letters() -> None:
    assert file_name("\u732b" * 83) == "\u732b" * 66
    assert file_name("x" * 200) == "x" * 200

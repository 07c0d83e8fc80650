"""Text that is read: UTF-8, with the caller's own error where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.structure import modules
from srnet_cli.config_file import read_config
from srnet_cli.data.sr_raw.transforms import read_transforms
from srnet_cli.data.sr_raw.white_balance import read_gains
from srnet_cli.errors import DataError, InputError, UsageError
from srnet_cli.reading import parse_json, read_text_input


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_utf_8_with_or_without_its_mark(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(mark + "Maße\n".encode())
    assert read_text_input(tmp_path / "a.txt") == "Maße\n"


@pytest.mark.parametrize("text", ["one\ntwo\nMaße".encode("latin-1"), b"one\ntwo\n" + b"\xff\xfe"])
def test_other_text_is_named_with_its_line(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text)
    with pytest.raises(InputError, match="is not UTF-8 text: line 3") as found:
        read_text_input(path)
    assert found.value.path == path


def test_each_reader_raises_its_own_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("WB\n00001:\n\xfc".encode("latin-1"))
    for read in (read_transforms, read_gains):
        with pytest.raises(DataError, match="is not UTF-8 text: line 3") as found:
            read(path)
        assert found.value.path == path
    with pytest.raises(UsageError, match="is not UTF-8 text: line 3"):
        read_config(path, {})


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 301, "-" + "9" * 5000, "{", ""])
def test_json_that_cannot_be_held_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_json_of_others_is_parsed_in_one_place() -> None:
    assert parse_json('{"a": [1, -2.5, 12345678901234567890]}') == {"a": [1, -2.5, 12345678901234567890]}
    parsing = [name for name, file in modules() if "json.load" in file.read_text(encoding="utf-8")]
    assert parsing == ["reading"]

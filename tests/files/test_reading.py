"""Text that is read: UTF-8, with the caller's own error where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.config_file import read_config
from srnet_cli.data.sr_raw.transforms import read_transforms
from srnet_cli.data.sr_raw.white_balance import read_gains
from srnet_cli.errors import DataError, InputError, UsageError
from srnet_cli.reading import read_text_input


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

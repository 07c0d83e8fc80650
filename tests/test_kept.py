"""Tables that are kept from run to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.errors import OutputError
from srnet_cli.kept import keep, read_kept


def test_what_is_kept_is_read_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "below" / "table.json"
    assert read_kept(path) == {}
    keep(path, {"a": 1.5})
    keep(path, {"b": {"c": "d"}})
    assert read_kept(path) == {"b": {"c": "d"}}
    assert [entry.name for entry in path.parent.iterdir()] == ["table.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_damaged_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "table.json").write_bytes(content)
    assert read_kept(tmp_path / "table.json") == {}


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        keep(tmp_path / "file" / "table.json", {})

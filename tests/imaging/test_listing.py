"""Listing the pictures of a folder: what is passed over, links, order."""

from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging.listing import list_folders, list_pictures

LEFT_BEHIND = (
    "._a.png",
    ".hidden.jpg",
    "Thumbs.db",
    "desktop.ini",
    "notes.txt",
    ".thumbnails/t.png",
    ".Trash-1000/files/t.png",
    "$RECYCLE.BIN/t.png",
    "@eaDir/a.png/SYNOPHOTO_THUMB_XL.jpg",
    "__MACOSX/a.png",
    "#recycle/t.png",
    "@Recycle/t.png",
    "System Volume Information/t.png",
    ".AppleDouble/a.png",
)
PICTURES = (
    "DSC1.ARW",
    "a.png",
    "b.JPG",
    "c.jfif",
    "d.jpe",
    "e.mpo",
    "f.dib",
    "g.gif",
    "h.apng",
    "i.jif",
    "j.btf",
    "sub/z.tif",
)


def touch(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def names(folder: Path, **options: bool) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in list_pictures(folder, **options)]


def test_pictures_only_and_in_order(tmp_path: Path) -> None:
    touch(tmp_path, LEFT_BEHIND + PICTURES)
    assert names(tmp_path, recursive=True) == list(PICTURES)
    assert names(tmp_path) == list(PICTURES[:-1])
    assert names(tmp_path, raw=False) == list(PICTURES[1:-1])
    assert [path.name for path in list_folders(tmp_path)] == ["sub"]


def test_a_folder_called_like_a_picture_is_not_one(tmp_path: Path) -> None:
    touch(tmp_path, ("x.png/y.png",))
    assert names(tmp_path) == []
    assert names(tmp_path, recursive=True) == ["x.png/y.png"]


def test_a_hidden_folder_that_is_named_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, (".cache/a.png",))
    assert names(tmp_path / ".cache") == ["a.png"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, ("in/a.png", "elsewhere/b.png"))
    (tmp_path / "in" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "same.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "in" / "broken.png").symlink_to(tmp_path / "missing.png")
    assert names(tmp_path / "in", recursive=True) == ["a.png", "same.png", "more/b.png"]


def test_what_is_not_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list_pictures(tmp_path / "missing")

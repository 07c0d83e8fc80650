"""Items of the cache: whatever they are called, and whatever lies where they are kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.data.prepared import cache
from srnet_cli.errors import DataError, OutputError
from tests.data.work import Arrays, Work
from tests.faults.program import disk

#: stems of pictures that the cache's own files have for names
NAMES = (
    "record.json",
    "manifest.json",
    ".lock",
    "lr.npy",
    "record.json_",
    "Record.JSON",
    "a",
    "a/lr.npy",
    "a/record.json",
)


def test_items_are_called_as_they_like(tmp_path: Path) -> None:
    jobs = [Work(name) for name in NAMES]
    report = cache.prepare(jobs, tmp_path, workers=1)
    assert (report.made, report.left_out) == (len(NAMES), ())
    assert sorted(item.name for item in report.items) == sorted(NAMES)
    for item in report.items:
        assert item.open("lr").shape == (2, 2, 3)
    before = disk(tmp_path)
    assert cache.prepare(jobs, tmp_path, workers=1).made == 0
    assert disk(tmp_path) == before


@pytest.mark.parametrize("gone", NAMES)
def test_an_item_that_is_gone_takes_no_other_with_it(tmp_path: Path, gone: str) -> None:
    cache.prepare([Work(name) for name in NAMES], tmp_path, workers=1)
    rest = [Work(name) for name in NAMES if name != gone]
    report = cache.prepare(rest, tmp_path, workers=1)
    assert report.made == 0
    assert all(item.open("lr").shape == (2, 2, 3) for item in report.items)
    assert len(list(tmp_path.rglob("lr.npy"))) == len(rest)


def test_nothing_is_removed_that_the_cache_did_not_write(tmp_path: Path) -> None:
    root, others = tmp_path / "set", tmp_path / "others"
    others.mkdir()
    (others / "record.json").write_text("mine")
    (root / "record.json").mkdir(parents=True)
    (root / "b" / "photos").mkdir(parents=True)
    for path in ("b/record.json", "b/photo.png", "b/photos/record.png", "record.json/a.png"):
        (root / path).write_text("mine")
    (root / "c").symlink_to(others)
    (root / ".srnet-here-1-2.tmp").mkdir()
    (root / ".srnet-here-1-2.tmp" / "record.json").write_text("another process's")
    before = disk(tmp_path)
    cache.prepare([Work("a")], root, workers=1)
    after = disk(tmp_path)
    assert {name: after[name] for name in before} == before
    assert cache.prepare([Work("a")], root, workers=1).made == 0


RECORDS = [
    "[" * 100_000,
    "[1]",
    "null",
    "{}",
    '{"status": "prepared", "arrays": 5}',
    '{"status": "prepared", "arrays": {"lr": 5}, "scene": "s", "report": {}}',
    '{"status": "prepared", "arrays": {"lr": {"bytes": 1e999, "shape": []}}, "scene": "s", "report": {}}',
    '{"status": "left out", "reason": [], "arrays": {}, "scene": "s", "report": {}}',
    "\ufffe",
]


@pytest.mark.parametrize("kind", [*RECORDS, "pipe", "device", "folder"])
@pytest.mark.parametrize("name", ["a/record.json", "manifest.json"])
def test_a_record_may_say_anything(tmp_path: Path, kind: str, name: str) -> None:
    cache.prepare([Work("a")], tmp_path, workers=1)
    before = disk(tmp_path)
    place = tmp_path / name
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    else:
        place.write_text(kind)
    # The records of an item go with it; the manifest is replaced, which nothing but a file ever is.
    if kind == "folder" or (kind in ("pipe", "device") and name == "manifest.json"):
        with pytest.raises((OutputError, OSError)):
            cache.prepare([Work("a")], tmp_path, workers=1)
        assert os.path.lexists(place) and not place.is_file()
        return
    report = cache.prepare([Work("a")], tmp_path, workers=1)
    assert report.made == (name != "manifest.json")
    assert disk(tmp_path) == before


@pytest.mark.parametrize("key", ["name", "scene"])
def test_a_record_leads_nowhere_else(tmp_path: Path, key: str) -> None:
    cache.prepare([Work("a")], tmp_path / "set", workers=1)
    record = tmp_path / "set" / "a" / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {key: "../../x"}))
    (item,) = cache.prepare([Work("a")], tmp_path / "set", workers=1).items
    assert (item.name, item.folder) == ("a", tmp_path / "set" / "a")


@pytest.mark.parametrize("kind", ["pipe", "archive", "objects", "other"])
def test_an_array_that_is_none_is_refused(tmp_path: Path, kind: str) -> None:
    (item,) = cache.prepare([Arrays("a", {"lr": np.zeros((2, 2, 3), np.uint8)})], tmp_path, workers=1).items
    place = item.folder / "lr.npy"
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "archive":
        with place.open("wb") as file:
            np.savez(file, lr=np.zeros(3))
    else:
        np.save(place, np.array([{}]) if kind == "objects" else np.zeros((2, 9, 3), np.uint8))
    with pytest.raises(DataError) as caught:
        item.open("lr")
    assert caught.value.path == place


def test_an_item_is_not_made_through_a_link(tmp_path: Path) -> None:
    root, others = tmp_path / "set", tmp_path / "others"
    root.mkdir(), others.mkdir()
    (others / "lr.npy").write_text("mine")
    (root / "a").symlink_to(others)
    before = disk(others)
    with pytest.raises(OutputError, match="is a link"):
        cache.prepare([Work("a/b")], root, workers=1)
    assert disk(others) == before


def _linked_cache(folder: Path, place: str) -> Path:
    """A cache that leads at one place into a folder of the user's; return the set's folder."""
    others, link = folder / "others", folder / "cache" / place
    for root in (others, others / "x4"):
        cache.prepare([Work(name) for name in ("old", "a", "b/old")], root, workers=1)
        (root / "manifest.json").write_text("mine")
    link.parent.mkdir(parents=True)
    link.symlink_to(others)
    return folder / "cache" / "data-0" / "x4"


LINKS = [
    ("data-0", ""),
    ("data-0", "a"),
    ("data-0/x4", ""),
    ("data-0/x4", "a"),
    ("data-0/x4/a", "a"),
    ("data-0/x4/a", "a/b"),
    ("data-0/x4/a/b", "a/b"),
]


@pytest.mark.parametrize(("place", "name"), LINKS)
def test_no_folder_of_a_cache_is_a_link(tmp_path: Path, place: str, name: str) -> None:
    """Whatever there is to prepare, and if it is nothing."""
    root = _linked_cache(tmp_path, place)
    before = disk(tmp_path)
    with pytest.raises(OutputError, match="is a link") as refused:
        cache.prepare([Work(name)] if name else [], root, workers=1)
    assert refused.value.path == tmp_path / "cache" / place
    assert refused.value.remedy == "remove the link, or choose another folder with --cache"
    assert disk(tmp_path) == before


@pytest.mark.parametrize("name", ["", "a", "b/c"])
def test_nothing_is_removed_through_a_link_beside_the_items(tmp_path: Path, name: str) -> None:
    root = _linked_cache(tmp_path, "data-0/x4/b/linked")
    before = disk(tmp_path)
    cache.prepare([Work(name)] if name else [], root, workers=1)
    after = disk(tmp_path)
    assert {name: after.get(name) for name in before} == before


def test_pairs_stay_where_a_preparation_gave_none(tmp_path: Path) -> None:
    """Their shots may be away for a moment: a disk that is not mounted, files that are in a cloud."""
    jobs = [Work("a"), Work("b/c")]
    cache.prepare(jobs, tmp_path, workers=1)
    for none in ([], [Work("stumbles")]):
        assert cache.prepare(none, tmp_path, workers=1).items == ()
    report = cache.prepare(jobs, tmp_path, workers=1)
    assert (len(report.items), report.made) == (2, 0)
    cache.prepare(jobs[:1], tmp_path, workers=1)
    assert not (tmp_path / "b" / "c").exists()
    assert not (tmp_path / "stumbles").exists()


@pytest.mark.parametrize("name", ["a", "x" * 255, "\u732b" * 85, "\u732b" * 60])
def test_a_data_folder_has_any_name(tmp_path: Path, name: str) -> None:
    folder = cache.set_folder(tmp_path, Path("/data") / name, "pairs")
    folder.mkdir(parents=True)
    assert folder.parent.name[:60] == name[:60] if len(name) > 60 else folder.parent.name.startswith(name)
    assert folder != cache.set_folder(tmp_path, Path("/other") / name, "pairs")

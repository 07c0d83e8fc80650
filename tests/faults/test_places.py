"""Names, folders and disks: where things go, and what happens when they cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults.pictures import encoded, encoded_dng, scene
from tests.faults.program import Program, disk, finish, start

ODD_NAMES = ["größe 写真.png", "with space.png", "line\nbreak.png", "-s.png", "--model.png", "[red]x.png"]


def test_odd_names(srnet: Program, model: Path, tmp_path: Path) -> None:
    inputs, output = tmp_path / "in put", tmp_path / "öut"
    inputs.mkdir()
    for name in ODD_NAMES:
        (inputs / name).write_bytes(encoded("PNG"))
    (inputs / "roh\n写真.dng").write_bytes(encoded_dng())
    ended = srnet("zoom", inputs, "-s", "2", "--model", model, "-o", output)
    assert ended.code == 0, ended.err
    expected = {name.replace(".png", "_x2.png") for name in ODD_NAMES} | {"roh\n写真_x2.tif"}
    assert set(disk(output)) == expected
    # A name cannot forge a line of its own, nor markup: one when it is done, and one of the table, which has
    # a heading and an end.
    assert len(ended.err.splitlines()) == 2 * len(expected) + 2
    assert "line\\nbreak_x2.png" in ended.err
    assert "[red]x_x2.png" in ended.err


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist on Linux only")
def test_names_that_are_no_text(srnet: Program, model: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / name).write_bytes(encoded("PNG"))
    (tmp_path / name.replace("png", "dng")).write_bytes(b"")
    ended = srnet("zoom", tmp_path, "-s", "2", "--model", model, "-o", tmp_path / "out", "--json")
    assert ended.code == 1
    assert "caf\\udce9.dng: is empty" in ended.err
    assert set(disk(tmp_path / "out")) == {os.fsdecode(b"caf\xe9_x2.png")}


def test_leading_dash_after_a_double_dash(model: Path, tmp_path: Path) -> None:
    (tmp_path / "-o.png").write_bytes(encoded("PNG"))
    ended = finish(start("zoom", "-s", "2", "--model", model, "--", "-o.png", folder=tmp_path))
    assert ended.code == 0, ended.err
    assert set(disk(tmp_path)) == {"-o.png", "-o_x2.png"}


def test_same_stem_into_one_folder(srnet: Program, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    ended = srnet(
        *("zoom", tmp_path / "a.jpg", tmp_path / "a.png", "-s", "2", "--model", model),
        *("-o", tmp_path / "out", "--format", "png"),
    )
    assert ended.code == 0
    assert set(disk(tmp_path / "out")) == {"a_jpg_x2.png", "a_png_x2.png"}


def test_the_result_never_replaces_its_input(srnet: Program, model: Path, tmp_path: Path) -> None:
    source, other = tmp_path / "a.png", tmp_path / "link.png"
    source.write_bytes(encoded("PNG"))
    other.symlink_to(source)
    before = disk(tmp_path)
    for output in (source, other):
        ended = srnet("zoom", source, "-s", "2", "--model", model, "-o", output, "--overwrite")
        assert ended.code == 1
        assert f"error {source}: the result would replace its own input" in ended.err
        assert disk(tmp_path) == before


@pytest.mark.parametrize("kind", ["hard link", "bind mount"])
def test_another_name_of_the_input_is_no_way_around(
    srnet: Program, model: Path, tmp_path: Path, kind: str, bound: Callable[[Path, Path], None]
) -> None:
    source, other = tmp_path / "in" / "a.png", tmp_path / "view" / "a.png"
    for file in (source, other):
        file.parent.mkdir()
    source.write_bytes(encoded("PNG"))
    if kind == "hard link":
        os.link(source, other)
    else:
        bound(source.parent, other.parent)
    before = disk(tmp_path)
    ended = srnet("zoom", source, "-s", "2", "--model", model, "-o", other, "--overwrite")
    assert ended.code == 1
    assert f"error {source}: the result would replace its own input" in ended.err
    assert disk(tmp_path) == before


def test_one_pictures_result_never_replaces_another_input(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.png", tmp_path / "a_x2.png"
    first.write_bytes(encoded("PNG"))
    second.write_bytes(encoded("PNG", scene(10, 12)))
    before = disk(tmp_path)
    ended = srnet("zoom", first, second, "-s", "2", "--model", model, "--overwrite")
    assert ended.code == 1
    assert f"error {first}: the result would replace" in ended.err
    after = disk(tmp_path)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"a_x2_x2.png"}


def test_an_existing_result_stays_unless_told(srnet: Program, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    (tmp_path / "a_x2.png").write_bytes(b"precious")
    before = disk(tmp_path)
    arguments = ("zoom", tmp_path / "a.png", "-s", "2", "--model", model)
    ended = srnet(*arguments)
    assert ended.code == 1
    assert "a_x2.png: already exists" in ended.err
    assert disk(tmp_path) == before
    assert srnet(*arguments, "--skip-existing").code == 0
    assert disk(tmp_path) == before
    assert srnet(*arguments, "--overwrite", "--skip-existing").code == 2
    assert srnet(*arguments, "--overwrite").code == 0
    assert Image.open(tmp_path / "a_x2.png").size == (72, 48)


def test_heatmaps_that_exist_are_refused_before_the_work(srnet: Program, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    (tmp_path / "a_x2_entropy.png").write_bytes(b"precious")
    before = disk(tmp_path)
    ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", model, "--heatmap")
    assert ended.code == 1
    assert "a_x2_entropy.png" in ended.err
    assert disk(tmp_path) == before


def test_the_same_picture_twice_is_done_once(srnet: Program, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(encoded("PNG"))
    (tmp_path / "link.png").symlink_to(source)
    ended = srnet("zoom", source, source, tmp_path, tmp_path / "link.png", "-s", "2", "--model", model)
    assert ended.code == 0
    assert set(disk(tmp_path)) == {"a.png", "link.png", "a_x2.png"}
    assert len(ended.err.splitlines()) == 1


def test_a_loop_of_links_ends(srnet: Program, model: Path, tmp_path: Path) -> None:
    inside = tmp_path / "in" / "deep"
    inside.mkdir(parents=True)
    (inside / "a.png").write_bytes(encoded("PNG"))
    (inside / "again").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self.png").symlink_to(tmp_path / "in" / "self.png")
    ended = srnet("zoom", tmp_path / "in", "--recursive", "-s", "2", "--model", model, "-o", tmp_path / "out")
    assert ended.code == 1
    assert f"error {tmp_path / 'in' / 'self.png'}: cannot be read: too many levels" in ended.err
    assert set(disk(tmp_path / "out")) == {"deep/a_x2.png"}


def test_read_only_folder(
    srnet: Program, model: Path, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    output = tmp_path / "out"
    output.mkdir()
    (output / "old.png").write_bytes(b"old")
    read_only(output)
    before = disk(tmp_path)
    for target in (output, output / "new.png", output / "new folder"):
        ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", model, "-o", target)
        assert ended.code == 1
        assert "the file system is read-only" in ended.err
        assert disk(tmp_path) == before


def test_a_file_where_a_folder_is_needed(srnet: Program, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    (tmp_path / "out").write_bytes(b"a file")
    before = disk(tmp_path)
    ended = srnet("zoom", tmp_path / "a.png", "-s", "2", "--model", model, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "the folder cannot be made" in ended.err
    assert disk(tmp_path) == before


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_full_disk(
    srnet: Program, model: Path, tmp_path: Path, small_disk: Callable[[int], Path], suffix: str
) -> None:
    """The second picture does not fit: the first stays, the old file stays, no piece is left."""
    output = small_disk(40)
    large, small = tmp_path / f"a-large{suffix}", tmp_path / f"b-small{suffix}"
    kind = {".png": "PNG", ".tif": "TIFF", ".jpg": "JPEG", ".webp": "WEBP"}[suffix]
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    large.write_bytes(encoded(kind, noise))
    small.write_bytes(encoded(kind, scene(10, 12)))
    (output / f"a-large_x2{suffix}").write_bytes(b"old")
    ended = srnet("zoom", large, small, "-s", "2", "--model", model, "-o", output, "--overwrite")
    assert ended.code == 1
    assert f"a-large_x2{suffix}: cannot be written: the disk is full" in ended.err
    assert "free some space or choose another output folder" in ended.err
    assert set(disk(output)) == {f"a-large_x2{suffix}", f"b-small_x2{suffix}"}
    assert (output / f"a-large_x2{suffix}").read_bytes() == b"old"
    with Image.open(output / f"b-small_x2{suffix}") as result:
        result.load()
        assert result.size == (24, 20)

"""Training data with shots that are damaged, incomplete or do not fit: each is named, the rest is used."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.data.prepared import cache
from tests.captures import Capture, write_arw
from tests.faults.pictures import encoded, scene
from tests.faults.program import Disk, Ended, Program, disk
from tests.scenes import Shot, save_jpeg, write_sequence

LONG, WIDE = 100.0, 24.0
HEIGHT, WIDTH = 144, 192


def sequences(root: Path) -> None:
    for name in ("whole", "without-focal-length", "without-jpg", "cut-short", "another-scene"):
        shots = [Shot(LONG), Shot(WIDE)]
        write_sequence(root / name, shots, HEIGHT, WIDTH, raw=None)
    flat = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    (root / "flat").mkdir()
    for number, focal in ((1, LONG), (2, WIDE)):
        save_jpeg(root / "flat" / f"{number:05d}.JPG", flat, focal)

    without = root / "without-focal-length" / "00002.JPG"
    with Image.open(without) as image:
        image.load()
        image.save(without, quality=97)
    (root / "without-jpg" / "00001.JPG").unlink()
    write_arw(root / "without-jpg" / "00001.ARW", scene(HEIGHT, WIDTH) / 255, Capture(focal_length=LONG))
    short = root / "cut-short" / "00001.JPG"
    short.write_bytes(short.read_bytes()[: short.stat().st_size // 2])
    noise = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    save_jpeg(root / "another-scene" / "00001.JPG", noise, LONG)


#: sequence → what the program must say about it (a regular expression)
LEFT_OUT = {
    "without-focal-length": "00002: 00002.JPG: no focal length in the file",
    "without-jpg": "no kind of file in common: .*00001 has no JPG",
    "cut-short": "is cut short",
    "another-scene": "ECC did not converge|correlate by|pixels off",
    "flat": "has no features to align by",
}


@dataclass(frozen=True)
class Prepared:
    ended: Ended
    before: Disk
    after: Disk
    cache: Path


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting further processes would take longer than the work."""
    monkeypatch.setattr(cache, "default_workers", lambda: 1)


def test_what_is_left_out_is_named_and_the_rest_prepared(
    srnet: Program, one_process: None, tmp_path: Path
) -> None:
    data, kept = tmp_path / "data", tmp_path / "cache"
    sequences(data)
    before = disk(data)
    ended = srnet("train", "--data", data, "--cache", kept, "--prepare-only", "--scale", "4")
    assert ended.code == 0, ended.err
    assert disk(data) == before
    for name, reason in LEFT_OUT.items():
        lines = [line for line in ended.err.splitlines() if line.startswith(f"left out {name}")]
        assert lines, (name, ended.err)
        assert any(re.search(reason, line) for line in lines), lines
    assert not [line for line in ended.err.splitlines() if line.startswith("left out whole")]
    assert [path.parent.parent.name for path in kept.rglob("lr.npy")] == ["whole"]


def test_no_space_in_the_cache(
    srnet: Program, one_process: None, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    data, place = tmp_path / "data", small_disk(48)
    write_sequence(data / "whole", [Shot(LONG), Shot(WIDE)], HEIGHT, WIDTH, raw=None)
    before = disk(data)
    train = ("train", "--data", data, "--prepare-only", "--scale", "4", "--cache")
    ended = srnet(*train, place)
    assert ended.code == 1
    assert "cannot be written: the disk is full" in ended.err
    assert disk(data) == before
    assert not [path for path in place.rglob("*") if ".tmp" in path.name]
    assert not list(place.rglob("record.json"))
    # What lies there half done does not pass for prepared once there is room.
    assert srnet(*train, tmp_path / "cache").code == 0


def test_a_cache_folder_that_cannot_be_made(srnet: Program, one_process: None, tmp_path: Path) -> None:
    data, place = tmp_path / "data", tmp_path / "cache"
    write_sequence(data / "whole", [Shot(LONG), Shot(WIDE)], HEIGHT, WIDTH, raw=None)
    place.write_bytes(b"a file")
    before = disk(tmp_path)
    ended = srnet("train", "--data", data, "--prepare-only", "--scale", "4", "--cache", place)
    assert ended.code == 1
    assert "the cache folder cannot be made" in ended.err
    assert disk(tmp_path) == before


def test_damaged_photographs_are_left_out_of_training(srnet: Program, tmp_path: Path) -> None:
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    for name in "abc":
        (photos / f"{name}.png").write_bytes(encoded("PNG", scene(48, 64)))
    (photos / "b.png").write_bytes(encoded("PNG", scene(48, 64))[:-20])
    (photos / "small.png").write_bytes(encoded("PNG", scene(8, 9)))
    before = disk(photos)
    ended = srnet(
        *("train", "--data", photos, "-o", run, "--scale", "2", "--steps", "1", "--device", "cpu"),
        *("--n-feats", "8", "--n-resblocks", "1", "--attention", "mpr-sa", "--patch-size", "8"),
        *("--batch-size", "2"),
    )
    assert ended.code == 0, ended.err
    assert "left out b.png: is cut short" in ended.err
    assert "left out small.png: has 9×8 pixels" in ended.err
    assert disk(photos) == before


def test_nothing_left_to_train_on(srnet: Program, tmp_path: Path) -> None:
    photos, run = tmp_path / "photos", tmp_path / "run"
    photos.mkdir()
    (photos / "a.png").write_bytes(encoded("PNG", scene(48, 64))[:-20])
    before = disk(tmp_path)
    ended = srnet("train", "--data", photos, "-o", run, "--scale", "2", "--device", "cpu")
    assert ended.code == 1
    assert f"error {photos}: no photograph of at least" in ended.err
    assert "a.png is cut short" in ended.err
    assert set(disk(tmp_path)) - set(before) <= {"run/config.toml"}


def test_pictures_that_cannot_be_aligned(srnet: Program, tmp_path: Path) -> None:
    flat = np.full((64, 96, 3), 128, np.uint8)
    for name in ("lr", "hr"):
        (tmp_path / f"{name}.png").write_bytes(encoded("PNG", flat))
    before = disk(tmp_path)
    ended = srnet(
        *("residual", tmp_path / "lr.png", tmp_path / "hr.png", "--align", "affine"),
        *("-o", tmp_path / "out"),
    )
    assert ended.code == 1
    assert f"error {tmp_path / 'lr.png'}: LR cannot be aligned to HR" in ended.err
    assert disk(tmp_path) == before


def test_a_raw_file_that_does_not_say_its_focal_length(srnet: Program, tmp_path: Path) -> None:
    """Left out and named, though its picture could be read."""
    folder = tmp_path / "data" / "scene"
    folder.mkdir(parents=True)
    for number, focal in ((1, LONG), (2, None)):
        write_arw(folder / f"{number:05d}.ARW", scene(HEIGHT, WIDTH) / 255, Capture(focal_length=focal))
    ended = srnet(
        *("train", "--data", tmp_path / "data", "--prepare-only", "--scale", "4"),
        *("--cache", tmp_path / "cache"),
    )
    assert ended.code == 1
    assert "00002" in ended.err and "focal length" in ended.err

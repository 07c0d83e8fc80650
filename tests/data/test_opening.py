"""From a path to a source."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from srnet_cli.data.camera.simulation import bicubic_zoom, mixed_zoom
from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.opening import detect_source, kind_named, open_source, prepare_source
from srnet_cli.data.pair_source import PairSource
from srnet_cli.data.paired.jobs import find_pairs
from srnet_cli.data.paired.names import REMEDY
from srnet_cli.data.photo_source import SimulatedSource
from srnet_cli.data.photos import PhotoCache
from srnet_cli.data.sources import Problem
from srnet_cli.data.splits import held_out_scenes
from srnet_cli.data.sr_raw.pairing import published_split
from srnet_cli.data.zoom_pairs import PairOptions
from srnet_cli.errors import DataError, UsageError


def save(path: Path, height: int, width: int, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(path)


def write_pairs(folder: Path, names: tuple[str, ...], scale: int = 4) -> None:
    for seed, name in enumerate(names):
        save(folder / "LR" / f"{name}.png", 24, 32, seed)
        save(folder / "HR" / f"{name}.png", 24 * scale, 32 * scale, seed)


def options(tmp_path: Path, scale: int = 4) -> SourceOptions:
    return SourceOptions(scale=scale, cache=tmp_path / "cache", workers=1)


# What a path is taken for.


def test_sr_raw_is_recognised(srraw: Path) -> None:
    found = detect_source(srraw)
    assert found.kind == "sequences"
    assert found.sentence.endswith("sequences of shots at several focal lengths, 2 in train/ and 1 in test/")
    flat = detect_source(srraw / "train")
    assert flat.kind == "sequences"
    assert flat.sentence.endswith(": 2 sequences of shots at several focal lengths")
    one = detect_source(srraw / "train" / "00001")
    assert one.sentence.endswith("4 shots of one scene at several focal lengths")


def test_paired_folders_are_recognised(tmp_path: Path) -> None:
    write_pairs(tmp_path / "data", ("a",))
    assert detect_source(tmp_path / "data").kind == "pairs"
    write_pairs(tmp_path / "theirs" / "SRRAW" / "X4" / "train", ("00001_00005",))
    assert detect_source(tmp_path / "theirs", 4).kind == "pairs"


@pytest.mark.parametrize("inside", ["", "HR", "train"])
def test_photographs_are_recognised(tmp_path: Path, inside: str) -> None:
    for name in ("1", "2", "3"):
        save(tmp_path / "data" / inside / f"{name}.png", 20, 20)
    found = detect_source(tmp_path / "data")
    assert found.kind == "photos"
    assert found.root == tmp_path / "data" / inside
    assert "3 photographs, zoom will be simulated" in found.sentence


def test_photographs_in_parts_are_not_taken_for_sequences(tmp_path: Path) -> None:
    for part in ("train", "valid"):
        for name in ("cat", "dog"):
            save(tmp_path / part / f"{name}.png", 20, 20)
    assert detect_source(tmp_path).root == tmp_path / "train"


def test_nothing_and_nowhere_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training data found"):
        detect_source(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        detect_source(tmp_path / "x")


def test_a_kind_is_either_planned_or_opened() -> None:
    photos = kind_named("photos")
    for row in (replace(photos, plan=kind_named("pairs").plan, open=None), photos):
        assert (row.plan is None) != (row.open is None)
    with pytest.raises(ValueError, match="'photos' needs either a plan or a way to open it"):
        replace(photos, open=None)
    with pytest.raises(ValueError, match="unknown kind of data 'films'; one of pairs, sequences, photos"):
        kind_named("films")


def test_photographs_need_no_preparation(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="photos need no preparation"):
        prepare_source(photos, options(tmp_path))


# Real zoom.


def test_sequences_become_a_source(srraw: Path, tmp_path: Path) -> None:
    source = open_source(srraw, options(tmp_path))
    assert isinstance(source, PairSource)
    training = {item.scene for item in source.sampler.items}
    held_out = {item.scene for item in source.held_out}
    assert training | held_out == {"train/00001", "train/00002"}
    assert len(training) == len(held_out) == 1
    assert {item.scene for item in source.test} == {"test/00001"}
    assert source.description == "2 pairs ×4 from 1 scenes; 2 held out, 2 for testing, 0 left out"
    assert source.scale == 4
    batch = source.batch(range(4), seed=0, patch=24, device="cpu")
    assert batch.lr.shape == (4, 3, 24, 24)
    (item, _) = source.validation()
    assert item.hr.shape == (4 * item.lr.shape[0], 4 * item.lr.shape[1], 3)
    assert {item.name.split("/")[0] for item in source.evaluation()} == {"test"}


def test_real_patches_show_one_thing(srraw: Path, tmp_path: Path) -> None:
    """HR reduced to LR's size looks like its own LR, whatever the flip, and like no other."""
    batch = open_source(srraw, options(tmp_path)).batch(range(12), seed=0, patch=24, device="cpu")
    reduced = torch.nn.functional.avg_pool2d(batch.hr, 4)
    likeness = np.corrcoef(batch.lr.flatten(1).numpy(), reduced.flatten(1).numpy())[:12, 12:]
    assert np.diag(likeness).min() > 0.7
    assert (likeness.argmax(axis=1) == np.arange(12)).all()


def test_a_mosaic_source_is_twice_as_far_from_its_target(srraw: Path, tmp_path: Path) -> None:
    wanted = SourceOptions(scale=4, cache=tmp_path, workers=1, pairs=PairOptions(mosaic=True))
    source = open_source(srraw, wanted)
    assert source.scale == 8
    batch = source.batch(range(3), seed=0, patch=12, device="cpu")
    assert batch.lr.shape == (3, 4, 12, 12)
    assert batch.hr.shape == (3, 3, 96, 96)
    item = source.validation()[0]
    assert item.lr.shape == (item.hr.shape[0] // 8, item.hr.shape[1] // 8, 4)


def test_data_without_any_pair_says_why(srraw: Path, tmp_path: Path) -> None:
    shutil.copytree(srraw / "train" / "00001", tmp_path / "data" / "00001")
    for path in (tmp_path / "data" / "00001").glob("0000[12].*"):
        path.unlink()
    with pytest.raises(DataError, match=r"no pair to train on \(00001: no two focal lengths \(35, 24 mm\)"):
        open_source(tmp_path / "data", options(tmp_path))


def test_test_data_alone_is_not_trained_on(srraw: Path, tmp_path: Path) -> None:
    shutil.copytree(srraw / "test", tmp_path / "data" / "test")
    with pytest.raises(DataError, match=r"no pair to train on \(all are in test/\)"):
        open_source(tmp_path / "data", options(tmp_path))


@pytest.mark.parametrize("other", [{"match_colour": True}, {"mosaic": True}, {"max_misalignment": 0.9}])
def test_a_run_keeps_its_pairs_where_another_prepares_its_own(
    srraw: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    """Two runs, or one and an evaluation, on one cache."""
    running = open_source(srraw, options(tmp_path))
    before = running.batch(range(4), seed=0, patch=24, device="cpu")
    changed = replace(options(tmp_path), pairs=PairOptions(**other))
    assert prepare_source(srraw, changed).made
    after = running.batch(range(4), seed=0, patch=24, device="cpu")
    assert torch.equal(before.lr, after.lr) and torch.equal(before.hr, after.hr)
    assert not prepare_source(srraw, options(tmp_path)).made


# Paired folders.


def test_pairs_by_name_with_what_does_not_fit_left_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_pairs(data, ("a", "b", "c"))
    (data / "LR" / "a.png").rename(data / "LR" / "ax4.png")
    save(data / "LR" / "lonely.png", 24, 32)
    save(data / "HR" / "single.png", 96, 128)
    save(data / "HR" / "b.png", 97, 131)  # a few pixels too many are cut
    save(data / "HR" / "c.png", 90, 128)
    report = prepare_source(data, options(tmp_path))
    assert [item.name for item in report.items] == ["a", "b"]
    assert report.items[1].shapes == {"lr": (24, 32, 3), "hr": (96, 128, 3)}
    assert sorted(report.left_out, key=lambda problem: problem.name) == [
        Problem("c", "c.png is 128×90, not 4 times the 32×24 of its LR picture"),
        Problem("lonely", f"lonely.png has no picture in HR/; {REMEDY}"),
        Problem("single", f"single.png has no picture in LR/; {REMEDY}"),
    ]


def test_the_authors_tree_is_split_by_sequence(tmp_path: Path) -> None:
    tree = tmp_path / "data" / "SRRAW" / "X4"
    write_pairs(tree / "train", ("00001_00005", "00001_00006", "00002_00005"))
    write_pairs(tree / "test", ("00009_00006",))
    (tree / "train" / "ARW").mkdir()
    np.save(tree / "train" / "ARW" / "00001_00005.npy", np.ones((12, 16, 4), np.float32))
    source = open_source(tmp_path / "data", options(tmp_path))
    assert isinstance(source, PairSource)
    assert {item.scene for item in source.sampler.items + source.held_out} == {"train/00001", "train/00002"}
    assert [item.name for item in source.test] == ["test/00009_00006"]
    jobs, problems = find_pairs(tmp_path / "data", 4, mosaic=True)
    assert [job.name for job in jobs] == ["train/00001_00005"]
    assert jobs[0].run().arrays["mosaic"].shape == (12, 16, 4)
    assert problems[0] == Problem("train/00001_00006", "has no packed mosaic in ARW/")


# Photographs.


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(3):
        save(folder / f"p{seed}.png", 130, 171, seed)
    return folder


@pytest.mark.parametrize("degradation", ["camera", "bicubic"])
def test_photographs_become_a_source(photos: Path, degradation: str) -> None:
    source = open_source(photos, SourceOptions(scale=4, degradation=degradation, smallest_photo=96))
    assert isinstance(source, SimulatedSource)
    batch = source.batch([5, 3], seed=1, patch=16, device="cpu")
    assert batch.lr.shape == (2, 3, 16, 16)
    assert batch.residual is not None
    assert batch.hr.shape == batch.residual.shape == (2, 3, 64, 64)
    alone = source.batch([3], seed=1, patch=16, device="cpu")
    assert torch.equal(alone.lr[0], batch.lr[1])
    assert torch.equal(alone.hr[0], batch.hr[1])
    (item,) = source.validation()
    assert (item.lr.shape, item.hr.shape) == ((32, 42, 3), (128, 168, 3))
    assert np.array_equal(item.lr, source.validation()[0].lr)
    assert "2 photographs" in source.description


def test_each_held_out_photograph_has_a_simulation_of_its_own() -> None:
    photo = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8))
    cache = PhotoCache(tuple(f"{i}.png" for i in range(12)), (photo,) * 12)
    source = SimulatedSource(cache, cache, mixed_zoom, 2, None, "")
    plain = bicubic_zoom(photo[None].float(), 2, [0])[0].permute(1, 2, 0).numpy()
    items = source.validation()
    assert 0 < sum(np.array_equal(item.lr, plain) for item in items) < 12
    assert len({item.lr.tobytes() for item in items}) > 6


def test_one_photograph_trains_without_validation(tmp_path: Path) -> None:
    save(tmp_path / "only.png", 120, 120)
    source = open_source(tmp_path, SourceOptions(scale=2, smallest_photo=64))
    assert source.validation() == ()
    assert source.batch([0], 0, 16, "cpu").lr.shape == (1, 3, 16, 16)


# Splits.


def test_scenes_are_held_out_by_name() -> None:
    names = [f"{number:05d}" for number in range(1, 401)]
    held_out = held_out_scenes(names)
    assert len(held_out) == 16
    assert held_out == held_out_scenes(reversed(names * 3))
    assert len(held_out & held_out_scenes([*names, "00401", "00402"])) >= 14
    assert held_out_scenes(["only"]) == frozenset()
    assert len(held_out_scenes(["a", "b"])) == 1


def test_the_published_items_are_those_of_the_published_pairs(srraw: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--split published counts the pairs that the authors made"):
        open_source(srraw, replace(options(tmp_path), split="published"))


def test_the_published_split_goes_by_item_number() -> None:
    train, validation = published_split(list(range(1, 1400)), 4)
    assert (train[0], train[-1], validation) == (1, 1300, list(range(1301, 1315)))
    train, validation = published_split(list(range(1, 600)), 8)
    assert (train[-1], validation[0], validation[-1]) == (482, 483, 497)
    with pytest.raises(DataError, match="100 items; the published validation items are 1301–1314"):
        published_split(list(range(100)), 4)
    with pytest.raises(DataError, match="no published ranges for ×2"):
        published_split([1], 2)

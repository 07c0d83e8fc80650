"""Pairs from every layout on disk, and how their LR pictures come about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from srnet_cli.errors import DataError
from srnet_cli.evaluation.pairs import LoadedPair, SimulatedItem, camera_seed, centre_crop, reduced_back
from srnet_cli.evaluation.test_sets import DataOptions, open_test_set
from srnet_cli.imaging.resize import matlab_bicubic
from tests.data.conftest import four_shots
from tests.evaluation.conftest import draw, save
from tests.scenes import write_sequence


def test_sharp_pictures_are_cut_to_a_multiple_and_reduced_as_matlab_does(tmp_path: Path) -> None:
    hr = draw(1, 50, 63)
    save(hr, tmp_path / "a.png")
    (item,) = open_test_set(tmp_path, 4).items
    pair = item.load()
    assert np.array_equal(pair.hr, hr[:48, :60])
    assert np.array_equal(pair.lr, matlab_bicubic(hr[:48, :60], 12, 15))


def test_a_single_picture_is_a_set(photos: Path) -> None:
    found = open_test_set(photos / "bee.png", 2)
    assert [item.name for item in found.items] == ["bee"]


def test_the_simulated_camera_depends_on_the_name_alone(photos: Path, tmp_path: Path) -> None:
    alone = save(draw(1), tmp_path / "other" / "bee.png").parent
    camera = DataOptions(degradation="camera")
    whole = {item.name: item.load() for item in open_test_set(photos, 2, camera).items}
    (single,) = open_test_set(alone, 2, camera).items
    assert np.array_equal(single.load().lr, whole["bee"].lr)
    renamed = SimulatedItem("wasp", photos / "bee.png", 2, "camera").load()
    assert not np.array_equal(renamed.lr, whole["bee"].lr)


def test_every_picture_has_a_simulated_camera_of_its_own() -> None:
    seeds = [camera_seed(f"picture {i}") for i in range(60)]
    assert len(set(seeds)) == 60
    assert camera_seed("picture 7") == seeds[7]


@pytest.mark.parametrize(
    ("lr_name", "hr_name"),
    [
        ("LR/a.png", "HR/a.png"),
        ("LR/a_x2.png", "HR/a.png"),
        ("LR_bicubic/X2/ax2.png", "HR/a.png"),
        ("LRbicx2/a.png", "GTmod12/a.png"),
        ("image_SRF_2/img_001_SRF_2_LR.png", "image_SRF_2/img_001_SRF_2_HR.png"),
        ("lr.png", "hr.png"),
    ],
)
def test_layouts_of_prepared_pairs(tmp_path: Path, lr_name: str, hr_name: str) -> None:
    hr = draw(2, 40, 48)
    lr = matlab_bicubic(hr, 20, 24)
    save(hr, tmp_path / "set" / hr_name)
    save(lr, tmp_path / "set" / lr_name)
    found = open_test_set(tmp_path / "set", 2)
    (item,) = found.items
    pair = item.load()
    assert found.origin == "LR as supplied"
    assert np.array_equal(pair.lr, lr)
    assert np.array_equal(pair.hr, hr)


def test_of_the_authors_tree_the_test_part_is_taken(tmp_path: Path) -> None:
    hr = draw(2, 40, 48)
    for part in ("train", "test"):
        save(hr, tmp_path / "SRRAW" / "X2" / part / "HR" / "00001_00005.png")
        save(matlab_bicubic(hr, 20, 24), tmp_path / "SRRAW" / "X2" / part / "LR" / "00001_00005.png")
    found = open_test_set(tmp_path, 2)
    assert [item.name for item in found.items] == ["test/00001_00005"]
    assert [item.scene for item in found.items] == ["test/00001"]


def test_lr_of_hrs_size_is_reduced_first(tmp_path: Path) -> None:
    hr = draw(3, 48, 64)
    small = matlab_bicubic(hr, 12, 16)
    save(hr, tmp_path / "HR" / "a.png")
    save(small.repeat(4, axis=0).repeat(4, axis=1), tmp_path / "LR" / "a.png")
    (item,) = open_test_set(tmp_path, 4).items
    pair = item.load()
    assert np.array_equal(pair.lr, small)
    assert pair.note == "LR pictures of HR's own size were reduced 4 times first"


def test_lr_enlarged_smoothly_is_reduced_by_bicubic() -> None:
    smooth = draw(3, 48, 64)
    assert np.array_equal(reduced_back(smooth, 4), matlab_bicubic(smooth, 12, 16))


def test_sizes_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    save(draw(1, 48, 64), tmp_path / "HR" / "a.png")
    save(draw(1, 20, 20), tmp_path / "LR" / "a.png")
    (item,) = open_test_set(tmp_path, 4).items
    with pytest.raises(DataError, match="neither 4 times its LR"):
        item.load()


def test_real_zoom_sequences_are_aligned_and_measured(tmp_path: Path) -> None:
    for part, scene in (("train", 1), ("test", 2)):
        write_sequence(tmp_path / "data" / part / "00001", four_shots(scene), scene=scene, raw=None)
    options = DataOptions(cache=tmp_path / "cache", workers=1)
    found = open_test_set(tmp_path / "data", 4, options)
    assert found.origin == "real zoom pairs, ratio"
    assert {item.scene for item in found.items} == {"00001"}
    assert {path.parent for path in found.items[0].files} == {tmp_path / "data" / "test" / "00001"}
    pair = found.items[0].load()
    assert pair.hr.shape == (pair.lr.shape[0] * 4, pair.lr.shape[1] * 4, 3)
    # One scene alone cannot be split: it is measured all the same, and that is said.
    alone = open_test_set(tmp_path / "data" / "train", 4, options)
    assert len(alone.items) == len(found.items)
    assert "too few scenes" in " ".join(alone.notes)
    sequence = open_test_set(tmp_path / "data" / "train" / "00001", 4, options).items[0]
    assert set(sequence.files) == set((tmp_path / "data" / "train" / "00001").iterdir())


def test_the_centre_crop_is_the_published_one() -> None:
    hr = draw(4, 80, 92)
    pair = LoadedPair(hr[::4, ::4].copy(), hr)
    cropped = centre_crop(pair, 4, 32)
    assert np.array_equal(cropped.lr, pair.lr[6:14, 7:15])
    assert np.array_equal(cropped.hr, hr[24:56, 28:60])
    with pytest.raises(DataError, match="too small for a centre crop of 96"):
        centre_crop(pair, 4, 96)


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_nothing_to_measure_on(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "nowhere" if kind == "missing" else tmp_path
    with pytest.raises(DataError, match=r"does not exist|holds nothing to evaluate on"):
        open_test_set(path, 4)

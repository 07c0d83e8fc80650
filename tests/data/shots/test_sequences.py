"""Sequences on disk, with all that can be wrong about them. Pictures are tiny: only their EXIF is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.data.shots.frames import Shot, focal_length
from srnet_cli.data.shots.pairing import make_pairs
from srnet_cli.data.shots.sequences import Discovery, ShotSequence, discover
from srnet_cli.data.sources import Problem
from srnet_cli.data.sr_raw.repairs import looks_published, repair_published
from srnet_cli.errors import DataError, UsageError
from tests.captures import Capture, write_arw, write_dng
from tests.scenes import FOCALS, save_jpeg

GREY = np.full((64, 96, 3), 120, np.uint8)


def write_shots(folder: Path, focals: Sequence[float | None] = FOCALS, raw: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, focal in enumerate(focals, start=1):
        save_jpeg(folder / f"{number:05d}.JPG", GREY, focal)
        if raw:
            write_arw(folder / f"{number:05d}.ARW", GREY / 255, Capture(focal_length=focal))
    return folder


def reasons(found: Discovery) -> dict[str, str]:
    return {problem.name: problem.reason for problem in found.problems}


def test_train_and_test_are_found(tmp_path: Path) -> None:
    for name in ("train/00001", "train/00007", "test/00002"):
        write_shots(tmp_path / name)
    found = discover(tmp_path)
    assert [sequence.name for sequence in found.sequences] == ["train/00001", "train/00007", "test/00002"]
    assert [shot.focal for shot in found.sequences[0].shots] == list(FOCALS)
    assert found.problems == ()


def test_a_flat_folder_of_sequences_is_found(tmp_path: Path) -> None:
    write_shots(tmp_path / "garden")
    write_shots(tmp_path / "street")
    (tmp_path / "notes").mkdir()
    (tmp_path / ".hidden").mkdir()
    assert [sequence.name for sequence in discover(tmp_path).sequences] == ["garden", "street"]


def test_one_folder_of_shots_is_one_sequence(tmp_path: Path) -> None:
    folder = tmp_path / "balcony"
    folder.mkdir()
    for name, focal in (("IMG_7", 24.0), ("IMG_9", 100.0)):
        write_arw(folder / f"{name}.arw", GREY / 255, Capture(focal_length=focal))
    (sequence,) = discover(folder).sequences
    assert sequence.name == "balcony"
    assert [(shot.name, shot.focal, shot.rgb) for shot in sequence.shots] == [
        ("IMG_9", 100.0, None),
        ("IMG_7", 24.0, None),
    ]


def test_raw_and_jpg_of_a_shot_belong_together(tmp_path: Path) -> None:
    write_shots(tmp_path / "a", (100.0, 24.0), raw=True)
    shot = discover(tmp_path).sequences[0].shots[0]
    assert shot.rgb is not None
    assert shot.raw is not None
    assert (shot.rgb.name, shot.raw.name) == ("00001.JPG", "00001.ARW")


def test_the_focal_length_is_read_from_the_raw_file_when_the_jpg_has_none(tmp_path: Path) -> None:
    save_jpeg(tmp_path / "1.jpg", GREY, None)
    write_arw(tmp_path / "1.ARW", GREY / 255, Capture(focal_length=70.0))
    assert focal_length(Shot("1", tmp_path / "1.jpg", tmp_path / "1.ARW")) == 70.0


def test_contradicting_focal_lengths_are_refused(tmp_path: Path) -> None:
    save_jpeg(tmp_path / "1.jpg", GREY, 100.0)
    write_arw(tmp_path / "1.ARW", GREY / 255, Capture(focal_length=70.0))
    with pytest.raises(DataError, match=r"contradict each other: 1\.jpg 100 mm, 1\.ARW 70 mm"):
        focal_length(Shot("1", tmp_path / "1.jpg", tmp_path / "1.ARW"))


def test_a_shot_without_focal_length_is_left_out_and_the_rest_used(tmp_path: Path) -> None:
    write_shots(tmp_path / "a", (240.0, None, 50.0))
    found = discover(tmp_path)
    assert [shot.name for shot in found.sequences[0].shots] == ["00001", "00003"]
    assert reasons(found) == {"a/00002": "00002.JPG: no focal length in the file"}


def test_equal_focal_lengths_are_used_once(tmp_path: Path) -> None:
    write_shots(tmp_path / "a", (240.0, 50.0, 50.0))
    found = discover(tmp_path)
    assert [shot.name for shot in found.sequences[0].shots] == ["00001", "00002"]
    assert reasons(found) == {"a/00003": "has the focal length of 00002, 50 mm; 00002 is used"}


def test_a_folder_with_one_shot_is_left_out_and_the_rest_used(tmp_path: Path) -> None:
    write_shots(tmp_path / "a", (240.0,))
    write_shots(tmp_path / "b", (None, None))
    write_shots(tmp_path / "c")
    found = discover(tmp_path)
    assert [sequence.name for sequence in found.sequences] == ["c"]
    assert reasons(found)["a"] == "only one usable shot; a pair needs two focal lengths"
    assert reasons(found)["b"] == "no usable shot; a pair needs two focal lengths"


def test_shots_in_another_order_are_ordered_by_focal_length(tmp_path: Path) -> None:
    write_shots(tmp_path / "a", (24.0, 50.0, 240.0))
    (sequence,) = discover(tmp_path).sequences
    assert [shot.focal for shot in sequence.shots] == [240.0, 50.0, 24.0]
    assert "not numbered from the longest focal length" in sequence.notes[0]


@pytest.mark.parametrize("make", [None, "empty"])
def test_a_folder_without_shots_is_an_error(tmp_path: Path, make: str | None) -> None:
    folder = tmp_path / "x"
    if make:
        folder.mkdir()
    with pytest.raises(DataError, match="holds no shots" if make else "is not a folder"):
        discover(folder)


# Repairs work on what was found, not on files.


def shots(focals: Sequence[float]) -> tuple[Shot, ...]:
    return tuple(
        Shot(f"{k:05d}", Path(f"{k:05d}.JPG"), None, focal) for k, focal in enumerate(focals, start=1)
    )


def published(**changed: tuple[Shot, ...]) -> dict[str, tuple[Shot, ...]]:
    found = {f"train/{number:05d}": shots(FOCALS) for number in [*range(1, 250), 350, 560, 561]}
    return found | {f"train/{name[1:]}": value for name, value in changed.items()}


def test_known_faults_of_the_published_set_are_mended() -> None:
    stray = shots((240.0, 150.0, 100.0, 70.0, 50.0, 240.1))
    found, left_out, notes = repair_published(published(_00560=stray, _00561=shots(FOCALS[1:])))
    assert "train/00004" not in found
    assert [shot.name for shot in found["train/00350"]] == ["00001", "00002", "00003", "00004"]
    assert {problem.name for problem in left_out} == {
        "train/00004",
        "train/00350/00005",
        "train/00350/00006",
        "train/00350/00007",
    }
    assert [shot.name for shot in found["train/00560"]] == ["00001", "00002", "00003", "00004", "00005"]
    assert [(shot.name, shot.focal) for shot in found["train/00561"]][:2] == [
        ("00001", 240.1),
        ("00002", 150.0),
    ]
    assert found["train/00561"][0].rgb == stray[5].rgb
    assert [note.name for note in notes] == ["train/00560", "train/00561"]


def test_a_copy_that_was_mended_already_is_left_alone() -> None:
    before = published(_00560=shots(FOCALS[:5]))
    found, _, notes = repair_published(before)
    assert found["train/00560"] == before["train/00560"]
    assert found["train/00561"] == before["train/00561"]
    assert notes == ()


def test_other_data_with_the_same_names_is_left_alone() -> None:
    before = {name: shots(FOCALS) for name in ("00004", "00350", "00560", "00561")}
    assert not looks_published(before, "")
    assert repair_published(before) == (before, (), ())


# Pairs.


def sequence(focals: Sequence[float] = FOCALS, raw: bool = True) -> ShotSequence:
    made = tuple(
        Shot(f"{k:05d}", Path(f"{k:05d}.JPG"), Path(f"{k:05d}.ARW") if raw else None, focal)
        for k, focal in enumerate(focals, start=1)
    )
    return ShotSequence("00001", Path("00001"), tuple(sorted(made, key=lambda shot: -(shot.focal or 0))))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (2, {(240, 100), (150, 70), (100, 50), (70, 35), (50, 24)}),
        (4, {(240, 70), (240, 50), (150, 35), (100, 24)}),
        (8, {(240, 35), (240, 24)}),
    ],
)
def test_pairs_are_made_of_focal_lengths_near_the_scale(scale: int, expected: set[tuple[int, int]]) -> None:
    pairs, problems = make_pairs(sequence(), scale, "ratio")
    assert {(pair.hr.focal, pair.lr.focal) for pair in pairs} == expected
    assert problems == []


def test_a_sequence_without_a_fitting_ratio_is_named() -> None:
    assert make_pairs(sequence((50.0, 35.0)), 4, "ratio") == (
        [],
        [Problem("00001", "no two focal lengths (50, 35 mm) are about a factor 4 apart")],
    )


def test_published_pairs_go_by_frame_number() -> None:
    pairs, problems = make_pairs(sequence(), 4, "published")
    assert [(pair.name, pair.lr.name, pair.hr.name) for pair in pairs] == [
        ("00001_00005", "00005", "00001"),
        ("00001_00006", "00006", "00002"),
        ("00001_00007", "00007", "00003"),
    ]
    assert problems == []
    pairs, _ = make_pairs(sequence(), 8, "published")
    assert [(pair.lr.name, pair.hr.name) for pair in pairs] == [("00006", "00001")]


def test_published_pairs_need_the_raw_file_of_the_lr_shot() -> None:
    pairs, problems = make_pairs(sequence(raw=False), 8, "published")
    assert pairs == []
    assert problems == [Problem("00001_00006", "00006.ARW is missing")]


def test_published_pairs_refuse_a_wrong_order_and_missing_frames() -> None:
    turned = make_pairs(sequence(FOCALS[::-1]), 8, "published")[1]
    assert turned == [Problem("00001_00006", "wrong order: the longest shot is 00007, not 00001")]
    short = make_pairs(sequence(FOCALS[:6]), 4, "published")
    assert len(short[0]) == 2
    assert short[1] == [Problem("00001_00007", "frame 00007 is missing")]


def test_published_pairs_exist_for_4_and_8_only() -> None:
    with pytest.raises(UsageError, match="×4 and ×8, not ×2"):
        make_pairs(sequence(), 2, "published")


@pytest.mark.parametrize("date", ["99999:06:01 12:00:00", "9999:99:99 99:99:99"])
def test_a_date_beyond_the_calendar_costs_no_file(tmp_path: Path, date: str) -> None:
    for scene in ("bad", "good"):
        write_shots(tmp_path / scene, (100.0, 24.0))
    capture = Capture(focal_length=100.0, date=date)
    write_dng(tmp_path / "bad" / "00001.DNG", GREY / 255, capture)
    write_dng(tmp_path / "bad" / "00003.DNG", GREY / 255, capture)
    found = discover(tmp_path)
    assert [sequence.name for sequence in found.sequences] == ["bad", "good"]
    # The third is of the first's focal length; its date is not the reason.
    assert reasons(found)["bad/00003"].startswith("has the focal length of 00001")
    assert [shot.name for shot in found.sequences[0].shots] == ["00001", "00002"]

"""Preparation: what is kept, remade, survived."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.opening import prepare_source
from srnet_cli.data.preparation import PreparationReport
from srnet_cli.data.prepared import cache
from srnet_cli.data.sr_raw.white_balance import read_gains
from srnet_cli.data.zoom_pairs import PairOptions
from srnet_cli.errors import DataError, OutputError, UsageError
from tests.data.conftest import FOUR_FOCALS, four_shots
from tests.data.work import Work
from tests.scenes import Shot, save_jpeg, write_sequence


def options(folder: Path, **pairs: Any) -> SourceOptions:
    return SourceOptions(scale=4, cache=folder, workers=1, pairs=PairOptions(**pairs))


def prepare(root: Path, folder: Path, **pairs: Any) -> PreparationReport:
    return prepare_source(root, options(folder, **pairs))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture
def own(srraw: Path, tmp_path: Path) -> Path:
    """A copy of one training scene that a test may damage, beside an intact one."""
    for name in ("00001", "00002"):
        shutil.copytree(srraw / "train" / name, tmp_path / "data" / name)
    return tmp_path / "data"


def why(report: PreparationReport) -> dict[str, str]:
    return {problem.name: problem.reason for problem in report.left_out}


def names(report: PreparationReport) -> set[str]:
    return {item.name for item in report.items}


WHOLE = {f"0000{n}/{pair}" for n in (1, 2) for pair in ("00003-00001", "00004-00002")}


def test_pairs_are_prepared_with_their_figures(srraw: Path, tmp_path: Path) -> None:
    report = prepare(srraw, tmp_path)
    assert names(report) == {
        f"{scene}/{pair}"
        for scene in ("train/00001", "train/00002", "test/00001")
        for pair in ("00003-00001", "00004-00002")
    }
    assert report.left_out == ()
    for item in report.items:
        lr, hr = item.open("lr"), item.open("hr")
        assert (hr.shape[0], hr.shape[1]) == (4 * lr.shape[0], 4 * lr.shape[1])
        assert item.report["correlation"] > 0.95
        assert item.report["misalignment_lr_px"] < 0.6
        assert item.report["alignment"] == "ecc"
        assert len(item.report["colour_gains"]) == 3
    manifest = json.loads((report.folder / "manifest.json").read_text())
    assert [entry["name"] for entry in manifest["items"]] == sorted(names(report))
    first = manifest["items"][0]
    assert {Path(file["path"]).name for file in first["inputs"]} >= {"00003.JPG", "00001.JPG"}
    assert first["parameters"]["scale"] == 4


def test_nothing_of_the_users_is_changed(own: Path, tmp_path: Path) -> None:
    before = tree(own)
    prepare(own, tmp_path / "cache", mosaic=True)
    assert tree(own) == before


def test_preparing_twice_does_no_work_the_second_time(srraw: Path, tmp_path: Path) -> None:
    first = prepare(srraw, tmp_path)
    assert first.made == 6
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    second = prepare(srraw, tmp_path)
    assert second.made == 0
    assert second.items == first.items
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == times


def test_only_what_changed_is_prepared_again(own: Path, tmp_path: Path) -> None:
    prepare(own, tmp_path / "cache")
    changed = own / "00002" / "00003.JPG"
    os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 1_000_000_000))
    assert prepare(own, tmp_path / "cache").made == 1
    assert prepare(own, tmp_path / "cache", model="euclidean").made == 4
    assert prepare(own, tmp_path / "cache", model="euclidean").made == 0


def test_a_lost_array_is_made_again(srraw: Path, tmp_path: Path) -> None:
    first = prepare(srraw, tmp_path)
    before = tree(tmp_path)
    (first.items[0].folder / "hr.npy").unlink()
    assert prepare(srraw, tmp_path).made == 1
    assert tree(tmp_path) == before


def test_pairs_that_are_gone_leave_the_cache(own: Path, tmp_path: Path) -> None:
    prepare(own, tmp_path / "cache")
    for path in (own / "00002").glob("00004.*"):
        path.unlink()
    report = prepare(own, tmp_path / "cache")
    assert names(report) == WHOLE - {"00002/00004-00002"}
    assert not (report.folder / "00002" / "00004-00002").exists()


def test_folders_that_vanish_while_others_are_removed_are_passed_over(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process prepares the same: its temporary folders come and go at any moment."""
    report = prepare(own, tmp_path / "cache")
    (gone, *_) = finished(report.folder)
    scandir = os.scandir

    def vanishing(place: Any = ".") -> Any:
        if os.fspath(place) == os.fspath(gone):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", os.fspath(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert names(prepare(own, tmp_path / "cache")) == WHOLE


def test_any_number_of_workers_gives_the_same_bytes(srraw: Path, tmp_path: Path) -> None:
    prepare(srraw, tmp_path / "one")
    prepare_source(srraw, replace(options(tmp_path / "two"), workers=2))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


PREPARE = """
import sys
from pathlib import Path
from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.opening import prepare_source
prepare_source(Path(sys.argv[1]), SourceOptions(scale=4, cache=Path(sys.argv[2]), workers=1))
"""


def finished(folder: Path) -> set[Path]:
    """The items' folders, without those that are being written: rglob stops at one that vanishes."""
    return cache._items_below(folder)


def test_a_killed_preparation_goes_on_and_ends_the_same(srraw: Path, tmp_path: Path) -> None:
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    process = subprocess.Popen([sys.executable, "-c", PREPARE, str(srraw), str(cut)])
    deadline = time.monotonic() + 120
    while not finished(cut) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for bare in cut.rglob(".srnet-*"):
        os.utime(bare, (0, 0))  # long ago: what has no mark yet stays for a minute
    left = len(finished(cut))
    assert left >= 1
    resumed = prepare(srraw, cut)
    assert resumed.made == 6 - left
    prepare(srraw, whole)
    assert tree(cut) == tree(whole)


# What can be wrong with the data; the other scene is always prepared.


def test_a_missing_jpg_is_developed_from_raw(own: Path, tmp_path: Path) -> None:
    (own / "00001" / "00003.JPG").unlink()
    report = prepare(own, tmp_path / "cache")
    assert names(report) == WHOLE
    item = next(item for item in report.items if item.name == "00001/00003-00001")
    assert item.report["files"] == ["00003.ARW", "00001.ARW"]
    assert [(note.name, note.reason) for note in report.notes] == [
        ("00001/00003-00001", "a JPG is missing; both shots are developed from RAW")
    ]


def test_a_missing_jpg_without_raw_of_the_other_shot_is_named(own: Path, tmp_path: Path) -> None:
    (own / "00001" / "00003.JPG").unlink()
    (own / "00001" / "00001.ARW").unlink()
    report = prepare(own, tmp_path / "cache")
    assert names(report) == WHOLE - {"00001/00003-00001"}
    assert why(report) == {
        "00001/00003-00001": "the shots have no kind of file in common: "
        "00003 has no JPG, 00001 has no RAW file"
    }


def test_a_missing_raw_file_matters_only_when_the_mosaic_is_wanted(own: Path, tmp_path: Path) -> None:
    (own / "00001" / "00003.ARW").unlink()
    assert names(prepare(own, tmp_path / "cache")) == WHOLE
    report = prepare(own, tmp_path / "cache", mosaic=True)
    assert names(report) == WHOLE - {"00001/00003-00001"}
    assert why(report) == {"00001/00003-00001": "the RAW file of 00003 is missing"}


def test_a_truncated_raw_file_is_named(own: Path, tmp_path: Path) -> None:
    path = own / "00001" / "00003.ARW"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = prepare(own, tmp_path / "cache", mosaic=True)
    assert names(report) == WHOLE - {"00001/00003-00001"}
    assert why(report)["00001/00003-00001"].startswith("00003.ARW ")


def test_a_damaged_jpg_is_named(own: Path, tmp_path: Path) -> None:
    path = own / "00001" / "00003.JPG"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = prepare(own, tmp_path / "cache")
    assert names(report) == WHOLE - {"00001/00003-00001"}
    assert why(report)["00001/00003-00001"].startswith("00003.JPG ")


def test_flat_frames_are_named(own: Path, tmp_path: Path) -> None:
    save_jpeg(own / "00001" / "00001.JPG", np.full((240, 320, 3), 128, np.uint8), 150.0)
    report = prepare(own, tmp_path / "cache")
    assert names(report) == WHOLE - {"00001/00003-00001"}
    assert why(report) == {"00001/00003-00001": "the longer shot has no features to align by"}


def test_a_shot_of_another_scene_is_named(own: Path, tmp_path: Path) -> None:
    shutil.copy(own / "00002" / "00001.JPG", own / "00001" / "00001.JPG")
    report = prepare(own, tmp_path / "cache")
    assert names(report) == WHOLE - {"00001/00003-00001"}
    reason = why(report)["00001/00003-00001"]
    assert "did not converge" in reason or "correlate" in reason or "pixels off" in reason


def test_pairs_that_stay_misaligned_are_left_out(own: Path, tmp_path: Path) -> None:
    report = prepare(own, tmp_path / "cache", max_misalignment=0.01)
    assert report.items == ()
    assert all("LR pixels off after alignment; 0.01 are allowed" in reason for reason in why(report).values())
    report = prepare(own, tmp_path / "cache", min_correlation=0.9999)
    assert all("correlate by 0.9" in reason for reason in why(report).values())


def test_a_reason_is_kept_too(own: Path, tmp_path: Path) -> None:
    prepare(own, tmp_path / "cache", max_misalignment=0.01)
    again = prepare(own, tmp_path / "cache", max_misalignment=0.01)
    assert again.made == 0
    assert len(again.left_out) == 4


# An already processed copy.


def test_an_existing_tform_is_used_as_it_is(own: Path, tmp_path: Path) -> None:
    rows = "1.0 0.0 {x}\n0.0 1.0 {y}\n"
    frames = "".join(f"00001-{k:05d}:\n" + rows.format(x=0.1 * k, y=-0.2 * k) for k in (1, 2, 3))
    text = frames + "corner:\n00001 00100 00001 00100\n"
    (own / "00001" / "tform.txt").write_text(text)
    report = prepare(own, tmp_path / "cache", max_misalignment=50, min_correlation=-1)
    ours = next(item for item in report.items if item.name == "00001/00003-00001")
    assert ours.report["alignment"] == "tform.txt"
    # By hand: HR and reference are one shot, so LR pixels map by the ratio, less the two shifts' difference.
    ratio = 150 / 35
    x = (319 / 2) * (1 - ratio) + 0.1 - 0.3
    y = (239 / 2) * (1 - ratio) - 0.2 + 0.6
    assert ours.report["lr_to_hr"][0] == pytest.approx([ratio, 0, x], abs=1e-4)
    assert ours.report["lr_to_hr"][1] == pytest.approx([0, ratio, y], abs=1e-4)
    assert why(report) == {"00001/00004-00002": "frame 00004 could not be aligned with the longest shot"}
    other = next(item for item in report.items if item.name == "00002/00003-00001")
    assert other.report["alignment"] == "ecc"


def test_a_damaged_tform_is_named(own: Path, tmp_path: Path) -> None:
    (own / "00001" / "tform.txt").write_text("00001-00002:\n1 0\n")
    report = prepare(own, tmp_path / "cache")
    assert names(report) == {name for name in WHOLE if name.startswith("00002")}
    reason = "tform.txt: line 2: expected 3 numbers (delete it to have the frames aligned again)"
    assert why(report)["00001/00003-00001"] == reason


def test_an_existing_white_balance_is_used(own: Path, tmp_path: Path) -> None:
    (own / "00001" / "wb.txt").write_text("WB\nx/00003:\n2.5 1.0 1.0 1.5\n")
    report = prepare(own, tmp_path / "cache", mosaic=True)
    gains = {item.name: item.report["white_balance"] for item in report.items}
    assert gains["00001/00003-00001"] == [2.5, 1.0, 1.0, 1.5]
    assert gains["00001/00004-00002"] == pytest.approx([2.2, 1.0, 1.0, 1.6], rel=0.02)


# The published recipe, the mosaic, colours.


def test_the_published_recipe_writes_what_it_aligned_by(tmp_path: Path) -> None:
    shots = [Shot(f, (0.4 * k, -0.3 * k)) for k, f in enumerate((240.0, 150.0, 100.0, 70.0, 50.0, 35.0))]
    write_sequence(tmp_path / "data" / "00001", shots)
    report = prepare(tmp_path / "data", tmp_path / "cache", recipe="published", mosaic=True)
    assert {item.name: item.shapes for item in report.items} == {
        "00001_00005": {"lr": (34, 60, 3), "hr": (136, 240, 3), "mosaic": (17, 30, 4)},
        "00001_00006": {"lr": (12, 30, 3), "hr": (48, 120, 3), "mosaic": (6, 15, 4)},
    }
    assert why(report) == {"00001_00007": "frame 00007 is missing"}
    text = (report.folder / "00001_00005" / "tform.txt").read_text()
    assert text.startswith("00001-00001:\n1.00000000 0.00000000 0.00000000\n")
    assert "corner:" in text
    gains = read_gains(report.folder / "00001_00005" / "wb.txt")
    assert gains[5] == pytest.approx((2.2, 1.0, 1.0, 1.6), rel=0.02)


def test_the_mosaic_is_cut_as_its_picture(own: Path, tmp_path: Path) -> None:
    for item in prepare(own, tmp_path / "cache", mosaic=True).items:
        lr, mosaic = item.open("lr"), item.open("mosaic")
        assert mosaic.shape == (lr.shape[0] // 2, lr.shape[1] // 2, 4)
        # Green of both, well apart from edges, follows one curve: the ranks agree.
        green = lr[..., 1].reshape(lr.shape[0] // 2, 2, lr.shape[1] // 2, 2).mean((1, 3)).ravel()
        assert np.corrcoef(green, np.sqrt(np.clip(mosaic[..., [1, 3]].mean(-1), 0, 1)).ravel())[0, 1] > 0.97


def test_colours_are_matched_on_request(tmp_path: Path) -> None:
    exposures = (0.7, 1.0, 1.0, 1.0)
    shots = [replace(shot, exposure=e) for shot, e in zip(four_shots(0), exposures, strict=True)]
    write_sequence(tmp_path / "data" / "00001", shots, 240, 320, raw=None)
    plain, matched = (
        prepare(tmp_path / "data", tmp_path / str(match), match_colour=match).items[0]
        for match in (False, True)
    )
    assert plain.report["exposure_stops"] == pytest.approx(np.log2(0.7), abs=0.05)
    assert matched.report["exposure_stops"] == plain.report["exposure_stops"]
    offsets = [float(item.open("hr").mean() - item.open("lr").mean()) for item in (plain, matched)]
    assert offsets[0] < -15
    assert abs(offsets[1]) < 3


def test_shots_taken_upside_down_are_turned(own: Path, tmp_path: Path) -> None:
    """The same shots stored turned by 180 degrees with the EXIF orientation that says so."""
    upright = {item.name: item for item in prepare(own, tmp_path / "upright").items}
    for path, focal in zip(sorted((own / "00001").glob("*.JPG")), FOUR_FOCALS, strict=True):
        save_jpeg(path, np.asarray(Image.open(path))[::-1, ::-1].copy(), focal, orientation=3)
    for item in prepare(own, tmp_path / "turned").items:
        before = upright[item.name].open("lr").astype(int)
        assert item.shapes == upright[item.name].shapes
        assert np.abs(item.open("lr") - before).mean() < 3


def test_a_sequence_of_raw_files_only(tmp_path: Path) -> None:
    shots = [Shot(focal, (0.5 * k, -k)) for k, focal in enumerate((150.0, 35.0))]
    write_sequence(tmp_path / "data", shots, 240, 320, raw="DNG", jpeg=False)
    (item,) = prepare(tmp_path / "data", tmp_path / "cache", mosaic=True).items
    assert item.report["files"] == ["00002.DNG", "00001.DNG"]
    assert item.report["correlation"] > 0.95
    assert item.report["white_balance"] == pytest.approx([2.2, 1.0, 1.0, 1.6], rel=0.02)


def test_a_new_shot_leaves_the_old_pairs_alone(srraw: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "00001"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        shutil.copy2(srraw / "train" / "00001" / f"0000{number}.JPG", folder)
    assert prepare(folder.parent, tmp_path / "cache").made == 1
    shutil.copy2(srraw / "train" / "00001" / "00004.JPG", folder)
    assert prepare(folder.parent, tmp_path / "cache").made == 1


# The cache itself.


def test_a_dying_process_costs_only_its_own_item(tmp_path: Path) -> None:
    jobs = [Work(name) for name in ("a", "dies", "b", "c")]
    report = cache.prepare(jobs, tmp_path, workers=2)
    assert [item.name for item in report.items] == ["a", "b", "c"]
    assert [(problem.name, problem.reason) for problem in report.left_out] == [
        ("dies", "the process that prepared it died: a damaged file, or too little memory")
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_unforeseen_error_costs_only_its_own_item(tmp_path: Path, workers: int) -> None:
    jobs = [Work(name) for name in ("a", "stumbles", "stumbles-too", "z")]
    report = cache.prepare(jobs, tmp_path, workers)
    assert names(report) == {"a", "z"}
    assert why(report) == {
        name: f"{name}: unexpected OverflowError: date value out of range"
        for name in ("stumbles", "stumbles-too")
    }
    assert cache.prepare(jobs, tmp_path, workers).made == 2, "only what failed is tried again"


def test_progress_counts_what_was_there(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    cache.prepare([Work("a")], tmp_path, workers=1)
    cache.prepare([Work("a"), Work("b")], tmp_path, 1, lambda *step: seen.append(step))
    assert seen == [(2, 2, "b")]


def test_equal_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="same name"):
        cache.prepare([Work("a"), Work("a")], tmp_path)


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((DataError, OutputError), match="cannot be made"):
        cache.prepare([Work("a")], tmp_path / "file" / "cache")


def test_the_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_cache() == tmp_path / "srnet"
    monkeypatch.setattr(sys, "platform", "linux")
    for unset in ("", "cache", "./cache"):  # a relative one would be another in each folder
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache.default_cache() == Path.home() / ".cache" / "srnet"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.default_cache() == Path.home() / ".cache" / "srnet"
    assert cache.set_folder(tmp_path, Path("/a/data"), "x4") != cache.set_folder(
        tmp_path, Path("/b/data"), "x4"
    )


def test_without_a_home_directory_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    pwd = pytest.importorskip("pwd")

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(DataError, match=r"no home directory .*--cache"):
        cache.default_cache()


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="not a zoom"):
        PairOptions(scale=1)
    with pytest.raises(UsageError, match="limits"):
        PairOptions(max_misalignment=0)

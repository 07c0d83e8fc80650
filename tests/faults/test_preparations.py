"""Several processes that prepare one set: one at a time, and nothing that one took from another is silent."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from srnet_cli import files
from srnet_cli.data.preparation import Prepared
from srnet_cli.data.prepared import cache
from srnet_cli.data.prepared.records import make
from srnet_cli.errors import OutputError
from srnet_cli.temporaries import held_alone
from tests.data.work import Work
from tests.faults.pictures import encoded
from tests.faults.program import PATIENCE, Program, assert_civil, disk, finish, start, wait_until

LOCK = ".lock"
JOBS = [Work("a"), Work("b")]
LOST = "was removed or replaced by another process meanwhile (prepare the data again)"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said of waiting."""
    lines: list[str] = []
    monkeypatch.setattr(cache, "warn", lines.append)
    return lines


def test_a_set_is_prepared_by_one_process_at_a_time(tmp_path: Path, said: list[str]) -> None:
    with ThreadPoolExecutor(1) as second:
        with held_alone(tmp_path / LOCK, "is preparing"):
            waiting = second.submit(cache.prepare, JOBS, tmp_path, 1)
            deadline = time.monotonic() + PATIENCE
            while not said and time.monotonic() < deadline:
                time.sleep(0.01)
            for job in [*JOBS, Work("added")]:
                make(job, tmp_path)
            time.sleep(3 * 0.2)  # it looks again and again, and says so once
            assert not waiting.done()
        report = waiting.result(PATIENCE)
    assert said == [f"{tmp_path}: another process prepares these pairs; waiting for its end"]
    assert [item.name for item in report.items] == ["a", "b"]
    assert (report.made, report.left_out) == (0, ())
    assert not (tmp_path / LOCK).exists()
    assert (tmp_path / "added").is_dir(), "the other one may be about to use it"
    cache.prepare(JOBS, tmp_path, workers=1)
    assert not (tmp_path / "added").exists()


@pytest.mark.parametrize("step", ["_make_folder", "held_in_turn"])
@pytest.mark.parametrize("is_new", [True, False])
def test_what_another_process_prepared_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, is_new: bool
) -> None:
    """Between this one's look at the set and its lock: another one added an item, and may be using it."""
    if not is_new:
        cache.prepare(JOBS[:1], tmp_path, workers=1)
    do = getattr(cache, step)

    def after_another(*arguments: object) -> object:
        monkeypatch.setattr(cache, step, do)
        cache.prepare([*JOBS, Work("added")], tmp_path, workers=1)
        return do(*arguments)

    monkeypatch.setattr(cache, step, after_another)
    assert cache.prepare(JOBS, tmp_path, workers=1).left_out == ()
    assert (tmp_path / "added" / "record.json").is_file()
    cache.prepare(JOBS, tmp_path, workers=1)
    assert not (tmp_path / "added").exists()


def test_what_is_complete_is_looked_at_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By any number of processes at once, in a folder that may only be read, too."""
    first = cache.prepare(JOBS, tmp_path, workers=1)
    monkeypatch.setattr(cache, "held_in_turn", lambda *_: pytest.fail("there is nothing to prepare"))
    with held_alone(tmp_path / LOCK, "is preparing"):
        assert cache.prepare(JOBS, tmp_path, workers=1).items == first.items


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_disks_without_locks_are_prepared_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert len(cache.prepare(JOBS, tmp_path, workers=1).items) == 2
    assert cache.prepare([*JOBS, Work("c")], tmp_path, workers=1).made == 1


@dataclass(frozen=True)
class Meddling(Work):
    """A job during which another process does something to the first item."""

    meddle: Callable[[Path], object] = lambda _: None
    folder: Path = Path()

    def run(self) -> Prepared:
        self.meddle(self.folder)
        return super().run()


def _of_other_files(item: Path) -> None:
    record = item / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"inputs": ["others"]}))


def _made_anew(item: Path) -> None:
    (item / "record.json").unlink()


def _cut(item: Path) -> None:
    (item / "lr.npy").write_bytes(b"")


@pytest.mark.parametrize("meddle", [shutil.rmtree, _made_anew, _of_other_files, _cut])
def test_what_another_process_took_is_named(tmp_path: Path, meddle: Callable[[Path], object]) -> None:
    jobs = [Work("a"), Work("b"), Meddling("z", meddle=meddle, folder=tmp_path / "a")]
    report = cache.prepare(jobs, tmp_path, workers=1)
    assert [item.name for item in report.items] == ["b", "z"]
    assert [(problem.name, problem.reason) for problem in report.left_out] == [("a", LOST)]
    assert cache.prepare(jobs, tmp_path, workers=1).made == 1


@dataclass(frozen=True)
class Made(Work):
    """A job of one file."""

    file: Path = Path()

    def inputs(self) -> tuple[Path, ...]:
        return (self.file,)


@pytest.mark.parametrize("is_gone", [False, True])
def test_files_that_change_meanwhile_are_no_other_process(tmp_path: Path, is_gone: bool) -> None:
    """One that changed before its turn is prepared as it is then; one that goes after it was there."""
    early, late = tmp_path / "early.png", tmp_path / "late.png"
    for file in (early, late):
        file.write_bytes(b"picture")
    change = (lambda _: early.unlink()) if is_gone else (lambda _: late.write_bytes(b"another"))
    jobs = [Made("a", file=early), Meddling("b", meddle=change), Made("c", file=late)]
    report = cache.prepare(jobs, tmp_path / "set", workers=1)
    assert [item.name for item in report.items] == ["a", "b", "c"]
    assert report.left_out == ()


def test_a_full_disk_names_the_option_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_flush", full)
    with pytest.raises(OutputError) as refused:
        cache.prepare(JOBS, tmp_path, workers=1)
    assert refused.value.remedy == "free some space or choose another folder with --cache"
    assert not (tmp_path / LOCK).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_waiting_is_ended(srnet: Program, tmp_path: Path, number: signal.Signals, code: int) -> None:
    for name, side in (("LR", 40), ("HR", 80)):
        (tmp_path / "pairs" / name).mkdir(parents=True)
        for index in range(2):
            noise = np.random.default_rng(index).integers(0, 256, (side, side, 3), np.uint8)
            (tmp_path / "pairs" / name / f"{index}.png").write_bytes(encoded("PNG", noise))
    command = ("train", "--data", tmp_path / "pairs", "--scale", "2", "--cache", tmp_path / "cache")
    folder = cache.set_folder(tmp_path / "cache", tmp_path / "pairs", "x2-pairs")
    folder.mkdir(parents=True)
    heard = tmp_path / "heard.txt"
    with held_alone(folder / LOCK, "is preparing"):
        with heard.open("w") as stream:
            process = start(*command, "--prepare-only", folder=tmp_path, stderr=stream)
            wait_until(lambda: "waiting for its end" in heard.read_text(), process)
            process.send_signal(number)
            ended = finish(process)
        assert ended.code == code
        assert_civil(type(ended)(ended.code, "", heard.read_text()))
        assert list(disk(folder)) == [LOCK]
    ended = srnet(*command, "--prepare-only")
    assert ended.code == 0 and "0 left out" in ended.err
    assert "waiting for its end" not in ended.err

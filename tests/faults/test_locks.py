"""Locks and marks in a folder that a stranger made: nothing outside of it is opened, emptied or removed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from srnet_cli import temporaries
from srnet_cli.errors import OutputError, UsageError
from srnet_cli.files import atomic_path
from srnet_cli.temporaries import held_alone, held_in_turn, may_be_lock
from srnet_cli.training.run.folder import LOCK_FILE, RunFolder
from tests.faults.pictures import encoded, scene
from tests.faults.program import Program, disk

#: a process that has ended
_DEAD = 2**22 + 1


def _symbolic(victim: Path, place: Path) -> None:
    place.symlink_to(victim)


def _hard(victim: Path, place: Path) -> None:
    os.link(victim, place)


def _copied(victim: Path, place: Path) -> None:
    place.write_bytes(victim.read_bytes())


def _pipe(victim: Path, place: Path) -> None:
    os.mkfifo(place)


Trap = Callable[[Path, Path], None]
TRAPS: tuple[Trap, ...] = (_symbolic, _hard, _copied)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "home" / "thesis.txt"
    file.parent.mkdir()
    file.write_text("precious")
    return file


@pytest.fixture
def stray(tmp_path: Path) -> Path:
    """A folder in the pictures that looks like one of ours, of a process that was killed."""
    folder = tmp_path / "pictures" / f".srnet-{temporaries._host()}-{_DEAD}-0.tmp"
    folder.mkdir(parents=True)
    (folder / ".owner").write_text(f"{temporaries._MARK}a.png")
    return folder


def _write(folder: Path) -> None:
    with atomic_path(folder / "result.png", overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert (folder / "result.png").read_bytes() == b"new"


def test_a_stray_folder_is_swept(stray: Path) -> None:
    (stray / ".lock").touch()
    _write(stray.parent)
    assert not stray.exists()


@pytest.mark.parametrize("is_marked", [True, False])
@pytest.mark.parametrize("trap", TRAPS)
def test_a_lock_that_is_another_file_is_not_opened(
    stray: Path, victim: Path, trap: Trap, is_marked: bool
) -> None:
    if not is_marked:
        (stray / ".owner").unlink()
    trap(victim, stray / ".lock")
    os.utime(stray, (0, 0))  # long ago: what has no mark yet stays for a minute
    before = disk(stray)
    _write(stray.parent)
    assert victim.read_text() == "precious"
    assert disk(stray) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("name", [".lock", ".owner"])
def test_pipes_are_not_waited_for(stray: Path, victim: Path, name: str) -> None:
    (stray / name).unlink(missing_ok=True)
    _pipe(victim, stray / name)
    _write(stray.parent)
    assert os.path.lexists(stray / name)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_mark_is_a_file_of_its_own(stray: Path, victim: Path, trap: Trap) -> None:
    if trap is _copied:
        pytest.skip("such a mark may well be ours")
    mark = (stray / ".owner").read_text()
    victim.write_text(mark)
    (stray / ".owner").unlink()
    trap(victim, stray / ".owner")
    (stray / ".lock").touch()
    (stray / "a.png").touch()
    _write(stray.parent)
    assert victim.read_text() == mark
    assert (stray / "a.png").exists()


@pytest.mark.parametrize("trap", TRAPS)
def test_a_run_is_not_locked_by_another_file(tmp_path: Path, victim: Path, trap: Trap) -> None:
    run = tmp_path / "run"
    run.mkdir()
    trap(victim, run / LOCK_FILE)
    with pytest.raises(OutputError, match="is no lock"), RunFolder(run, print).locked():
        pytest.fail("must be refused before it is opened")
    assert victim.read_text() == "precious"
    assert os.path.lexists(run / LOCK_FILE)


def test_an_empty_lock_that_was_left_is_taken(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).touch()
    with RunFolder(tmp_path, print).locked():
        assert may_be_lock(tmp_path / LOCK_FILE)


@pytest.mark.parametrize("held", [held_alone, lambda file, doing: held_in_turn(file, doing, lambda: None)])
def test_a_lock_that_is_removed_while_it_is_looked_at_is_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    held: Callable[[Path, str], AbstractContextManager[object]],
) -> None:
    """By the process that held it until now: between any two looks."""
    file = tmp_path / LOCK_FILE
    file.touch()
    for name in ("lstat", "stat"):
        look = getattr(os, name)

        def looked(path: object, *more: Any, look: Callable[..., Any] = look, **named: Any) -> os.stat_result:
            found: os.stat_result = look(path, *more, **named)
            if path in (file, str(file)):
                monkeypatch.undo()
                file.unlink()
            return found

        monkeypatch.setattr(os, name, looked)
    with held(file, "is training"):
        assert file.exists()
    assert not file.exists()


WINDOWS = (r"..\thesis.txt", r"C:\thesis.txt", "C:thesis.txt", r"\\host\share\a", "../a", "..", "")


@pytest.mark.parametrize("name", WINDOWS)
def test_names_that_lead_out_on_windows(name: str) -> None:
    assert not temporaries._stays_inside(PureWindowsPath(name))


@pytest.mark.parametrize("name", ["../a", "/a", "a/b", "..", ".", ""])
def test_names_that_lead_out_on_other_systems(stray: Path, name: str) -> None:
    assert not temporaries._stays_inside(PurePosixPath(name))
    (stray / ".owner").write_text(temporaries._MARK + name)
    (stray / ".lock").touch()
    _write(stray.parent)
    assert stray.exists()


@pytest.mark.parametrize("name", ["a.png", "Ä b.tif", ".hidden", "a..b"])
def test_names_that_stay(name: str) -> None:
    flavours: tuple[type[PurePath], ...] = (PurePosixPath, PureWindowsPath)
    assert all(temporaries._stays_inside(flavour(name)) for flavour in flavours)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_folder_of_the_next_name_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_link: bool
) -> None:
    """Of another container's process of the same number, or of a stranger who guessed the name."""
    pictures, there = tmp_path / "pictures", tmp_path / "home"
    pictures.mkdir()
    numbers = iter([7, 7, 8])
    monkeypatch.setattr("srnet_cli.temporaries.secrets.randbelow", lambda limit: next(numbers))
    taken = pictures / f".srnet-{temporaries._host()}-{os.getpid()}-7.tmp"
    (there if is_link else taken).mkdir()
    if is_link:
        taken.symlink_to(there)
    for name in ("result.png", ".owner", ".lock"):
        (taken / name).write_text("precious")
    before = disk(there if is_link else taken)
    _write(pictures)
    assert disk(there if is_link else taken) == before
    assert sorted(path.name for path in pictures.iterdir()) == sorted([taken.name, "result.png"])


def test_what_no_name_is_free_for_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srnet_cli.temporaries.secrets.randbelow", lambda limit: 7)
    taken = tmp_path / f".srnet-{temporaries._host()}-{os.getpid()}-7.tmp"
    taken.mkdir()
    (taken / "result.png").write_text("precious")
    before = disk(tmp_path)
    with pytest.raises(OutputError), atomic_path(tmp_path / "result.png", overwrite=False):
        pytest.fail("must be refused before any work")
    assert disk(tmp_path) == before


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock that may only be read, as another user's."""
    import filelock

    def refuse(lock: filelock.BaseFileLock, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", lock.lock_file)

    pytest.importorskip("fcntl")
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    (tmp_path / LOCK_FILE).touch()
    return tmp_path / LOCK_FILE


def test_a_lock_of_another_user_is_held_as_any_other(foreign: Path) -> None:
    import fcntl

    with foreign.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(UsageError, match="another process is training"),
            held_alone(foreign, "is training"),
        ):
            pytest.fail("there is another one")
        assert foreign.exists()
    second = pytest.raises(UsageError)
    with held_alone(foreign, "is training"), second, held_alone(foreign, "is training"):
        pytest.fail("this one has it")
    assert not foreign.exists()


@pytest.mark.parametrize("code", [errno.EBADF, errno.EACCES, errno.ENOLCK])
def test_a_lock_of_another_user_that_tells_nothing_is_named(
    foreign: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """As on network shares, which lock for writing only."""

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OutputError) as refused, held_alone(foreign, "is training"):
        pytest.fail("there may be another one")
    assert refused.value.path == foreign
    assert refused.value.remedy == "remove it, unless another process is training in this folder"
    assert foreign.exists()


def test_a_folder_that_may_only_be_read_needs_no_lock(foreign: Path) -> None:
    foreign.unlink()
    with held_alone(foreign, "is training"):
        assert not foreign.exists()


def test_no_input_is_taken_from_where_unfinished_files_are_removed(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    """What is written beside the folder removes them, with the picture or model that has just been read."""
    whole, folder = tmp_path / "whole.png", tmp_path / f".srnet-{temporaries._host()}-999999-1.tmp"
    whole.write_bytes(encoded("PNG", scene(24, 24)))
    (tmp_path / "link.png").symlink_to(folder / "a_x2.png")
    small = ("-s", "2", "-o", tmp_path / "result.png", "--overwrite")
    commands: list[tuple[object, ...]] = [
        ("zoom", folder / "a_x2.png", *small, "--model", model),
        ("zoom", tmp_path / "link.png", *small, "--model", model),
        ("residual", whole, folder / "a_x2.png", "-o", tmp_path),
        ("zoom", whole, *small, "--model", folder),
        ("zoom", whole, folder / "a_x2.png", "-s", "2", "-o", f"{tmp_path}/", "--model", model),
        ("zoom", folder, whole, "-s", "2", "-o", f"{tmp_path}/", "--model", model),
    ]
    for command in commands:
        for name in ("weights.safetensors", "a_x2.png"):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(model, folder)
            shutil.copy(whole, folder / "a_x2.png")
            (folder / ".owner").write_text(temporaries._MARK + name)
            ended = srnet(*command)
            assert ended.code in (1, 2), command
            assert "in a folder of unfinished files" in ended.err
            assert (folder / name).exists()

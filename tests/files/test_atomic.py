"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from srnet_cli import temporaries
from srnet_cli.errors import OutputError
from srnet_cli.files import atomic_path, refuse_other_than_file
from srnet_cli.temporaries import remove_stray_temporaries


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_writes_under_a_temporary_name_with_the_same_suffix(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    with atomic_path(target, overwrite=False) as temporary:
        assert temporary.parent.parent == tmp_path
        assert temporary.name == "picture.png"
        assert temporary.parent.name.startswith(".srnet-")
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert names(tmp_path) == ["picture.png"]


def test_existing_file_is_kept_without_overwrite(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"), atomic_path(target, overwrite=False):
        pytest.fail("must be refused before any work")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["picture.png"]


def test_overwrite_replaces_and_keeps_permissions(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with atomic_path(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    with (
        pytest.raises(OutputError, match="exists already"),
        atomic_path(target, overwrite=False) as temporary,
    ):
        temporary.write_bytes(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["picture.png"]


def test_works_on_file_systems_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    target = tmp_path / "picture.png"
    with atomic_path(target, overwrite=False) as temporary:
        temporary.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"
    assert names(tmp_path) == ["picture.png"]


def test_an_error_leaves_nothing_and_keeps_the_old(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_path(target, overwrite=True) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["picture.png"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "input/output"),
    ],
)
def test_refusals_of_the_disk_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    target = tmp_path / "picture.png"
    with (
        pytest.raises(OutputError, match=reason) as caught,
        atomic_path(target, overwrite=False) as temporary,
    ):
        temporary.write_bytes(b"whole")
    assert caught.value.path == target
    assert names(tmp_path) == []


def test_errors_about_other_files_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.png", overwrite=False):
        (tmp_path / "missing input").read_bytes()
    assert names(tmp_path) == []


def test_missing_folder_and_folder_as_target_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="folder does not exist"),
        atomic_path(tmp_path / "no" / "a.png", overwrite=False),
    ):
        pytest.fail("must be refused")
    with pytest.raises(OutputError, match="is a folder"), atomic_path(tmp_path, overwrite=True):
        pytest.fail("must be refused")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with pytest.raises(OutputError, match="no permission"), atomic_path(folder / "a.png", overwrite=False):
        pytest.fail("must be refused")


@pytest.mark.parametrize(
    "name", ["ünï cödé\n.png", "-leading.png", "no suffix", "ä" * 120 + ".tiff", "a" * 255]
)
def test_unusual_names(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with atomic_path(target, overwrite=False) as temporary:
        temporary.write_bytes(b"whole")
    assert names(tmp_path) == [name]


def test_name_too_long_for_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long"), atomic_path(tmp_path / ("a" * 300), overwrite=False):
        pytest.fail("must be refused")
    with pytest.raises(OutputError, match="cannot be written: the file name is too long") as refused:
        refuse_other_than_file(tmp_path / ("a" * 300))
    assert refused.value.remedy == "choose a shorter name"


def test_killed_process_leaves_the_old_file_and_its_temporary_is_swept(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom srnet_cli.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1]), overwrite=True) as temporary:\n"
        "    temporary.write_bytes(b'half')\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        # While the other process lives, its temporary is its own.
        remove_stray_temporaries(tmp_path)
        assert len(names(tmp_path)) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert target.read_bytes() == b"old"
    with atomic_path(tmp_path / "next.png", overwrite=False) as temporary:
        temporary.write_bytes(b"new")
    assert names(tmp_path) == ["next.png", "picture.png"]


DIE = """
import os, sys
from pathlib import Path
from srnet_cli.files import atomic_path
from srnet_cli.temporaries import remove_stray_temporaries

EVENTS = ("os.mkdir", "open", "fcntl.flock", "os.link", "os.rename", "os.remove", "os.rmdir")
folder, left = Path(sys.argv[1]), 0
def count(event, arguments):
    global left
    if event in EVENTS and str(folder) in str(arguments) or event == "fcntl.flock":
        left -= 1
        if left == 0:
            os._exit(9)
with atomic_path(folder / "warm.png", overwrite=True):
    pass
(folder / "warm.png").unlink()
sys.addaudithook(count)
for number in range(1, 100):
    child = os.fork()
    if child == 0:
        left = number
        with atomic_path(folder / "picture.png", overwrite=True) as temporary:
            temporary.write_bytes(b"new")
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    print(number, *sorted(p.relative_to(folder) for p in folder.rglob("*")), flush=True)
    for killed in folder.glob(".srnet-*"):
        os.utime(killed, (0, 0))  # long ago: what has no mark yet stays for a minute
    with atomic_path(folder / "next.png", overwrite=True):
        pass
    assert {p.name for p in folder.iterdir()} <= {"next.png", "picture.png"}, list(folder.rglob("*"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_killed_at_any_moment_what_is_left_is_swept(tmp_path: Path) -> None:
    """Between any two things that are done on the disk: before the mark is there, and after it is gone."""
    ended = subprocess.run(
        [sys.executable, "-c", DIE, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    moments = [line.split() for line in ended.stdout.splitlines()]
    assert len(moments) >= 10
    inside = [{name.partition("/")[2] for name in moment if "/" in name} for moment in moments]
    assert set() in inside and {".lock"} in inside


@pytest.mark.parametrize("container", ["the same", "another"])
def test_another_process_that_sweeps_all_the_time_takes_nothing(tmp_path: Path, container: str) -> None:
    """Between making a folder and locking it too, and where our process number means nothing to it."""
    code = (
        "import sys\nfrom srnet_cli import temporaries\nfrom srnet_cli.files import *\n"
        "if sys.argv[2] == 'another':\n    temporaries._lives = lambda process: False\n"
        "print('ready', flush=True)\n"
        "while True:\n    remove_stray_temporaries(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), container]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sweeper:
        assert sweeper.stdout is not None
        assert sweeper.stdout.readline() == b"ready\n"
        try:
            for number in range(200):
                with atomic_path(tmp_path / "picture.png", overwrite=True) as temporary:
                    temporary.write_text(str(number))
                assert (tmp_path / "picture.png").read_text() == str(number)
        finally:
            sweeper.kill()


@pytest.mark.parametrize("inside", [[], [".lock"]])
def test_a_folder_without_mark_is_swept_when_it_is_older_than_a_minute(
    tmp_path: Path, inside: list[str]
) -> None:
    """It may be a living process's of another container, which has not locked it yet."""
    folder = tmp_path / f".srnet-{temporaries._host()}-4194304-0.tmp"
    folder.mkdir()
    for name in inside:
        (folder / name).touch()
    remove_stray_temporaries(tmp_path)
    assert names(folder) == inside
    for seconds, is_left in [(30, True), (90, False)]:
        then = time.time() - seconds
        os.utime(folder, (then, then))
        remove_stray_temporaries(tmp_path)
        assert folder.exists() is is_left


def test_the_temporary_of_a_living_process_stays_whatever_its_number(tmp_path: Path) -> None:
    """In another container its process number may be anyone's, or no one's: the lock counts."""
    with atomic_path(tmp_path / "a.png", overwrite=False) as temporary:
        temporary.write_bytes(b"in work")
        dead = temporary.parent.with_name(re.sub(r"-\d+-\d+\.tmp$", "-4194304-0.tmp", temporary.parent.name))
        temporary.parent.rename(dead)
        code = "import sys; from srnet_cli.files import *; remove_stray_temporaries(Path(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
        assert (dead / "a.png").read_bytes() == b"in work"
        dead.rename(temporary.parent)
    assert names(tmp_path) == ["a.png"]


def test_what_only_looks_like_a_temporary_stays(tmp_path: Path) -> None:
    """Files and folders of that name which we did not make, and what someone put into one that we made."""
    host = temporaries._host()
    others = [f".srnet-{host}-4194304-0.tmp", ".a.png.srnet-otherhost-1-0.tmp.png", "a.srnet-x-1-0.tmp.png"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    unmarked = tmp_path / f".srnet-{host}-4194304-1.tmp"
    unmarked.mkdir()
    (unmarked / "mine.png").write_bytes(b"mine")
    marked = tmp_path / f".srnet-{host}-4194304-2.tmp"
    marked.mkdir()
    (marked / ".owner").write_bytes(temporaries._MARK.encode() + b"half.png")
    for name in ("half.png", "mine.png"):
        (marked / name).write_bytes(b"mine")
    with atomic_path(tmp_path / "next.png", overwrite=False) as temporary:
        temporary.write_bytes(b"new")
    assert names(tmp_path) == sorted([*others, unmarked.name, marked.name, "next.png"])
    assert names(unmarked) == names(marked) == ["mine.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="kinds of files of POSIX systems")
@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR])
@pytest.mark.parametrize("is_linked", [False, True])
def test_devices_and_pipes_are_never_replaced(tmp_path: Path, kind: int, is_linked: bool) -> None:
    node = target = tmp_path / "node"
    try:
        os.mknod(node, kind | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device is not permitted")
    if is_linked:
        target = tmp_path / "a.png"
        target.symlink_to(node)
    before = node.stat()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="never replaced"), atomic_path(target, overwrite=overwrite):
            pytest.fail("the work began")
    assert os.path.samestat(node.stat(), before)
    # One that comes while the work is done, too.
    own = tmp_path / "b.png"
    with pytest.raises(OutputError, match="never replaced"), atomic_path(own, overwrite=True):
        os.mkfifo(own)
    assert own.is_fifo()

"""Where compiled code is kept: where nobody else can put any."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from srnet_cli.errors import OutputError
from srnet_cli.models.compiled import CODE_FOLDER, compiled, keep_code_private
from tests.faults.program import environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="owners and modes are POSIX's")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it belongs, of a user whose environment says nothing of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Set and taken away, so that it is as before at the end.
    monkeypatch.setenv(CODE_FOLDER, "")
    monkeypatch.delenv(CODE_FOLDER)
    return tmp_path / "cache" / "srnet" / "compiled"


def test_a_folder_of_the_users_own_is_made(folder: Path) -> None:
    for _ in range(2):
        keep_code_private()
        assert os.environ[CODE_FOLDER] == str(folder)
        assert folder.stat().st_mode & 0o777 == 0o700


def test_what_the_user_names_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = str(tmp_path / "torchinductor_mine")
    monkeypatch.setenv(CODE_FOLDER, named)
    keep_code_private()
    assert os.environ[CODE_FOLDER] == named and not folder.exists()


@pytest.mark.parametrize("parent", [tempfile.gettempdir(), "/var/tmp"])
def test_what_torch_names_unasked_is_not(folder: Path, monkeypatch: pytest.MonkeyPatch, parent: str) -> None:
    monkeypatch.setenv(CODE_FOLDER, f"{parent}/torchinductor_somebody")
    keep_code_private()
    assert os.environ[CODE_FOLDER] == str(folder)


def test_a_folder_of_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_code_private()
    monkeypatch.delenv(CODE_FOLDER)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(OutputError, match="belongs to somebody else") as refused:
        compiled(abs)
    assert refused.value.path == folder.parent and CODE_FOLDER in str(refused.value.remedy)
    assert CODE_FOLDER not in os.environ


def test_an_empty_name_is_not_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for named in ("", str(Path.cwd())):  # what torch makes of the first
        monkeypatch.setenv(CODE_FOLDER, named)
        keep_code_private()
        assert os.environ[CODE_FOLDER] == str(folder)


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_folder_that_others_write_to_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(OutputError, match="may be written by others"):
        keep_code_private()


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o755])
def test_nobody_else_may_put_another_in_its_place(folder: Path, mode: int) -> None:
    """The user's group, which a umask of 002 lets write, may have other members: it is closed to them."""
    folder.parent.mkdir(parents=True)
    folder.parent.chmod(mode)
    if mode & 0o002:
        with pytest.raises(OutputError, match="may be written by others"):
            keep_code_private()
    else:
        keep_code_private()
        assert os.environ[CODE_FOLDER] == str(folder)
        assert folder.parent.stat().st_mode & 0o777 == 0o755


def test_a_cache_is_made_for_the_user_alone(folder: Path) -> None:
    before = os.umask(0o002)
    try:
        keep_code_private()
    finally:
        os.umask(before)
    assert folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives folders away")
def test_a_cache_that_somebody_else_made_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    os.chown(folder.parent, 65534, 65534)
    with pytest.raises(OutputError, match="belongs to somebody else"):
        keep_code_private()


def test_a_cache_may_lie_on_another_disk(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.symlink_to(tmp_path / "disk")
    keep_code_private()
    assert (tmp_path / "disk" / "compiled").is_dir()


@pytest.mark.parametrize("what", ["file", "link", "dangling"])
def test_what_is_no_folder_is_refused(folder: Path, tmp_path: Path, what: str) -> None:
    folder.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    if what == "file":
        folder.touch()
    else:
        folder.symlink_to(tmp_path / ("elsewhere" if what == "link" else "none"))
    with pytest.raises(OutputError, match="is no folder"):
        keep_code_private()


def test_without_a_place_it_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="cannot keep compiled code"):
        keep_code_private()
    monkeypatch.setattr("srnet_cli.models.compiled.user_cache", lambda: None)
    with pytest.raises(OutputError, match="no home directory"):
        keep_code_private()


def test_another_backend_keeps_no_code(folder: Path) -> None:
    assert compiled(lambda x: x + 1, "eager")(torch.ones(2)).tolist() == [2, 2]
    assert not folder.exists()


@pytest.mark.parametrize("name", ["libgcc_s.so.1", "libgcc.a", "libc.so.6", "ld-linux-x86-64.so.2"])
def test_no_library_of_the_current_folder_is_linked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Triton starts gcc in the current folder, whose linker takes its library from there."""
    (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="may be linked"):
        compiled(abs)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a compiler")
def test_nothing_is_kept_among_everybodys_files(tmp_path: Path) -> None:
    everybodys, cache = tmp_path / "tmp", tmp_path / "cache"
    everybodys.mkdir()
    program = (
        "import torch; from srnet_cli.models.compiled import compiled; "
        "x = torch.ones(64, 64, requires_grad=True); "
        "compiled(lambda x: (x + 1).relu() * 2)(x).sum().backward()"
    )
    changes = {"TMPDIR": str(everybodys), "XDG_CACHE_HOME": str(cache)}
    given = environment(changes)
    given.pop(CODE_FOLDER, None)
    subprocess.run([sys.executable, "-c", program], env=given, check=True, timeout=600)
    assert any((cache / "srnet" / "compiled").rglob("*.so"))
    assert [path for path in everybodys.rglob("*") if path.is_file()] == []


def test_torch_compiles_in_one_place_only() -> None:
    import srnet_cli

    package = Path(srnet_cli.__file__).parent
    found = [path.name for path in package.rglob("*.py") if "torch.compile(" in path.read_text("utf-8")]
    assert found == ["compiled.py"]

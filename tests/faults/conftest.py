"""What the fault tests share: the program, tiny models, places that refuse to be written."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srnet_cli.models.store import save_model
from tests.faults.models import tiny
from tests.faults.program import Program


@pytest.fixture
def srnet(capfd: pytest.CaptureFixture[str]) -> Program:
    """The program; its output is what the file descriptors got, C libraries included."""
    return Program(capfd)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a ×2 model that zooms in milliseconds."""
    folder = tmp_path_factory.mktemp("model")
    network, card = tiny(2)
    save_model(folder, network, card)
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes folders on a disk of their own with so many kibibytes; skips where that is not permitted."""
    mounted: list[Path] = []

    def make(kibibytes: int) -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        _or_skip("mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "srnet-test", str(folder))
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def bound() -> Iterator[Callable[[Path, Path], None]]:
    """Shows a folder at another place, too; skips where that is not permitted."""
    mounted: list[Path] = []

    def make(folder: Path, place: Path) -> None:
        _or_skip("mount", "--bind", str(folder), str(place))
        mounted.append(place)

    yield make
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a folder's file system read-only, which binds root too; skips where that is not permitted."""
    mounted: list[Path] = []

    def make(folder: Path) -> None:
        _or_skip("mount", "--bind", str(folder), str(folder))
        mounted.append(folder)
        _or_skip("mount", "-o", "remount,ro,bind", str(folder))

    yield make
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _or_skip(*command: str) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip(f"there is no {command[0]} command here")
    if ended.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {ended.stderr.strip()}")

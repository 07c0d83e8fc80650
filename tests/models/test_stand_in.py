"""A package that wants torchvision, where that cannot be imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from srnet_cli.errors import MissingExtraError
from srnet_cli.models.peers import load_peer
from srnet_cli.models.stand_in import torchvision_or


def take_out() -> dict[str, ModuleType]:
    """Forget the packages that these tests replace; what was forgotten."""
    ours = ("torchvision", "spandrel", "wanting")
    return {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in ours}


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A torchvision that fails as the one for CUDA does beside a CPU build of torch."""
    before = take_out()
    (tmp_path / "torchvision").mkdir()
    failing = "raise RuntimeError('operator torchvision::nms does not exist')\n"
    (tmp_path / "torchvision" / "__init__.py").write_text(failing)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    take_out()
    sys.modules.update(before)


def test_what_is_taken_from_it_is_there_for_the_import_alone(broken: Path) -> None:
    (broken / "wanting.py").write_text(
        "from torchvision import models as tv\nfrom torchvision.models import alexnet\n"
    )
    with torchvision_or("torchvision.models", {"alexnet": 3}):
        wanting = import_module("wanting")
    assert (wanting.tv.alexnet, wanting.alexnet) == (3, 3)
    with pytest.raises(RuntimeError, match="nms"):
        import_module("torchvision")


def test_a_whole_torchvision_is_left_alone(broken: Path) -> None:
    (broken / "torchvision" / "__init__.py").write_text("")
    (broken / "torchvision" / "models.py").write_text("alexnet = 5\n")
    with torchvision_or("torchvision.models", {"alexnet": 3}):
        assert import_module("torchvision.models").alexnet == 5
    assert import_module("torchvision.models").alexnet == 5


def test_a_spandrel_that_wants_more_of_it_is_one_line(broken: Path, tmp_path: Path) -> None:
    (broken / "spandrel.py").write_text("from torchvision.ops import deform_conv2d\n")
    (tmp_path / "net.pth").touch()
    with pytest.raises(MissingExtraError, match="torchvision") as caught:
        load_peer(tmp_path / "net.pth")
    assert caught.value.remedy is not None
    assert "\n" not in str(caught.value)

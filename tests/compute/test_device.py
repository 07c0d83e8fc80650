"""The device, driven with a stand-in for ``torch.cuda`` that refuses what the real one refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from srnet_cli.compute import cuda
from srnet_cli.compute.device import choose_device, choose_precision, device_title
from srnet_cli.compute.processes import join_processes
from srnet_cli.errors import DeviceError, UsageError

PACKAGE = Path(cuda.__file__).parents[1]


class TwoCards:
    """``torch.cuda`` of a machine with two cards, as far as choosing among them goes."""

    def __init__(self) -> None:
        self.selected: list[torch.device] = []

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 2

    def set_device(self, device: torch.device) -> None:
        if device.index is None:
            raise ValueError(
                f"Expected a torch.device with a specified index or an integer, but got:{device}"
            )
        self.selected.append(device)

    def get_device_capability(self, device: torch.device) -> tuple[int, int]:
        return (7, 5) if device.index else (9, 0)

    def get_device_properties(self, device: torch.device) -> SimpleNamespace:
        return SimpleNamespace(total_memory=(8 + device.index) << 30)

    def get_device_name(self, device: torch.device) -> str:
        return f"card {device.index}"


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> TwoCards:
    stand_in = TwoCards()
    monkeypatch.setattr(cuda, "cuda", stand_in)
    return stand_in


@pytest.mark.parametrize(("name", "index"), [("auto", 0), ("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_cuda_device_has_an_index(cards: TwoCards, name: str, index: int) -> None:
    assert choose_device(name) == torch.device("cuda", index)
    with join_processes(name) as processes:
        assert processes.device == torch.device("cuda", index)
    assert cards.selected == [torch.device("cuda", index)]


def test_a_card_that_is_not_there_is_refused(cards: TwoCards) -> None:
    with pytest.raises(DeviceError, match="there are 2 CUDA devices, so no cuda:2"):
        choose_device("cuda:2")


def test_precision_and_title_are_those_of_the_card(cards: TwoCards) -> None:
    types = [choose_precision("auto", choose_device(name)) for name in ("cuda:0", "cuda:1")]
    assert types == [torch.bfloat16, torch.float16]
    assert [device_title(choose_device(name)) for name in ("cuda", "cuda:1", "cpu")] == [
        "card 0",
        "card 1",
        "cpu",
    ]


@pytest.mark.parametrize("name", ["tpu", "", "cuda:x"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no kind of device"):
        choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_card_is_refused() -> None:
    with pytest.raises(DeviceError, match="there is none"):
        choose_device("cuda")


def test_first_uses_are_made_once_on_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def eye(size: int, device: torch.device) -> torch.Tensor:
        asked.append(str(device))
        return torch.ones(1, 1)

    monkeypatch.setattr(torch, "eye", eye)
    cuda.prepare_for_threads(torch.device("cpu"))
    cuda.prepare_for_threads(torch.device("cuda", 0))
    assert asked == ["cuda:0"]


def _asks(line: str) -> bool:
    return bool(re.search(r"\btorch\.cuda\b|from torch import .*\bcuda\b", line.split("#")[0]))


def test_only_one_module_asks_torch_cuda() -> None:
    def lines(path: Path, wanted: Callable[[str], bool]) -> list[str]:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if wanted(line)]

    asking = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if lines(path, _asks)}
    assert asking == {"compute/cuda.py"}

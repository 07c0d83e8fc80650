"""The feed beside a stand-in for a card: nobody draws random numbers while a step is recorded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch

from srnet_cli.compute import cuda
from srnet_cli.compute.processes import Processes
from srnet_cli.data import Batch
from srnet_cli.training.feed import Feed, Order, open_feed
from tests.compute.card import Card
from tests.training.sources import Drawings

DEVICE = torch.device("cuda", 0)


@dataclass(frozen=True)
class Random(Drawings):
    """Noise, drawn for a while."""

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        for _ in range(40):
            hr = torch.rand(1, 3, 8, 8)
            time.sleep(0.002)
        return Batch(hr, hr, None)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    stand_in = Card()
    monkeypatch.setattr(cuda, "cuda", stand_in)
    # The stand-in's tensors are the CPU's, which know no streams, and its first uses need no preparation.
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda tensor, stream: None)
    monkeypatch.setattr(cuda, "prepare_for_threads", lambda device: None)
    return stand_in


def record(feed: Feed, held: bool) -> None:
    for number in range(4):
        feed.order(Order(number, 1, 4))
    time.sleep(0.01)

    def call() -> torch.Tensor:
        time.sleep(0.02)
        return torch.zeros(1)

    if held:
        with feed.held():
            cuda.record(call, 1)
    else:
        cuda.record(call, 1)
    for _ in range(4):
        feed.take()


def test_no_batch_is_made_while_a_step_is_recorded(card: Card) -> None:
    with open_feed(Random(), Processes(DEVICE), 1, workers=2) as feed:
        record(feed, held=True)


def test_the_stand_in_refuses_it(card: Card) -> None:
    with (
        pytest.raises(RuntimeError, match="Offset increment outside graph capture"),
        open_feed(Random(), Processes(DEVICE), 1, workers=2) as feed,
    ):
        record(feed, held=False)


def test_the_stand_in_wants_an_index(card: Card) -> None:
    feed = open_feed(Random(), Processes(torch.device("cuda")), 1, workers=1)
    with pytest.raises(ValueError, match="specified index"), feed as opened:
        opened.order(Order(0, 1, 4))
        opened.take()

"""Runs that end by an error in the middle: what they were trained is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from srnet_cli.data import Batch
from srnet_cli.errors import DataError, OutputError, PeerError
from srnet_cli.training import trainer
from srnet_cli.training.step.stepper import Stepper
from tests.training.runs import run_tiny, tiny
from tests.training.sources import Drawings

#: of the first patch of the sixth step, with two patches in each
LOST = 10


@dataclass(frozen=True)
class Vanishing(Drawings):
    """Drawings of which those from ``lost`` on are gone."""

    lost: int = LOST

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        if max(indices) >= self.lost:
            raise DataError("cannot be read", path="lr.npy")
        return super().batch(indices, seed, patch, device)


def test_pairs_that_vanish_cost_no_step(tmp_path: Path) -> None:
    run, options = tmp_path / "run", tiny(steps=7)
    with pytest.raises(DataError, match=r"^lr\.npy: cannot be read$"):
        run_tiny(run, options, Vanishing())
    assert torch.load(run / "last.pt", weights_only=True)["progress"]["step"] == LOST // 2
    again = run_tiny(run, options, resume=True)
    whole = run_tiny(tmp_path / "whole", options)
    theirs = whole.state.network.state_dict()
    for name, tensor in again.state.network.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


def test_another_process_that_is_gone_costs_no_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Stepper.__call__

    def fail(stepper: Stepper, batch: Batch, share: float, tail_only: bool, number: int) -> torch.Tensor:
        if number == 3:
            raise PeerError("another process of this job is gone")
        return step(stepper, batch, share, tail_only, number)

    monkeypatch.setattr(Stepper, "__call__", fail)
    with pytest.raises(PeerError):
        run_tiny(tmp_path / "run", tiny())
    kept = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["progress"]
    assert (kept["step"], kept["samples"]) == (3, 6)


def test_before_the_first_step_there_is_nothing_to_keep(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        run_tiny(tmp_path / "run", tiny(), Vanishing(lost=0))
    assert not (tmp_path / "run" / "last.pt").exists()


def test_a_loss_that_is_not_finite_is_not_kept(tmp_path: Path) -> None:
    """Though nobody has looked at it yet."""
    options = tiny(steps=8, log_every=100, validate_every=3)
    with pytest.raises(DataError, match="cannot be read"):
        run_tiny(tmp_path / "run", options, Vanishing(poison=LOST - 2))
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["progress"]["step"] == 3


def test_a_full_disk_does_not_hide_why_the_run_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: object) -> None:
        raise OutputError("cannot be written: the disk is full", path=path)

    monkeypatch.setattr(trainer, "save_checkpoint", full)
    with pytest.raises(DataError, match=r"^lr\.npy: cannot be read$"):
        run_tiny(tmp_path / "run", tiny(steps=7, validate_every=100), Vanishing())
    assert not (tmp_path / "run" / "last.pt").exists()

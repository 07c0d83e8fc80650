"""Training on a card: these run where there is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from srnet_cli.data import Batch
from srnet_cli.data.device.simulated import DeviceSource
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.session import run_training
from srnet_cli.training.setup import prepare
from srnet_cli.training.source import detect_data, open_data
from srnet_cli.training.step.recorded import RecordedStepper
from tests.training.runs import tiny
from tests.training.sources import Drawings, write_drawings

pytestmark = pytest.mark.cuda

WIDE = {"n_feats": 16, "attention": "ca+mpr-sa", "patch_size": 16, "device": "cuda"}


def card_job() -> Any:
    from srnet_cli.compute.processes import join_processes

    return join_processes("cuda", gradients=True)


def batch(number: int, device: torch.device) -> Batch:
    return Drawings().batch(range(number * 4, number * 4 + 4), 1, 16, device)


@pytest.mark.parametrize("changes", [{}, {"optimizer": "muon", "precision": "bf16"}, {"accumulate": 2}])
def test_recorded_steps_are_the_plain_ones(changes: dict[str, Any]) -> None:
    options = tiny(**{**WIDE, **changes})
    said: list[str] = []
    with card_job() as job:
        losses, weights = [], []
        for on_card in (True, False):
            state = prepare(options, 2, job, said.append, on_card=on_card)
            state.stepper.set_rate(1e-4)
            losses.append(torch.stack([state.stepper(batch(n, job.device), number=n) for n in range(4)]))
            weights.append(torch.cat([p.detach().flatten() for p in state.stepper.trained]))
            if on_card:
                assert isinstance(state.stepper, RecordedStepper) and state.stepper.recordings == 1
        assert not any(line.startswith("note:") for line in said)
        torch.testing.assert_close(losses[0], losses[1], rtol=0.02, atol=0.02)
        assert (weights[0] - weights[1]).norm() < 1e-2 * weights[1].norm()


def test_photographs_are_on_the_card(tmp_path: Path) -> None:
    options = replace(tiny(**WIDE), data=(write_drawings(tmp_path / "photos", side=128),))
    with card_job() as job:
        source = open_data(options, detect_data(options, print), job, print)
        assert isinstance(source, DeviceSource)
        steps = [range(4), range(4, 8)]
        for one, again in zip(
            source.batches(steps, 1, 16, job.device), source.batches(steps, 1, 16, job.device), strict=True
        ):
            assert one.lr.device == job.device and torch.equal(one.lr, again.lr)


def test_a_run_starts_and_goes_on(tmp_path: Path) -> None:
    data = write_drawings(tmp_path / "photos", side=128)
    options: TrainOptions = replace(tiny(**WIDE), data=(data,), output=tmp_path / "run", weights={})
    assert run_training(options, resume=False).step == 6
    longer = replace(options, steps=9)
    assert run_training(longer, resume=True).step == 9

from __future__ import annotations

import copy
import math

import pytest
import torch

from srnet_cli.network.registry import build_network
from srnet_cli.training.options import Phase, TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.schedule import Schedule
from srnet_cli.training.step.average import Average


def test_the_published_rate_is_halved_after_its_milestones() -> None:
    schedule = Schedule(resolved(TrainOptions()))
    assert schedule.total_steps == 200 * 975
    rate = {epoch: schedule.learning_rate(epoch * 975, epoch / 200) for epoch in (0, 99, 100, 199)}
    assert rate == {0: 1e-4, 99: 1e-4, 100: 5e-5, 199: 5e-5}
    eight = Schedule(resolved(TrainOptions(scale=8)))
    assert eight.total_steps == 300 * 975
    assert eight.learning_rate(260 * 975, 0.9) == pytest.approx(1e-4 / 32)


def test_cosine_with_warm_up() -> None:
    schedule = Schedule(resolved(TrainOptions(schedule="cosine", steps=100, warmup=10, lr=1.0)))
    assert schedule.learning_rate(0, 0.0) == pytest.approx(0.1)
    assert schedule.learning_rate(9, 0.0) == pytest.approx(1.0)
    assert schedule.learning_rate(50, 0.5) == pytest.approx(0.505)
    assert schedule.learning_rate(100, 1.0) == pytest.approx(0.01)


def test_the_rate_rises_twice_for_a_new_tail() -> None:
    schedule = Schedule(resolved(TrainOptions(schedule="cosine", steps=100, warmup=10, lr=1.0)))
    rates = [schedule.learning_rate(step, 0.0, new_tail=True) for step in (0, 9, 10, 19, 20)]
    assert rates == pytest.approx([0.1, 1.0, 0.1, 1.0, 1.0])
    assert [schedule.trains_tail_only(step, True) for step in (0, 9, 10)] == [True, True, False]
    assert not schedule.trains_tail_only(0, False)


def test_hours_stretch_the_schedule_over_time() -> None:
    schedule = Schedule(resolved(TrainOptions(hours=2.0)))
    assert schedule.total_steps is None
    assert schedule.progress(5, 3600.0) == pytest.approx(0.5)
    assert schedule.progress(5, 9000.0) == 1.0
    assert schedule.seconds_left(5, 3600.0, 99.0) == pytest.approx(3600)


def test_phases_follow_each_other() -> None:
    phases = (Phase(0.5, 32, 16), Phase(0.75, 64, 4), Phase(1.0, 96, 2))
    schedule = Schedule(resolved(TrainOptions(phases=phases, steps=100)))
    patches = [schedule.phase(schedule.progress(step, 0)).patch for step in (0, 49, 50, 74, 75, 100)]
    assert patches == [32, 32, 64, 64, 96, 96]


def test_time_left_is_that_of_the_remaining_steps() -> None:
    schedule = Schedule(resolved(TrainOptions(steps=100)))
    assert schedule.seconds_left(40, 0.0, 2.0) == pytest.approx(120)


def test_the_average_follows_weights_and_statistics() -> None:
    network = build_network("edsr_msa", 2, n_feats=8, n_resblocks=1)
    average = Average(network, 0.5)
    start = copy.deepcopy(network.state_dict())
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.add_(1)
    average.update(1000)
    for name, tensor in average.network.state_dict().items():
        moved = tensor - start[name]
        expected = 0.5 if tensor.is_floating_point() else 1
        assert torch.allclose(moved.double(), torch.full_like(moved, expected, dtype=torch.double), atol=1e-5)
    assert not average.network.training


def test_the_average_forgets_its_start() -> None:
    network = build_network("edsr", 2, n_feats=8, n_resblocks=1)
    average = Average(network, 0.999)
    with torch.no_grad():
        network.head[0].weight.fill_(1.0)  # type: ignore[index,union-attr]
    for step in range(1, 41):
        average.update(step)
    weight = average.network.head[0].weight  # type: ignore[index,union-attr]
    # Without the faster decay at the start, (0.999)^40 = 0.96 of the random start would be left.
    assert math.isclose(float(weight.mean()), 1.0, abs_tol=1e-3)

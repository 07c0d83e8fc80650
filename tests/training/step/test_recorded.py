"""Recorded steps do what plain steps do: here with plain calls in place of a card's recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from srnet_cli.compute import cuda
from srnet_cli.compute.processes import Processes
from srnet_cli.data import Batch
from srnet_cli.training.run.checkpoint import State
from srnet_cli.training.setup import prepare
from srnet_cli.training.step.recorded import RecordedStepper, Replay, repeat
from srnet_cli.training.step.regions import Regions
from srnet_cli.training.step.stepper import Stepper
from tests.compute.card import Card
from tests.training.runs import CPU, run_tiny, tiny
from tests.training.sources import Drawings


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    stand_in = Card()
    monkeypatch.setattr(cuda, "cuda", stand_in)
    return stand_in


WIDE = {"n_feats": 16, "attention": "ca+mpr-sa"}


def prepared(on_card: bool, lines: list[str] | None = None, **changes: Any) -> State:
    options = tiny(**{**WIDE, **changes})
    said: list[str] = [] if lines is None else lines
    return prepare(options, options.scale, Processes(CPU), said.append, on_card=on_card)


def batch(number: int, size: int = 2, patch: int = 8) -> Batch:
    return Drawings().batch(range(number * size, (number + 1) * size), 1, patch, "cpu")


def train(state: State, steps: range, size: int = 2, patch: int = 8) -> Tensor:
    losses = []
    for number in steps:
        state.stepper.set_rate(1e-3 / (1 + number))
        losses.append(state.stepper(batch(number, size, patch), number=number))
    return torch.stack(losses)


def assert_close(found: State, expected: State, tolerance: float = 1e-5) -> None:
    for one, other in ((found.network, expected.network), (found.shown, expected.shown)):
        for (name, new), old in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
            assert (new - old).abs().max() <= tolerance * old.abs().max().clamp(min=1), name


@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "muon"}, {"residual_share": 0.5}, {"accumulate": 2, "clip": 1.0, "ema": 0.0}],
)
def test_recorded_steps_are_the_plain_ones(changes: dict[str, Any]) -> None:
    lines: list[str] = []
    recorded, plain = prepared(True, lines, **changes), prepared(False, **changes)
    assert isinstance(recorded.stepper, RecordedStepper) and type(plain.stepper) is Stepper
    assert recorded.stepper.records(batch(0))
    found, expected = (train(state, range(4)) for state in (recorded, plain))
    assert not recorded.stepper.records(batch(0)) and lines == []
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert_close(recorded, plain)


def test_each_shape_has_a_recording() -> None:
    calls: list[int] = []

    def counted(call: Callable[[], Tensor], warm_up: int) -> tuple[Replay, Tensor, Tensor]:
        calls.append(warm_up)
        return repeat(call, warm_up)

    recorded, plain = prepared(True), prepared(False)
    recorded.stepper._record = counted  # type: ignore[attr-defined]
    for state in (recorded, plain):
        train(state, range(2))
        train(state, range(2, 4), size=3)
        train(state, range(4, 6))
    assert len(calls) == 2
    assert_close(recorded, plain)


@pytest.mark.parametrize("changes", [{}, {"optimizer": "muon"}, {"accumulate": 2, "clip": 1.0, "ema": 0.0}])
def test_what_a_graph_freezes_is_read_anew(card: Card, changes: dict[str, Any]) -> None:
    """Batches, rates and the average's share change from step to step; the tape knows only the first."""
    lines: list[str] = []
    recorded, plain = prepared(True, lines, **changes), prepared(False, **changes)
    recorded.stepper._record = cuda.record  # type: ignore[attr-defined]
    found, expected = (train(state, range(5)) for state in (recorded, plain))
    assert lines == []
    assert [tape.replays for tape in card.tapes] == [5]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert_close(recorded, plain)


def test_a_teacher_is_recorded_too(card: Card, tmp_path: Path) -> None:
    run_tiny(tmp_path / "teacher", tiny(**WIDE, steps=2))
    changes = {"teacher": str(tmp_path / "teacher"), "teacher_share": 0.5}
    lines: list[str] = []
    recorded, plain = prepared(True, lines, **changes), prepared(False, **changes)
    recorded.stepper._record = cuda.record  # type: ignore[attr-defined]
    found, expected = (train(state, range(3)) for state in (recorded, plain))
    assert lines == [] and len(card.tapes) == 1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_step_that_waits_for_the_device_stays_plain(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    recorded, plain = prepared(True, lines), prepared(False)
    recorded.stepper._record = cuda.record  # type: ignore[attr-defined]
    follow = RecordedStepper._follow

    def looked_at(self: RecordedStepper, number: int) -> None:
        follow(self, number)
        assert float(next(iter(self.network.parameters())).sum()) < 1e9

    monkeypatch.setattr(RecordedStepper, "_follow", looked_at)
    for state in (recorded, plain):
        train(state, range(3))
    (line,) = lines
    assert line.startswith("note: steps are not recorded: RuntimeError: operation not permitted")
    assert_close(recorded, plain)


def forgetful(call: Callable[[], Tensor], warm_up: int) -> tuple[Replay, Tensor, Tensor]:
    """Replays give what the recorded call gave, whatever they are given."""
    _, result, made = repeat(call, warm_up)

    class Nothing:
        def replay(self) -> None:
            made.copy_(result)

    return Nothing(), result, made


def test_a_recording_that_is_wrong_is_not_used() -> None:
    lines: list[str] = []
    recorded, plain = prepared(True, lines), prepared(False)
    recorded.stepper._record = forgetful  # type: ignore[attr-defined]
    found, expected = (train(state, range(3)) for state in (recorded, plain))
    (line,) = lines
    assert line.startswith("note: steps are not recorded: a replay")
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert_close(recorded, plain)


def test_regions_are_compiled_or_left_as_they_are() -> None:
    for backend, said in (("eager", []), ("none such", ["note: the network is not compiled"])):
        lines: list[str] = []
        recorded, plain = prepared(True, lines), prepared(False)
        regions = Regions(recorded.network, backend)
        assert len(regions) == 6  # of each stream a block and an upsampler; two fusion attentions
        recorded.stepper._regions = regions  # type: ignore[attr-defined]
        names = list(recorded.network.state_dict())
        for state in (recorded, plain):
            train(state, range(3))
        assert [line.split(":")[0] + ":" + line.split(":")[1] for line in lines] == said
        assert list(recorded.network.state_dict()) == names
        assert_close(recorded, plain)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"grid_weight": 0.1, "patch_size": 16}, "--grid-weight"), ({"precision": "fp16"}, "fp16")],
)
def test_what_cannot_be_recorded_is_said(changes: dict[str, Any], reason: str) -> None:
    lines: list[str] = []
    state = prepared(True, lines, **changes)
    assert type(state.stepper) is Stepper
    assert len(lines) == 1 and reason in lines[0]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("first_recorded", [True, False])
def test_a_run_goes_on_in_the_other_form(tmp_path: Path, optimizer: str, first_recorded: bool) -> None:
    options = tiny(**WIDE, optimizer=optimizer)
    whole = run_tiny(tmp_path / "whole", options)
    run_tiny(tmp_path / "run", options, stop_after=3, on_card=first_recorded)
    second = run_tiny(tmp_path / "run", options, resume=True, on_card=not first_recorded)
    assert second.end.step == 6
    assert_close(second.state, whole.state, 1e-4)


def test_a_recorded_run_goes_on_bit_by_bit(tmp_path: Path) -> None:
    options = tiny(**WIDE, optimizer="muon")
    whole = run_tiny(tmp_path / "whole", options, on_card=True)
    run_tiny(tmp_path / "run", options, stop_after=3, on_card=True)
    second = run_tiny(tmp_path / "run", options, resume=True, on_card=True)
    assert_close(second.state, whole.state, 0.0)

"""Tiny runs for tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from srnet_cli.compute.processes import Processes
from srnet_cli.data import TrainingSource
from srnet_cli.training.losses import HybridLoss, Setting
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.recipe import options_from, resolved
from srnet_cli.training.run.checkpoint import State, load_checkpoint
from srnet_cli.training.run.folder import RunFolder
from srnet_cli.training.run.progress import Reporter
from srnet_cli.training.run.signals import StopRequest
from srnet_cli.training.run.watch import Window
from srnet_cli.training.setup import prepare
from srnet_cli.training.trainer import RunEnd, Trainer
from srnet_cli.training.validation import Validation
from tests.training.sources import Drawings

CPU = torch.device("cpu")

#: two streams and MPR-SA, so that BatchNorm statistics are part of what is compared
TINY = TrainOptions(
    data=(Path("drawings"),),
    scale=2,
    attention="mpr-sa",
    n_feats=8,
    n_resblocks=1,
    patch_size=8,
    batch_size=2,
    steps=6,
    validate_every=4,
    log_every=2,
    lr=1e-3,
    ema=0.9,
    workers=1,
    device="cpu",
    precision="fp32",
)


def tiny(**changes: Any) -> TrainOptions:
    """Resolved options of a run of a second."""
    weights = {name: changes.pop(name) for name in [*changes] if name.endswith("_weight")}
    options = replace(TINY, **changes)
    named = {name: weights.get(f"{name}_weight", weight) for name, weight in options.weights.items()}
    return resolved(replace(options, weights=named))


def hybrid_loss(has_residual: bool = True, scale: int = 2, **options: Any) -> HybridLoss:
    """The loss of a run with these options."""
    return HybridLoss(Setting(resolved(options_from(options)), scale, has_residual, CPU, torch.float32))


@dataclass
class Listener(Reporter):
    """Remembers what it is told; raises a signal after ``stop_after`` steps."""

    stop: StopRequest
    stop_after: int | None = None
    lines: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.lines.append(message)

    def stepped(self, step: int, done: float) -> None:
        if step + 1 == self.stop_after:
            self.stop(15, None)

    def window(self, window: Window, rate: float, seconds_left: float) -> None:
        self.windows.append(window)

    def validated(self, step: int, validation: Validation, is_best: bool) -> None:
        self.validations.append(validation)


@dataclass(frozen=True)
class Ran:
    end: RunEnd
    state: State
    folder: RunFolder
    heard: Listener


def run_tiny(
    path: Path,
    options: TrainOptions,
    source: TrainingSource | None = None,
    stop_after: int | None = None,
    resume: bool = False,
    on_card: bool | None = None,
) -> Ran:
    """Train in this process, without the command line."""
    stop = StopRequest()
    heard = Listener(stop, stop_after)
    job, folder, source = Processes(CPU), RunFolder(path, heard.say), source or Drawings()
    with folder.resumed(options) if resume else folder.reserved():
        start = replace(options, init=None) if resume else options
        state = prepare(start, source.scale, job, heard.say, on_card)
        if resume:
            load_checkpoint(folder.last, state)
            folder.go_on(options, state.progress.step)
        else:
            folder.begin(options)
        end = Trainer(options, job, source, state, folder, heard, stop).run()
    return Ran(end, state, folder, heard)

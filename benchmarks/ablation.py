"""``python -m benchmarks.ablation DATA``: what parts of the network, its label and its fusion are worth.

Trainings from scratch that differ in one thing each get the same patches in the same order for the same
number of steps, then are measured on the centres of pictures that none was trained on. Two studies:

* ``--study networks`` is the published ablation in small: each network of its table, with fewer channels and
  blocks.
* ``--study outlook`` asks what the authors leave open, more informative labels and a better fusion: the
  two-stream network without attention, by its label and by how the streams meet. DATA may hold photographs
  (``simulated``: behind the simulated camera) or pairs (``--data real``).

``benchmarks/results/ablation-….json`` hold what was found; docs/tables.py puts them into models/README.md.
Trainings that were interrupted go on, finished ones are not repeated: after ``--seed 1``,
``--seed 1 --seed 2`` adds a second training of each.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal, get_args

import torch

from benchmarks.machine import load_per_core, machine_facts
from benchmarks.quality import CITY100_VALID, shared_folder
from benchmarks.record import record
from srnet_cli.compute.processes import join_processes
from srnet_cli.evaluation.measurement import EvaluationRequest, evaluate
from srnet_cli.evaluation.methods import MethodOptions
from srnet_cli.evaluation.outputs.display import Display
from srnet_cli.evaluation.results import SetResult
from srnet_cli.evaluation.statistics import Mean, mean_with_interval
from srnet_cli.training.options import Optimizer, TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.session import run_training
from srnet_cli.version import own_version

DataKind = Literal["simulated", "real"]

SCALE = 4
#: HR pixels a side of the centre that is measured
CROP = 512
#: what each kind of data is measured on: folder below data/, and how its pictures are reduced
MEASURED: dict[DataKind, tuple[str, str]] = {"simulated": ("valid", "camera"), "real": CITY100_VALID}
#: learning rate at the peak of the cosine, by short trials with EDSR: Muon learned less at 1e-3 and at 1e-2,
#: Adam as much at 3e-3
RATES: dict[Optimizer, float] = {"adam": 1e-3, "muon": 3e-3}
#: options that the table's note names
SHOWN = ("optimizer", "lr", "n_feats", "n_resblocks", "steps", "batch_size", "patch_size")


@dataclass(frozen=True)
class Arm:
    """What is trained: its options beside the budget's, the arm that it is compared with, its title."""

    name: str
    base: str | None
    title: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """Arms, in the order of their table, and the options that they share."""

    name: str
    arms: tuple[Arm, ...]
    shared: Mapping[str, Any]


def _network(name: str, base: str | None, title: str) -> Arm:
    return Arm(name, base, title, {"model": name})


NETWORKS = Study(
    "networks",
    (
        _network("edsr", None, "EDSR"),
        _network("edsr_rat", "edsr", "EDSR + RAT"),
        _network("edsr_msa", "edsr", "EDSR + MPR-SA"),
        _network("edsr_rat_msa", "edsr", "EDSR + RAT + MPR-SA"),
        _network("rcan_minus", None, "RCAN⁻"),
        _network("rcan_minus_rat", "rcan_minus", "RCAN⁻ + RAT"),
        _network("rcan_minus_msa", "rcan_minus", "RCAN⁻ + MPR-SA"),
        _network("srnet", "rcan_minus", "RCAN⁻ + RAT + MPR-SA (SRNet)"),
    ),
    {"n_feats": 32, "n_resblocks": 4, "patch_size": 32, "batch_size": 4},
)
#: Without attention, which labels and fusion do not touch: it makes a step three times as long, and in short
#: trainings it holds the rest back.
OUTLOOK = Study(
    "outlook",
    (
        Arm("residual", None, "enhanced residual, added and subtracted (published)"),
        Arm("none", "residual", "no label: the same two streams, taught by the picture alone",
            {"weights": {"residual": 0.0}}),
        Arm("edge", "residual", "edges of HR (the authors' other label)", {"label": "edge"}),
        Arm("slope", "residual", "slope of the residual (ours)", {"label": "slope"}),
        Arm("learned", "residual", "enhanced residual, learned 1×1 fusion (ours)",
            {"network_option": ("fusion_mix=learned",)}),
    ),
    {"model": "edsr_rat", "n_feats": 24, "n_resblocks": 3, "patch_size": 16, "batch_size": 4},
)  # fmt: skip
STUDIES = {study.name: study for study in (NETWORKS, OUTLOOK)}


@dataclass(frozen=True)
class Line:
    """One arm: what it reached, mean over seeds, and what it costs. Gains are dB of PSNR RGB."""

    name: str
    base: str | None
    title: str
    parameters: int
    seconds_per_step: float
    #: over bicubic, for each seed
    gains: tuple[float, ...]
    over_bicubic: Mean
    #: over the base, picture by picture; None for a base
    over_base: Mean | None


@dataclass(frozen=True)
class Budget:
    """Training that every arm gets."""

    study: Study
    folder: Path
    data: DataKind
    #: where the trainings are kept
    runs: Path
    steps: int
    optimizer: Optimizer
    seeds: tuple[int, ...]

    def run(self, arm: Arm, seed: int) -> Path:
        """Name the folder of a training."""
        of_data = () if self.data == "simulated" else (self.data,)
        return self.runs / "-".join((arm.name, *of_data, self.optimizer, str(self.steps), str(seed)))

    @property
    def result(self) -> str:
        """Name the file of what was found."""
        study = () if self.study is NETWORKS else (self.study.name, self.data)
        return "-".join(("ablation", *study, f"x{SCALE}", self.optimizer))


def options_for(arm: Arm, seed: int, budget: Budget) -> TrainOptions:
    """Give every arm the same options but for its own."""
    fixed = {
        "data": (budget.folder,),
        "output": budget.run(arm, seed),
        "scale": SCALE,
        "degradation": "camera",
        "steps": budget.steps,
        "optimizer": budget.optimizer,
        "lr": RATES[budget.optimizer],
        "schedule": "cosine",
        "warmup": 100,
        "beta2": 0.99,
        "clip": 50.0,
        "ema": 0.99,
        "validate_every": budget.steps,
        "cache": budget.runs / "cache",
        "seed": seed,
    }
    return resolved(TrainOptions(**{**fixed, **budget.study.shared, **arm.options}))


def seconds_per_step(run: Path) -> float:
    """Take the median over the run's log, which other work on the machine sways less than the mean."""
    records = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return float(median(record["step_time"] for record in records if "step_time" in record))


def lines(result: SetResult, budget: Budget) -> list[Line]:
    """``result`` holds bicubic, then the arms' runs in the order of the study and the seeds."""
    infos = iter([info for info in result.methods if info.name != "bicubic"])
    pictures = [p.measurements for p in result.measured]
    scenes = [p.scene for p in result.measured]
    bicubic = [p["bicubic"].figures["psnr_rgb"] for p in pictures]
    reached: dict[str, list[float]] = {}
    found = []
    for arm in budget.study.arms:
        own = [next(infos) for _ in budget.seeds]
        folders = [budget.run(arm, seed) for seed in budget.seeds]
        figures = [[p[info.name].figures["psnr_rgb"] for info in own] for p in pictures]
        reached[arm.name] = [fmean(row) for row in figures]
        columns = zip(*figures, strict=True)
        over_base = _difference(reached[arm.name], reached[arm.base], scenes) if arm.base else None
        found.append(
            Line(
                name=arm.name,
                base=arm.base,
                title=arm.title,
                parameters=own[0].parameters or 0,
                seconds_per_step=fmean(map(seconds_per_step, folders)),
                gains=tuple(fmean(column) - fmean(bicubic) for column in columns),
                over_bicubic=_difference(reached[arm.name], bicubic, scenes),
                over_base=over_base,
            )
        )
    return found


def _difference(ours: Sequence[float], theirs: Sequence[float], scenes: Sequence[str]) -> Mean:
    return mean_with_interval([a - b for a, b in zip(ours, theirs, strict=True)], scenes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", metavar="DATA", type=Path, help="what to train on")
    parser.add_argument("--study", choices=tuple(STUDIES), default=NETWORKS.name)
    parser.add_argument("--data", choices=get_args(DataKind), default="simulated", help="what DATA holds")
    parser.add_argument("--runs", type=Path, default=Path("ablation"), help="where the trainings are kept")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--optimizer", choices=tuple(RATES), default="adam", help="adam: the published one")
    parser.add_argument("--seed", type=int, action="append", help="train each arm so, too; repeatable")
    given = parser.parse_args()
    seeds = tuple(given.seed or (1,))
    study = STUDIES[given.study]
    budget = Budget(study, given.folder, given.data, given.runs, given.steps, given.optimizer, seeds)
    shared_folder()  # before hours of training
    for seed in budget.seeds:
        for arm in study.arms:
            options = options_for(arm, seed, budget)
            if run_training(options, resume=options.output.exists()).stopped_by:
                return
    runs = [str(budget.run(arm, seed)) for arm in study.arms for seed in budget.seeds]
    folder, degradation = MEASURED[budget.data]
    result = measured(folder, degradation, MethodOptions(tuple(runs), interpolations=("bicubic",)))
    save(lines(result, budget), result, options, budget)


def measured(folder: str, degradation: str, methods: MethodOptions) -> SetResult:
    """Measure the centres of a set's pictures, without what takes long."""
    request = EvaluationRequest(
        data=(shared_folder() / folder,),
        methods=methods,
        scales=(SCALE,),
        degradations=(degradation,),
        crop=CROP,
        lpips=False,
        features=False,
    )
    with join_processes(methods.engine.device) as processes, Display() as display:
        (result,) = evaluate(request, processes, display) or []
    return result


def save(found: Sequence[Line], result: SetResult, options: TrainOptions, budget: Budget) -> None:
    """Write what was found, and what it was made with."""
    machine = machine_facts(torch.device("cpu")) | {
        "threads": torch.get_num_threads(),
        "load_per_core": load_per_core(),
    }
    whole: dict[str, Any] = {
        "srnet": own_version(),
        "machine": machine,
        "set": result.name,
        "lr_from": result.origin,
        "crop": CROP,
        "pictures": len(result.measured),
        **{name: getattr(options, name) for name in SHOWN},
        "seeds": budget.seeds,
        "lines": [asdict(line) for line in found],
    }
    record(budget.result, whole)


if __name__ == "__main__":
    main()

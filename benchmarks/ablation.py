"""``python -m benchmarks.ablation PHOTOGRAPHS``: do the auxiliary task and the attention help here, too?

The published ablation in small: each network of its table, with fewer channels and blocks, is trained on
the same patches in the same order for the same number of steps, then measured like ``benchmarks.quality``
does. ``benchmarks/results/ablation-x4-OPTIMIZER.json`` holds what was found; docs/tables.py puts it
into models/README.md. Trainings that were interrupted go on, finished ones are not repeated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch

from benchmarks.machine import machine_facts
from benchmarks.quality import measure, shared_folder
from benchmarks.record import record
from srnet_cli.evaluation.methods import MethodOptions
from srnet_cli.evaluation.results import SetResult
from srnet_cli.evaluation.statistics import Mean, mean_with_interval
from srnet_cli.training.options import Optimizer, TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.session import run_training
from srnet_cli.version import own_version

SCALE = 4
#: network, the one that it adds to, and how the page calls it, in the order of the published table
COMPARED = (
    ("edsr", None, "EDSR"),
    ("edsr_rat", "edsr", "EDSR + RAT"),
    ("edsr_msa", "edsr", "EDSR + MPR-SA"),
    ("edsr_rat_msa", "edsr", "EDSR + RAT + MPR-SA"),
    ("rcan_minus", None, "RCAN⁻"),
    ("rcan_minus_rat", "rcan_minus", "RCAN⁻ + RAT"),
    ("rcan_minus_msa", "rcan_minus", "RCAN⁻ + MPR-SA"),
    ("srnet", "rcan_minus", "RCAN⁻ + RAT + MPR-SA (SRNet)"),
)

#: learning rate at the peak of the cosine, by short trials with EDSR: Muon learned less at 1e-3 and at 1e-2,
#: Adam as much at 3e-3
RATES: dict[Optimizer, float] = {"adam": 1e-3, "muon": 3e-3}
#: options that the table's note names
SHOWN = ("optimizer", "lr", "n_feats", "n_resblocks", "steps", "batch_size", "patch_size")


@dataclass(frozen=True)
class Line:
    """One network: what it reached, mean over seeds, and what it costs. Gains are dB of PSNR RGB."""

    network: str
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
    """Training that every network gets."""

    photographs: Path
    #: where the trainings are kept
    runs: Path
    steps: int
    optimizer: Optimizer
    seeds: tuple[int, ...]

    def folder(self, network: str, seed: int) -> Path:
        """Name the folder of a training."""
        return self.runs / f"{network}-{self.optimizer}-{self.steps}-{seed}"


def options_for(network: str, seed: int, budget: Budget) -> TrainOptions:
    """Give every network the same options but for its name."""
    return resolved(
        TrainOptions(
            data=(budget.photographs,),
            output=budget.folder(network, seed),
            model=network,
            scale=SCALE,
            n_feats=32,
            n_resblocks=4,
            degradation="camera",
            steps=budget.steps,
            patch_size=32,
            batch_size=4,
            optimizer=budget.optimizer,
            lr=RATES[budget.optimizer],
            schedule="cosine",
            warmup=100,
            beta2=0.99,
            clip=50.0,
            ema=0.99,
            validate_every=budget.steps,
            seed=seed,
        )
    )


def seconds_per_step(run: Path) -> float:
    """Take the median over the run's log, which other work on the machine sways less than the mean."""
    records = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return float(median(record["step_time"] for record in records if "step_time" in record))


def lines(result: SetResult, budget: Budget) -> list[Line]:
    """``result`` holds bicubic, then each network's runs in the order of ``COMPARED`` and the seeds."""
    infos = iter([info for info in result.methods if info.name != "bicubic"])
    pictures = [p.measurements for p in result.measured]
    scenes = [p.scene for p in result.measured]
    bicubic = [p["bicubic"].figures["psnr_rgb"] for p in pictures]
    reached: dict[str, list[float]] = {}
    found = []
    for network, base, title in COMPARED:
        own = [next(infos) for _ in budget.seeds]
        folders = [budget.folder(network, seed) for seed in budget.seeds]
        figures = [[p[info.name].figures["psnr_rgb"] for info in own] for p in pictures]
        reached[network] = [fmean(row) for row in figures]
        columns = zip(*figures, strict=True)
        found.append(
            Line(
                network=network,
                base=base,
                title=title,
                parameters=own[0].parameters or 0,
                seconds_per_step=fmean(map(seconds_per_step, folders)),
                gains=tuple(fmean(column) - fmean(bicubic) for column in columns),
                over_bicubic=_difference(reached[network], bicubic, scenes),
                over_base=_difference(reached[network], reached[base], scenes) if base else None,
            )
        )
    return found


def _difference(ours: Sequence[float], theirs: Sequence[float], scenes: Sequence[str]) -> Mean:
    return mean_with_interval([a - b for a, b in zip(ours, theirs, strict=True)], scenes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path, help="folder of sharp photographs to train on")
    parser.add_argument("--runs", type=Path, default=Path("ablation"), help="where the trainings are kept")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--optimizer", choices=tuple(RATES), default="adam", help="adam: the published one")
    parser.add_argument("--seed", type=int, action="append", help="train each network so, too; repeatable")
    given = parser.parse_args()
    seeds = tuple(given.seed or (1,))
    budget = Budget(given.photographs, given.runs, given.steps, given.optimizer, seeds)
    shared_folder()  # before hours of training
    for seed in budget.seeds:
        for network, _, _ in COMPARED:
            options = options_for(network, seed, budget)
            if run_training(options, resume=options.output.exists()).stopped_by:
                return
    runs = [str(budget.folder(network, seed)) for network, _, _ in COMPARED for seed in budget.seeds]
    (result,) = measure("valid", "camera", SCALE, MethodOptions(tuple(runs), interpolations=("bicubic",)))
    save(lines(result, budget), len(result.measured), options, budget)


def save(found: Sequence[Line], pictures: int, options: TrainOptions, budget: Budget) -> None:
    """Write what was found, and what it was made with."""
    machine = machine_facts(torch.device("cpu")) | {"threads": torch.get_num_threads()}
    whole: dict[str, Any] = {
        "srnet": own_version(),
        "machine": machine,
        "pictures": pictures,
        **{name: getattr(options, name) for name in SHOWN},
        "seeds": budget.seeds,
        "lines": [asdict(line) for line in found],
    }
    record(f"ablation-x{SCALE}-{budget.optimizer}", whole)


if __name__ == "__main__":
    main()

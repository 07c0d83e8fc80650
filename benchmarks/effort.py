"""``python -m benchmarks.effort``: PSNR and time of ``srnet zoom --effort full|auto|light``.

On the pictures of ``$SRNET_SHARED/data/valid`` (LR by the simulated camera) and City100_valid (real pairs),
×4, at both ends of ``--crisp``. These are small, so tiles are ``--tile`` wide, to be as many as in a
photograph. Times are processor seconds, as a share of ``full``. The last column is the share of light tiles
where the photographs of ``valid`` themselves are enlarged, in tiles as the program chooses them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from benchmarks.machine import load_per_core, machine_facts
from benchmarks.quality import CITY100_VALID, ENDS, shared_folder
from benchmarks.record import record
from srnet_cli.compute.allocator import keep_large_blocks
from srnet_cli.evaluation.pairs import PairSet
from srnet_cli.evaluation.test_sets import DataOptions, open_test_set
from srnet_cli.imaging import Picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.metrics.psnr import psnr_rgb
from srnet_cli.zooming.chain import Engines, ModelChoice
from srnet_cli.zooming.effort.texture import EFFORTS, PLAIN_SLOPE, Effort, plain_share
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture

SCALE = 4
SETS = (("valid", "camera"), CITY100_VALID)


@dataclass
class Outcome:
    """What one effort came to on one set."""

    psnr: list[float] = field(default_factory=list)
    seconds: float = 0.0
    tiles: int = 0
    light_tiles: int = 0


def measure(found: PairSet, effort: Effort, crisp: float, tile: int, limit: int | None) -> Outcome:
    """Enlarge every picture of a set; with a ``limit`` so many, evenly spread."""
    options = EngineOptions(tile=tile)
    engine: Engine
    (engine,) = Engines(ModelChoice("srnet-x4", crisp=crisp, engine=options, effort=effort)).for_scale(SCALE)
    outcome = Outcome()
    every = 1 if limit is None else max(1, len(found.items) // limit)
    for item in found.items[::every][:limit]:
        pair = item.load()
        picture = Picture(pair.lr)
        engine.begin_picture()
        begin = time.process_time()
        made = zoom_picture(picture, plan_frame(picture.height, picture.width, SCALE), [engine])
        outcome.seconds += time.process_time() - begin
        outcome.psnr.append(psnr_rgb(np.asarray(made.pixels), pair.hr))
        outcome.tiles += engine.tiles
        outcome.light_tiles += engine.light_tiles
    print(f"{found.name}, crisp {crisp:g}, {effort}: done", file=sys.stderr, flush=True)
    return outcome


def whole_photographs(found: PairSet) -> float:
    """Compute the share of light tiles where the pictures' HR sides are what is enlarged."""
    (engine,) = Engines(ModelChoice("srnet-x4", crisp=0)).for_scale(SCALE)
    shares = []
    for item in found.items:
        hr = item.load().hr
        shares.append(plain_share(hr, engine.grid(Box(0, 0, *hr.shape[:2]))))
    return statistics.mean(shares)


def main() -> None:
    arguments = _arguments()
    keep_large_blocks()
    sets = [
        open_test_set(shared_folder() / folder, SCALE, DataOptions(degradation=degradation))
        for folder, degradation in SETS
    ]
    lines = [
        "| set | crisp | effort | PSNR dB | to full | light tiles | time |",
        "|---|---|---|---|---|---|---|",
    ]
    figures: list[dict[str, Any]] = []
    for found in sets:
        for crisp in arguments.crisp:
            full: Outcome | None = None
            for effort in sorted(EFFORTS, key=lambda each: each != "full"):
                made = measure(found, effort, crisp, arguments.tile, arguments.limit)
                full = full or made
                row = {
                    "set": found.name,
                    "crisp": crisp,
                    "effort": effort,
                    "pictures": len(made.psnr),
                    "psnr": statistics.mean(made.psnr),
                    "to_full": statistics.mean(made.psnr) - statistics.mean(full.psnr),
                    "light_share": made.light_tiles / made.tiles,
                    "time_to_full": made.seconds / full.seconds,
                }
                figures.append(row)
                lines.append(
                    f"| {found.name} | {crisp:g} | {effort} | {row['psnr']:.3f} | {row['to_full']:+.3f} "
                    f"| {row['light_share']:.0%} | {row['time_to_full']:.2f} |"
                )
    whole = whole_photographs(sets[0])
    closing = f"Of tiles of the photographs of valid, enlarged themselves, {whole:.0%} are light ones."
    text = "\n".join([*lines, "", closing])
    print(text)
    if arguments.save:
        facts = machine_facts(torch.device("cpu")) | {"load_per_core": load_per_core()}
        stated = {"threshold": PLAIN_SLOPE, "tile": arguments.tile, "whole_photographs": whole}
        document = {"machine": facts, **stated, "rows": figures}
        record("effort", document, f"# What `--effort` costs and saves\n\n{text}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effort", description=__doc__)
    parser.add_argument("--crisp", type=float, nargs="+", default=list(ENDS), help="ends of the slider")
    parser.add_argument("--limit", type=int, help="pictures of each set")
    parser.add_argument("--tile", type=int, default=64, help="side of a tile")
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/effort.*")
    return parser.parse_args()


if __name__ == "__main__":
    main()

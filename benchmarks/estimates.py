"""``python -m benchmarks.estimates``: what a zoom is estimated to take, over what it then takes.

For each model, size and format twice in one process: with nothing known of the machine, and with what the
first job taught. Seconds are the processor's, on one thread, so that other work on the machine matters less;
``--wall`` takes those of the clock instead, on all cores, for a quiet one. The aim is 0.8 to 1.25.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.jobs import drawn_picture
from srnet_cli.compute.allocator import keep_large_blocks
from srnet_cli.imaging import WriteOptions, read_picture
from srnet_cli.models.store import load_model
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.forecast.files import reading_seconds, writing_seconds
from srnet_cli.zooming.forecast.pace import Paces
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_to_file


def job(source: Path, suffix: str, engine: Engine, paces: Paces, clock: Callable[[], float]) -> float:
    """Estimate a job, do it, learn of it; return estimate over time taken."""
    target, options = source.with_name(f"result{suffix}"), WriteOptions()
    begin = clock()
    picture = read_picture(source)
    read = clock() - begin
    frame = plan_frame(picture.height, picture.width, engine.scale)
    writing = writing_seconds(target, options, frame.height, frame.width, picture.bit_depth == 16)
    reading = reading_seconds(source, picture.height, picture.width)
    estimate = reading + paces.seconds(frame, [engine], picture.pixels) + writing
    begin = clock()
    zoom_to_file(picture, frame, [engine], target, options, overwrite=True)
    taken = clock() - begin
    paces.learn(frame, [engine], taken - writing, picture.pixels)
    return estimate / (read + taken)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimates", description=__doc__)
    parser.add_argument("--models", nargs="+", default=["srnet-lite-x4", "srnet-x4"])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 6])
    parser.add_argument("--suffixes", nargs="+", default=[".png"])
    parser.add_argument("--source", type=Path, help="a photograph to make the inputs of; else they are drawn")
    parser.add_argument("--wall", action="store_true", help="by the clock, on all cores")
    given = parser.parse_args()
    keep_large_blocks()
    clock = time.perf_counter if given.wall else time.process_time
    if not given.wall:
        torch.set_num_threads(1)
    print("| model | input | output | estimate / taken, first run | second run |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for model in given.models:
            for megapixels in given.megapixels:
                source = drawn_picture(Path(folder), megapixels, given.source)
                for suffix in given.suffixes:
                    paces, engine = Paces(clock=clock), Engine(load_model(model, None))
                    first, second = (job(source, suffix, engine, paces, clock) for _ in range(2))
                    line = f"| {model} | {megapixels:g} MP | {suffix} | {first:.2f} | {second:.2f} |"
                    print(line, flush=True)


if __name__ == "__main__":
    main()

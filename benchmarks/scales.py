"""``python -m benchmarks.scales``: which released models are the best ones for which scale of ``srnet zoom``?

Models reach scales beyond their own one after the other, and those below by reduction. All chains of at most
``MOST_PASSES`` models trained for the camera that reach a scale without much waste zoom the photographs of
``valid``, reduced by the simulated camera, just as ``srnet zoom`` does. ``benchmarks/results/scales.json``
holds what was found; docs/tables.py puts it into models/README.md. It decides whether ``zoom`` takes a
model by itself or by its name only.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch

from benchmarks.machine import load_per_core, machine_facts
from benchmarks.quality import shared_folder
from benchmarks.record import record
from srnet_cli.cards import Card
from srnet_cli.evaluation.figures import RGB_SHAVE
from srnet_cli.evaluation.methods import Pixels8
from srnet_cli.evaluation.opening import DataOptions, open_test_set
from srnet_cli.evaluation.pairs import LoadedPair, PairSet
from srnet_cli.evaluation.statistics import Mean, mean_with_interval
from srnet_cli.imaging import Picture
from srnet_cli.imaging.resize import resize
from srnet_cli.metrics import psnr_rgb
from srnet_cli.version import own_version
from srnet_cli.weights import load_model, released_models
from srnet_cli.zoom.batch import Engines, ZoomRequest
from srnet_cli.zoom.engine import Engine, EngineOptions
from srnet_cli.zoom.frame import plan_frame
from srnet_cli.zoom.pipeline import zoom_picture

SCALES = (2, 3, 4, 8)
MOST_PASSES = 2
#: a chain that goes further than this beyond a scale computes more than four pixels for one
MOST_WASTE = 2

Chain = tuple[Card, ...]


@dataclass(frozen=True)
class Way:
    """A scale reached by a chain of models."""

    scale: int
    models: tuple[str, ...]
    light: bool
    #: times that the models enlarge, before the reduction to the scale
    reached: int
    #: dB of PSNR RGB over bicubic, mean over the pictures
    gain: Mean
    #: pictures on which bicubic is better
    lost: int
    seconds_per_lr_megapixel: float


def chains(scale: int, cards: Sequence[Card]) -> list[Chain]:
    """Chains of models trained for the camera, all light or none, the largest first as ``zoom`` has them."""
    fit = sorted((c for c in cards if c.recipe["degradation"] != "bicubic"), key=lambda c: -c.scale)
    found = itertools.chain.from_iterable(
        itertools.combinations_with_replacement(fit, passes) for passes in range(1, MOST_PASSES + 1)
    )
    return [
        chain
        for chain in found
        if len({card.light for card in chain}) == 1
        and 1 <= reached_by(chain) / scale <= MOST_WASTE
        and (len(chain) == 1 or reached_by(chain[:-1]) < scale)
    ]


def reached_by(chain: Chain) -> int:
    """What the models of a chain enlarge together."""
    return math.prod(card.scale for card in chain)


def taken(scale: int, light: bool) -> tuple[str, ...]:
    """Names of the models that ``zoom`` runs for a scale when none is named; ``light``: with ``--fast``."""
    engines = Engines(ZoomRequest(scale=scale, fast=light)).for_scale(scale)
    return tuple(engine.card.name for engine in engines)


def measure_way(chain: Chain, found: PairSet) -> Way:
    """One chain on every picture of a set."""
    engines = [Engine(load_model(card.name), EngineOptions()) for card in chain]
    gains, seconds, pixels = [], 0.0, 0
    for item in found.items:
        pair = item.load()
        start = time.perf_counter()
        sr = _zoomed(pair.lr, found.scale, engines)
        seconds += time.perf_counter() - start
        pixels += pair.lr.shape[0] * pair.lr.shape[1]
        gains.append(_psnr(sr, pair, found.scale) - _psnr(_bicubic(pair.lr, found.scale), pair, found.scale))
    return Way(
        scale=found.scale,
        models=tuple(card.name for card in chain),
        light=chain[0].light,
        reached=reached_by(chain),
        gain=mean_with_interval(gains, [item.scene for item in found.items]),
        lost=sum(gain < 0 for gain in gains),
        seconds_per_lr_megapixel=1e6 * seconds / pixels,
    )


def _zoomed(lr: Pixels8, scale: int, engines: list[Engine]) -> Pixels8:
    height, width = lr.shape[:2]
    picture = zoom_picture(Picture(lr), plan_frame(height, width, scale), engines)
    return picture.pixels.astype("uint8", copy=False)


def _bicubic(lr: Pixels8, scale: int) -> Pixels8:
    return resize(lr, lr.shape[0] * scale, lr.shape[1] * scale, "bicubic")


def _psnr(result: Pixels8, pair: LoadedPair, scale: int) -> float:
    return psnr_rgb(result, pair.hr, shave=scale + RGB_SHAVE)


def main() -> None:
    cards = released_models()
    found = []
    for scale in SCALES:
        pictures = open_test_set(shared_folder() / "valid", scale, DataOptions(degradation="camera"))
        for chain in chains(scale, cards):
            found.append(measure_way(chain, pictures))
            print(f"×{scale} {found[-1].models}: {found[-1].gain.value:+.3f} dB", flush=True)
    machine = machine_facts(torch.device("cpu")) | {
        "threads": torch.get_num_threads(),
        "load_per_core": load_per_core(),
    }
    weights = {card.name: card.sha256 for card in cards}
    ordered = [asdict(way) for way in sorted(found, key=lambda way: (way.scale, -way.gain.value))]
    record("scales", {"srnet": own_version(), "machine": machine, "weights": weights, "ways": ordered})


if __name__ == "__main__":
    main()

"""``python -m benchmarks.scales``: which released models are the best ones for which scale of ``srnet zoom``?

Models reach scales beyond their own one after the other, and those below by reduction. All chains of at most
``MOST_PASSES`` models trained for the camera that reach a scale without much waste zoom the photographs of
``valid``, reduced by the simulated camera, just as ``srnet zoom`` does. ``benchmarks/results/scales.json``
holds what was found; docs/tables.py puts it into models/README.md. It decides whether ``zoom`` takes a
model by itself or by its name only.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.quality import circumstances, shared_folder
from benchmarks.record import record
from srnet_cli.evaluation.methods import InterpolationMethod
from srnet_cli.evaluation.metrics import RGB_SHAVE
from srnet_cli.evaluation.pairs import LoadedPair, PairSet, Pixels8
from srnet_cli.evaluation.statistics import Mean, mean_with_interval
from srnet_cli.evaluation.test_sets import DataOptions, open_test_set
from srnet_cli.imaging import Picture
from srnet_cli.metrics import psnr_rgb
from srnet_cli.models.card import Card
from srnet_cli.models.released import picture_models
from srnet_cli.models.store import load_model
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture

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
    """List chains of the models for the camera, the largest first; behind a light one light ones only."""
    fit = sorted((c for c in cards if c.recipe.get("degradation") != "bicubic"), key=lambda c: -c.scale)
    found = itertools.chain.from_iterable(
        itertools.product(fit, repeat=passes) for passes in range(1, MOST_PASSES + 1)
    )
    return [
        chain
        for chain in found
        if all(a.scale >= b.scale and a.light <= b.light for a, b in itertools.pairwise(chain))
        and 1 <= reached_by(chain) / scale <= MOST_WASTE
        and reached_by(chain[:-1]) < scale
    ]


def reached_by(chain: Chain) -> int:
    """Multiply the scales of a chain's models."""
    return math.prod(card.scale for card in chain)


def measure_way(chain: Chain, found: PairSet, pairs: Sequence[LoadedPair], bicubic: Sequence[float]) -> Way:
    """Measure one chain on every pair of a set, whose PSNR by bicubic is known."""
    engines = [Engine(load_model(card.name), EngineOptions()) for card in chain]
    gains, seconds = [], 0.0
    for pair, reference in zip(pairs, bicubic, strict=True):
        start = time.perf_counter()
        sr = _zoomed(pair.lr, found.scale, engines)
        seconds += time.perf_counter() - start
        gains.append(_psnr(sr, pair, found.scale) - reference)
    pixels = sum(pair.lr.shape[0] * pair.lr.shape[1] for pair in pairs)
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


def _psnr(result: Pixels8, pair: LoadedPair, scale: int) -> float:
    return psnr_rgb(result, pair.hr, shave=scale + RGB_SHAVE)


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.scales", description=__doc__).parse_args()
    cards = picture_models()
    ways = []
    for scale in SCALES:
        found = open_test_set(shared_folder() / "valid", scale, DataOptions(degradation="camera"))
        pairs = [item.load() for item in found.items]
        interpolation = InterpolationMethod("bicubic", scale)
        bicubic = [_psnr(interpolation.run(pair.lr), pair, scale) for pair in pairs]
        for chain in chains(scale, cards):
            ways.append(measure_way(chain, found, pairs, bicubic))
            print(f"×{scale} {ways[-1].models}: {ways[-1].gain.value:+.3f} dB", flush=True)
    ordered = [asdict(way) for way in sorted(ways, key=lambda way: (way.scale, -way.gain.value))]
    record("scales", {**circumstances(cards), "ways": ordered})


if __name__ == "__main__":
    main()

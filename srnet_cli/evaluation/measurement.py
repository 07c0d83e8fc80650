"""The measuring itself: every method on every picture, shared out between processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from srnet_cli.compute.device import device_title
from srnet_cli.compute.processes import Processes
from srnet_cli.data.preparation import Progress
from srnet_cli.errors import MissingExtraError, SrnetError, WeightsError, unexpected
from srnet_cli.evaluation.methods import (
    Catalogue,
    Method,
    MethodOptions,
    NetworkMethod,
    choose_scales,
    load_catalogue,
)
from srnet_cli.evaluation.metrics import Learned, measure, metric
from srnet_cli.evaluation.outputs.views import make_view
from srnet_cli.evaluation.pairs import LoadedPair, PairItem, PairSet, Pixels8, centre_crop
from srnet_cli.evaluation.resources import measured
from srnet_cli.evaluation.results import Measurement, MethodInfo, PictureResult, SetResult
from srnet_cli.evaluation.test_sets import DataOptions, open_test_set
from srnet_cli.imaging.boxes import Box
from srnet_cli.metrics.features import FeatureDistance
from srnet_cli.metrics.perceptual import Lpips
from srnet_cli.zooming.guarding.guard import computed_in


@dataclass(frozen=True)
class EvaluationRequest:
    """Methods, test sets and how they are measured."""

    data: tuple[Path, ...]
    methods: MethodOptions = field(default_factory=MethodOptions)
    #: empty: those of the named models, else 4
    scales: tuple[int, ...] = ()
    source: DataOptions = field(default_factory=DataOptions)
    #: each of them makes a set of its own out of sharp pictures
    degradations: tuple[str, ...] = ("bicubic",)
    #: HR pixels of the centre crop; None: whole pictures
    crop: int | None = None
    #: of each set, only the first pictures
    limit: int | None = None
    #: True demands LPIPS, None takes it where it can be had; likewise the feature distance
    lpips: bool | None = None
    features: bool | None = None
    #: pictures of each set that views are kept of, for panels and the report
    shown: int = 0
    #: the detail of the panels, HR pixels, and LR as their whole picture; None: where bicubic loses most
    box: Box | None = None


class Watcher:
    """Listener to a measurement that does nothing; to be overridden."""

    def preparing(self) -> Progress | None:
        """Hear that data will be opened; give the progress to report to."""
        return None

    def started(self, title: str, pictures: int) -> None:
        """Hear that a set begins, with this process's share of its pictures."""

    def picture_done(self, picture: PictureResult) -> None:
        """Hear that a picture is measured, or has failed."""

    def note(self, sentence: str) -> None:
        """Hear something that the user should know."""


def evaluate(
    request: EvaluationRequest,
    processes: Processes,
    watcher: Watcher,
    check: Callable[[Sequence[PairSet]], None] | None = None,
) -> list[SetResult] | None:
    """Measure everything; None in processes other than the first.

    A picture that cannot be read or done is in the result with its reason; so is a method that fails on it.
    ``check`` is shown the sets before the work, and may refuse.

    Raises:
        SrnetError: when models or data cannot be opened at all, or as ``check``.
    """
    methods = replace(
        request.methods,
        engine=replace(request.methods.engine, device=str(processes.device)),
    )
    catalogue = load_catalogue(methods)
    for scale in choose_scales(request.scales, catalogue):
        if not catalogue.named and scale not in catalogue.scales:
            watcher.note(f"no released model enlarges ×{scale}: only interpolations are measured")
    learned = _open_learned(request, processes.device, watcher)
    sets = _open_sets(request, catalogue, processes, watcher)
    if check is not None:
        check(sets)
    results = []
    for found in sets:
        result = _evaluate_set(found, catalogue, request, learned, processes, watcher)
        if result is not None:
            results.append(result)
    return results if processes.leads else None


def _open_learned(request: EvaluationRequest, device: torch.device, watcher: Watcher) -> dict[str, Learned]:
    """Load the metrics that are networks, by their keys."""
    kinds: dict[str, tuple[bool | None, Callable[..., Learned]]] = {
        "lpips": (request.lpips, Lpips),
        "feature_distance": (request.features, FeatureDistance),
    }
    learned: dict[str, Learned] = {}
    for key, (wanted, load) in kinds.items():
        if wanted is False:
            continue
        try:
            learned[key] = load(device=str(device))
        except (MissingExtraError, WeightsError) as error:
            if wanted:
                raise
            watcher.note(f"no {metric(key).title}: {error}")
    return learned


def _open_sets(
    request: EvaluationRequest, catalogue: Catalogue, processes: Processes, watcher: Watcher
) -> list[PairSet]:
    sets: list[PairSet] = []
    for _ in processes.in_turn():
        for scale in choose_scales(request.scales, catalogue):
            for path in request.data:
                for degradation in request.degradations:
                    options = replace(request.source, degradation=degradation)
                    found = open_test_set(path, scale, options, watcher.preparing())
                    # Only sharp pictures have one set for each degradation.
                    if found not in sets:
                        sets.append(found)
    return sets


def _evaluate_set(
    found: PairSet,
    catalogue: Catalogue,
    request: EvaluationRequest,
    learned: Mapping[str, Learned],
    processes: Processes,
    watcher: Watcher,
) -> SetResult | None:
    methods = catalogue.methods(found.scale)
    items = found.items[: request.limit]
    mine = processes.indices(0, len(items))
    watcher.started(found.title, len(mine))
    if mine:
        for method in methods:
            method.warm_up()
    own: dict[int, PictureResult] = {}
    for index in mine:
        own[index] = _evaluate_picture(
            items[index], found.scale, methods, request, learned, shown=index < request.shown
        )
        watcher.picture_done(own[index])
    shares = processes.gather(own)
    if not processes.leads:
        return None
    pictures = {index: result for share in shares for index, result in share.items()}
    infos = tuple(MethodInfo(m.name, m.parameters, m.published_macs) for m in methods)
    ordered = tuple(pictures[index] for index in sorted(pictures))
    done = dict.fromkeys(result.note for result in ordered if result.note is not None)
    notes = (*found.notes, *done, *_engine_notes(methods))
    return SetResult(found.name, found.scale, found.origin, infos, ordered, notes)


def _evaluate_picture(
    item: PairItem,
    scale: int,
    methods: Sequence[Method],
    request: EvaluationRequest,
    learned: Mapping[str, Learned],
    shown: bool,
) -> PictureResult:
    try:
        pair = item.load()
        if request.crop is not None:
            pair = centre_crop(pair, scale, request.crop)
    except SrnetError as error:
        return PictureResult(item.name, item.scene, errors=(str(error),))
    except Exception as error:
        return PictureResult(item.name, item.scene, errors=(str(unexpected(error)),))
    measurements: dict[str, Measurement] = {}
    pictures: dict[str, Pixels8] = {}
    errors: list[str] = []
    for method in methods:
        try:
            pictures[method.name], measurements[method.name] = _measure(method, pair, scale, learned)
        except (SrnetError, ValueError) as error:
            errors.append(f"{method.name}: {error}")
            if not measurements and isinstance(error, ValueError):
                break  # the picture is too small for the metrics, whatever the method
    height, width = pair.lr.shape[:2]
    view = None
    if shown and pictures:
        view = make_view(pair.hr, pictures, None if request.box is None else pair.lr, request.box)
    return PictureResult(item.name, item.scene, height, width, measurements, tuple(errors), pair.note, view)


def _measure(
    method: Method, pair: LoadedPair, scale: int, learned: Mapping[str, Learned]
) -> tuple[Pixels8, Measurement]:
    device = method.engine.device if isinstance(method, NetworkMethod) else torch.device("cpu")
    with measured(device) as cost:
        result = method.run(pair.lr)
    figures = measure(result, pair.hr, scale, learned)
    return result, Measurement(figures, cost.seconds, cost.memory, method.macs(*pair.lr.shape[:2]))


def _engine_notes(methods: Sequence[Method]) -> list[str]:
    """Say how the networks computed, and what the engine changed for want of memory."""
    networks = [method for method in methods if isinstance(method, NetworkMethod)]
    notes = []
    for how in dict.fromkeys(_how(network) for network in networks):
        names = ", ".join(network.name for network in networks if _how(network) == how)
        notes.append(f"{names}: {how}")
    return notes


def _how(network: NetworkMethod) -> str:
    engine = network.engine
    wanted = engine.options.tile or engine.card.largest_side
    less = f" (instead of {wanted}, for want of memory)" if engine.tile != wanted else ""
    tiles = "whole pictures in one piece" if network.whole else f"tiles of up to {engine.tile}{less}"
    views = ", mean of 8 flipped views" if engine.options.ensemble else ""
    device, dtype = computed_in(engine.network, engine.device, engine.dtype)
    precision = str(dtype).removeprefix("torch.")
    return f"{precision} on {device_name(device)}, {tiles}{views}"


def device_name(device: torch.device) -> str:
    """Name the device as a person knows it."""
    threads = f" ({torch.get_num_threads()} threads)" if device.type == "cpu" else ""
    return device_title(device) + threads

"""The data that the options name: recognised, prepared once for all processes, opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from srnet_cli.compute.processes import Processes
from srnet_cli.data import TrainingSource
from srnet_cli.data.device.simulated import on_device
from srnet_cli.data.mixture import MixedSource, SteppedMixture, name_sources
from srnet_cli.data.sources import SteppedSource
from srnet_cli.errors import DataError, UsageError
from srnet_cli.training.network import has_auxiliary
from srnet_cli.training.options import TrainOptions, data_paths, network_scale, patches

if TYPE_CHECKING:
    from srnet_cli.data.kinds import Detection, SourceOptions
    from srnet_cli.data.preparation import Progress

#: what is left out of the data is named up to this many
MOST_NAMED = 20

Say = Callable[[str], None]


def detect_data(options: TrainOptions, say: Say) -> list[Detection]:
    """Decide what the data of each source is and say so; reads names and a few headers only.

    Raises:
        UsageError: when no data was named, or it is not what the options need.
        DataError: when it is of a kind that is not known.
    """
    found = [_detect(path, options, say) for path in data_paths(options)]
    if options.input == "raw" and len({kind.kind == "photos" for kind in found}) > 1:
        raise UsageError(
            "--input raw learns camera colours from photographs and finished pictures from RAW shots",
            remedy="--data of one kind",
        )
    return found


def _detect(path: Path, options: TrainOptions, say: Say) -> Detection:
    from srnet_cli.data.opening import detect_source, kind_named

    found = detect_source(path, options.scale)
    if options.input == "raw" and options.degradation == "bicubic" and found.kind == "photos":
        raise UsageError(
            "--degradation bicubic makes no mosaic", remedy="leave it out: with --input raw it is a camera"
        )
    if options.input == "raw" and "mosaic" not in kind_named(found.kind).options:
        raise UsageError(
            f"--input raw cannot be trained on the {found.kind} in {found.root}: "
            "they have no mosaic any more",
            remedy="sequences of RAW shots (SR-RAW), or LR/ and HR/ with ARW/, have one",
        )
    if options.input == "raw" and found.kind != "photos" and has_auxiliary(options):
        raise UsageError(
            "--input raw has no auxiliary stream for RAW shots: nothing tells the residual of their mosaics",
            remedy="add --no-auxiliary, or train on photographs",
        )
    say(found.sentence)
    return found


def open_data(
    options: TrainOptions,
    found: Sequence[Detection],
    job: Processes,
    say: Say,
    progress: Progress | None = None,
    on_card: bool | None = None,
) -> TrainingSource:
    """Prepare the data once for all processes, and open it; several sources become one.

    ``on_card`` chooses the form for a card, in which photographs and what is made of them are on the device;
    None: on CUDA.

    Raises:
        DataError: when there is nothing to train on in one of them.
    """
    paths = data_paths(options)
    sources: list[TrainingSource] = []
    for _ in job.in_turn():
        sources = [_open(path, kind, options, progress) for path, kind in zip(paths, found, strict=True)]
    if job.device.type == "cuda" if on_card is None else on_card:
        sources = [on_device(source, job.device) for source in sources]
    if len(sources) == 1:
        say(sources[0].description)
        _describe_left_out(sources[0], "", say)
        return sources[0]
    names, shares = name_sources(paths), options.shares or (1.0,) * len(paths)
    stepped = any(isinstance(source, SteppedSource) for source in sources)
    mixed = (SteppedMixture if stepped else MixedSource).of(names, sources, shares)
    for name, share, source in zip(names, mixed.shares, sources, strict=True):
        say(f"{name}, {100 * float(share):.3g} % of each batch: {source.description}")
        _describe_left_out(source, f"{name}/", say)
        if not source.validation():
            say(f"{name} has no held-out pairs: it is not measured, and does not count for the best weights")
    return mixed


def _open(path: Path, found: Detection, options: TrainOptions, progress: Progress | None) -> TrainingSource:
    from srnet_cli.data.opening import open_source

    try:
        return open_source(path, source_options(options), progress)
    except DataError as error:
        if error.remedy is not None or found.kind != "photos":
            raise
        needed = f"{max(patches(options))} LR pixels ×{network_scale(options)}"
        raise DataError(
            error.reason, path=error.path, remedy=f"a smaller --patch-size, which is {needed} now"
        ) from error


def _describe_left_out(source: TrainingSource, prefix: str, say: Say) -> None:
    for problem in source.left_out[:MOST_NAMED]:
        say(f"left out {prefix}{problem.name}: {problem.reason}")
    if len(source.left_out) > MOST_NAMED:
        say(f"and {len(source.left_out) - MOST_NAMED} more")


def source_options(options: TrainOptions) -> SourceOptions:
    """Return the part of the options that concerns the data."""
    from srnet_cli.data.kinds import SourceOptions
    from srnet_cli.data.zoom_pairs import PairOptions

    return SourceOptions(
        scale=options.scale,
        pairs=PairOptions(
            scale=options.scale,
            recipe=options.pairing,
            match_colour=options.match_colour,
            mosaic=options.input == "raw",
        ),
        split=options.split,
        residual=None if options.input == "raw" and not has_auxiliary(options) else options.interpolation,
        label=options.label,
        degradation=options.degradation,
        smallest_photo=max(patches(options)) * network_scale(options),
        cache=options.cache,
    )

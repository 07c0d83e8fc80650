"""The data that the options name: recognised, prepared once for all processes, opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from srnet_cli.compute.processes import Processes
from srnet_cli.data import TrainingSource
from srnet_cli.errors import DataError, UsageError
from srnet_cli.training.options import TrainOptions, data_path, patches

if TYPE_CHECKING:
    from srnet_cli.data.kinds import Detection, SourceOptions
    from srnet_cli.data.preparation import Progress

#: what is left out of the data is named up to this many
MOST_NAMED = 20

Say = Callable[[str], None]


def detect_data(options: TrainOptions, say: Say) -> Detection:
    """Decide what the data is and say so; reads names and a few headers only.

    Raises:
        UsageError: when no data was named, or it is not what the options need.
        DataError: when it is of a kind that is not known.
    """
    from srnet_cli.data.opening import detect_source, kind_named

    found = detect_source(data_path(options), options.scale)
    if options.input == "raw" and "mosaic" not in kind_named(found.kind).options:
        raise UsageError(
            f"--input raw cannot be trained on the {found.kind} in {found.root}: "
            "they have no mosaic any more",
            remedy="sequences of RAW shots (SR-RAW), or LR/ and HR/ with ARW/, have one",
        )
    say(found.sentence)
    return found


def open_data(
    options: TrainOptions, found: Detection, job: Processes, say: Say, progress: Progress | None = None
) -> TrainingSource:
    """Prepare the data once for all processes, and open it.

    Raises:
        DataError: when there is nothing to train on.
    """
    from srnet_cli.data.opening import open_source

    source: TrainingSource | None = None
    for _ in job.in_turn():
        try:
            source = open_source(data_path(options), source_options(options), progress)
        except DataError as error:
            if error.remedy is not None or found.kind != "photos":
                raise
            needed = f"{max(patches(options))} LR pixels ×{options.scale}"
            raise DataError(
                error.reason, path=error.path, remedy=f"a smaller --patch-size, which is {needed} now"
            ) from error
    assert source is not None
    say(source.description)
    for problem in source.left_out[:MOST_NAMED]:
        say(f"left out {problem.name}: {problem.reason}")
    if len(source.left_out) > MOST_NAMED:
        say(f"and {len(source.left_out) - MOST_NAMED} more")
    return source


def source_options(options: TrainOptions) -> SourceOptions:
    """Return the part of the options that concerns the data."""
    from srnet_cli.data.kinds import SourceOptions
    from srnet_cli.data.zoom_pairs import PairOptions

    return SourceOptions(
        scale=options.scale,
        pairs=PairOptions(
            scale=options.scale, match_colour=options.match_colour, mosaic=options.input == "raw"
        ),
        split=options.split,
        residual=options.interpolation,
        degradation=options.degradation,
        smallest_photo=max(patches(options)) * options.scale,
        cache=options.cache,
    )

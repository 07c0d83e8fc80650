"""The card of the model that a run has made so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from srnet_cli.data import TrainingSource
from srnet_cli.data.mixture import name_sources
from srnet_cli.data.sources import space_of
from srnet_cli.models.card import Card
from srnet_cli.training.network import network_options
from srnet_cli.training.options import TrainOptions, data_paths, plain
from srnet_cli.training.run.checkpoint import Progress
from srnet_cli.training.validation import Measured, Validation

#: options that say where a run lay, how it was computed and shown, not what it computed
OF_THE_MACHINE = frozenset(
    {"data", "output", "cache", "device", "workers", "accumulate", "compile", "tensorboard", "log_every"}
    | {"checkpoint_minutes"}
)


def card_of(
    options: TrainOptions, source: TrainingSource, validation: Validation | None, progress: Progress
) -> Card:
    """Make the card of a run's model."""
    tile = max(8, options.validation_crop // source.scale)
    return Card(
        name=f"{options.model}-x{options.scale}",
        architecture=options.model,
        scale=source.scale,
        options=network_options(options),
        input_space=space_of(source, options.input == "raw"),
        tile=tile,
        overlap=tile // 8,
        recipe=_recipe(options, progress),
        data=_data(options),
        metrics={} if validation is None else _metrics(validation),
    )


def _data(options: TrainOptions) -> dict[str, Any]:
    """Name the folders only: a card is published, and where data lay is private."""
    names = name_sources(data_paths(options))
    return {"folder": names[0]} if len(names) == 1 else {"folders": names}


def _recipe(options: TrainOptions, progress: Progress) -> dict[str, Any]:
    """Return what it takes to train the same again."""
    recipe = {name: value for name, value in plain(options).items() if name not in OF_THE_MACHINE}
    for name in ("init", "teacher"):
        if name in recipe:
            recipe[name] = Path(recipe[name]).name
    done = {"trained_steps": progress.step, "trained_patches": progress.samples}
    return {**recipe, **done, "trained_hours": round(progress.elapsed / 3600, 3)}


def _metrics(validation: Validation) -> dict[str, Any]:
    figures = _figures(validation)
    if validation.parts:
        figures["sources"] = {name: _figures(part) for name, part in validation.parts.items()}
    return figures


def _figures(measured: Measured) -> dict[str, Any]:
    figures = {
        "psnr_rgb": measured.psnr,
        "bicubic_psnr_rgb": measured.bicubic,
        "worst_gain": measured.worst_gain,
    }
    rounded = {name: round(value, 4) for name, value in figures.items() if value is not None}
    return {**rounded, "pictures": measured.pictures}

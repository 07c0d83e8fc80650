"""The options of a run from their layers, and the published recipe, which fills in what they leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from srnet_cli.config_file import read_config
from srnet_cli.training.losses import LOSSES
from srnet_cli.training.options import (
    SMALLEST_PATCH,
    TrainOptions,
    network_scale,
    option_table,
    weight_key,
)

#: side of the published HR patches
PUBLISHED_HR_PATCH = 256
#: networks too large for the published batch of 16
BATCH_OF_EIGHT = frozenset({"rcan", "rdn", "san"})
#: learning rates; Muon's is the one that the released models went on with
OWN_LR = {"adam": 1e-4, "muon": 1e-3}


def read_layer(path: Path) -> dict[str, Any]:
    """Read the options that a file states.

    Raises:
        UsageError: when it cannot be read, or states others.
    """
    return read_config(path, {name: key.type for name, key in option_table().items()})


def options_from(*layers: Mapping[str, Any]) -> TrainOptions:
    """Make options of several layers, later ones over earlier ones; a None stands for "not given".

    A length (epochs, steps, hours), or a way to say patch and batch sizes, replaces the other ways to say it
    of earlier layers; other data takes the shares of the earlier ones with it. Below all is the protocol that
    one of them names.

    Raises:
        UsageError: when they contradict each other.
    """
    named: dict[str, Any] = {}
    for layer in layers:
        named.update((name, layer[name]) for name in ("protocol", "scale") if layer.get(name) is not None)
    protocol = [_published(named.get("scale", TrainOptions.scale))] if named.get("protocol") else []
    merged: dict[str, Any] = {}
    for layer in (*protocol, *layers):
        given = {name: value for name, value in layer.items() if value is not None}
        for group in (("epochs", "steps", "hours"), ("phases", "patch_size"), ("phases", "batch_size")):
            if any(name in given for name in group):
                merged = {name: value for name, value in merged.items() if name not in group}
        if given.get("schedule") == "cosine":
            merged.pop("milestones", None)
        if "data" in given and given["data"] != merged.get("data", given["data"]):
            merged.pop("shares", None)
        merged.update(given)
    weights = {name: merged.pop(weight_key(name)) for name in LOSSES if weight_key(name) in merged}
    return TrainOptions(**merged, weights=weights)


def resolved(options: TrainOptions) -> TrainOptions:
    """Fill in the published recipe where the options are None."""
    epochs = options.epochs
    if options.steps is None and options.hours is None and epochs is None:
        epochs = 300.0 if options.scale == 8 else 200.0
    milestones = options.milestones
    if milestones is None and options.schedule == "milestones":
        milestones = (50, 100, 150, 200, 250) if options.scale == 8 else (100, 200, 300, 400)
    patch, batch = options.patch_size, options.batch_size
    if not options.phases:
        patch = patch or max(SMALLEST_PATCH, PUBLISHED_HR_PATCH // network_scale(options))
        batch = batch or (8 if options.model in BATCH_OF_EIGHT else 16)
    return replace(
        options,
        epochs=epochs,
        milestones=milestones,
        patch_size=patch,
        batch_size=batch,
        lr=options.lr or OWN_LR[options.optimizer],
        validate_every=options.validate_every or options.epoch_steps,
    )


def _published(scale: int) -> dict[str, Any]:
    """Return what the logs of the published runs show, where it is not what is done by default anyway.

    They were asked for an epoch more than they ran.
    """
    eight = scale == 8
    return {
        "pairing": "published",
        "split": "published",
        "match_colour": False,
        "label": "residual",
        "interpolation": "nearest",
        "epochs": 299.0 if eight else 199.0,
        "epoch_steps": 995 if eight else 975,
        "optimizer": "adam",
        "lr": 1e-4,
        "schedule": "milestones",
        "precision": "fp32",
        **{weight_key(name): loss.weight for name, loss in LOSSES.items()},
    }

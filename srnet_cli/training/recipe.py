"""The published recipe, which fills in what the options leave open."""

from __future__ import annotations

from dataclasses import replace

from srnet_cli.training.options import SMALLEST_PATCH, TrainOptions, network_scale

#: side of the published HR patches
PUBLISHED_HR_PATCH = 256
#: networks too large for the published batch of 16
BATCH_OF_EIGHT = frozenset({"rcan", "rdn", "san"})
#: learning rates; Muon's is the one that the released models went on with
OWN_LR = {"adam": 1e-4, "muon": 1e-3}


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

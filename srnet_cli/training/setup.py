"""From options to what is trained: data, network, optimiser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from srnet_cli.cards import Card
from srnet_cli.checkpoints import load_checkpoint_into
from srnet_cli.config import TrainOptions, data_path, plain
from srnet_cli.data import TrainingSource
from srnet_cli.device import choose_precision
from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.network.registry import build_network
from srnet_cli.training.average import Average
from srnet_cli.training.batchnorm import join_batchnorm
from srnet_cli.training.checkpoint import Progress, State
from srnet_cli.training.job import Job
from srnet_cli.training.losses import RELATION_PATCH, HybridLoss
from srnet_cli.training.step import Precision, Stepper, freeze_unused, parallelise
from srnet_cli.training.teacher import Teacher
from srnet_cli.training.validation import Validation

if TYPE_CHECKING:
    from srnet_cli.data.cache import Progress as PreparationProgress

#: channels of a packed mosaic
MOSAIC_CHANNELS = 4
#: options that say how a run was computed and shown, not what it computed
OF_THE_MACHINE = frozenset(
    {"device", "workers", "accumulate", "compile", "tensorboard", "log_every", "checkpoint_minutes"}
)
#: what is left out of the data is named up to this many
MOST_NAMED = 20
Say = Callable[[str], None]


def open_data(
    options: TrainOptions, job: Job, say: Say, progress: PreparationProgress | None = None
) -> TrainingSource:
    """Decide what the data is, say so, prepare it once for all processes, and open it.

    Raises:
        UsageError: when no data was named.
        DataError: when there is nothing to train on.
    """
    from srnet_cli.data.opening import detect_source, open_source

    path = data_path(options)
    source: TrainingSource | None = None
    for _ in job.in_turn():
        if job.leads:
            say(detect_source(path, options.scale).sentence)
        source = open_source(path, source_options(options), progress)
    assert source is not None
    say(source.description)
    for problem in source.left_out[:MOST_NAMED]:
        say(f"left out {problem.name}: {problem.reason}")
    if len(source.left_out) > MOST_NAMED:
        say(f"and {len(source.left_out) - MOST_NAMED} more")
    return source


def source_options(options: TrainOptions) -> Any:
    """The data room's ``SourceOptions``."""
    from srnet_cli.data.opening import SourceOptions
    from srnet_cli.data.preparation import PairOptions

    patches = [phase.patch for phase in options.phases] or [options.patch_size or 1]
    return SourceOptions(
        scale=options.scale,
        pairs=PairOptions(
            scale=options.scale, match_colour=options.match_colour, mosaic=options.input == "raw"
        ),
        split=options.split,
        residual=options.interpolation,
        degradation=options.degradation,
        smallest_photo=max(patches) * options.scale,
        cache=options.cache,
    )


def network_options(options: TrainOptions) -> dict[str, Any]:
    """What ``build_network`` is told besides name and scale."""
    named = {name: getattr(options, name) for name in ("attention", "n_feats", "n_resblocks")}
    chosen = {name: value for name, value in named.items() if value is not None}
    if not options.auxiliary:
        chosen["auxiliary"] = False
    if options.input == "raw":
        chosen["in_channels"] = MOSAIC_CHANNELS
    return chosen


def build(options: TrainOptions, scale: int) -> nn.Module:
    """The network of the options, initialised from their seed.

    Raises:
        UsageError: when there is no such network.
    """
    torch.manual_seed(options.seed)
    try:
        return build_network(options.model, scale, **network_options(options))
    except ValueError as error:
        raise UsageError(str(error)) from error


def prepare(options: TrainOptions, scale: int, job: Job, say: Say) -> State:
    """Network, running average and optimiser, ready for the first step.

    Raises:
        UsageError: when the options fit no network, or the loss does not fit it.
        WeightsError: when the weights to start from do not fit.
    """
    network = build(options, scale)
    if options.init is not None:
        start_from(network, options.init, scale, say)
    network = network.to(job.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = _loss(options)
    in_channels = MOSAIC_CHANNELS if options.input == "raw" else 3
    _check_loss(network, loss, scale, options)
    freeze_unused(network, loss, in_channels)
    # Before BatchNorm is joined: the average is evaluated only, and by each process for itself.
    average = Average(network, options.ema) if options.ema else None
    network = join_batchnorm(network, job)
    precision = Precision(job.device, choose_precision(options.precision, job.device))
    stepper = Stepper(
        network,
        parallelise(network, job, options.compile),
        _optimizer(network, options, job.device),
        loss,
        precision,
        options.accumulate,
        options.clip,
        _teacher(options, scale, precision),
    )
    return State(network, stepper, average, Progress())


def _teacher(options: TrainOptions, scale: int, precision: Precision) -> Teacher | None:
    if options.teacher is None:
        return None
    weight, share = options.teacher_weight, options.teacher_share
    return Teacher(options.teacher, weight, share, scale, precision.dtype, precision.device)


def start_from(network: nn.Module, name_or_path: str, scale: int, say: Say) -> None:
    """Take over the weights of a model; those of another scale fit but for the tail.

    Raises:
        WeightsError: when there is no such model or it does not fit.
    """
    from srnet_cli.weights import load_model

    found = load_model(name_or_path)
    try:
        reports = load_checkpoint_into(
            network, found.network.state_dict(), allow_tail_mismatch=found.card.scale != scale
        )
    except WeightsError as error:
        raise WeightsError(error.reason, path=found.path, remedy="--init needs the same network") from error
    say(f"started from {found.card.name} (×{found.card.scale}); {len(reports)} tensors of the tail are new")
    for report in reports:
        say(f"  {report}")


def card_of(
    options: TrainOptions, source: TrainingSource, validation: Validation | None, progress: Progress
) -> Card:
    """The card of the model that a run has made so far."""
    tile = max(8, options.validation_crop // source.scale)
    return Card(
        name=f"{options.model}-x{options.scale}",
        architecture=options.model,
        scale=source.scale,
        options=network_options(options),
        input_space="mosaic" if options.input == "raw" else "srgb",
        tile=tile,
        overlap=tile // 8,
        recipe=_recipe(options, progress),
        # Only the folder's name: a card is published, and where data lay is nobody's business.
        data={"folder": data_path(options).resolve().name},
        metrics={} if validation is None else _metrics(validation),
    )


def _recipe(options: TrainOptions, progress: Progress) -> dict[str, Any]:
    """What someone else would need to train the same again."""
    recipe = {
        name: value for name, value in plain(options).items() if name not in OF_THE_MACHINE and value != []
    }
    for name in ("init", "teacher"):
        if name in recipe:
            recipe[name] = Path(recipe[name]).name
    done = {"trained_steps": progress.step, "trained_patches": progress.samples}
    return {**recipe, **done, "trained_hours": round(progress.elapsed / 3600, 3)}


def _metrics(validation: Validation) -> dict[str, Any]:
    figures = {
        "psnr_rgb": validation.psnr,
        "bicubic_psnr_rgb": validation.bicubic,
        "worst_gain": validation.worst_gain,
    }
    rounded = {name: round(value, 4) for name, value in figures.items() if value is not None}
    return {**rounded, "pictures": validation.pictures}


def _loss(options: TrainOptions) -> HybridLoss:
    return HybridLoss(
        options.sr_weight,
        options.residual_weight,
        options.rloss_weight,
        options.rnlloss_weight,
        options.rloss_order,
    )


def _check_loss(network: nn.Module, loss: HybridLoss, scale: int, options: TrainOptions) -> None:
    has_residual = getattr(network, "predicts_residual", False)
    if not has_residual and loss.rloss_weight + loss.rnlloss_weight > 0:
        raise UsageError(f"the relational losses need an auxiliary stream, and {options.model} has none")
    if not has_residual and loss.sr_weight == 0:
        raise UsageError("--sr-weight 0 leaves nothing to train: the network has no auxiliary stream")
    patches = [phase.patch for phase in options.phases] or [options.patch_size or 0]
    if loss.rnlloss_weight and any(patch * scale % RELATION_PATCH for patch in patches):
        raise UsageError(f"--rnlloss-weight needs HR patches that are a multiple of {RELATION_PATCH} pixels")


def _optimizer(network: nn.Module, options: TrainOptions, device: torch.device) -> torch.optim.Optimizer:
    parameters = [p for p in network.parameters() if p.requires_grad]
    betas = (options.beta1, options.beta2)
    return torch.optim.Adam(parameters, options.lr, betas, fused=device.type == "cuda" or None)

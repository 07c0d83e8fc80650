"""From options to what is trained: data, network, optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from srnet_cli.compute.device import choose_precision
from srnet_cli.compute.processes import Processes
from srnet_cli.data import TrainingSource
from srnet_cli.errors import DataError, UsageError, WeightsError
from srnet_cli.models.card import Card
from srnet_cli.models.tensors import differences, load_checkpoint_into
from srnet_cli.network.attention import ATTENTIONS
from srnet_cli.network.blocks import Upsampler
from srnet_cli.network.registry import build_network, network_names, open_options
from srnet_cli.training.average import Average
from srnet_cli.training.batchnorm import join_batchnorm
from srnet_cli.training.checkpoint import Progress, State
from srnet_cli.training.losses import RELATION_PATCH, HybridLoss
from srnet_cli.training.muon import Muon
from srnet_cli.training.options import TrainOptions, data_path, flag, plain
from srnet_cli.training.schedule import Schedule
from srnet_cli.training.step import Precision, Stepper, freeze_unused, parallelise
from srnet_cli.training.teacher import Teacher
from srnet_cli.training.validation import Validation

if TYPE_CHECKING:
    from srnet_cli.data.kinds import Detection
    from srnet_cli.data.preparation import Progress as PreparationProgress

#: channels of a packed mosaic
MOSAIC_CHANNELS = 4
#: options that say how a run was computed and shown, not what it computed
OF_THE_MACHINE = frozenset(
    {"device", "workers", "accumulate", "compile", "tensorboard", "log_every", "checkpoint_minutes"}
)
#: what is left out of the data is named up to this many
MOST_NAMED = 20
#: and tensors of weights that do not fit
TENSORS_NAMED = 3
#: options that say which network it is
_OF_THE_NETWORK = ("attention", "auxiliary", "n_feats", "n_resblocks")
#: scales that are worth suggesting
_USUAL_SCALES = (2, 3, 4, 8)
Say = Callable[[str], None]


def detect_data(options: TrainOptions, say: Say) -> Detection:
    """Decide what the data is and say so; reads names and a few headers only.

    Raises:
        UsageError: when no data was named, or it is not what the options need.
        DataError: when it is nothing known.
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
    options: TrainOptions,
    found: Detection,
    job: Processes,
    say: Say,
    progress: PreparationProgress | None = None,
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
            needed = f"{_largest_patch(options)} LR pixels ×{options.scale}"
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


def source_options(options: TrainOptions) -> Any:
    """The data room's ``SourceOptions``."""
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
        smallest_photo=_largest_patch(options) * options.scale,
        cache=options.cache,
    )


def _largest_patch(options: TrainOptions) -> int:
    return max([phase.patch for phase in options.phases] or [options.patch_size or 1])


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
        UsageError: when there is no such network; names the flag.
    """
    _check_network(options)
    torch.manual_seed(options.seed)
    try:
        return build_network(options.model, scale, **network_options(options))
    except ValueError as error:
        raise _explained(error, options, scale) from error


def _check_network(options: TrainOptions) -> None:
    if options.model not in network_names():
        raise UsageError(
            f"--model: no network {options.model!r}", remedy=f"one of {', '.join(network_names())}"
        )
    if options.attention is not None and options.attention not in ATTENTIONS:
        raise UsageError(
            f"--attention cannot be {options.attention!r}", remedy=f"one of {', '.join(ATTENTIONS)}"
        )
    known = open_options(options.model)
    given = network_options(options)
    if "in_channels" in given and "in_channels" not in known:
        able = [name for name in network_names() if "in_channels" in open_options(name)]
        raise UsageError(
            f"--model {options.model} cannot read --input raw", remedy=f"one of {', '.join(able)}"
        )
    if "in_channels" in given and "auxiliary" in known and options.auxiliary:
        raise UsageError("--input raw has no auxiliary stream, which takes RGB", remedy="add --no-auxiliary")
    for name in given:
        if name not in known:
            shown = "--no-auxiliary" if name == "auxiliary" else flag(name)
            raise UsageError(f"{shown} has no meaning for --model {options.model}", remedy="leave it out")


def _explained(error: ValueError, options: TrainOptions, scale: int) -> UsageError:
    """What a network says of its options, in terms of the flags."""
    text = str(error)
    if text.startswith("scale "):
        each = scale // options.scale
        possible = [str(usual) for usual in _USUAL_SCALES if _can_be_built(options, usual * each)]
        remedy = f"--model {options.model} does {', '.join(possible)}"
        return UsageError(f"--scale {options.scale} cannot be trained: {text}", remedy=remedy)
    if options.n_feats is not None and "channels" in text:
        return UsageError(
            f"--n-feats {options.n_feats} does not work: {text}", remedy="a multiple of 16 does"
        )
    return UsageError(f"--model {options.model}: {text}")


def _can_be_built(options: TrainOptions, scale: int) -> bool:
    try:
        with torch.device("meta"):
            build_network(options.model, scale, **network_options(options))
    except ValueError:
        return False
    return True


def prepare(options: TrainOptions, scale: int, job: Processes, say: Say) -> State:
    """Network, running average and optimiser, ready for the first step.

    Raises:
        UsageError: when the options fit no network, or the loss does not fit it.
        WeightsError: when the weights to start from do not fit.
    """
    network = build(options, scale)
    tail_anew = options.init is not None and start_from(network, options.init, scale, say)
    _say_tail_only(options, tail_anew, say)
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
        _optimizer(network, options, precision),
        loss,
        precision,
        options.accumulate,
        options.clip,
        _teacher(options, scale, precision),
    )
    return State(network, stepper, average, Progress(tail_anew=tail_anew))


def _say_tail_only(options: TrainOptions, tail_anew: bool, say: Say) -> None:
    """Say it when a run ends before a new tail's warm-up does: the rest of the network stays as it is."""
    schedule = Schedule(options)
    total = schedule.total_steps
    if total is not None and schedule.trains_tail_only(total - 1, tail_anew):
        say(f"only the tail will be trained: {total} steps end within {flag('warmup')} {options.warmup}")


def _teacher(options: TrainOptions, scale: int, precision: Precision) -> Teacher | None:
    if options.teacher is None:
        return None
    weight, share = options.teacher_weight, options.teacher_share
    return Teacher(options.teacher, weight, share, scale, precision.dtype, precision.device)


def start_from(network: nn.Module, name_or_path: str, scale: int, say: Say) -> bool:
    """Take over the weights of a model; those of another scale fit but for the tail.

    A doubling that a smaller scale's tail does not have begins by repeating pixels.

    Returns:
        Whether the tail did not fit. Its gradients are then too coarse for the trained features before it.

    Raises:
        WeightsError: when there is no such model or it does not fit.
    """
    from srnet_cli.models.store import load_model

    try:
        found = load_model(name_or_path)
    except WeightsError as error:
        raise WeightsError(f"--init: {error.reason}", path=error.path, remedy=error.remedy) from error
    state = found.network.state_dict()
    other_scale = found.card.scale != scale
    different = differences(network, state)
    tail = [name for name in different if other_scale and "tail" in name]
    unfit = [clause for name, clause in different.items() if name not in tail]
    if unfit:
        more = "; …" if len(unfit) > TENSORS_NAMED else ""
        raise WeightsError(
            f"{len(unfit)} of its tensors do not match the network: {'; '.join(unfit[:TENSORS_NAMED])}{more}",
            path=found.path,
            remedy=f"--init needs the same network: {_flags_of(found.card)}",
        )
    load_checkpoint_into(network, state, allow_tail_mismatch=other_scale)
    for layer, upsampler in _doublings_anew(network, state):
        upsampler.repeat_pixels(layer)
    anew = f"; {len(tail)} tensors of the tail are of its scale and begin anew" if tail else ""
    say(f"started from {found.card.name} (×{found.card.scale}){anew}")
    return bool(tail)


def _doublings_anew(network: nn.Module, state: Mapping[str, Tensor]) -> Iterator[tuple[int, Upsampler]]:
    """The convolutions before pixel shuffles that ``state`` lacks: number of the layer, and its upsampler."""
    for name, module in network.named_modules():
        if isinstance(module, Upsampler):
            layers = [number for number, layer in enumerate(module) if isinstance(layer, nn.Conv2d)]
            yield from ((layer, module) for layer in layers if f"{name}.{layer}.weight" not in state)


def _flags_of(card: Card) -> str:
    """List the flags that make the network of a card."""
    flags = [f"--model {card.architecture}"]
    for name in _OF_THE_NETWORK:
        value = card.options.get(name)
        if name == "auxiliary":
            flags += ["--no-auxiliary"] if value is False else []
        elif value is not None:
            flags.append(f"{flag(name)} {value}")
    return " ".join(flags) + ", and no other flag of the network"


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


def _optimizer(network: nn.Module, options: TrainOptions, precision: Precision) -> torch.optim.Optimizer:
    assert options.lr is not None
    parameters = [p for p in network.parameters() if p.requires_grad]
    betas = (options.beta1, options.beta2)
    if options.optimizer == "muon":
        # float16 has too small a range for products of whole kernels.
        short = precision.dtype == torch.bfloat16
        return Muon(parameters, options.lr, betas, torch.bfloat16 if short else torch.float32)
    return torch.optim.Adam(parameters, options.lr, betas, fused=precision.device.type == "cuda" or None)

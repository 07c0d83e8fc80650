"""The network that the options name, with first weights from their seed or from another model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.models.card import Card
from srnet_cli.models.tensors import differences, load_checkpoint_into
from srnet_cli.network.attention import ATTENTIONS
from srnet_cli.network.blocks import Upsampler, planes_of
from srnet_cli.network.registry import build_network, network_names, open_options
from srnet_cli.training.fields import flag
from srnet_cli.training.options import TrainOptions, network_scale

#: channels of a packed mosaic
MOSAIC_CHANNELS = 4
#: tensors that do not fit are named up to this many
TENSORS_NAMED = 3
#: options that say which network it is
_OF_THE_NETWORK = ("attention", "auxiliary", "n_feats", "n_resblocks")
#: options of networks that are not set by --network-option, and what sets them
_WITH_FLAGS = {**{name: flag(name) for name in _OF_THE_NETWORK}, "in_channels": "--input"}
#: scales that are worth suggesting
_USUAL_SCALES = (2, 3, 4, 8)

Say = Callable[[str], None]


def network_options(options: TrainOptions) -> dict[str, Any]:
    """Return the options of ``build_network`` besides name and scale."""
    named = {name: getattr(options, name) for name in ("attention", "n_feats", "n_resblocks")}
    chosen = {name: value for name, value in named.items() if value is not None}
    if not options.auxiliary:
        chosen["auxiliary"] = False
    if options.input == "raw":
        chosen["in_channels"] = MOSAIC_CHANNELS
    return {**chosen, **_further_options(options)}


def _further_options(options: TrainOptions) -> dict[str, Any]:
    """Return what ``--network-option`` says, in the types of the network's own options.

    Raises:
        UsageError: for an option that the network does not have, or that has a flag or a value of its own.
    """
    if not options.network_option or options.model not in network_names():
        return {}
    known = {n: f for n, f in open_options(options.model).items() if n not in _WITH_FLAGS}
    chosen: dict[str, Any] = {}
    for text in options.network_option:
        name, _, value = (part.strip() for part in text.partition("="))
        if name in _WITH_FLAGS:
            raise UsageError(f"--network-option {text}: {_WITH_FLAGS[name]} sets that")
        if name not in known:
            raise UsageError(
                f"--network-option {text}: {options.model} has no option {name!r}",
                remedy=f"one of {', '.join(known)}" if known else "leave it out",
            )
        chosen[name] = _typed(text, value, known[name].default)
    return chosen


def _typed(text: str, value: str, default: Any) -> Any:
    """Return a value in the type of its default; of None, a text."""
    try:
        match default:
            case bool():
                return {"true": True, "false": False}[value.lower()]
            case int():
                return int(value)
            case float():
                return float(value)
    except (ValueError, KeyError) as error:
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise UsageError(f"--network-option {text}: it is {kind}") from error
    return value


def build(options: TrainOptions, scale: int) -> nn.Module:
    """Build the network of the options, initialised from their seed.

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
    if "in_channels" not in given and known.get("in_channels") and known["in_channels"].default != 3:
        raise UsageError(f"--model {options.model} reads mosaics", remedy="add --input raw")
    if "in_channels" in given and "in_channels" not in known:
        able = [name for name in network_names() if "in_channels" in open_options(name)]
        raise UsageError(
            f"--model {options.model} cannot read --input raw", remedy=f"one of {', '.join(able)}"
        )
    for name in given:
        if name not in known:
            shown = "--no-auxiliary" if name == "auxiliary" else flag(name)
            raise UsageError(f"{shown} has no meaning for --model {options.model}", remedy="leave it out")


def has_auxiliary(options: TrainOptions) -> bool:
    """Tell whether the network of the options has an auxiliary stream, which is taught residuals.

    Raises:
        UsageError: as :func:`build`.
    """
    with torch.device("meta"):
        return bool(getattr(build(options, network_scale(options)), "predicts_residual", False))


def _explained(error: ValueError, options: TrainOptions, scale: int) -> UsageError:
    """Say in terms of the flags what a network says of its options: by what else could be built."""
    each = scale // options.scale
    possible = [str(usual) for usual in _USUAL_SCALES if _can_be_built(options, usual * each)]
    if possible:
        remedy = f"--model {options.model} does {', '.join(possible)}"
        return UsageError(f"--scale {options.scale} cannot be trained: {error}", remedy=remedy)
    if options.n_feats is not None and _can_be_built(replace(options, n_feats=None), scale):
        reason = f"--n-feats {options.n_feats} does not work: {error}"
        return UsageError(reason, remedy="a multiple of 16 does")
    return UsageError(f"--model {options.model}: {error}")


def _can_be_built(options: TrainOptions, scale: int) -> bool:
    try:
        with torch.device("meta"):
            build_network(options.model, scale, **network_options(options))
    except ValueError:
        return False
    return True


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
    reads, gives = (planes_of(one) for one in (network, found.network))
    if reads != gives:
        kinds = ("pictures", "mosaics") if gives < reads else ("mosaics", "pictures")
        raise WeightsError(
            f"--init: it reads {kinds[0]}, and what is trained reads {kinds[1]}", path=found.path
        )
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
    for layer, upsampler in _new_doublings(network, state):
        upsampler.repeat_pixels(layer)
    renewed = f"; {len(tail)} tensors of the tail are of its scale and start from new weights" if tail else ""
    say(f"started from {found.card.name} (×{found.card.scale}){renewed}")
    return bool(tail)


def _new_doublings(network: nn.Module, state: Mapping[str, Tensor]) -> Iterator[tuple[int, Upsampler]]:
    """Find the convolutions before pixel shuffles that ``state`` lacks: layer's number and upsampler."""
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
    others = {name: value for name, value in card.options.items() if name not in _WITH_FLAGS}
    flags += [f"--network-option {name}={value}" for name, value in others.items()]
    return " ".join(flags) + ", and no other flag of the network"

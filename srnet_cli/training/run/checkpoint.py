"""The whole state of a run in one file, written atomically and read without executing anything."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import UnionType
from typing import Any

import torch
from torch import Tensor, nn

from srnet_cli.errors import WeightsError, brief
from srnet_cli.files import atomic_path
from srnet_cli.models.card import Card, check_length
from srnet_cli.models.pickles import load_pickle
from srnet_cli.models.tensors import differences, load_checkpoint_into
from srnet_cli.reading import read_input
from srnet_cli.training.run.kept import check_scaler, fitting
from srnet_cli.training.run.watch import require_finite
from srnet_cli.training.step.average import Average
from srnet_cli.training.step.stepper import Stepper

FORMAT = 1


@dataclass
class Progress:
    """Progress of a run."""

    #: optimiser steps taken
    step: int = 0
    #: patches used
    samples: int = 0
    #: seconds of work, summed over all parts of the run
    elapsed: float = 0.0
    #: best validation PSNR so far (dB) and the step it was measured at; None before the first validation
    best_psnr: float | None = None
    best_step: int | None = None
    #: step of the last validation
    validated_step: int = 0
    #: whether it started from a network of another scale, whose tail does not fit
    new_tail: bool = False


@dataclass(frozen=True)
class State:
    """Everything that a run changes."""

    network: nn.Module
    stepper: Stepper
    average: Average | None
    progress: Progress

    @property
    def shown(self) -> nn.Module:
        """The network that is validated and exported."""
        return self.network if self.average is None else self.average.network


def save_checkpoint(path: Path, state: State, card: Card) -> None:
    """Write the state; what was at ``path`` is replaced only by a complete and finite checkpoint.

    The random streams need no place in it: every patch depends on the seed and its own number only. Under
    ``network`` and ``card`` it holds what makes it a model that any command can load.

    Raises:
        DivergedError: when a weight is not finite.
        OutputError: when it cannot be written.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "card": asdict(card),
        "network": _tensors(state.shown),
        "optimizer": _portable(state.stepper.optimizer.state_dict()),
        "scaler": state.stepper.scaler.state_dict(),
        "progress": asdict(state.progress),
    }
    if state.average is not None:
        document["trained"] = _tensors(state.network)
    for name in {"network", "trained"} & document.keys():
        require_finite(document[name])
    document["learners"] = {
        name: {"network": _tensors(learner.network), "optimizer": learner.optimizer.state_dict()}
        for name, learner in state.stepper.loss.learners.items()
    }
    for learner in document["learners"].values():
        require_finite(learner["network"])
    # In memory first: torch reports a full disk as an error of its own that says nothing of the cause.
    content = io.BytesIO()
    torch.save(document, content)
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_bytes(content.getbuffer())


def load_checkpoint(path: Path, state: State, asked: str = "the network asked for") -> None:
    """Put a run back to where the checkpoint was written. Nothing is changed when it does not fit.

    ``asked`` is what an error calls the network of ``state``.

    Raises:
        WeightsError: when it cannot be read, is damaged, or is of another network or optimiser.
    """
    document = _read(path)
    try:
        trained = document.get("trained", document["network"])
        progress = Progress(**_renamed(document["progress"]))
        _check_progress(progress)
        _check_fits(path, state, trained, document, asked)
        # A loss that is new in this part of the run begins to learn with it.
        kept = {
            learner: document["learners"][name]
            for name, learner in state.stepper.loss.learners.items()
            if name in document.get("learners", {})
        }
        for learner, found in kept.items():
            load_checkpoint_into(learner.network, found["network"])
        optimizers = [(state.stepper.optimizer, document["optimizer"])]
        optimizers += [(learner.optimizer, found["optimizer"]) for learner, found in kept.items()]
        states = [(optimizer, fitting(optimizer, found)) for optimizer, found in optimizers]
        check_scaler(document["scaler"])
        for optimizer, fits in states:
            optimizer.load_state_dict(fits)
        state.stepper.scaler.load_state_dict(document["scaler"])
        load_checkpoint_into(state.network, trained)
        if state.average is not None:
            load_checkpoint_into(state.average.network, document["network"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        raise WeightsError(
            f"is not a checkpoint of a training run: {error}", path=path, remedy=_REMEDY
        ) from error
    vars(state.progress).update(vars(progress))


def _portable(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """Write the learning rate, which may lie on a device, as a number."""
    groups = [{**group, "lr": float(group["lr"])} for group in optimizer["param_groups"]]
    return {**optimizer, "param_groups": groups}


def _check_progress(progress: Progress) -> None:
    """Refuse what no run gets to.

    Raises:
        ValueError: naming it.
    """
    for name, value in asdict(progress).items():
        if value is None:
            fits = name.startswith("best_")
        elif name == "new_tail":
            fits = isinstance(value, bool)
        else:
            kinds: type | UnionType = int | float if name in ("elapsed", "best_psnr") else int
            is_number = isinstance(value, kinds) and not isinstance(value, bool)
            fits = is_number and math.isfinite(value) and (value >= 0 or name == "best_psnr")
        if not fits:
            raise ValueError(f"its {name} is {brief(value)}")


def _renamed(progress: Mapping[str, Any]) -> dict[str, Any]:
    """Take the names of earlier versions for the present ones."""
    return {{"tail_anew": "new_tail"}.get(name, name): value for name, value in progress.items()}


_REMEDY = "copy best.pt over last.pt to go on from there, or start another run in another --output folder"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = load_pickle(read_input(path, error=WeightsError), path)
    except WeightsError as error:
        raise WeightsError(error.reason, path=path, remedy=_REMEDY) from error
    if not isinstance(document, Mapping) or "progress" not in document:
        raise WeightsError("is not a checkpoint of a training run", path=path, remedy=_REMEDY)
    if document.get("format") != FORMAT:
        raise WeightsError(
            f"is a checkpoint of format {brief(document.get('format'))}, this program reads {FORMAT}",
            path=path,
        )
    return document


def _check_fits(
    path: Path, state: State, trained: Mapping[str, Tensor], document: Mapping[str, Any], asked: str
) -> None:
    found = list(differences(state.network, trained).values())
    if found:
        said = _said(document["card"])
        reason = f"is of {said}, not of {asked}"
        if said == asked:
            reason = f"has other tensors than its network: {found[0]}"
            if len(found) > 1:
                reason += f"; and {len(found) - 1} more"
            raise WeightsError(reason, path=path, remedy=_REMEDY)
        raise WeightsError(
            reason,
            path=path,
            remedy="give the options of the interrupted run, or start another run in another --output folder",
        )
    groups = len(document["optimizer"]["param_groups"])
    if groups != len(state.stepper.optimizer.param_groups):
        raise WeightsError(
            "its run was trained with another --optimizer",
            path=path,
            remedy="leave out --optimizer, or start a run in another --output folder with --init",
        )


def _said(card: Mapping[str, Any]) -> str:
    check_length(card)
    return f"{card['architecture']} ×{card['scale']} {card['options']}"


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in network.state_dict().items()}

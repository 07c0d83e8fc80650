"""What a checkpoint keeps of an optimiser: looked through before anything of it is used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from srnet_cli.errors import brief
from srnet_cli.models.tensors import is_plain, shape_text

#: options of an optimiser that say how it computes, not what
_OF_THE_DEVICE = ("lr", "foreach", "fused", "capturable")
#: running means that Adam keeps for each parameter
_OF_ADAM = ("exp_avg", "exp_avg_sq")
#: and Muon for each kernel
_OF_KERNELS = ("momentum",)


def fitting(optimizer: torch.optim.Optimizer, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``optimizer`` can load of its own state, from another device perhaps.

    torch checks the number of parameters only: it copies tensors of any shape, which a stride of 0 makes as
    large as one likes, and settings that the first step fails at.

    Raises:
        ValueError: naming what no optimiser of these parameters writes.
        KeyError, TypeError, AttributeError: when it has another structure.
    """
    own_groups, groups = optimizer.param_groups, list[dict[str, Any]]()
    places: dict[int, tuple[Tensor, bool]] = {}
    for saved, own in zip(kept["param_groups"], own_groups, strict=True):
        groups.append(_settings(saved, own))
        for number, parameter in zip(saved["params"], own["params"], strict=True):
            places[_counted(number)] = parameter, bool(own.get("orthogonal"))
    for number, state in kept["state"].items():
        if number not in places:
            raise ValueError(f"its optimiser has a parameter {brief(number)}")
        _check_state(state, *places[number])
    return {"state": kept["state"], "param_groups": groups}


def check_scaler(kept: Mapping[str, Any]) -> None:
    """Check what is kept of the factor on float16's gradients.

    Raises:
        ValueError: naming what is no number.
    """
    for name, value in kept.items():
        if not _is_number(value):
            raise ValueError(f"{brief(name)} of its scaler is {brief(value)}")


def _counted(number: object) -> int:
    if type(number) is not int:
        raise ValueError(f"its optimiser has a parameter {brief(number)}")
    return number


def _settings(saved: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Take the settings of a group that this optimiser has, too; torch's versions differ in some."""
    taken = dict(own)
    for name in own.keys() & saved.keys() - {"params", *_OF_THE_DEVICE}:
        if not _is_setting(saved[name], own[name]):
            raise ValueError(f"{name} of its optimiser is {_said(saved[name])}")
        taken[name] = saved[name]
    return {**taken, "params": list(saved["params"])}


def _is_setting(value: object, own: object) -> bool:
    """Tell whether ``value`` can stand where the optimiser has ``own``."""
    if isinstance(own, bool) or own is None:  # they say which algorithm it is
        return value is own
    if isinstance(own, tuple):  # of betas
        if not isinstance(value, tuple | list) or len(value) != len(own):
            return False
        return all(_is_number(each) and each < 1 for each in value)
    return _is_number(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= sys.float_info.max


def _check_state(state: Mapping[str, Any], parameter: Tensor, is_kernel: bool) -> None:
    means = _OF_KERNELS if is_kernel else _OF_ADAM
    if not isinstance(state, Mapping) or state.keys() != {"step", *means}:
        raise ValueError(f"its optimiser keeps {_said(state)} of a parameter")
    step = state["step"]
    if isinstance(step, Tensor):
        step = step.item() if is_plain(step) and step.numel() == 1 else None
    if not _is_number(step):
        raise ValueError("its optimiser keeps a step that is no number")
    for name in means:
        _check_mean(name, state[name], parameter)


def _said(value: object) -> str:
    """Name a value without making a text of tensors."""
    if isinstance(value, Mapping):
        value = list(value)
    return "a tensor" if isinstance(value, Tensor) else brief(value)


def _check_mean(name: str, mean: object, parameter: Tensor) -> None:
    if not isinstance(mean, Tensor) or not is_plain(mean) or not mean.is_floating_point():
        raise ValueError(f"{name} of its optimiser is no plain tensor of numbers")
    if mean.shape != parameter.shape:
        raise ValueError(
            f"{name} of its optimiser is {shape_text(mean)} for a parameter of {shape_text(parameter)}"
        )
    if mean.nbytes > mean.untyped_storage().nbytes():
        raise ValueError(f"{name} of its optimiser claims more values than the file holds")

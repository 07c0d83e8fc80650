"""Two sets of weights of one network, faithful and crisp, mixed to one (Wang et al., "Deep network
interpolation", CVPR 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.models.tensors import State, is_finite, is_mean_shift, refuse, shape_text

CRISP_FILE = "crisp.safetensors"


def check_share(value: float, flag: str) -> None:
    """Refuse what is not within 0..1.

    Raises:
        UsageError: naming ``flag``.
    """
    if not 0 <= value <= 1:
        raise UsageError(f"{flag} {value:g} is not within 0 to 1")


def check_crisp(faithful: State, crisp: State) -> None:
    """Refuse a crisp set that is not of the faithful set's network: names, shapes and kinds are compared.

    Raises:
        WeightsError: naming what differs.
    """
    clauses = [f"{name} is unknown to the faithful set" for name in crisp if name not in faithful]
    for name, tensor in faithful.items():
        if name not in crisp:
            clauses.append(f"{name} is missing")
            continue
        other = crisp[name]
        if other.shape != tensor.shape:
            clauses.append(f"{name} is {shape_text(other)} instead of {shape_text(tensor)}")
        elif other.is_floating_point() != tensor.is_floating_point() or other.is_complex():
            clauses.append(f"{name} is of type {other.dtype}")
        elif other.is_floating_point() and not is_finite(other):
            clauses.append(f"{name} holds NaN or infinity")
    refuse(clauses)


def mix(faithful: State, crisp: State, share: float) -> dict[str, Tensor]:
    """Interpolate from the faithful (0) to the crisp set (1), in float32; BatchNorm statistics, too.

    Counters and the frozen mean colours are those of the faithful set.

    Raises:
        WeightsError: when a value lies beyond float32 in between.
    """
    mixed = {}
    for name, tensor in faithful.items():
        if tensor.is_floating_point() and not is_mean_shift(name):
            tensor = torch.lerp(tensor.float(), crisp[name].float(), share)
            if not is_finite(tensor):
                raise WeightsError(f"the two sets are too far apart: {name} cannot be mixed")
        mixed[name] = tensor
    return mixed

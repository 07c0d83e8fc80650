"""Tensors out of files that may be damaged or hostile, and strictly into networks. Nothing is executed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from srnet_cli.errors import WeightsError
from srnet_cli.models.pickles import load_pickle

#: how far a checkpoint's mean colour may lie from the network's own, on the 0..255 scale
MEAN_SHIFT_TOLERANCE = 1e-3
#: where training programs keep the network among their other state; averaged weights come first
STATE_KEYS = (
    "network",
    "params_ema",
    "params-ema",
    "ema",
    "state_dict_ema",
    "params",
    "model_state_dict",
    "state_dict",
    "model",
    "net",
    "generator",
    "net_g",
    "netG",
    "weights",
)
#: what wrappers (of several devices, of the compiler, of training programs) put ahead of every name
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "generator.", "net_g.", "netG.")
#: tensors named in one error before it says "and N more"
NAMED_IN_ERROR = 20
#: bytes of a safetensors header: some 120 for each tensor
_MOST_HEADER_BYTES = 8 << 20

#: what a network's weights may be kept as
_NUMBERS = frozenset(
    {
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.float8_e4m3fn,
        torch.float8_e5m2,
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
    }
)

State = Mapping[str, Tensor]


def parse_safetensors(content: bytes, path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file; ``path`` is only named in errors.

    Raises:
        WeightsError: when the content is damaged or its header lies.
    """
    # The header is parsed whole, into objects many times its size.
    if int.from_bytes(content[:8], "little") > _MOST_HEADER_BYTES:
        raise WeightsError("not a valid safetensors file: its header is too long", path=path)
    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsError(f"not a valid safetensors file: {error}", path=path) from error


def parse_pickle(content: bytes, path: Path) -> tuple[dict[str, Tensor], object]:
    """Read the tensors of a ``torch.save`` file, and the value under its key ``card`` (None: nothing).

    The tensors are the whole document, or what lies under the first of :data:`STATE_KEYS` that it has.

    Raises:
        WeightsError: when the content is damaged, holds anything but plain data, or claims more than it has.
    """
    document = load_pickle(content, path)
    if not isinstance(document, Mapping):
        raise WeightsError("holds no dictionary of tensors", path=path)
    inside = (document.get(key) for key in STATE_KEYS)
    state: Any = next((found for found in inside if _is_state(found)), document)
    if not _is_state(state):
        raise WeightsError("holds no dictionary of tensors", path=path)
    odd = next((name for name, found in state.items() if not is_plain(found)), None)
    if odd is not None:
        raise WeightsError(f"{odd} is no plain tensor of numbers, but sparse, nested or packed", path=path)
    if sum(t.nbytes for t in state.values()) > len(content):
        raise WeightsError("its tensors claim more values than the file holds", path=path)
    return dict(state), document.get("card")


def is_plain(found: Tensor) -> bool:
    """Tell whether a tensor is numbers in memory, which can be made floating-point ones."""
    kept = found.layout is torch.strided and found.device.type == "cpu" and not found.is_nested
    return kept and not found.is_quantized and found.dtype in _NUMBERS


def _is_state(found: object) -> bool:
    return (
        isinstance(found, Mapping)
        and bool(found)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in found.items())
    )


def without_wrapping(state: State) -> dict[str, Tensor]:
    """Take off the names what a wrapper put ahead of all of them (:data:`_PREFIXES`).

    Example:
        >>> list(without_wrapping({"module.head.0.weight": torch.zeros(1)}))
        ['head.0.weight']
    """
    bare = dict(state)
    while bare:
        prefix = next((p for p in _PREFIXES if all(name.startswith(p) for name in bare)), None)
        if prefix is None:
            break
        bare = {name.removeprefix(prefix): tensor for name, tensor in bare.items()}
    return bare


def load_checkpoint_into(network: nn.Module, state: State, allow_tail_mismatch: bool = False) -> list[str]:
    """Copy the tensors of a checkpoint into a network; everything must match, or nothing is copied.

    Two things are forgiven: a missing ``num_batches_tracked`` becomes 0, and with ``allow_tail_mismatch``
    tensors whose name contains ``tail`` may differ in shape, be missing or be extra (to start ×8 from ×4);
    the network keeps its own there. The frozen mean colours are compared and kept.

    Returns:
        One line for each tensor that was forgiven.

    Raises:
        WeightsError: naming what does not match.
    """
    found = differences(network, state)
    forgiven = {name for name in found if allow_tail_mismatch and "tail" in name}
    refuse([text for name, text in found.items() if name not in forgiven])
    own = network.state_dict()
    reports = [found[name] for name in sorted(forgiven)]
    with torch.no_grad():
        for name, tensor in own.items():
            if name in state and name not in forgiven and not is_mean_shift(name):
                tensor.copy_(state[name])
            elif name not in state and _is_counter(name):
                tensor.zero_()
                reports.append(f"{name} was missing and is 0")
    return reports


def refuse(clauses: Sequence[str]) -> None:
    """Raise ``WeightsError`` with what ``differences`` found; nothing when that is empty."""
    if clauses:
        more = f"; and {len(clauses) - NAMED_IN_ERROR} more" if len(clauses) > NAMED_IN_ERROR else ""
        listed = "; ".join(clauses[:NAMED_IN_ERROR])
        raise WeightsError(f"the tensors do not match the network: {listed}{more}")


def differences(network: nn.Module, state: State) -> dict[str, str]:
    """List all that keeps ``state`` from fitting, as one clause for each tensor's name."""
    own = network.state_dict()
    found = {name: f"{name} is unknown to the network" for name in state if name not in own}
    for name, tensor in own.items():
        if name not in state:
            if not _is_counter(name):
                found[name] = f"{name} is missing"
            continue
        clause = _difference(tensor, state[name], mean_shift=is_mean_shift(name))
        if clause:
            found[name] = f"{name} {clause}"
    return found


def _difference(own: Tensor, given: Tensor, *, mean_shift: bool) -> str | None:
    if own.shape != given.shape:
        return f"is {shape_text(given)} instead of {shape_text(own)}"
    if own.is_floating_point() != given.is_floating_point() or given.is_complex():
        return f"is of type {given.dtype}"
    if not is_finite(given):
        return "holds NaN or infinity"
    if mean_shift and not own.is_meta:
        far = (given.float() - own.cpu()).abs()
        # Stored with fewer bits it is rounded; the network's own is kept anyway.
        rounding = torch.finfo(given.dtype).eps * own.cpu().abs()
        if bool((far > rounding.clamp(min=MEAN_SHIFT_TOLERANCE)).any()):
            return f"is off the mean colour by {float(far.max()):.4g}"
    return None


def is_finite(tensor: Tensor) -> bool:
    """Tell whether a tensor is free of NaN and infinity, in float32."""
    values = tensor.float()
    # A sum takes a quarter of the time; it may be infinite where no value is.
    return math.isfinite(values.sum()) or bool(torch.isfinite(values).all())


def shape_text(tensor: Tensor) -> str:
    """Write a tensor's shape as people do: 64×3×3×3."""
    return "×".join(map(str, tensor.shape)) or "a scalar"


def is_mean_shift(name: str) -> bool:
    """Tell whether the tensor is one of the frozen mean colours."""
    return "sub_mean." in name or "add_mean." in name


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")

"""Every network by its name: explicit, so a name that no line below states does not exist.

Errors are ``ValueError``: this package does not depend on the program around it.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import MISSING, Field
from typing import Any

from torch import Tensor, nn

from srnet_cli.network import lapsrn, lite, raw, rcan, rdn, san, srnet, srresnet, vdsr
from srnet_cli.network.architecture import Architecture, Recognised

#: the order is that of names in help texts and errors
ARCHITECTURES: tuple[Architecture, ...] = (
    srnet.ARCHITECTURE,
    lite.ARCHITECTURE,
    raw.ARCHITECTURE,
    srresnet.ARCHITECTURE,
    rdn.ARCHITECTURE,
    rcan.ARCHITECTURE,
    san.ARCHITECTURE,
    vdsr.ARCHITECTURE,
    lapsrn.ARCHITECTURE,
)


def network_names() -> tuple[str, ...]:
    """Return the names of all networks."""
    return tuple(name for architecture in ARCHITECTURES for name in architecture.variants)


def open_options(name: str) -> dict[str, Field[Any]]:
    """Return the options of a network that a caller of ``build_network`` may set, besides its scale.

    Raises:
        ValueError: for an unknown name.
    """
    return _architecture(name).open_options(name)


def build_network(name: str, scale: int, **options: Any) -> nn.Module:
    """Build a network, randomly initialised, on the default device.

    It has ``.scale`` and ``forward(lr, residual=False) -> NetworkOutput``, N×3×H×W in, N×3×sH×sW out, both
    RGB on the 0..255 scale.

    Raises:
        ValueError: for an unknown name, an option that this network does not have or whose value is of
            the wrong kind, or a scale that it cannot do.
    """
    architecture = _architecture(name)
    _check_option("scale", scale, 1)
    known = architecture.open_options(name)
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"network {name!r} has no option {option!r}; it has {', '.join(known)}")
        _check_option(option, value, known[option].default)
    return architecture.build(name, scale, options)


def recognise(state: Mapping[str, Tensor]) -> Recognised:
    """Find the network of these tensors by their names and shapes.

    Checkpoints of the authors are bare state dictionaries: name, scale and sizes must be inferred. Options
    that leave no trace in the tensors are those of the released configurations.

    Raises:
        ValueError: when they belong to none that is known here.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    reason = "the names of its tensors are those of no network known here"
    for architecture in ARCHITECTURES:
        if architecture.read is None or not all(trace in shapes for trace in architecture.traces):
            continue
        try:
            return architecture.read(shapes)
        except KeyError as error:
            reason = f"the tensors look like a network known here, but {error} is missing"
        except (IndexError, ZeroDivisionError):
            reason = "its tensors have shapes of no network known here"
    raise ValueError(reason)


def _architecture(name: str) -> Architecture:
    for architecture in ARCHITECTURES:
        if name in architecture.variants:
            return architecture
    raise ValueError(f"no network {name!r}; there are {', '.join(network_names())}")


def _check_option(option: str, value: object, default: object) -> None:
    kind: type = str if default is None or default is MISSING else type(default)
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if default is None and value is None:
        return
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{option} is a {kind.__name__}, not {reprlib.repr(value)}")
    if kind is int and isinstance(value, int) and value < 1:
        raise ValueError(f"{option} must be at least 1, not {value}")

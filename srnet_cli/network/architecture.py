"""The record by which the program knows a network, and helpers to read sizes off its tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from torch import nn

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Recognised:
    """Arguments of ``build_network``."""

    name: str
    scale: int
    #: every size that shows in the tensors, and the kind of attention where the name does not tell it
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ×{self.scale}"


@dataclass(frozen=True)
class Variant:
    """One of the names under which an architecture is built."""

    #: options that make the name stand for what it does; they cannot be changed
    fixed: Mapping[str, Any] = field(default_factory=dict)
    #: options whose default differs from the dataclass's
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Architecture:
    """A network, built as ``network(options(scale=…, …))``, and how its files are recognised."""

    network: type[nn.Module]
    #: frozen dataclass with a ``scale`` and a default for everything else
    options: type[Any]
    variants: Mapping[str, Variant]
    #: tensors that together only this network has; with none, its files need a card
    traces: tuple[str, ...] = ()
    #: reads name, scale and sizes off the shapes of a file that has all of ``traces``; may raise
    #: ``KeyError``, ``IndexError``, ``ZeroDivisionError`` or ``ValueError`` for tensors of another network
    read: Callable[[Shapes], Recognised] | None = None

    def open_options(self, name: str) -> dict[str, Field[Any]]:
        """Return the options of the variant ``name`` that a caller may set."""
        fixed = self.variants[name].fixed
        return {f.name: f for f in fields(self.options) if f.name != "scale" and f.name not in fixed}

    def build(self, name: str, scale: int, given: Mapping[str, Any]) -> nn.Module:
        """Build the variant ``name`` with the options ``given``."""
        variant = self.variants[name]
        return self.network(self.options(scale=scale, **{**variant.defaults, **variant.fixed, **given}))


def count_indices(shapes: Shapes, pattern: str) -> int:
    """Count the different indices that stand at the group of ``pattern``.

    Counted, not the largest taken: a forged name must not make a network of a billion blocks.
    """
    found = (re.fullmatch(pattern, name) for name in shapes)
    return len({match.group(1) for match in found if match})


def scale_of(shapes: Shapes, upsampler: str) -> int:
    """Return the scale of the ``blocks.Upsampler`` whose tensors' names start with ``upsampler``."""
    out_channels, in_channels, *_ = shapes[f"{upsampler}.0.weight"]
    convolutions = count_indices(shapes, rf"{re.escape(upsampler)}\.(\d+)\.weight")
    return 3 if out_channels == 9 * in_channels else 2**convolutions

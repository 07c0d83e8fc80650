"""The inside of a network's result: pixels that do not depend on what lies beyond its input."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from srnet_cli.network.blocks import NetworkOutput

#: called as a network, gives less by ``receptive_radius`` on each side than its input
Interior = Callable[[Tensor, bool], NetworkOutput]


def interior_of(network: nn.Module) -> Interior | None:
    """Find what computes no more than the inside, where the network's form has such a method."""
    found: Interior | None = getattr(network, "interior", None)
    return found

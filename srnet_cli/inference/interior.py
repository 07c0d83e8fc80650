"""The inside of a network's result: pixels that do not depend on what lies beyond its input."""

from __future__ import annotations

from torch import Tensor, nn

from srnet_cli.network.blocks import NetworkOutput


def has_interior(network: nn.Module) -> bool:
    """Tell whether the network's form has a method ``interior``, which computes no more than the inside."""
    return callable(getattr(network, "interior", None))


class Interior(nn.Module):
    """``network.interior``, called as a network: less by ``receptive_radius`` on each side than its input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.receptive_radius: int = network.receptive_radius  # type: ignore[assignment]

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        output: NetworkOutput = self.network.interior(lr, residual)  # type: ignore[operator]
        return output

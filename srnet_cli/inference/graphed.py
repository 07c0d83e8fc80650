"""A network on a CUDA device with its hundreds of kernels launched at once, as a CUDA graph.

Tiles are all of one shape, so the launches of one call can be recorded and replayed: small kernels then no
longer wait for Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srnet_cli.compute import cuda
from srnet_cli.network.blocks import NetworkOutput

#: calls before recording, in which libraries choose their algorithms and constants are made
WARM_UP = 2
#: levels by which a replay may differ from a plain call
TOLERANCE = 0.5

Call = Callable[[Tensor], NetworkOutput]


@dataclass(frozen=True)
class _Recording:
    graph: cuda.Graph
    given: Tensor
    made: NetworkOutput

    def __call__(self, lr: Tensor) -> NetworkOutput:
        self.given.copy_(lr)
        self.graph.replay()
        # The next replay writes to the same memory.
        residual = None if self.made.residual is None else self.made.residual.clone()
        return NetworkOutput(self.made.sr.clone(), residual)


class GraphedNetwork(nn.Module):
    """``network`` (an inference form), called as before: one recording for each shape of its input.

    Where recording fails, or a replay does not give what a plain call gives, calls stay plain.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        radius: int | None = getattr(network, "receptive_radius", None)
        if radius is not None:
            self.receptive_radius = radius
        self._calls: dict[tuple[torch.Size, bool], Call] = {}

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        key = (lr.shape, residual)
        if key not in self._calls:
            self._calls[key] = self._recorded(lr, residual) or self._plain(residual)
        return self._calls[key](lr)

    def forget(self) -> None:
        """Let go of all recordings and the memory that they hold."""
        self._calls.clear()

    def _plain(self, residual: bool) -> Call:
        def call(lr: Tensor) -> NetworkOutput:
            output: NetworkOutput = self.network(lr, residual)
            return output

        return call

    def _recorded(self, lr: Tensor, residual: bool) -> Call | None:
        """Record a call; None when that fails. Raises torch.OutOfMemoryError when memory does not suffice."""
        plain = self._plain(residual)
        try:
            given = lr.clone()
            graph, expected, made = cuda.record(lambda: plain(given), WARM_UP)
            recording = _Recording(graph, given, made)
            found = recording(lr)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AssertionError):
            return None
        return recording if bool((found.sr - expected.sr).abs().amax() <= TOLERANCE) else None

"""Running average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

#: after n steps the decay is at most n / (n + this), so that the random start is soon forgotten
_MEMORY = 20


class Average:
    """Exponential moving average of parameters and BatchNorm statistics, kept as a network of its own.

    ``network`` is in evaluation mode and ready to be used at any time.
    """

    def __init__(self, source: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(source).eval().requires_grad_(False)
        self._averages, self._followed = _floats(self.network), _floats(source)
        self._counters = list(zip(_counters(self.network), _counters(source), strict=True))

    def share(self, step: int) -> float:
        """Return the share (0..1) of the source's weights in the average after ``step`` steps."""
        return 1 - min(self.decay, step / (step + _MEMORY))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the source's weights after ``step`` steps."""
        torch._foreach_lerp_(self._averages, self._followed, self.share(step))
        self._count()

    @torch.no_grad()
    def take_in(self, share: Tensor) -> None:
        """Take in a ``share`` (0-dimensional, on the weights' device) of the source's weights."""
        moves = torch._foreach_sub(self._followed, self._averages)
        torch._foreach_mul_(moves, share)
        torch._foreach_add_(self._averages, moves)
        self._count()

    def _count(self) -> None:
        for own, followed in self._counters:
            own.copy_(followed)


def _floats(network: nn.Module) -> list[Tensor]:
    return [t for t in network.state_dict(keep_vars=True).values() if t.is_floating_point()]


def _counters(network: nn.Module) -> list[Tensor]:
    return [t for t in network.state_dict(keep_vars=True).values() if not t.is_floating_point()]

"""What a step changes, kept so that it can be put back and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from srnet_cli.training.step.stepper import Stepper

#: running means of gradients in the states of the optimisers
_MEANS = frozenset({"exp_avg", "momentum"})


@dataclass(frozen=True)
class Snapshot:
    """Copies of all tensors that a step changes, by kind ("weights", "means" or "others") and place."""

    copies: dict[tuple[str, object], Tensor]

    @classmethod
    def of(cls, stepper: Stepper) -> Snapshot:
        """Copy the tensors as they are now."""
        return cls({place: tensor.detach().clone() for place, tensor in _changing(stepper)})

    @torch.no_grad()
    def restore(self, stepper: Stepper) -> None:
        """Put the copies back, in place; states that the optimiser has made since then become 0, as new."""
        for place, tensor in _changing(stepper):
            if place in self.copies:
                tensor.copy_(self.copies[place])
            else:
                tensor.zero_()

    def moves(self, before: Snapshot, kind: str) -> list[Tensor]:
        """Subtract ``before`` of what is of ``kind``; a state that was not there yet was 0."""
        return [
            copy - before.copies[place] if place in before.copies else copy
            for place, copy in self.copies.items()
            if place[0] == kind
        ]


def _changing(stepper: Stepper) -> Iterator[tuple[tuple[str, object], Tensor]]:
    for name, tensor in stepper.network.state_dict(keep_vars=True).items():
        yield ("weights" if tensor.requires_grad else "others", name), tensor
    if stepper.average is not None:
        for name, tensor in stepper.average.network.state_dict(keep_vars=True).items():
            yield ("others", f"average {name}"), tensor
    for number, parameter in enumerate(stepper.trained):
        for name, value in stepper.optimizer.state.get(parameter, {}).items():
            yield ("means" if name in _MEANS else "others", (number, name)), value

"""Reading the parity fixtures, and small networks, for the tests of networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = Mapping[str, NDArray[Any]]


def tensors(arrays: Arrays, prefix: str) -> dict[str, Tensor]:
    """The state dictionary under ``prefix``."""
    return {
        name[len(prefix) :]: torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def load_into(network: nn.Module, arrays: Arrays, prefix: str) -> nn.Module:
    network.load_state_dict(tensors(arrays, prefix), strict=True)
    return network.eval()


def of_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Tensors without values."""
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def error(ours: Tensor, theirs: NDArray[Any] | Tensor) -> float:
    """Largest difference, relative to the largest value: rounding grows with it. Shapes must agree."""
    expected = torch.as_tensor(theirs).double()
    assert ours.shape == expected.shape
    return float((ours.detach().double() - expected).abs().max() / expected.abs().max())


def randomise(network: nn.Module, seed: int = 0) -> nn.Module:
    """BatchNorm statistics that are not the neutral ones, so that a test sees whether they are used."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return network.eval()


def picture(side: int, batch: int = 1, seed: int = 0) -> Tensor:
    """Random N×3×S×S on the 0..255 scale."""
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 255

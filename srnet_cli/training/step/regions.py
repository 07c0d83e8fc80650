"""Parts of a network compiled one by one: in seconds, where compiling the whole takes minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from srnet_cli.models.compiled import compiled
from srnet_cli.network.attention import MixedAttention
from srnet_cli.network.blocks import ResidualBlock, Upsampler

#: what is compiled by itself: its many small operations become a few kernels. Blocks of one kind and shape
#: are compiled once
REGIONS = (ResidualBlock, MixedAttention, Upsampler)


class Regions:
    """The outermost modules of ``REGIONS`` in a network, which may be switched to a compiled form.

    In training mode only: validation sees other shapes, each of which would be compiled again. Names and
    tensors of the network stay. ``backend`` is that of ``torch.compile``.
    """

    def __init__(self, network: nn.Module, backend: str = "inductor") -> None:
        self._modules = list(_outermost(network))
        self._backend = backend

    def __len__(self) -> int:
        return len(self._modules)

    def compile(self) -> None:
        """Let the modules compile themselves when they are next called.

        Raises:
            OutputError: there is no place for code that is nobody else's.
        """
        for module in self._modules:
            module.__dict__["forward"] = _in_training(module, self._backend)

    def leave(self) -> None:
        """Let the modules run as they are."""
        for module in self._modules:
            module.__dict__.pop("forward", None)


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, REGIONS):
            yield child
        else:
            yield from _outermost(child)


def _in_training(module: nn.Module, backend: str) -> Callable[..., Any]:
    plain = module.forward
    quick = compiled(plain, backend, dynamic=False)

    def forward(*given: Any) -> Any:
        return (quick if module.training else plain)(*given)

    return forward

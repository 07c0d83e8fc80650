"""Networks that join their weights anew in every forward, brought to a form that can be traced.

Such a network (SPAN is one) computes in ``forward`` the weights of one convolution from those of several, and
stores them by ``weight.data = …``. torch's exporter does not see ``.data``: tensors of its tracing end up in
the network, and the process dies of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

#: ``tensor.data`` read and set; methods of a descriptor, which equal each other and are not the same object
_READ, _SET = torch.Tensor.data.__get__, torch.Tensor.data.__set__  # type: ignore[attr-defined]


class _Storing(TorchFunctionMode):
    """Keep in parameters what is stored by ``.data``, and remember whether ``.data`` was used."""

    def __init__(self) -> None:
        super().__init__()
        self.used = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        self.used |= func in (_READ, _SET)
        if func != _SET:
            return func(*args, **(kwargs or {}))
        target, value = args
        if target.shape != value.shape:
            return func(target, value)
        # Not the tensor itself: one that was made in inference mode cannot be traced.
        with torch.inference_mode(False), torch.no_grad():
            target.copy_(value)
        return None


class _Joined(TorchFunctionMode):
    """Leave parameters as they are, and read ``.data`` as tracing can follow it."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        if func == _SET:
            return None
        return args[0].detach() if func == _READ else func(*args, **(kwargs or {}))


@contextmanager
def fused(network: nn.Module, example: Tensor) -> Iterator[None]:
    """Run a block in which ``network`` can be traced, its weights joined by one forward of ``example``."""
    storing = _Storing()
    with torch.no_grad(), storing:
        network(example)
    with _Joined() if storing.used else nullcontext():
        yield

"""A stand-in for ``torch.cuda`` on a machine without a card: it refuses what the real one refuses.

Work runs on the CPU. A graph is a tape of the operations that torch was given while it was recorded; a replay
does them again on the same tensors. So what Python decided while recording is frozen, as on a card: numbers,
branches, which tensors are read. Refused are a device without an index; a graph in which the host reads a
tensor; and random numbers in another thread while a graph is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

#: what makes the host wait for the device
_WAITING = frozenset(
    {"item", "tolist", "numpy", "cpu", "__bool__", "__float__", "__int__", "__index__", "nonzero", "unique"}
)
_READING = frozenset({"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2"})
_RANDOM = frozenset({"rand", "randn", "randint", "rand_like", "randn_like", "normal_", "uniform_"})


class Tape:
    """``torch.cuda.CUDAGraph``: operations with the tensors that they were given and made."""

    def __init__(self) -> None:
        self.operations: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]] = []
        self.replays = 0

    @torch.inference_mode()
    def replay(self) -> None:
        self.replays += 1
        for operation, given, named, made in self.operations:
            again = operation(*given, **named)
            memory = {_memory(t) for t in tree_leaves((given, named)) if isinstance(t, Tensor)}
            for old, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                # What shares memory with what was given was changed in place, or is a view of it.
                if isinstance(old, Tensor) and old.layout is torch.strided and _memory(old) not in memory:
                    old.copy_(new)


class _Recorder(TorchDispatchMode):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self._tape = tape

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func._schema.name in _READING:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func._schema.name}")
        made = func(*args, **(kwargs or {}))
        self._tape.operations.append((func, args, kwargs or {}, made))
        return made


class _NoWaiting(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _WAITING:
            raise RuntimeError(f"operation not permitted when stream is capturing: {func.__name__}")
        return func(*args, **(kwargs or {}))


class _NoRandomNumbers(TorchFunctionMode):
    """Of a thread that works beside the recording one."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self._card = card

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._card.recording and getattr(func, "__name__", "") in _RANDOM:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")
        return func(*args, **(kwargs or {}))


class _Moment:
    """Stream and event: on the CPU everything has happened when it was asked for."""

    def __init__(self, device: torch.device | None = None) -> None:
        if device is not None:
            _indexed(device)

    def record(self, stream: object = None) -> None: ...

    def wait_stream(self, stream: object) -> None: ...

    def wait_event(self, event: object) -> None: ...


class Card:
    """``torch.cuda`` with one card."""

    Stream, Event, CUDAGraph = _Moment, _Moment, Tape

    def __init__(self) -> None:
        self.recording = False
        self.tapes: list[Tape] = []

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 1

    def set_device(self, device: torch.device) -> None:
        _indexed(device)

    def synchronize(self, device: torch.device) -> None:
        _indexed(device)

    def get_device_capability(self, device: torch.device) -> tuple[int, int]:
        return 9, 0

    def get_device_name(self, device: torch.device) -> str:
        return "a stand-in"

    def current_stream(self) -> _Moment:
        return _Moment()

    @contextmanager
    def device(self, device: torch.device) -> Iterator[None]:
        _indexed(device)
        yield

    @contextmanager
    def stream(self, stream: _Moment) -> Iterator[None]:
        with _NoRandomNumbers(self):
            yield

    @contextmanager
    def graph(self, graph: Tape, capture_error_mode: str = "global") -> Iterator[None]:
        self.tapes.append(graph)
        self.recording = True
        try:
            with _NoWaiting(), _Recorder(graph):
                yield
        finally:
            self.recording = False


def _indexed(device: torch.device) -> None:
    if device.index is None:
        raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")


def _memory(tensor: Tensor) -> int:
    # Weights in the order that the CPU's library likes have no memory that could be asked for.
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else id(tensor)

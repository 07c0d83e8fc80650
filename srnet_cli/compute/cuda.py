"""Everything that the program asks of ``torch.cuda``, in one place that a test can replace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, cuda

Event: TypeAlias = torch.cuda.Event
Graph: TypeAlias = torch.cuda.CUDAGraph
Stream: TypeAlias = torch.cuda.Stream

T = TypeVar("T")


def count() -> int:
    """Count the CUDA devices that can be used."""
    return cuda.device_count() if cuda.is_available() else 0


def select(device: torch.device) -> None:
    """Make ``device`` (with its index) the one that work without a named device goes to."""
    cuda.set_device(device)


def card_name(device: torch.device) -> str:
    """Name the card as a person knows it."""
    return cuda.get_device_name(device)


def total_memory(device: torch.device) -> int:
    """Read the bytes of the card's memory."""
    memory: int = cuda.get_device_properties(device).total_memory
    return memory


def fast_type(device: torch.device) -> torch.dtype:
    """Choose the shortest floating-point type that the card computes with at full speed."""
    major, _ = cuda.get_device_capability(device)
    return torch.bfloat16 if major >= 8 else torch.float16 if major >= 7 else torch.float32


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given; nothing waits on other kinds of devices."""
    if device.type == "cuda":
        cuda.synchronize(device)


def restart_peak(device: torch.device) -> int:
    """Forget the peak of allocated memory, and read the bytes allocated now."""
    cuda.reset_peak_memory_stats(device)
    return cuda.memory_allocated(device)


def peak_memory(device: torch.device) -> int:
    """Read the most bytes allocated at once since :func:`restart_peak`."""
    return cuda.max_memory_allocated(device)


def release_cached_memory() -> None:
    """Give memory that is kept for later tensors back to the device."""
    cuda.empty_cache()


def prepare_for_threads(device: torch.device) -> None:
    """Do once what torch loads at its first use, which must not happen in two threads at once.

    Two first calls of a linear-algebra routine at the same time fail: its library is loaded lazily, without
    a lock ("lazy wrapper should be called at most once").
    """
    if device.type == "cuda":
        torch.linalg.inv(torch.eye(2, device=device))


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor of the host to ``device`` without waiting for what the device is doing."""
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def free_memory(device: torch.device) -> int:
    """Read the bytes of the card's memory that nobody uses."""
    free: int = cuda.mem_get_info(device)[0]
    return free


def new_stream(device: torch.device) -> Stream:
    """Make a stream beside the one that the device otherwise works on."""
    return cuda.Stream(device)  # type: ignore[no-untyped-call]


@contextmanager
def on_stream(device: torch.device, stream: Stream) -> Iterator[None]:
    """Give the block's work to ``stream`` of ``device``."""
    with cuda.device(device), cuda.stream(stream):
        yield


def mark() -> Event:
    """Make an event that happens when the current stream has done what it was given so far."""
    event = cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return event


def to_host(tensor: Tensor) -> Callable[[], Tensor]:
    """Begin to copy a tensor to the host's memory; what is returned waits for it.

    A CUDA device goes on computing meanwhile. A tensor that is on the host already is given as it is.
    """
    if tensor.device.type != "cuda":
        return tensor.cpu
    copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    copy.copy_(tensor, non_blocking=True)
    copied = mark()

    def wait() -> Tensor:
        copied.synchronize()
        return copy

    return wait


def receive(tensors: Iterable[Tensor], made: Event) -> None:
    """Let the current stream wait for ``made``, and keep the tensors' memory until it has used them."""
    stream = cuda.current_stream()
    stream.wait_event(made)
    for tensor in tensors:
        tensor.record_stream(stream)


def record(call: Callable[[], T], warm_up: int) -> tuple[Graph, T, T]:
    """Call ``warm_up`` times, then record: the graph, the last call's result and the graph's output.

    Raises:
        RuntimeError: when the call does something that cannot be recorded.
    """
    aside = cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(cuda.current_stream())
    with cuda.stream(aside):
        for _ in range(warm_up):
            result = call()
    cuda.current_stream().wait_stream(aside)
    graph = cuda.CUDAGraph()
    # Of this thread only: another one may allocate memory meanwhile.
    with cuda.graph(graph, capture_error_mode="thread_local"):
        output = call()
    return graph, result, output

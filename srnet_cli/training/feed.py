"""Batches made ahead of their use, in the background."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch

from srnet_cli.compute import cuda
from srnet_cli.compute.processes import Processes
from srnet_cli.data import Batch, TrainingSource
from srnet_cli.data.sources import SteppedSource

#: batches made ahead of their use
AHEAD = 3
#: patches for which a source that can is asked at once: launches cost as much for few as for many
TOGETHER = 64
#: the same on a card, for each GiB of its memory, and the most
TOGETHER_PER_GIB, MOST_TOGETHER = 4, 128
#: such requests made ahead
REQUESTS_AHEAD = 2


@dataclass(frozen=True)
class Order:
    """The patches of one step: numbers ``start`` to ``start + size``, ``patch`` LR pixels a side."""

    start: int
    size: int
    patch: int


@dataclass(frozen=True)
class Delivery:
    """A batch that was ordered, and the seconds that the trainer had to wait for it."""

    order: Order
    batch: Batch
    waited: float


Made = tuple[list[Batch], cuda.Event | None]


@dataclass
class _Request:
    """Orders whose batches are made together, and the batches as they come."""

    orders: list[Order]
    future: Future[Made] | None = None


class Feed:
    """Makes this process's share of every ordered batch; delivers in the order of the orders.

    Threads suffice: reading, copying and tensor arithmetic release the interpreter. A source that makes the
    patches of several steps at once is asked for ``TOGETHER`` patches at a time.
    """

    def __init__(
        self, source: TrainingSource, job: Processes, seed: int, pool: ThreadPoolExecutor, workers: int
    ) -> None:
        self._source, self._job, self._seed = source, job, seed
        self._together = _together(job.device) if isinstance(source, SteppedSource) else 1
        self._workers, self._making = workers, threading.Semaphore(workers)
        self._pool, self._local = pool, threading.local()
        self._requests: deque[_Request] = deque()
        #: orders of the first request that are delivered
        self._delivered = 0
        #: of the batches ordered and not yet delivered
        self._patches = 0

    def __len__(self) -> int:
        """Count the batches ordered and not yet delivered."""
        return sum(len(request.orders) for request in self._requests) - self._delivered

    @property
    def wants_orders(self) -> bool:
        """Whether more should be ordered, so that the next batches are made in time."""
        return len(self) < AHEAD or self._patches < REQUESTS_AHEAD * self._together

    def order(self, order: Order) -> None:
        last = self._requests[-1] if self._requests else None
        if last is None or last.future is not None or last.orders[0].patch != order.patch:
            self._submit()
            last = _Request([])
            self._requests.append(last)
        last.orders.append(order)
        self._patches += order.size
        if sum(order.size for order in last.orders) >= self._together:
            self._submit()

    def take(self) -> Delivery:
        """Take the batch of the oldest order.

        Raises:
            DataError: when it could not be made.
        """
        request, place = self._requests[0], self._delivered
        if request.future is None:
            self._submit()
        assert request.future is not None
        began = perf_counter()
        batches, made = request.future.result()
        waited = perf_counter() - began
        self._delivered += 1
        self._patches -= request.orders[place].size
        if self._delivered == len(request.orders):
            self._requests.popleft()
            self._delivered = 0
        batch = batches[place]
        if made is not None:
            cuda.receive([t for t in (batch.lr, batch.hr, batch.residual) if t is not None], made)
        return Delivery(request.orders[place], batch, waited)

    def _submit(self) -> None:
        """Have the newest request made, if it is not being made yet."""
        if self._requests and self._requests[-1].future is None:
            request = self._requests[-1]
            request.future = self._pool.submit(self._make, tuple(request.orders))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the threads from the device while a step is recorded, which random numbers would spoil."""
        for _ in range(self._workers):
            self._making.acquire()
        try:
            yield
        finally:
            self._making.release(self._workers)

    def _make(self, orders: Sequence[Order]) -> Made:
        with self._making:
            device = self._job.device
            if device.type != "cuda":
                return self._batches(orders), None
            # A stream of its own: the device prepares the next batches beside the step being computed.
            with cuda.on_stream(device, self._stream(device)):
                return self._batches(orders), cuda.mark()

    def _batches(self, orders: Sequence[Order]) -> list[Batch]:
        steps = [self._job.indices(order.start, order.size) for order in orders]
        patch, device = orders[0].patch, self._job.device
        if isinstance(self._source, SteppedSource):
            return self._source.batches(steps, self._seed, patch, device)
        return [self._source.batch(indices, self._seed, patch, device) for indices in steps]

    def _stream(self, device: torch.device) -> cuda.Stream:
        """Give each thread a stream, as each stream's memory is pooled apart from the others'."""
        if not hasattr(self._local, "stream"):
            self._local.stream = cuda.new_stream(device)
        stream: cuda.Stream = self._local.stream
        return stream


def _together(device: torch.device) -> int:
    if device.type != "cuda":
        return TOGETHER
    return min(MOST_TOGETHER, max(1, TOGETHER_PER_GIB * cuda.total_memory(device) // 2**30))


@contextmanager
def open_feed(source: TrainingSource, job: Processes, seed: int, workers: int) -> Iterator[Feed]:
    """Open a feed whose threads end with the block."""
    cuda.prepare_for_threads(job.device)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="feed")
    try:
        yield Feed(source, job, seed, pool, workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

"""Batches made ahead of their use, in the background."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch

from srnet_cli.compute import cuda
from srnet_cli.compute.processes import Processes
from srnet_cli.data import Batch, TrainingSource


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


class Feed:
    """Makes this process's share of every ordered batch; delivers in the order of the orders.

    Threads suffice: reading, copying and tensor arithmetic release the interpreter.
    """

    def __init__(
        self, source: TrainingSource, job: Processes, seed: int, pool: ThreadPoolExecutor, workers: int
    ) -> None:
        self._source, self._job, self._seed = source, job, seed
        self._workers, self._making = workers, threading.Semaphore(workers)
        self._pool, self._local = pool, threading.local()
        self._pending: deque[tuple[Order, Future[tuple[Batch, cuda.Event | None]]]] = deque()

    def __len__(self) -> int:
        """Count the batches ordered and not yet delivered."""
        return len(self._pending)

    def order(self, order: Order) -> None:
        self._pending.append((order, self._pool.submit(self._make, order)))

    def take(self) -> Delivery:
        """Take the batch of the oldest order.

        Raises:
            DataError: when it could not be made.
        """
        order, future = self._pending.popleft()
        began = perf_counter()
        batch, made = future.result()
        waited = perf_counter() - began
        if made is not None:
            cuda.receive([t for t in (batch.lr, batch.hr, batch.residual) if t is not None], made)
        return Delivery(order, batch, waited)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the threads from the device while a step is recorded, which random numbers would spoil."""
        for _ in range(self._workers):
            self._making.acquire()
        try:
            yield
        finally:
            self._making.release(self._workers)

    def _make(self, order: Order) -> tuple[Batch, cuda.Event | None]:
        with self._making:
            return self._made(order)

    def _made(self, order: Order) -> tuple[Batch, cuda.Event | None]:
        indices = self._job.indices(order.start, order.size)
        device = self._job.device
        if device.type != "cuda":
            return self._source.batch(indices, self._seed, order.patch, device), None
        # A stream of its own: the device prepares the next batch beside the step that is being computed.
        with cuda.on_stream(device, self._stream(device)):
            return self._source.batch(indices, self._seed, order.patch, device), cuda.mark()

    def _stream(self, device: torch.device) -> cuda.Stream:
        """Give each thread a stream, as each stream's memory is pooled apart from the others'."""
        if not hasattr(self._local, "stream"):
            self._local.stream = cuda.new_stream(device)
        stream: cuda.Stream = self._local.stream
        return stream


@contextmanager
def open_feed(source: TrainingSource, job: Processes, seed: int, workers: int) -> Iterator[Feed]:
    """Open a feed whose threads end with the block."""
    cuda.prepare_for_threads(job.device)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="feed")
    try:
        yield Feed(source, job, seed, pool, workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

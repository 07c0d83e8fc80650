"""Compressing on several threads while the results keep their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

_MOST_THREADS = 8


def thread_count() -> int:
    """Return on how many threads an encoder works: one for each CPU, at most 8."""
    return min(os.cpu_count() or 1, _MOST_THREADS)


class OrderedWorkers:
    """Pool that runs tasks on threads and hands their results to ``consume`` in the order of submission.

    At most a few results wait at any time, so memory stays bounded however fast tasks come. zlib and numpy
    release the interpreter lock, so threads are enough.
    """

    def __init__(self, consume: Callable[[bytes], None]) -> None:
        threads = thread_count()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._waiting: deque[Future[bytes]] = deque()
        self._most_waiting = 2 * threads
        self._consume = consume

    def submit(self, task: Callable[[], bytes]) -> None:
        """Queue a task; waits when too many are queued."""
        self._waiting.append(self._pool.submit(task))
        while len(self._waiting) > self._most_waiting or (self._waiting and self._waiting[0].done()):
            self._consume(self._waiting.popleft().result())

    def drain(self) -> None:
        """Wait until every result has been consumed."""
        while self._waiting:
            self._consume(self._waiting.popleft().result())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

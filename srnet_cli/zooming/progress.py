"""The progress that a person sees while pictures are zoomed: one bar for the picture, one for the batch."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TaskProgressColumn, TextColumn
from rich.table import Column
from rich.text import Text

from srnet_cli.console import is_verbose, people, printable, say

#: seconds that the estimate counts for against what was measured in this run
_TRUST = 5.0
#: of pictures that take no time to speak of, and of those that nobody knows
_LEAST = 0.05


class _TimeLeft(ProgressColumn):
    """Time that is left of a task whose total is in estimated seconds: known from the beginning."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        done, total = task.completed, task.total or 0.0
        rate = ((task.elapsed or 0.0) + _TRUST) / (done + _TRUST)
        # Sums of floating-point tiles may go a little over.
        return Text(f"{duration(max(total - done, 0) * rate)} left", style="progress.remaining")


class BatchProgress:
    """Progress bars on stderr; without a terminal only the lines that stay are printed.

    ``seconds`` are estimates for the pictures in their order.
    """

    def __init__(self, seconds: Sequence[float]) -> None:
        self._seconds = [max(each, _LEAST) for each in seconds]
        self._progress = Progress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(max_width=28, no_wrap=True, overflow="ellipsis"),
            ),
            BarColumn(24),
            TaskProgressColumn(),
            _TimeLeft(),
            console=people(),
            transient=True,
            disable=not people().is_terminal,
        )
        self._batch: TaskID | None = None
        if len(seconds) > 1:
            self._batch = self._progress.add_task(f"{len(seconds)} pictures", total=sum(self._seconds))
        self._picture: TaskID | None = None
        self._tile = 0.0
        self._done = 0

    def __enter__(self) -> BatchProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def start_picture(self, name: str, tiles: int, announcement: str) -> None:
        """Begin a picture of ``tiles`` tiles."""
        shown = printable(name)
        if people().is_terminal or is_verbose():
            say((shown, "bold"), "  ", printable(announcement))
        estimate = self._seconds[self._done] if self._done < len(self._seconds) else _LEAST
        self._tile = estimate / max(tiles, 1)
        self._picture = self._progress.add_task(shown, total=estimate)

    def tile_done(self) -> None:
        for task in (self._picture, self._batch):
            if self._picture is not None and task is not None:
                self._progress.advance(task, self._tile)

    def picture_done(self) -> None:
        """End the current picture, finished, skipped or failed."""
        self._done += 1
        if self._picture is not None:
            self._progress.remove_task(self._picture)
            self._picture = None
        if self._batch is not None:
            self._progress.update(self._batch, completed=sum(self._seconds[: self._done]))

    def say(self, line: str) -> None:
        """Print a line that stays."""
        say(printable(line))


def duration(seconds: float) -> str:
    """Write a time as people say it.

    Example:
        >>> duration(0.42), duration(75), duration(5400), duration(200_000)
        ('0.4 s', '1 min 15 s', '1 h 30 min', '55 h 33 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    return f"{minutes // 60} h {minutes % 60} min"

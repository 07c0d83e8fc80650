"""What a person sees: progress while measuring, tables afterwards, all on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from srnet_cli.console import people, printable, warn
from srnet_cli.data.cache import Progress as PreparationProgress
from srnet_cli.evaluation.results import PictureResult, SetResult
from srnet_cli.evaluation.runner import Watcher
from srnet_cli.evaluation.tables import terminal_tables

_WIDEST = 500


class Display(Watcher):
    """Progress bars on a terminal; elsewhere only the lines that stay."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=people(),
            transient=True,
            disable=not people().is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def preparing(self) -> PreparationProgress | None:
        task: list[TaskID] = []

        def show(done: int, total: int, name: str) -> None:
            if not task:
                task.append(self._progress.add_task("preparing pairs", total=total))
            self._progress.update(task[0], completed=done, visible=done < total)

        return show

    def started(self, title: str, pictures: int) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(escape(printable(title)), total=pictures)

    def picture_done(self, picture: PictureResult) -> None:
        for error in picture.errors:
            people().print(f"[bold red]error[/] {escape(printable(f'{picture.name}: {error}'))}")
        if self._task is not None:
            self._progress.advance(self._task)

    def note(self, sentence: str) -> None:
        warn(sentence)


def show_results(results: Sequence[SetResult]) -> None:
    """The tables, as wide as they need to be."""
    console = people()
    for result in results:
        if not result.summaries:
            console.print(f"[bold]{escape(printable(result.title))}[/]: nothing could be measured")
            continue
        for table in terminal_tables(result, decorated=console.is_terminal):
            Console(stderr=True, highlight=False, width=_width(console, table)).print(table)
        for note in result.notes:
            warn(note)


def _width(console: Console, table: Table) -> int:
    """What the table needs, though the terminal be narrower: cells that wrap cannot be compared."""
    wide = console.options.update(max_width=_WIDEST)
    return max(console.width, Measurement.get(console, wide, table).maximum)

"""Display for a person: progress while measuring, tables afterwards, all on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from srnet_cli.console import people, printable, warn
from srnet_cli.data.preparation import Progress as PreparationProgress
from srnet_cli.evaluation.measurement import Watcher
from srnet_cli.evaluation.outputs.tables import Cell, Table, cost_table, detail_table, quality_table
from srnet_cli.evaluation.results import PictureResult, SetResult

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
        if self._task is not None:
            self._progress.advance(self._task)

    def note(self, sentence: str) -> None:
        warn(sentence)


def show_results(results: Sequence[SetResult]) -> None:
    """Print the tables, as wide as they need to be, then what is worth knowing about them."""
    console = people()
    for result in results:
        console.print(f"\n[bold]{escape(printable(result.title))}[/], {_pictures(len(result.measured))}")
        if result.measured:
            for table in (quality_table(result), detail_table(result), cost_table(result)):
                for part in _parts(table, console):
                    _print_whole(_rich(part, decorated=console.is_terminal), console)
        for note in result.notes:
            warn(note)
        for picture in result.failed:
            for error in picture.errors:
                console.print(f"[bold red]error[/] {escape(printable(f'{picture.name}: {error}'))}")


def _pictures(number: int) -> str:
    return "1 picture" if number == 1 else f"{number} pictures"


def _parts(table: Table, console: Console) -> list[Table]:
    """Cut a table into some that fit a narrow terminal, each with the names of the methods.

    Where nobody looks at a terminal, it stays whole.
    """
    if not console.is_terminal:
        return [table]
    parts, first = [], 1
    while first < len(table.heads):
        columns = len(table.heads) - first
        while columns > 1 and _width(_columns(table, first, columns), console) > console.width:
            columns -= 1
        parts.append(_columns(table, first, columns))
        first += columns
    return parts


def _columns(table: Table, first: int, count: int) -> Table:
    """Take the names of the methods and ``count`` columns from the ``first`` on."""
    chosen = (0, *range(first, first + count))
    return Table(
        tuple(table.heads[column] for column in chosen),
        tuple(tuple(row[column] for column in chosen) for row in table.rows),
    )


def _width(table: Table, console: Console) -> int:
    wide = console.options.update(max_width=_WIDEST)
    return Measurement.get(console, wide, _rich(table, decorated=console.is_terminal)).maximum


def _rich(table: Table, decorated: bool) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD if decorated else None, pad_edge=False)
    for head in table.heads:
        last = head == table.heads[-1] and "Δ" in head
        shown.add_column(_broken(head), justify="left" if last or head == table.heads[0] else "right")
    for row in table.rows:
        shown.add_row(*map(_markup, row))
    return shown


def _broken(head: str) -> str:
    """Break a heading into two lines, so that columns are as narrow as their figures."""
    for sign, kept in (("-", "-"), ("/", "/"), (" ", "")):
        if sign in head and "Δ" not in head:
            return escape(head.replace(sign, f"{kept}\n", 1))
    return escape(head)


def _markup(cell: Cell) -> str:
    text = escape(printable(cell.text))
    return f"[bold]{text}[/]" if cell.best else text


def _print_whole(table: RichTable, console: Console) -> None:
    """Print all of a table where it is wider than the line, too: cells that wrap cannot be compared."""
    wide = console.options.update(max_width=_WIDEST)
    width = max(console.width, Measurement.get(console, wide, table).maximum)
    Console(stderr=True, highlight=False, width=width).print(table)

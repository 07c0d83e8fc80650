"""The progress that a person sees while pictures are zoomed: one bar for the picture, one for the batch."""

from __future__ import annotations

from types import TracebackType

from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from srnet_cli.console import people, printable, say


class BatchProgress:
    """Progress bars on stderr; without a terminal only the lines that stay are printed."""

    def __init__(self, pictures: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=people(),
            transient=True,
            disable=not people().is_terminal,
        )
        self._batch: TaskID | None = None
        if pictures > 1:
            self._batch = self._progress.add_task(f"{pictures} pictures", total=pictures)
        self._picture: TaskID | None = None

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
        if people().is_terminal:
            say((shown, "bold"), "  ", printable(announcement))
        self._picture = self._progress.add_task(shown, total=tiles)

    def tile_done(self) -> None:
        if self._picture is not None:
            self._progress.advance(self._picture)

    def picture_done(self) -> None:
        """End the current picture, finished, skipped or failed."""
        if self._picture is not None:
            self._progress.remove_task(self._picture)
            self._picture = None
        if self._batch is not None:
            self._progress.advance(self._batch)

    def say(self, line: str) -> None:
        """Print a line that stays."""
        say(printable(line))

"""Progress of a run, as a person sees it: lines, and a bar on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from srnet_cli.training.run.watch import Window
from srnet_cli.training.validation import Measured, Validation

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Reporter:
    """Listener to a run that shows nothing: for the processes that do not lead."""

    def say(self, message: str) -> None:
        """Show a line of information."""

    def stepped(self, step: int, done: float) -> None:
        """Note a step that was taken; ``done`` is the share of the run, 0..1."""

    def window(self, window: Window, rate: float, seconds_left: float) -> None:
        """Show the means over the last steps, the learning rate, and the time that is left."""

    def validated(self, step: int, validation: Validation, is_best: bool) -> None:
        """Show how the held-out pairs were measured."""


class ProgressLines(Reporter):
    """A progress bar on stderr when it is a terminal, and lines for what should stay readable."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._psnr = ""
        self._task: TaskID = progress.add_task("training", total=1.0, step=0, figures="starting", left="")
        self._stepped = False

    def say(self, message: str) -> None:
        from srnet_cli.console import printable, say

        say(printable(message))

    def stepped(self, step: int, done: float) -> None:
        self._stepped = True
        self._progress.update(self._task, completed=done, step=step)

    def close(self) -> None:
        """End the showing; of a run that takes no step no bar is left, as it would say that it starts."""
        if not self._stepped:
            self._progress.remove_task(self._task)

    def window(self, window: Window, rate: float, seconds_left: float) -> None:
        losses = dict(window.losses)
        del losses["total"]
        picture = losses.pop("sr")
        others = "".join(f" {name} {value:.2f}" for name, value in losses.items())
        figures = (
            f"loss {picture:.2f}{others} · {duration(window.step_time)}/step, "
            f"{100 * window.data_wait:.0f} % data wait · lr {rate:.1e}{self._psnr}"
        )
        left = str(timedelta(seconds=round(seconds_left)))
        self._progress.update(self._task, figures=figures, left=left)

    def validated(self, step: int, validation: Validation, is_best: bool) -> None:
        self._psnr = f" · PSNR {validation.psnr:.2f}"
        for name, part in validation.parts.items():
            self.say(f"step {step}: {name}: {_measured(part)}")
        of = f", mean of {len(validation.parts)} sources" if validation.parts else ""
        best = " (best so far)" if is_best else ""
        self.say(f"step {step}: {_measured(validation)}{of}{best}")


def _measured(figures: Measured) -> str:
    gain = ""
    if figures.bicubic is not None:
        gain = f", bicubic {figures.bicubic:.2f}, gain {figures.psnr - figures.bicubic:+.2f}"
    pictures = f"{figures.pictures} picture{'s' if figures.pictures != 1 else ''}"
    return f"PSNR {figures.psnr:.2f} dB{gain} on {pictures}"


def duration(seconds: float) -> str:
    """Write seconds, or milliseconds when there are few of them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


@contextmanager
def preparation_display() -> Iterator[Callable[[int, int, str], None]]:
    """Show the preparation of data: a function to call with items done, items in all, and a name."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from srnet_cli.console import people, printable

    console = people()
    columns = (TextColumn("preparing"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    name = TextColumn("{task.description}", markup=False)
    with Progress(*columns, name, console=console, transient=True, disable=not console.is_terminal) as bar:
        task: TaskID | None = None

        def show(done: int, total: int, last: str) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task("", total=total)
            bar.update(task, completed=done, description=printable(last))

        yield show


def progress_display() -> Progress:
    """Make the bar that ``ProgressLines`` fills; it vanishes where stderr is not a terminal."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    from srnet_cli.console import people

    console = people()
    # Where a line is too short for all of it, the figures give way.
    figures = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    return Progress(
        BarColumn(None, table_column=Column(width=12)),
        TaskProgressColumn(table_column=Column(width=4)),
        TextColumn("{task.fields[left]}", table_column=Column(min_width=7, no_wrap=True)),
        TextColumn("step {task.fields[step]} · {task.fields[figures]}", table_column=figures),
        expand=True,
        console=console,
        disable=not console.is_terminal,
    )

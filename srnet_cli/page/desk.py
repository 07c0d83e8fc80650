"""What one browser has asked for and got: it outlasts each load of the page, and several pages share it."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nicegui import app, run

from srnet_cli.errors import SrnetError, unexpected
from srnet_cli.page.work import Made, Wish, Work


@dataclass
class Errand:
    """Pictures that one page asked to be zoomed in one way."""

    sources: tuple[Path, ...]
    wish: Wish
    finished: bool = False


@dataclass(frozen=True)
class Done:
    """A finished zoom, and where the browser finds the page that compares it."""

    made: Made
    address: str


@dataclass(frozen=True)
class Failed:
    """A picture of which nothing came, and why."""

    source: Path
    reason: str

    @classmethod
    def by(cls, error: Exception, source: Path) -> Failed:
        """Say what an error means for a picture."""
        return cls(source, (error if isinstance(error, SrnetError) else unexpected(error)).reason)

    def __str__(self) -> str:
        return f"{self.source.name}: {self.reason}"


Outcome = Done | Failed


class Desk:
    """The work of one browser, one errand after the other, and all that came of it.

    It is the server's: what is being zoomed goes on whatever becomes of the page that asked.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = Work(folder / "made")
        self.outcomes: list[Outcome] = []
        #: what is being zoomed
        self.now: Path | None = None
        self._waiting: deque[Errand] = deque()
        self._task: asyncio.Task[None] | None = None

    def ask(self, sources: Sequence[Path], wish: Wish) -> Errand:
        """Have pictures zoomed when what was asked before is done."""
        errand = Errand(tuple(sources), wish)
        self._waiting.append(errand)
        if self._task is None:
            self._task = asyncio.create_task(self._do_all())
        return errand

    async def _do_all(self) -> None:
        try:
            while self._waiting:
                await self._do(self._waiting.popleft())
        finally:
            self._task = None

    async def _do(self, errand: Errand) -> None:
        try:
            for source in errand.sources:
                self.now = source
                outcome = await self._zoom(source, errand.wish)
                if outcome is not None:  # else the program ends
                    self.outcomes.append(outcome)
        finally:
            self.now, errand.finished = None, True

    async def _zoom(self, source: Path, wish: Wish) -> Outcome | None:
        try:
            made = await run.io_bound(self.work.zoom, source, wish)
            return None if made is None else Done(made, app.add_media_file(local_file=made.comparison))
        except Exception as error:
            return Failed.by(error, source)


class Desks:
    """The desks of a server, one for the key of each browser."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._desks: dict[str, Desk] = {}

    def of(self, browser: str) -> Desk:
        """Return the desk of a browser, which is a new one where it has none."""
        if browser not in self._desks:
            folder = Path(tempfile.mkdtemp(dir=self._folder))
            (folder / "made").mkdir()
            self._desks[browser] = Desk(folder)
        return self._desks[browser]

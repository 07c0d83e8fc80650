"""What the page shows: a place to drop pictures, what is to be done with them, and what came of it."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nicegui import app, run, ui
from starlette.requests import Request

from srnet_cli.errors import SrnetError
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.formats import FORMATS
from srnet_cli.interrupts import hang_up_as_terminate
from srnet_cli.page.browsers import BROWSER, KnowBrowsers
from srnet_cli.page.desk import Desk, Desks, Errand, Failed, Outcome
from srnet_cli.page.neighbours import KeepNeighboursOut, say_nonsense_briefly
from srnet_cli.page.work import Made, Shown, Wish, make_ready, upload_name, usual_crisp

_SCALES = (2, 3, 4, 6, 8, 16)
#: seconds between two looks at how far a zoom is
_LOOK = 0.2
_MOST_BYTES = 2 << 30
#: seconds that a page is kept whose browser is gone: a tab that was put to sleep goes on with its pictures
_PATIENCE = 600


@dataclass
class View:
    """One load of the page: its pictures, the part that is chosen, and the elements that change.

    What came of them is the desk's, so that it is on the next page, too.
    """

    desk: Desk
    sources: list[Path] = field(default_factory=list)
    shown: Shown | None = None
    crop: Box | None = None
    #: where the mouse went down, in pixels of the shown picture
    corner: tuple[float, float] | None = None
    #: what this page asked for last
    errand: Errand | None = None
    #: how many of the desk's outcomes are shown
    drawn: int = 0
    #: whether somebody moved the slider; until then a zoom is as crisp as its models' cards say
    crisp_chosen: bool = False

    def build(self) -> None:
        """Lay out the page."""
        suffixes = ",".join(s for row in FORMATS.values() for s in row.suffixes + row.read_suffixes)
        with ui.column().classes("w-full max-w-5xl mx-auto gap-4"):
            ui.label("srnet").classes("text-3xl font-bold")
            ui.label("Drop pictures, RAW or not. Nothing leaves this computer.").classes("text-gray-600")
            upload = ui.upload(
                label="Pictures", multiple=True, auto_upload=True, max_file_size=_MOST_BYTES,
                on_upload=self._received, on_rejected=lambda: ui.notify("too large", type="negative"),
            )  # fmt: skip
            upload.props(f'accept="{suffixes}" flat bordered').classes("w-full")
            with ui.row().classes("items-center gap-6 w-full"):
                self.scale = ui.select({s: f"×{s}" for s in _SCALES}, value=4, label="Scale").classes("w-24")
                self.scale.on_value_change(self._offer_crisp)
                self.fast = ui.checkbox("fast", on_change=self._offer_crisp)
                self.fast.tooltip("light models: quicker, a little less sharp")
                with ui.column().classes("gap-0 w-64"):
                    ui.label("faithful – crisp").classes("text-sm text-gray-600")
                    self.crisp = ui.slider(min=0, max=1, step=0.05, value=0).props("label")
                    self.crisp.on("change", self._crisp_chosen)
                    self.crisp.disable()
                self.button = ui.button("Zoom", on_click=self._zoom).props("id=zoom")
                self.button.disable()
            self.progress = ui.linear_progress(value=0, show_value=False).props("instant-feedback")
            self.at_work = ui.label("").classes("text-sm text-gray-600")
            self.about = ui.label("").classes("text-sm text-gray-600")
            self.image = ui.interactive_image(
                on_mouse=self._mouse, events=["mousedown", "mousemove", "mouseup"], cross=True
            ).classes("w-full chosen")
            self.image.visible = False
            self.results = ui.column().classes("w-full gap-6")
        self._look()

    async def make_ready(self) -> None:
        """Import what zooms; then it is known how crisp a zoom may be."""
        await run.io_bound(make_ready)
        await self._offer_crisp()

    async def _offer_crisp(self) -> None:
        """Let the slider stand where a zoom by these models is unasked; none is there for those without."""
        try:
            usual = await run.io_bound(usual_crisp, float(self.scale.value), bool(self.fast.value))
        except SrnetError:  # said when it is zoomed
            usual = None
        self.crisp.set_enabled(usual is not None)
        if usual is not None and not self.crisp_chosen:
            self.crisp.value = usual

    def _crisp_chosen(self) -> None:
        self.crisp_chosen = True

    async def _received(self, event: Any) -> None:
        name = upload_name(event.file.name)
        try:
            # One for each: several arrive at a time, of one name, too.
            target = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.desk.folder)) / name
            await event.file.save(target)
            shown = await run.io_bound(self.desk.work.show, target)
        except Exception as error:
            self._say(Failed.by(error, Path(name)))
            return
        if shown is None:  # the program ends
            return
        self.sources.append(target)
        self.shown, self.crop = shown, None
        self.image.set_source(shown.image)
        self.image.content = ""
        self.image.visible = True
        self._describe()
        self._look()

    def _mouse(self, event: Any) -> None:
        if self.shown is None or len(self.sources) != 1:
            return
        place = (event.image_x, event.image_y)
        if event.type == "mousedown":
            self.corner = place
        if self.corner is None:
            return
        self.crop = _box(self.corner, place, self.shown)
        if event.type == "mouseup":
            self.corner = None
        self._describe()

    def _describe(self) -> None:
        assert self.shown is not None
        shown, crop = self.shown, self.crop
        if len(self.sources) > 1:
            self.about.text = f"{len(self.sources)} pictures; all of each is zoomed"
        elif crop is None:
            self.about.text = f"{shown.width}×{shown.height}; drag on the picture to zoom a part of it"
        else:
            self.about.text = f"{crop.width}×{crop.height} from {crop.left}, {crop.top}; click for the whole"
        self.image.content = "" if crop is None else _rectangle(crop, shown.reduction)

    def _zoom(self) -> None:
        if self._is_waiting():
            return
        crop = self.crop if len(self.sources) == 1 else None
        # Unasked each model of a chain is as crisp as its own card says.
        crisp = float(self.crisp.value) if self.crisp.enabled and self.crisp_chosen else None
        wish = Wish(float(self.scale.value), crop, bool(self.fast.value), crisp)
        self.errand = self.desk.ask(self.sources, wish)
        self._look()

    def _is_waiting(self) -> bool:
        """Tell whether what this page asked for last is not all done."""
        return self.errand is not None and not self.errand.finished

    def look(self) -> None:
        """Show what has come since, whichever page of the browser asked for it."""
        new = self.desk.outcomes[self.drawn :]
        self._look()
        for failed in (each for each in new if isinstance(each, Failed)):
            self._say(failed)

    def _look(self) -> None:
        for outcome in self.desk.outcomes[self.drawn :]:
            self._add(outcome)
            self.drawn += 1
        now, work = self.desk.now, self.desk.work
        self.progress.visible = self.at_work.visible = now is not None
        if now is not None:
            self.progress.value = work.done / work.total
            self.at_work.text = f"zooming {now.name}"
        self.button.set_enabled(bool(self.sources) and not self._is_waiting())

    def _add(self, outcome: Outcome) -> None:
        with self.results:
            if isinstance(outcome, Failed):
                ui.label(str(outcome)).classes("text-negative")
            else:
                _draw_result(outcome.made, outcome.address)

    def _say(self, failed: Failed) -> None:
        ui.notify(str(failed), type="negative", multi_line=True, timeout=0, close_button=True)


def _draw_result(made: Made, address: str) -> None:
    with ui.card().classes("w-full result"):
        with ui.row().classes("items-center w-full"):
            ui.label(made.title).classes("font-bold")
            ui.button("Download", on_click=lambda: ui.download.file(made.result)).props("outline")
        for note in made.notes:
            ui.label(note).classes("text-sm text-gray-600")
        frame = ui.element("iframe").classes("w-full").style("height:640px;border:0")
        frame.props(f'src="{address}" title="before and after"')


def _box(first: tuple[float, float], second: tuple[float, float], shown: Shown) -> Box | None:
    """Give the part between two corners in pixels of the picture; None for a click."""
    left, right = sorted((first[0], second[0]))
    top, bottom = sorted((first[1], second[1]))
    if min(right - left, bottom - top) < 4:
        return None
    factor = shown.reduction
    x, y = (max(0, round(value * factor)) for value in (left, top))
    width = min(round((right - left) * factor), shown.width - x)
    height = min(round((bottom - top) * factor), shown.height - y)
    return Box(y, x, height, width) if min(height, width) >= 1 else None


def _rectangle(box: Box, reduction: float) -> str:
    x, y, width, height = (value / reduction for value in (box.left, box.top, box.width, box.height))
    # In pixels of the shown picture, which the browser enlarges: thin beside a small one, too.
    line = max(x + width, y + height) / 200
    style = f'fill="none" stroke="#ffd400" stroke-width="{line:.2f}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {style} />'


def serve(port: int, show: bool) -> None:
    """Serve the page on this computer only, until Ctrl-C.

    Raises:
        OSError: the port is taken.
    """
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    app.add_middleware(KnowBrowsers, port=port)
    # A page elsewhere that lets its own name lead to this computer is not answered.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.add_middleware(KeepNeighboursOut)
    say_nonsense_briefly()
    with tempfile.TemporaryDirectory(prefix="srnet-") as folder:
        desks = Desks(Path(folder))

        @ui.page("/", title="srnet")  # type: ignore[untyped-decorator,unused-ignore]
        def page(request: Request) -> None:
            view = View(desks.of(request.scope[BROWSER]))
            view.build()
            ui.timer(_LOOK, view.look)
            # A timer begins when the browser has the page: before, importing torch would keep it waiting.
            ui.timer(_LOOK, view.make_ready, once=True)

        with hang_up_as_terminate():
            ui.run(
                host="127.0.0.1",
                port=port,
                show=show,
                reload=False,
                title="srnet",
                show_welcome_message=False,
                reconnect_timeout=_PATIENCE,
            )

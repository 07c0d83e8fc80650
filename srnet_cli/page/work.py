"""The zooms that a page asks for, done in another thread than the one that answers the browser.

torch takes longer to import than all that the page needs before a zoom, so it is imported by what zooms, or
by :func:`make_ready` when the page is there.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from srnet_cli.files import make_folder
from srnet_cli.imaging import Picture, check_output, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.names import plain_name

if TYPE_CHECKING:
    from srnet_cli.zooming.chain import Engines, ModelChoice

#: side of the picture on which a part is chosen
_SHOWN = 1000
#: bytes of a name, to which results add what was done; and letters of its suffix
_LONGEST_NAME, _LONGEST_SUFFIX = 150, 10


@dataclass(frozen=True)
class Wish:
    """What is chosen on the page."""

    scale: float
    crop: Box | None = None
    fast: bool = False
    crisp: float | None = None


@dataclass(frozen=True)
class Made:
    """A finished zoom: the file, the page that compares it with plain interpolation, and what was chosen."""

    result: Path
    comparison: Path
    height: int
    width: int
    wish: Wish
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name, the size, and what the name does not say."""
        wish = self.wish
        chosen = ["fast"] * wish.fast + ([] if wish.crisp is None else [f"{wish.crisp:.0%} crisp"])
        return ", ".join([f"{self.result.name}  {self.width}×{self.height}", *chosen])


@dataclass(frozen=True)
class Shown:
    """A picture as the browser sees it, and how many of its pixels one of them stands for."""

    #: the file that the browser gets
    image: Path
    height: int
    width: int
    reduction: float


def make_ready() -> None:
    """Import what zooms, while somebody looks for a picture."""
    import_module("srnet_cli.zooming.pipeline")


def usual_crisp(scale: float, fast: bool) -> float | None:
    """Find how crisp a zoom is unasked, 0..1; None where nothing can be chosen."""
    from srnet_cli.zooming import chain

    return chain.usual_crisp(scale, light=fast)


def upload_name(stated: str) -> str:
    """Give a file a name as the browser states it: without folders, of letters, digits and a few signs.

    Example:
        >>> upload_name("C:\\\\photos\\\\my <first> photo.jpg"), upload_name(".."), upload_name("{x}.png")
        ('my _first_ photo.jpg', 'picture', '_x_.png')
    """
    name = plain_name(stated.replace("\\", "/").rpartition("/")[2], "picture")
    while len(name.encode()) > _LONGEST_NAME:
        stem, suffix = Path(name).stem, Path(name).suffix[:_LONGEST_SUFFIX]
        name = stem[: min(len(stem) - 1, _LONGEST_NAME // 2)] + suffix
    return name


class Work:
    """One zoom after the other into a folder, with how far it is: ``done`` of ``total`` tiles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engines: dict[ModelChoice, Engines] = {}
        self._pictures: dict[Path, Picture] = {}
        self._numbers = itertools.count(1)
        self.done, self.total = 0, 1

    def show(self, source: Path) -> Shown:
        """Read a picture for the browser; what it shows goes into a file of its own among what is made.

        NiceGUI would put an image into everybody's temporary folder, and leave the last one there.

        Raises:
            SrnetError: it cannot be read, or the folder not be made.
        """
        picture = self._read(source)
        reduction = max(1.0, max(picture.height, picture.width) / _SHOWN)
        image = Image.fromarray(np.ascontiguousarray(to_8_bit(picture.pixels)))
        size = (max(1, round(picture.width / reduction)), max(1, round(picture.height / reduction)))
        make_folder(self._folder)
        handle, name = tempfile.mkstemp(".png", dir=self._folder)
        with os.fdopen(handle, "wb") as file:
            image.resize(size, Image.Resampling.BOX).save(file, "PNG")
        return Shown(Path(name), picture.height, picture.width, reduction)

    def zoom(self, source: Path, wish: Wish) -> Made:
        """Zoom a picture into a new folder: earlier results stay on the page, some of them of its name.

        Raises:
            SrnetError: it cannot be read, computed or written.
        """
        from srnet_cli.zooming.chain import Engines, ModelChoice
        from srnet_cli.zooming.jobs import plan_jobs
        from srnet_cli.zooming.pipeline import tile_count, zoom_to_file
        from srnet_cli.zooming.request import ZoomRequest
        from srnet_cli.zooming.showing.comparison import Comparison

        self.done, self.total = 0, 1
        picture = self._read(source)
        request = ZoomRequest(wish.scale, crop=wish.crop, fast=wish.fast, crisp=wish.crisp, compare=True)
        folder = self._folder / str(next(self._numbers))
        make_folder(folder)
        (job,) = plan_jobs([source], f"{folder}/", request.tag, compare=True).jobs
        if job.error is not None:
            raise job.error
        assert job.target is not None and job.comparison is not None
        frame = request.frame_of(picture.height, picture.width)
        check_output(job.target, frame.height, frame.width, request.write, alpha=picture.alpha is not None)
        choice = ModelChoice(request.model, request.fast, request.crisp, request.engine)
        engines = self._engines.setdefault(choice, Engines(choice)).for_scale(request.reached_for(frame))
        self.total = max(1, tile_count(frame, engines))
        page = Comparison(picture, frame)
        zoomed = zoom_to_file(
            picture,
            frame,
            engines,
            job.target,
            request.write,
            overwrite=False,
            on_tile=self._tile_done,
            on_rows=page.see,
        )
        names = [engine.card.name for engine in engines]
        page.write(job.comparison, job.target, names, overwrite=False)
        return Made(
            job.target,
            job.comparison,
            frame.height,
            frame.width,
            wish,
            (*picture.metadata.notes, *zoomed.notes),
        )

    def _tile_done(self) -> None:
        self.done += 1

    def _read(self, source: Path) -> Picture:
        picture = self._pictures.get(source)
        if picture is None:
            picture = read_picture(source)
            # Only the last one: a folder of large pictures would not fit the memory.
            self._pictures = {source: picture}
        return picture

"""A page beside a result: its most textured details, with a slider between plain interpolation and the zoom.

The result's own pixels are shown, gathered while they go to the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.files import write_text
from srnet_cli.imaging import Picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.picture import Pixels
from srnet_cli.zooming.frame import Frame
from srnet_cli.zooming.showing.details import textured_details
from srnet_cli.zooming.showing.slider import data_address, page, picture_bytes, slider
from srnet_cli.zooming.strength import PlainRows

#: details of a page; pixels of the result that each is high and wide
_DETAILS, _HEIGHT, _WIDTH = 3, 600, 800
#: side of the whole picture on which the details are marked
_OVERVIEW = 480
_BEFORE = "bicubic"
_MARK = (255, 212, 0)


@dataclass
class _Gathered:
    """A part of the result, filled as its rows pass."""

    #: in pixels of the result
    box: Box
    pixels: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        self.pixels = np.zeros((self.box.height, self.box.width, 3), np.uint8)

    def see(self, first: int, rows: Pixels) -> None:
        begin, end = max(first, self.box.top), min(first + len(rows), self.box.bottom)
        if begin < end:
            part = rows[begin - first : end - first, self.box.left : self.box.right]
            self.pixels[begin - self.box.top : end - self.box.top] = to_8_bit(part)


class Comparison:
    """The page of one zoom: told of the result's rows as they come, written at the end."""

    def __init__(self, picture: Picture, frame: Frame) -> None:
        self._picture, self._frame = picture, frame
        side = [max(1, round(pixels / frame.scale)) for pixels in (_HEIGHT, _WIDTH)]
        details = textured_details(picture.pixels, side[0], side[1], _DETAILS, _seen(frame))
        self._details = details
        self._parts = [_Gathered(_in_result(detail, frame)) for detail in details]

    def see(self, first: int, rows: Pixels) -> None:
        """Take rows of the result from ``first`` on, H×W×3."""
        for part in self._parts:
            part.see(first, rows)

    def write(self, path: Path, result: Path, models: Sequence[str], overwrite: bool) -> None:
        """Write the page about ``result``.

        Raises:
            OutputError: it cannot be written.
        """
        name = " + ".join(dict.fromkeys(models)) or "as it is"
        frame = self._frame
        below = f"{result.name}: {frame.width}×{frame.height} pixels, ×{frame.scale:.4g} by {name}"
        parts = []
        if self._details != [_seen(frame)]:
            overview = data_address(picture_bytes(self._overview()), "webp")
            parts.append(f'<img class="plot" alt="where the details lie" src="{overview}">')
        for number, part in enumerate(self._parts, start=1):
            box = part.box
            place = f"{box.width}×{box.height} pixels of the result from {box.left}, {box.top}"
            shown = {_BEFORE: self._plain(box), name: part.pixels}
            parts.append(slider(f"Detail {number}", place, shown, (_BEFORE, name)))
        note = "Drag across a picture: left of the line is plain interpolation, right of it the zoom."
        body = f"<p>{escape(note)}</p>{''.join(parts)}"
        whole = page(f"{result.name}: before and after", "srnet zoom", below, body)
        write_text(path, whole, overwrite=overwrite)

    def _plain(self, box: Box) -> NDArray[np.uint8]:
        rows = PlainRows(self._picture.pixels, self._frame, aligned=True).rows(box.top, box.height)
        part: NDArray[np.float32] = rows[:, box.left : box.right].clip(0, 255)
        return np.rint(part).astype(np.uint8)

    def _overview(self) -> NDArray[np.uint8]:
        area = _seen(self._frame)
        part = to_8_bit(self._picture.pixels[area.slices])
        factor = min(1.0, _OVERVIEW / max(part.shape[:2]))
        size = (max(1, round(area.width * factor)), max(1, round(area.height * factor)))
        drawn = np.ascontiguousarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
        for number, box in enumerate(self._details, start=1):
            left, top = (round((x - y) * factor) for x, y in ((box.left, area.left), (box.top, area.top)))
            right, bottom = left + round(box.width * factor), top + round(box.height * factor)
            cv2.rectangle(drawn, (left, top), (right, bottom), _MARK, 2)
            cv2.putText(
                drawn, str(number), (left + 4, top + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _MARK, 1, cv2.LINE_AA
            )
        return drawn.astype(np.uint8)


def _seen(frame: Frame) -> Box:
    """Give the whole pixels of the input that are in the result."""
    top, left = (int(np.ceil(x / frame.scale)) for x in (frame.top, frame.left))
    height, width = (max(1, int(side / frame.scale)) for side in (frame.height, frame.width))
    region = frame.region
    height, width = min(height, region.height - top), min(width, region.width - left)
    return Box(region.top + top, region.left + left, height, width)


def _in_result(box: Box, frame: Frame) -> Box:
    """Give a box of the input in pixels of the result."""
    top = min(max(0, round((box.top - frame.region.top) * frame.scale - frame.top)), frame.height - 1)
    left = min(max(0, round((box.left - frame.region.left) * frame.scale - frame.left)), frame.width - 1)
    height, width = (max(1, round(side * frame.scale)) for side in (box.height, box.width))
    return Box(top, left, min(height, frame.height - top), min(width, frame.width - left))

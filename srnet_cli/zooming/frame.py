"""The geometry of a zoom: the part of the picture, the size it gets, the models it passes through."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from srnet_cli.errors import UsageError
from srnet_cli.imaging.boxes import Box

FrameKind = Literal["full", "camera"]

MIN_SCALE, MAX_SCALE = 1.0, 16.0
#: passes of models over each other's results that are considered
MOST_PASSES = 4
#: of the units that prints are measured in, how many an inch has
_PER_INCH = {"cm": 2.54, "mm": 25.4, "in": 1.0}
_SHEET = re.compile(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(cm|mm|in)@(\d+)(?:dpi|ppi)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Sheet:
    """A print: its sides, their unit (cm, mm or in), and the pixels of an inch of it."""

    long: float
    short: float
    unit: str
    dpi: int

    @property
    def pixels(self) -> tuple[float, float]:
        """Give the pixels along the longer and the shorter side."""
        inch = _PER_INCH[self.unit]
        return self.long / inch * self.dpi, self.short / inch * self.dpi

    def __str__(self) -> str:
        """Write it as ``parse_sheet`` reads it."""
        return f"{self.long:g}x{self.short:g}{self.unit}@{self.dpi}dpi"


def parse_sheet(text: str) -> Sheet:
    """Read the size of a print.

    Example:
        >>> parse_sheet("40x60cm@300dpi")
        Sheet(long=60.0, short=40.0, unit='cm', dpi=300)

    Raises:
        UsageError: when the text is anything else.
    """
    found = _SHEET.fullmatch(text.replace(" ", "").replace("×", "x"))
    sides = sorted((float(found[1]), float(found[2]))) if found else [0.0]
    if found is None or min(*sides, int(found[4])) <= 0:
        raise UsageError(f"--print takes a size such as 60x40cm@300dpi, not {text!r}", remedy="cm, mm or in")
    return Sheet(sides[1], sides[0], found[3].lower(), int(found[4]))


@dataclass(frozen=True)
class Size:
    """The size that a result is to have, from which the scale of each picture follows.

    With ``width`` and ``height`` it is the largest of the picture's shape within both. A ``sheet`` is filled
    in either direction; what the picture's shape has more than the sheet's stays.

    Raises:
        UsageError: for sizes that are not positive.
    """

    width: int | None = None
    height: int | None = None
    megapixels: float | None = None
    sheet: Sheet | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.width, self.height, self.megapixels) if value is not None]
        if not all(0 < value < math.inf for value in given):
            raise UsageError(f"the size {self} is not above 0")

    def scale_for(self, height: int, width: int) -> float:
        """Choose the scale for a picture, or a part of one, of ``height``×``width``.

        Raises:
            UsageError: when it is larger already, or would have to grow more than ``MAX_SCALE``.
        """
        if self.sheet is not None:
            long, short = self.sheet.pixels
            scale = max(long / max(height, width), short / min(height, width))
        elif self.megapixels is not None:
            scale = math.sqrt(self.megapixels * 1e6 / (height * width))
        else:
            sides = ((self.width, width), (self.height, height))
            scale = min(wanted / given for wanted, given in sides if wanted is not None)
        if scale < MIN_SCALE:
            raise UsageError(
                f"{width}×{height} pixels are more than {self} already", remedy="nothing to enlarge"
            )
        if scale > MAX_SCALE:
            raise UsageError(
                f"{self} is {scale:.1f} times the size of {width}×{height} pixels",
                remedy=f"at most {MAX_SCALE:g} times",
            )
        return scale

    def __str__(self) -> str:
        """Write it as names of results have it: ``w6000``, ``w6000-h4000``, ``24MP``, ``60x40cm@300dpi``."""
        if self.sheet is not None:
            return str(self.sheet)
        if self.megapixels is not None:
            return f"{self.megapixels:g}MP"
        sides = (("w", self.width), ("h", self.height))
        return "-".join(f"{name}{value}" for name, value in sides if value is not None)


@dataclass(frozen=True)
class Frame:
    """A zoom's geometry.

    ``region`` of the input is enlarged by ``scale``; of the result, ``height``×``width`` pixels are kept,
    starting ``top`` and ``left`` output pixels (which may be fractions) after its upper left corner.
    """

    region: Box
    scale: float
    height: int
    width: int
    top: float = 0.0
    left: float = 0.0


def plan_frame(
    height: int, width: int, scale: float, kind: FrameKind = "full", crop: Box | None = None
) -> Frame:
    """Plan the geometry for a picture of ``height``×``width``.

    ``full`` enlarges everything (or ``crop``); ``camera`` gives what a lens ``scale`` times as long would
    have recorded: the centre, at the input's own size in pixels.

    Raises:
        UsageError: for a scale outside 1..16, or a crop that is empty, leaves the picture or is combined
            with ``camera``.
    """
    if not MIN_SCALE <= scale <= MAX_SCALE:
        raise UsageError(f"scale {scale:g} is outside {MIN_SCALE:g} to {MAX_SCALE:g}")
    if kind == "camera":
        if crop is not None:
            raise UsageError("a crop and the camera frame exclude each other", remedy="drop one of them")
        return _camera_frame(height, width, scale)
    region = crop or Box(0, 0, height, width)
    if not region.lies_in(height, width):
        raise UsageError(
            f"the crop {region} is not inside the picture", remedy=f"X,Y,W,H within {width}×{height}"
        )
    return Frame(region, scale, _scaled(region.height, scale), _scaled(region.width, scale))


def plan_passes(scale: float, available: Sequence[int]) -> tuple[int, ...]:
    """Choose the models' scales: their product is the least that reaches ``scale``.

    Of equal products the fewest passes win, and the largest model goes first, on the camera's own pixels.
    A scale of 1 needs none.

    Raises:
        UsageError: when even ``MOST_PASSES`` models do not reach it.
    """
    if scale <= 1:
        return ()
    chains = itertools.chain.from_iterable(
        itertools.combinations_with_replacement(sorted(set(available), reverse=True), count)
        for count in range(1, MOST_PASSES + 1)
    )
    reaching = [chain for chain in chains if math.prod(chain) >= scale - 1e-9]
    if not reaching:
        raise UsageError(f"no chain of up to {MOST_PASSES} models reaches scale {scale:g}")
    return min(reaching, key=lambda chain: (math.prod(chain), len(chain)))


def _camera_frame(height: int, width: int, scale: float) -> Frame:
    top, rows, skipped_rows = _centre(height, scale)
    left, columns, skipped_columns = _centre(width, scale)
    return Frame(Box(top, left, rows, columns), scale, height, width, skipped_rows, skipped_columns)


def _centre(length: int, scale: float) -> tuple[int, int, float]:
    """Find first pixel and number of pixels that hold the centre 1/scale, and output pixels before it."""
    begin = (length - length / scale) / 2
    first, end = math.floor(begin), math.ceil(begin + length / scale)
    return first, end - first, (begin - first) * scale


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))

"""Rectangles of whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

from srnet_cli.config_file import parse_number
from srnet_cli.errors import UsageError


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels: rows ``top`` to ``bottom``, columns ``left`` to ``right``, ends excluded.

    Example:
        >>> Box(1, 2, height=3, width=4).bottom
        4
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to cut the box out of an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def __str__(self) -> str:
        """Write the box as ``parse_box`` reads it."""
        return f"{self.left},{self.top},{self.width},{self.height}"

    def lies_in(self, height: int, width: int) -> bool:
        """Tell whether the box has pixels, and all of them are pixels of a picture of that size."""
        fits = self.bottom <= height and self.right <= width
        return fits and min(self.top, self.left) >= 0 and min(self.height, self.width) >= 1


def parse_box(text: str, option: str) -> Box:
    """Read ``X,Y,W,H``, the value of the command line's ``option``.

    Example:
        >>> parse_box("20,10,40,30", "--crop")
        Box(top=10, left=20, height=30, width=40)

    Raises:
        UsageError: when the text is anything else.
    """
    try:
        left, top, width, height = (parse_number(part, int) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} takes four whole numbers X,Y,W,H, not {text!r}") from None
    if min(left, top) < 0 or min(width, height) < 1:
        raise UsageError(f"{option} {text}: X and Y start at 0, W and H at 1")
    return Box(top, left, height, width)

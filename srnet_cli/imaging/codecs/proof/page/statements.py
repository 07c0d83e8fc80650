"""What the tags of a TIFF page say of its colours, and what of it, or of other things, is not in the file."""

from __future__ import annotations

from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.colour import SRGB, Primaries, StatedColour

_PHOTOMETRIC, _WHITE_POINT, _PRIMARIES, _PROFILE = 262, 318, 319, 34675
#: white, primaries, curves of transfer, the range of YCbCr, a profile
_COLOURS = frozenset({_WHITE_POINT, _PRIMARIES, 301, 532, _PROFILE})
#: CMYK and two of CIE Lab, brought to sRGB when read
_CONVERTED = frozenset({5, 8, 9})

COLOURS_LOST = "what it says of its colours is damaged and was left out"
_OTHERS_LOST = "a part of what it says besides its picture lies behind its end, and is lost"


def stated_colour(page: Directory) -> StatedColour | None:
    """Return what the tags besides a profile say (TIFF 6.0, section 20), None when they say nothing."""
    if page.integer(_PHOTOMETRIC, 0) in _CONVERTED:
        return colour.SRGB_COLOUR
    values, white = page.numbers(_PRIMARIES), page.numbers(_WHITE_POINT)
    if len(values) != 6:
        return None
    points = list(zip(values[::2], values[1::2], strict=True))
    corner = (white[0], white[1]) if len(white) == 2 else SRGB.white
    primaries = Primaries(points[0], points[1], points[2], corner)
    return StatedColour(primaries) if primaries.usable() else None


def lost_statements(top: Directory, page: Directory, *, colours_known: bool) -> list[str]:
    """Return notes on what the first directory and that of the picture say and nobody can read.

    ``colours_known`` says that a profile or other tags tell what the colours mean.
    """
    lost = set().union(*(each.lost for each in (page, *top.walk())))
    unread = top.lost | top.faulty | page.lost | page.faulty
    says_colours = _PRIMARIES in page.entries or bool(unread & _COLOURS)
    # A profile would have taken the place of the other tags.
    is_damaged = (says_colours and not colours_known) or _PROFILE in page.lost
    notes = [COLOURS_LOST] if is_damaged else []
    return notes + ([_OTHERS_LOST] if lost - _COLOURS else [])

"""Tags of a TIFF's directory that damage shows: numbers, types and values that no writer gives them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Container, Mapping

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory

_OLD_SUBFILE_TYPE, _BITS, _PHOTOMETRIC, _COLOUR_MAP = 255, 258, 262, 320
_PALETTE = 3
#: enumerated ones, besides those of which only some are read: order of bits, planes, extra samples (one of
#: them Corel's), format
_VALUES: dict[int, Collection[int]] = {266: (1, 2), 284: (1, 2), 338: (0, 1, 2, 999), 339: range(1, 7)}

#: of a tag's number; no tag has that of one of the layout but for one of the others
_BITS_OF_NUMBERS = [1 << place for place in range(16)]
_UNUSED_BITS = frozenset(_BITS_OF_NUMBERS[9:15])
#: of all tags of pixels
_FIRST = 254


def wrong_values(page: Directory) -> set[int]:
    """Return the tags with a value that they cannot have, and a palette that is not that of the bits."""
    wrong = {tag for tag, known in _VALUES.items() if not set(page.integers(tag)) <= set(known)}
    wrong |= wrong_types(page, {_OLD_SUBFILE_TYPE: (ifd.SHORT,)})
    if page.integer(_PHOTOMETRIC, 0) == _PALETTE and not _is_palette(page):
        wrong.add(_COLOUR_MAP)
    return wrong


def wrong_types(page: Directory, known: Mapping[int, Collection[int]]) -> set[int]:
    """Return the tags that are not of one of their known types: their bytes would be other numbers."""
    return {
        tag for tag, kinds in known.items() if tag in page.entries and page.entries[tag].kind not in kinds
    }


def _is_palette(page: Directory) -> bool:
    """Return whether there are three colours of 16 bits for each number, apart from all other values."""
    found = page.entries.get(_COLOUR_MAP)
    if found is None or (found.kind, found.count) != (ifd.SHORT, 3 << min(page.integer(_BITS, 1), 16)):
        return False
    own = found.at, found.at + len(found.data)
    overlapping = [1 for start, end in page.extents if start < own[1] and own[0] < end]
    return len(overlapping) == 1  # with itself


def lost_numbers(page: Directory, tags: Container[int]) -> set[int]:
    """Return those of ``tags`` that are not there, while there is one whose number differs by one bit.

    That is one which no tag has, or the only one that is not in ascending order and would be with that bit;
    old scanners sort nothing.
    """
    order = [0, *page.entries, 1 << 16]
    is_sorted_but_once = sum(first > second for first, second in itertools.pairwise(order)) == 1
    lost = set()
    for before, tag, behind in zip(order, order[1:], order[2:], strict=False):
        is_amiss = is_sorted_but_once and not before < tag < behind
        for other in [tag ^ bit for bit in _BITS_OF_NUMBERS if tag ^ bit in tags]:
            if tag ^ other in _UNUSED_BITS or tag < _FIRST or (is_amiss and before < other < behind):
                lost.add(other)
    return lost - set(page.entries)

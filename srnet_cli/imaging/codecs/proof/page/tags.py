"""Tags of a TIFF's directory that damage shows: numbers, types and values that no writer gives them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry

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
_COMPRESSION, _SAMPLES, _EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING = 259, 277, 338, 339, 530
#: colours by the kind of picture; samples beyond them are named
COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3, 9: 3}
#: every page has these; and without some others it lacks pixels or colours, or has one strip as it had
_NEEDED = frozenset({256, 257, _PHOTOMETRIC})
_REFUSED_WITHOUT = _NEEDED | {273, 278, 279, _COLOUR_MAP, 322, 323, 324, 325}
_ALWAYS: tuple[int, Collection[int]] = (0, ())
_NUMBERS = (ifd.SHORT, ifd.LONG)
#: the types of tags without which it is another picture, and a tag with the values beside which they count
_FORMS: dict[int, tuple[Collection[int], tuple[int, Collection[int]]]] = {
    **dict.fromkeys((_BITS, _COMPRESSION, 266, _SAMPLES, 284, 317, _EXTRA, 339), ((ifd.SHORT,), _ALWAYS)),
    **dict.fromkeys((254, 32997, 32998), (_NUMBERS, _ALWAYS)),
    292: (_NUMBERS, (_COMPRESSION, (3,))),
    293: (_NUMBERS, (_COMPRESSION, (4,))),
    347: ((ifd.UNDEFINED,), (_COMPRESSION, (7,))),
    _SUBSAMPLING: ((ifd.SHORT,), (_PHOTOMETRIC, (6,))),
    34675: ((ifd.UNDEFINED,), _ALWAYS),
}
#: what holds where a tag is missing, if not 1; of alpha that is no loss, as it may be an orientation
_USUAL: dict[int, Collection[int]] = {
    254: (0,), 292: (0,), 293: (0,), _EXTRA: (1,), _SUBSAMPLING: (),
}  # fmt: skip


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


def lost_numbers(page: Directory, tags: Collection[int]) -> set[int]:
    """Return those of ``tags`` that are not there, while there is one whose number differs by one bit.

    That is one which no tag has, or the only one that is not in ascending order and would be with that bit,
    where its value may be that of the other: old scanners sort nothing, and some programs append a tag.
    """
    order = [0, *page.entries, 1 << 16]
    is_sorted_but_once = sum(first > second for first, second in itertools.pairwise(order)) == 1
    lost = set()
    for before, tag, behind in zip(order, order[1:], order[2:], strict=False):
        is_amiss = is_sorted_but_once and tag not in _NEEDED and not before < tag < behind
        for other in [tag ^ bit for bit in _BITS_OF_NUMBERS if tag ^ bit in tags]:
            is_misplaced = tag < _FIRST or (is_amiss and before < other < behind)
            if tag ^ other in _UNUSED_BITS or (is_misplaced and _may_be(page, page.entries[tag], other)):
                lost.add(other)
    return lost - set(page.entries)


def _may_be(page: Directory, found: Entry, tag: int) -> bool:
    """Return whether an entry has type, count and value of a ``tag`` that this page would need."""
    if tag in _REFUSED_WITHOUT or tag not in _FORMS:
        return tag not in _REFUSED_WITHOUT
    kind, (other, values) = _FORMS[tag]
    if found.kind not in kind or (other and page.integer(other, 1) not in values):
        return False
    if found.kind == ifd.UNDEFINED:
        return True
    samples = page.integer(_SAMPLES, 1)
    further = samples - COLOURS.get(page.integer(_PHOTOMETRIC, 0), samples)
    count = {_BITS: samples, _EXTRA: further, _SAMPLE_FORMAT: samples, _SUBSAMPLING: 2}.get(tag, 1)
    stated = {int(value) for value in found.numbers()}
    return (
        found.count == count
        and not stated & set(_USUAL.get(tag, (1,)))
        and stated <= {*_VALUES.get(tag, stated)}
    )

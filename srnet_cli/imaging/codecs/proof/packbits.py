"""PackBits: packets that no coder writes, of zeros or ones in the place of others (TIFF 6.0, section 9).

Zeros are "one byte follows: 0", ones are "twice 255", over and over, or else bytes that are stored as they
are, which coders do not do to so many of one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from srnet_cli.imaging.codecs.proof.tails import holds_run

#: a count at the head of a packet: of stored bytes below it, of nothing, of how often a byte is above it
_NOTHING = 128
#: as a row ends and the next one begins, coders write one of these twice
_SMALLEST = (b"\0\0", b"\xff\xff")
_LEAST_PACKETS = 4
#: coders that pack store fewer bytes of one value: imagecodecs 8, libtiff two; some may pack nothing
_LEAST_STORED = 10
#: of all pieces: packets are walked one by one, of which this may be half as many
_MOST_BYTES = 1 << 27
_LOST = re.compile(rb"\0{%d,}|\xff{%d,}" % (_LEAST_PACKETS * 2, _LEAST_PACKETS * 2))
_RUN = re.compile(rb"(.)\1{%d,}" % (_LEAST_STORED - 1), re.DOTALL)


def first_lost(pieces: Sequence[bytes], sizes: Sequence[int], row_bytes: int) -> int | None:
    """Return the index of the first piece in which zeros or ones took the place of packets, or None.

    ``sizes`` are those of the pieces when unpacked, of whole rows; what follows is padding. Where a coder
    stores runs in other packets as well, it is one that does. More than 128 MB are not looked at.
    """
    stores = False
    if sum(map(len, pieces)) > _MOST_BYTES:
        return None
    for index, (data, size) in enumerate(zip(pieces, sizes, strict=True)):
        if not holds_run(data, least=min(_LEAST_PACKETS * 2, _LEAST_STORED)):
            continue
        if _repeats_smallest(data, size, row_bytes):
            return index
        if not stores and (begin := _begin_of_stored(data, size)) is not None:
            others = [*pieces[:index], data[:begin], *pieces[index + 1 :]]
            if not any(map(_stores_run, others, sizes)):
                return index
            stores = True
    return None


def _packets(data: bytes, size: int, runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Yield of packets that runs reach into where they begin and end, and how many bytes of a run are stored.

    The others, which may be very many, are only passed over.
    """
    place = 0
    for first, behind in runs:
        stop = min(behind, len(data) - 1)
        while size > 0 and place < stop:
            head = data[place]
            if head < _NOTHING:
                end, unpacked = place + head + 2, head + 1
            elif head > _NOTHING:
                end, unpacked = place + 2, 257 - head
            else:
                end, unpacked = place + 1, 0
            if end > first:
                yield place, end, min(end, behind) - max(place + 1, first) if head < _NOTHING else 0
                if end > behind:
                    break  # it may reach into the next run as well
            place, size = end, size - unpacked


def _repeats_smallest(data: bytes, size: int, row_bytes: int) -> bool:
    """Return whether packets of one value, the smallest that there are, follow each other."""
    # Rows of one byte are such packets, and rows of two.
    may_repeat = {1: _SMALLEST[0], 2: _SMALLEST[1]}.get(row_bytes)
    runs = (match.span() for match in _LOST.finditer(data) if match.group()[:2] != may_repeat)
    last, reached, count = b"", 0, 0
    for start, end, _ in _packets(data, size, runs):
        whole = data[start:end]
        count = count + 1 if whole == last and start == reached else 1
        last, reached = whole, end
        if count >= _LEAST_PACKETS and whole in _SMALLEST:
            return True
    return False


def _begin_of_stored(data: bytes, size: int) -> int | None:
    """Return where the zeros or ones at the end begin, if as many as count are stored as they are."""
    if data[-1:] not in (b"\0", b"\xff"):
        return None
    begin = len(data.rstrip(data[-1:]))
    return begin if _stores(data, size, [(begin, len(data))]) else None


def _stores_run(data: bytes, size: int) -> bool:
    """Return whether as many bytes of one value are stored as they are."""
    return _stores(data, size, (match.span() for match in _RUN.finditer(data)))


def _stores(data: bytes, size: int, runs: Iterable[tuple[int, int]]) -> bool:
    return any(stored >= _LEAST_STORED for _, _, stored in _packets(data, size, runs))

"""Coded AV1 as it is, before a decoder sees it: how many frames, and of which size (AV1, 5.3 and 5.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from srnet_cli.errors import InputError

#: frames of a still picture: one, or a few layers; a decoder works through all that are not shown
_MOST_FRAMES = 32
_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6
#: bytes of a sequence header that are looked at; the size stands in the first thirty
_HEAD_BYTES = 64


def check_frames(path: Path, coded: bytes) -> None:
    """Refuse coded pixels of more frames than a still picture has.

    Raises:
        InputError: it has more.
    """
    frames = 0
    for kind, _, _ in _units(coded):
        frames += kind in (_FRAME_HEADER, _FRAME)
        if frames > _MOST_FRAMES:
            raise InputError("has more frames in one picture than it is given time for", path=path)


def is_whole(coded: bytes) -> bool:
    """Return whether coded pixels are units from end to end, with a header; else something has moved."""
    fits, has_header = True, not coded
    for kind, _, end in _units(coded):
        has_header |= kind == _SEQUENCE
        fits = end <= len(coded)
    return fits and has_header


def stated_size(coded: bytes) -> tuple[int, int] | None:
    """Return height and width that the coded pixels themselves state; None where that is not known."""
    start = next((start for kind, start, _ in _units(coded) if kind == _SEQUENCE), None)
    if start is None:
        return None
    head = coded[start : start + _HEAD_BYTES]
    bits, left = int.from_bytes(head, "big"), 8 * len(head)

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> max(left, 0) & ((1 << count) - 1)

    take(4)  # profile, still picture
    if take(1):
        take(5)
    elif take(1):
        return None  # with times, which no still picture needs
    else:
        delays = take(1)
        for _ in range(take(5) + 1):
            take(12)
            take(take(5) > 7)
            if delays and take(1):
                take(4)
    wide, tall = take(4) + 1, take(4) + 1
    width, height = take(wide) + 1, take(tall) + 1
    return (height, width) if left >= 0 else None


def _units(coded: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield kind, and start and end of the contents, of each OBU."""
    position = 0
    while position < len(coded):
        head = coded[position]
        position += 2 if head & 4 else 1
        size, shift = 0, 0
        while head & 2 and position < len(coded) and shift < 56:
            byte = coded[position]
            size |= (byte & 127) << shift
            position, shift = position + 1, shift + 7
            if not byte & 128:
                break
        end = position + size if head & 2 else len(coded)  # without a size it reaches to the end
        yield head >> 3 & 15, position, end
        position = end

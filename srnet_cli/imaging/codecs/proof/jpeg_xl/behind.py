"""What lies behind the pixels of a JPEG XL file: padding, or what was pushed out of their place.

Decoders leave it unread. Bytes that got among the pixels move all behind them, and their end comes to lie
behind the codestream, whose length its own table of sections states, or behind the box that it is in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import places

#: values of which padding is made, and the bytes that a broken transfer puts in at the most
PADDING = tuple(bytes([value]) for value in b"\0\xff \t\r\n\x1a")
LONGEST_MOVE = 16


def end_of_needed(path: Path, stream: bytes, is_decoded: Callable[[bytes], bool]) -> int:
    """Return where a codestream with padding behind it ends: a decoder wants its sections to their end.

    Raises:
        InputError: there is something else behind it.
    """
    if not is_decoded(stream[:-1]):
        return len(stream)
    # Its own last bytes may look like padding, but they are few: in steps of twice the length from the front.
    least, step = len(stream.rstrip(b"".join(PADDING))), 1
    if least == 0 or is_decoded(stream[: least - 1]):
        raise error_behind(path)
    short, most = least - 1, least
    while most < len(stream) and not is_decoded(stream[:most]):
        short, most, step = most, min(most + step, len(stream)), 2 * step
    while most - short > 1:
        middle = (short + most) // 2
        short, most = (short, middle) if is_decoded(stream[:middle]) else (middle, most)
    return most


def behind_boxes(path: Path, data: bytes) -> int:
    """Return how many bytes of padding lie behind the boxes of a file; none where it has no boxes.

    Raises:
        InputError: it is something else, as the end of a box that moved, or a box that is cut short.
    """
    end = max((stop for _, _, stop in places(data)), default=len(data))
    if data[end:].strip(b"".join(PADDING)):
        left = f"its last {len(data) - end:,} bytes belong to none of its parts, which may have moved"
        raise InputError(f"is damaged: {left}", path=path)
    return len(data) - end


def error_behind(path: Path) -> InputError:
    """Return the error of bytes behind a codestream that are no padding."""
    return InputError("is damaged: the end of its codestream belongs to no pixels", path=path)

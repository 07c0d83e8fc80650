"""Photoshop's own format through Pillow: the whole picture that the program stores beside the layers."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding, opened
from srnet_cli.imaging.codecs.pillow_read import decode_image, pillow_without_limit
from srnet_cli.imaging.codecs.proof import packbits
from srnet_cli.imaging.codecs.proof.bitmap.beside import Stored
from srnet_cli.imaging.codecs.proof.bitmap.colours import check_colours, in_planes
from srnet_cli.imaging.codecs.proof.bitmap.stored import check_stored
from srnet_cli.imaging.codecs.proof.page.grid import Grid
from srnet_cli.imaging.codecs.proof.page.order import check_order
from srnet_cli.reading import read_input

#: by mode, of bitmap, grey, palette, RGB and CMYK, the bits and the planes of its colours
_MODES = {0: (1, 1), 1: (8, 1), 2: (8, 1), 3: (8, 3), 4: (8, 4)}
_HEAD_BYTES = 26
_WHOLE_BYTES = 8
#: one bit a pixel, and numbers of colours in a table
_BITMAP, _PALETTE, _TABLE_BYTES = 0, 2, 768
#: of these modes other planes than that of the colours, and one more, have names
_OF_ONE_PLANE = (0, 1, 2)
#: pixels of a row in which no shape ends by chance
_LEAST_WIDTH = 32
#: bytes behind the pixels that mean nothing
_MOST_REST = 3
#: resources: how each begins, its least length; that of the version, and its byte that tells of a whole
_RESOURCE, _RESOURCE_BYTES, _VERSION_INFO, _HAS_WHOLE = b"8BIM", 12, 1057, 4
#: names of planes beside those of the colours, each with its length ahead
_PLANE_NAMES = 1006
#: how rows are stored
_PLAIN, _PACKED = 0, 1


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a PSD file of 8 bits.

    Raises:
        InputError: it is damaged, too large, or of a kind that is not supported.
    """
    data = read_input(path)
    if len(data) < _HEAD_BYTES:
        raise InputError("is cut short: its header is not whole", path=path)
    version, channels, height, width, depth, mode = struct.unpack_from(">H6xHIIHH", data, 4)
    if version != 1 or mode not in _MODES or depth not in (1, 8):
        raise InputError(
            f"is a Photoshop file of a kind that is not supported ({depth} bits)",
            path=path,
            remedy="save it as TIFF",
        )
    check_size(path, height, width, max_pixels)
    resources = _resources(data)
    if len(about := resources.get(_VERSION_INFO, b"")) > _HAS_WHOLE and not about[_HAS_WHOLE]:
        raise InputError(
            "has layers only: it was saved without a whole picture",
            path=path,
            remedy="save it with maximised compatibility, or as TIFF",
        )
    _check_mode(path, data, channels, depth, mode, _count(resources.get(_PLANE_NAMES, b"")))
    data = _check_rows(path, data, channels, height, width, depth)
    decoded = decode_image(path, data, max_pixels, ("PSD",))
    if mode == _PALETTE:
        with pillow_without_limit(), opened(io.BytesIO(data), ("PSD",)) as image:
            first = _HEAD_BYTES + 4
            check_colours(path, in_planes(data[first : first + _TABLE_BYTES], first, 1), np.asarray(image))
    if mode == _BITMAP:
        # Ones are ink there; Pillow takes them for white.
        return replace(decoded, samples=255 - decoded.samples)
    return decoded


def _check_mode(path: Path, data: bytes, channels: int, depth: int, mode: int, names: int) -> None:
    """Refuse a mode that has other bits, planes or colours than there are.

    Raises:
        InputError: saying which.
    """
    bits, planes = _MODES[mode]
    table = int.from_bytes(data[_HEAD_BYTES : _HEAD_BYTES + 4], "big")
    reason = None
    if depth != bits:
        reason = f"{depth} bits"
    elif channels < planes or (mode in _OF_ONE_PLANE and channels > planes + 1 + names):
        reason = f"{channels} planes"
    elif mode == _PALETTE and table != _TABLE_BYTES:
        reason = f"a table of {table:,} bytes"
    if reason is not None:
        raise InputError(f"is damaged: no picture of mode {mode} has {reason}", path=path)


def _check_rows(path: Path, data: bytes, channels: int, height: int, width: int, depth: int) -> bytes:
    """Refuse a picture whose planes break off or are not as many bytes as its size asks for, or packed rows.

    Returns a file for Pillow: of packed planes it finds those of the colours only where there are no others.

    Raises:
        InputError: with what is missing.
    """
    with decoding(path):
        compression, start = _pixels(data)
        row_bytes = (width * depth + 7) // 8
        if compression == _PLAIN:
            stored = Stored(start, row_bytes, channels * height, row_bytes, depth, channels)
            _check_size(path, data, stored)
            check_stored(path, data, stored)
            if depth == _WHOLE_BYTES and width >= _LEAST_WIDTH:
                planes = np.frombuffer(data, np.uint8, channels * height * width, start)
                planes = planes.reshape(channels, height, width)
                grid = Grid(height, width, channels, False, height, width, width)
                starts = range(start, start + planes.size, height * width)
                check_order(path, grid, starts, np.moveaxis(planes, 0, -1), (0, 255))
        elif compression == _PACKED:
            lengths = struct.unpack_from(f">{channels * height}H", data, start)
            ends = list(itertools.accumulate(lengths, initial=start + 2 * len(lengths)))
            packed = [data[first:end] for first, end in itertools.pairwise(ends)]
            rows = _unpacked(path, packed, height, row_bytes)
            return data[: start - 2] + struct.pack(">H", _PLAIN) + b"".join(rows)
        else:
            raise InputError(f"is damaged: no picture has compression {compression}", path=path)
    return data


def _unpacked(path: Path, packed: Sequence[bytes], height: int, row_bytes: int) -> list[bytes]:
    """Return the rows of planes, each of which is packed by itself.

    Raises:
        InputError: naming a row that is longer or shorter, or holds zeros or ones in the place of packets.
    """

    def refused(index: int, reason: str) -> InputError:
        where = f"row {index % height + 1} of channel {index // height + 1}"
        return InputError(f"is damaged: {where} {reason}", path=path)

    rows = [bytes(imagecodecs.packbits_decode(row)) for row in packed]
    wrong = next((index for index, row in enumerate(rows) if len(row) != row_bytes), None)
    if wrong is not None:
        raise refused(wrong, f"has {len(rows[wrong])} of {row_bytes} bytes")
    lost = packbits.first_lost(packed, [row_bytes] * len(packed), row_bytes)
    if lost is not None:
        raise refused(lost, "holds no data at its end")
    return rows


def _check_size(path: Path, data: bytes, stored: Stored) -> None:
    """Refuse planes that are fewer or more bytes than the size asks for; nothing is behind them but zeros.

    Raises:
        InputError: with the numbers of bytes.
    """
    rest = data[stored.end :]
    if len(data) < stored.end or (len(rest) > _MOST_REST and rest.strip(b"\0")):
        raise InputError(
            f"is damaged: its pixels have {len(data) - stored.start:,} bytes, "
            f"its size asks for {stored.end - stored.start:,}",
            path=path,
        )


def _resources(data: bytes) -> dict[int, bytes]:
    """Return what the program says besides, by numbers, as far as it makes sense."""
    found = {}
    try:
        (colours,) = struct.unpack_from(">I", data, _HEAD_BYTES)
        position = _HEAD_BYTES + 4 + colours
        (length,) = struct.unpack_from(">I", data, position)
        position += 4
        end = min(position + length, len(data))
        while position + _RESOURCE_BYTES <= end and data[position : position + 4] == _RESOURCE:
            (number,) = struct.unpack_from(">H", data, position + 4)
            named = position + 6
            # A name with its length ahead, and a body, each of even length.
            named += 1 + data[named] + (data[named] + 1) % 2
            (size,) = struct.unpack_from(">I", data, named)
            found[number] = data[named + 4 : named + 4 + size]
            position = named + 4 + size + size % 2
    except (struct.error, IndexError):
        pass  # cut short: its decoder names it
    return found


def _count(names: bytes) -> int:
    """Return how many names there are, each with its length ahead."""
    count = position = 0
    while position < len(names):
        count, position = count + 1, position + 1 + names[position]
    return count


def _pixels(data: bytes) -> tuple[int, int]:
    """Return how the whole picture is stored, and where, behind three sections of any length."""
    position = _HEAD_BYTES
    for _ in range(3):
        (length,) = struct.unpack_from(">I", data, position)
        position += 4 + length
    return struct.unpack_from(">H", data, position)[0], position + 2

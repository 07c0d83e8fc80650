"""Tables of colours, which pixels are numbers of: parts that a copy or a disk did not bring.

Only colours that pixels have are looked at; those behind the last, or between those at both ends that a
system keeps for itself, may well be zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import BY_CHANCE, SECTOR
from srnet_cli.reading import open_input

#: bytes that are missing before it is said
_LEAST_BYTES = 64
#: colours that pixels have and that are lost, with all of their values or, of a table in planes, with one
_LEAST_COLOURS, _LEAST_OF_PLANES = 2, 8
#: and of a whole plane
_LEAST_OF_A_PLANE = 32


@dataclass(frozen=True)
class Table:
    """Colours from byte ``start`` of a file on: N×K places in ``data`` of their bytes, the lowest first."""

    data: bytes
    start: int
    places: NDArray[np.int64]
    #: bytes of a plane where all values of red are ahead of all of green
    plane_bytes: int = 0


def in_turn(data: bytes, start: int, colour_bytes: int) -> Table:
    """Return a table of three bytes for each colour, of ``colour_bytes`` from one to the next."""
    first = np.arange(0, len(data) - colour_bytes + 1, colour_bytes)
    return Table(data, start, first[:, None] + np.arange(3))


def in_planes(data: bytes, start: int, value_bytes: int) -> Table:
    """Return a table of all reds, then all greens, then all blues, of ``value_bytes`` each."""
    plane = len(data) // 3 // value_bytes * value_bytes
    first = np.arange(0, plane, value_bytes)[:, None] + np.arange(3) * plane
    places = (first[..., None] + np.arange(value_bytes)).reshape(first.shape[0], -1)
    return Table(data, start, places, plane)


def check_colours(path: Path, table: Table, numbers: NDArray[Any]) -> None:
    """Refuse a table of which sectors are zeros or ones where pixels, of these ``numbers``, have colours.

    They begin and end where sectors do, in the file, or with the table, or take in its last plane and the end
    of the file. Whole planes of it may be the picture's, as shades of green have no red: unless many colours
    have no order in the others.

    Raises:
        InputError: saying where.
    """
    # Numbers of one bit may come as true and false.
    used = np.unique(numbers).astype(np.int64)
    used = used[used < table.places.shape[0]]
    places, order = np.unique(table.places[used], return_index=True)
    colours = used[order // table.places.shape[1]]
    data = np.frombuffer(table.data, np.uint8)
    planes = places // (table.plane_bytes or len(table.data) or 1)
    for value in (0, 255):
        changes = np.flatnonzero(np.diff(np.concatenate([[0], data[places] == value, [0]]).astype(np.int8)))
        for first, end in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
            begin, is_exact = _begin(table, places, planes, first)
            stop, ends_exactly = _end(table, places, planes, end)
            if begin is None and end == places.size and planes[first] < planes[-1]:
                # To the end of the file, whose copy may have broken off anywhere.
                begin = int(places[first]) if _is_all_behind(path, table, value) else None
            is_all = first == 0 and end == places.size
            is_part = is_exact or ends_exactly or is_all
            if not is_part and used.size >= _LEAST_OF_A_PLANE:
                is_part = not _has_order(table, used, first, end)
            least = _LEAST_OF_PLANES if table.plane_bytes and not is_all else _LEAST_COLOURS
            if (
                begin is not None
                and stop is not None
                and is_part
                and stop - begin >= _LEAST_BYTES
                and np.unique(colours[first:end]).size >= least
                and bool((data[begin:stop] == value).all())
            ):
                raise InputError(
                    f"is damaged: {stop - begin} bytes of its colours are lost, "
                    f"from byte {table.start + begin:,} on",
                    path=path,
                    remedy="if they are meant to be so, save it as RGB",
                )


def check_numbers(path: Path, numbers: NDArray[Any], colours: int) -> None:
    """Refuse pixels of numbers beyond those of a table of so many colours: a part of it, or of them, is lost.

    Raises:
        InputError: with both numbers.
    """
    if numbers.size and numbers.max() >= colours:
        raise InputError(
            f"is damaged: its pixels are of {int(numbers.max()) + 1} colours, its table of {colours}",
            path=path,
        )


def _is_all_behind(path: Path, table: Table, value: int) -> bool:
    """Return whether nothing but bytes of this value is behind a table, if anything."""
    with open_input(path) as file:
        file.seek(table.start + len(table.data))
        return not file.read().strip(bytes([value]))


def _has_order(table: Table, used: NDArray[np.int64], first: int, end: int) -> bool:
    """Return whether the values of used colours rise or fall in planes outside of the used bytes given.

    So do ramps, of which whole planes may be one value.
    """
    bytes_ = np.frombuffer(table.data, np.uint8)[table.places[used]].reshape(used.size, 3, -1)
    values = (bytes_.astype(np.int64) << 8 * np.arange(bytes_.shape[2])).sum(axis=2)
    own = used.size * bytes_.shape[2]
    others = [plane for plane in range(3) if not first <= plane * own < end]
    steps = np.diff(values[:, others], axis=0)
    return bool(((steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)).all())


def _begin(
    table: Table, places: NDArray[np.int64], planes: NDArray[np.int64], first: int
) -> tuple[int | None, bool]:
    """Return where a stretch that begins at the used byte ``first`` was lost from, and whether it must be.

    None where no sector begins there; it is not certain where the table or a plane begins as well.
    """
    place = int(places[first])
    if not first:
        return place, False
    sector = (table.start + place + BY_CHANCE) // SECTOR * SECTOR - table.start
    if sector <= places[first - 1]:
        return None, False
    return sector, bool(planes[first] == planes[first - 1]) and _is_within(table, sector)


def _end(
    table: Table, places: NDArray[np.int64], planes: NDArray[np.int64], end: int
) -> tuple[int | None, bool]:
    """Return up to where a stretch was lost, as :func:`_begin`."""
    place = int(places[end - 1]) + 1
    if end == places.size:
        return place, False
    sector = -(-(table.start + place - BY_CHANCE) // SECTOR) * SECTOR - table.start
    if sector > places[end]:
        return None, False
    return sector, bool(planes[end] == planes[end - 1]) and _is_within(table, sector)


def _is_within(table: Table, place: int) -> bool:
    """Return whether a place is not where a plane begins, or by chance seems to."""
    column = place % (table.plane_bytes or len(table.data))
    return BY_CHANCE < column < (table.plane_bytes or len(table.data)) - BY_CHANCE

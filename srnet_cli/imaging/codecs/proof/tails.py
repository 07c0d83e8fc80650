"""Ends that hold nothing: what an interrupted copy leaves behind the data that it copied."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError

#: no compression of a picture writes so many bytes of one value
LEAST_RUN = 64
_RUN = re.compile(rb"\0{%d,}|\xff{%d,}" % (LEAST_RUN, LEAST_RUN))
#: rows that are missing before it is said
_LEAST_ROWS, _LEAST_SHARE = 8, 0.01
#: a black part of this share below a full row is taken for what is missing, unless the top is black as well
_LARGE_SHARE = 0.25
#: of a row with picture in it, the samples that are not the value of the end
_FULL = 0.9
#: of a row, what counts as its very start or end
_EDGE = 0.02
#: different values in a row of a photograph; masks and drawings, which may end in one, have fewer
_LEAST_VALUES = 8


def holds_run(data: bytes, only_zeros: bool = False) -> bool:
    """Return whether compressed data holds a long run of zeros or, unless left out, of ones."""
    found = re.search(rb"\0{%d,}" % LEAST_RUN, data) if only_zeros else _RUN.search(data)
    return found is not None


def ends_in_run(data: bytes, least: int = LEAST_RUN) -> bool:
    """Return whether data ends in so many bytes that are all zero or all ones."""
    tail = data[-least:]
    return len(tail) == least and tail[:1] in (b"\0", b"\xff") and not tail.strip(tail[:1])


def check_end(
    path: Path, samples: NDArray[Any], values: Iterable[int] | None = None, *, borders: bool = False
) -> None:
    """Refuse uncompressed samples, H×W or H×W×C, that break off: nothing shows it but their end.

    A picture may be black or white below. What is missing starts at some byte: within a row whose left part,
    and the row above it, are picture. Black that starts with a row is refused where it is a quarter of the
    picture or more, lies under a row without any black, and the top is not black (as of a frame).

    ``values`` are those that the missing part may have: zeros and ones. With ``borders`` the picture may well
    have an empty one, which is refused only where it begins within a row.

    Raises:
        InputError: with the number of rows.
    """
    rows = samples.reshape(samples.shape[0], -1)
    if samples.dtype.kind not in "ui" or rows.shape[0] < 2 * _LEAST_ROWS:
        return
    for value in (0, int(np.iinfo(samples.dtype).max)) if values is None else values:
        missing = _rows_of(rows, value)
        if missing < max(_LEAST_ROWS, rows.shape[0] * _LEAST_SHARE) or missing > rows.shape[0] - 2:
            continue
        if (
            np.unique(rows[-missing - 2]).size < _LEAST_VALUES
            or (rows[-missing - 2] == value).mean() > 1 - _FULL
        ):
            continue
        last = rows[-missing - 1] != value
        filled = int(np.flatnonzero(last)[-1]) + 1
        is_full = last[:filled].mean() >= _FULL
        is_cut = is_full and _EDGE * last.size < filled < (1 - _EDGE) * last.size
        is_large = not borders and value == 0 and missing >= rows.shape[0] * _LARGE_SHARE
        is_sharp = is_large and (is_full or filled <= _EDGE * last.size) and bool(rows[0].any())
        if is_cut or is_sharp:
            raise InputError(
                f"is incomplete: the last {missing} of {rows.shape[0]} rows hold no data",
                path=path,
                remedy="if they are meant to be so, save it with compression" if is_sharp else None,
            )


def _rows_of(rows: NDArray[Any], value: int) -> int:
    """Return how many rows at the end hold this value alone."""
    count = 0
    while count < rows.shape[0] and rows[-1 - count, -1] == value and (rows[-1 - count] == value).all():
        count += 1
    return count

"""The table of a DNG that its samples are looked up in, ahead of anything else (DNG 1.7, LinearizationTable).

It leads from what a camera stored to values that are in proportion to light: more is never less.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory

LINEAR_TABLE = 50712
_SECTOR, _VALUE_BYTES = 512, 2
#: values that the first or the last of a table share before they may be lost: of one of 256, and of a long
#: one, in which as many are the least part
_LEAST_RUN, _LEAST_OF_LONG, _PART = 16, 64, 16
_MOST = 0xFFFF
#: steps at the edge of such a run that tell how steep the table is there, and how many of them a jump
#: exceeds; few of a short table, which gets steeper within them
_STEPS, _STEPS_OF_LONG, _STEPS_PART, _JUMP = 4, 16, 64, 8


def check_curve(path: Path, directory: Directory) -> None:
    """Refuse a table that falls, is all one value, or begins or ends as one that lost a sector.

    Raises:
        InputError: saying so.
    """
    entry = directory.entries.get(LINEAR_TABLE)
    if entry is None or entry.kind != ifd.SHORT or entry.count < 2:
        return
    values = np.frombuffer(entry.data, "<u2").astype(np.int32)
    begins = _jumps(values, entry.at)
    # Seen from its end it is the same, with ones.
    ends = _jumps(_MOST - values[::-1], -(entry.at + len(entry.data)))
    if begins or ends or (np.diff(values) < 0).any() or values[0] == values[-1]:
        raise InputError("is damaged: the table of its values does not rise as light does", path=path)


def _jumps(values: NDArray[np.int32], at: int) -> bool:
    """Return whether a table begins with zeros up to a sector, and there leaps to another value."""
    run = int(np.argmax(values != 0))
    is_at_sector = (at + run * _VALUE_BYTES) % _SECTOR in (0, _SECTOR - 1)
    least = min(max(_LEAST_RUN, values.size // _PART), _LEAST_OF_LONG)
    count = min(max(_STEPS, values.size // _STEPS_PART), _STEPS_OF_LONG)
    steps = np.diff(values[run:])
    # Of coarse values few differ: then the least step may be as far from zero.
    unit = min(steps[steps > 0].tolist(), default=1)
    return run >= least and is_at_sector and bool(values[run] > _JUMP * steps[:count].max(initial=unit))

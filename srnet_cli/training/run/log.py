"""The log of a run, a line a record: read back from a file that may be anyone's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srnet_cli.reading import parse_json, read_input

Records = list[dict[str, Any]]

LOG_FILE = "log.jsonl"
#: bytes of a log, and of a line in it: a run of 500,000 steps that writes each has as many
MOST_BYTES, _LONGEST_LINE = 2**27, 2**14
#: numbers that can be drawn are smaller by far; NaN is not smaller
_LARGEST = 1e30
#: in every line
_OF_RECORDS = frozenset({"step", "epoch", "elapsed"})
#: how each line begins, with its first number as 0; and where one begins in a line
_BEGINNING = b'{"step": 0, "epoch": '
_NUMBER, _RECORD_BEGINS = re.compile(rb"\d+"), re.compile(rb'(?=\{"step": )')


def read_log(path: Path) -> Records:
    """Read the records of a log, numbers by name; lines that are none, or cut short, are left out.

    Raises:
        InputError: it is not a regular file, cannot be read, or is too long.
    """
    return [record for record in _records(path) if record]


def read_run_log(path: Path) -> Records:
    """Read the records that tell their step, as those of a run do.

    Raises:
        InputError: as :func:`read_log`.
    """
    return [record for record in read_log(path) if _is_of_run(record)]


def is_run_log(path: Path) -> bool:
    """Tell whether nothing is in a log but what a run writes, and what its end may leave of that.

    A full disk, a kill or a power cut leave a record cut short, the next one right behind it, or zeros.

    Raises:
        InputError: as :func:`read_log`.
    """
    return all(_is_left_by_run(part) for line in _lines(path) for part in _RECORD_BEGINS.split(line))


def _is_left_by_run(part: bytes) -> bool:
    """Tell a record of a run, or the beginning of one, from whatever else a line may be."""
    part = part.partition(b"\0")[0]
    record = _record(part)
    if record is not None:
        return _is_of_run(record)
    begins = _NUMBER.sub(b"0", part, count=1)
    return _BEGINNING.startswith(begins[: len(_BEGINNING)])


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what the lines hold; of one that is no record nothing."""
    for line in _lines(path):
        yield _record(line) or {}


def _lines(path: Path) -> list[bytes]:
    # Bytes, as a disk may have left anything of a line.
    return read_input(
        path, MOST_BYTES, remedy="move it away, and the run goes on with a new one"
    ).splitlines()


def _record(line: bytes) -> dict[str, Any] | None:
    """Read the numbers of a record; None when it is none."""
    try:
        record = parse_json(line.decode()) if len(line) <= _LONGEST_LINE else None
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    return {name: value for name, value in record.items() if _is_number(value)}


def _is_of_run(record: dict[str, Any]) -> bool:
    return record.keys() >= _OF_RECORDS and isinstance(record["step"], int)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST

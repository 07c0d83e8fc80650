"""The log of a run, a line a record: read back from a file that may be anyone's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srnet_cli.reading import parse_json, read_input

Records = list[dict[str, Any]]

LOG_FILE = "log.jsonl"
#: bytes of a log, and of a line in it: a run of a million steps writes a few megabytes
MOST_BYTES, _LONGEST_LINE = 2**25, 2**14
#: numbers that can be drawn are smaller by far; NaN is not smaller
_LARGEST = 1e30
#: in every line
_OF_RECORDS = frozenset({"step", "epoch", "elapsed"})


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
    """Tell whether something is in a log, and it is what a run writes; its last line may have been cut.

    Raises:
        InputError: as :func:`read_log`.
    """
    found = [_is_of_run(record) for record in _records(path)]
    return any(found) and all(found[:-1])


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what the lines hold; of one that is no record nothing."""
    # Bytes are split, as a disk may have left anything of a line.
    for line in read_input(path, MOST_BYTES).splitlines():
        try:
            record = parse_json(line.decode()) if len(line) <= _LONGEST_LINE else None
        except ValueError:
            record = None
        numbers = record.items() if isinstance(record, dict) else ()
        yield {name: value for name, value in numbers if _is_number(value)}


def _is_of_run(record: dict[str, Any]) -> bool:
    return record.keys() >= _OF_RECORDS and isinstance(record["step"], int)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST

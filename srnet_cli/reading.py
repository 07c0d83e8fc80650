"""Files that are read: the one way to open what the program did not write itself.

Only regular files are read. A FIFO would wait for a writer, a device such as ``/dev/zero`` has no end, and a
folder may be named like a picture. Everything is bounded before it is read.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from srnet_cli.errors import InputError, SrnetError
from srnet_cli.temporaries import is_temporary

#: the largest file that is read in one piece: twice the samples of the largest picture that is allowed
MOST_BYTES = 4 << 30
#: cards, configurations, lists of transforms: a few pages of text
MOST_TEXT_BYTES = 1 << 20

#: descriptor of standard output
_OUTPUT = 1
#: digits of the largest whole number of JSON: any float has fewer
_MOST_DIGITS = 300
#: containers in containers; checkpoints have four
_DEEPEST = 100
_NESTING = (dict, list, tuple, set)

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Without it, opening a pipe waits for whoever writes into it. Windows has none, and no pipes among its files.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_input(path: Path, error: type[SrnetError] = InputError) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        InputError: or ``error``: there is no such file, it is not a regular one, it may not be read, what is
            said on standard output would be written into it, or the next file that is written beside its
            folder removes it.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as refused:
        raise _explained(path, refused, error) from (None if _is_missing(refused) else refused)
    found = os.fstat(descriptor)
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise error(_other_kind(kind), path=path)
    # With standard output closed the file itself may have its descriptor, and must not be shut.
    harmed = None if descriptor == _OUTPUT else _harmed(path, found)
    if harmed is not None:
        os.close(descriptor)
        reason, remedy = harmed
        raise error(reason, path=path, remedy=remedy)
    return os.fdopen(descriptor, "rb")


def refuse_harmed(paths: Iterable[Path]) -> None:
    """Refuse files that a command is about, be they opened or not, and would harm though it writes no other.

    Raises:
        InputError: what is said on standard output would be written into one, or the next file that is
            written beside its folder removes it.
    """
    for path in paths:
        try:
            harmed = _harmed(path, path.stat())
        except (OSError, ValueError):
            continue
        if harmed is not None:
            reason, remedy = harmed
            raise InputError(reason, path=path, remedy=remedy)


def _harmed(path: Path, found: os.stat_result) -> tuple[str, str] | None:
    """Return reason and remedy; nothing more goes to standard output then, not what is said of it either."""
    if _is_output(found):
        _shut_output()
        return (
            "is where standard output goes: the result would replace its own input",
            "send that to another file",
        )
    if is_temporary(Path(os.path.realpath(path)).parent):
        return (
            "is in a folder of unfinished files, which is removed when its process has ended",
            "move the file out of there first",
        )
    return None


def _is_output(found: os.stat_result) -> bool:
    try:
        output = os.fstat(_OUTPUT)
    except OSError:  # closed
        return False
    return (output.st_dev, output.st_ino) == (found.st_dev, found.st_ino)


def _shut_output() -> None:
    """Let nothing more into the file behind standard output: not what is said of the failure, either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _OUTPUT)
    os.close(nowhere)


def check_input(path: Path, error: type[SrnetError] = InputError) -> None:
    """Refuse what :func:`open_input` refuses, for libraries that open a file by its name."""
    open_input(path, error).close()


def read_input(
    path: Path, most: int = MOST_BYTES, error: type[SrnetError] = InputError, remedy: str | None = None
) -> bytes:
    """Read a regular file of at most ``most`` bytes; ``remedy`` is for a longer one.

    Raises:
        InputError: or ``error``: as :func:`open_input`, or it is longer.
    """
    with open_input(path, error) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise error(f"has {size:,} bytes, more than the limit of {most:,}", path=path, remedy=remedy)
        try:
            return file.read(size)
        except OSError as refused:
            raise _explained(path, refused, error) from refused


def read_text_input(path: Path, most: int = MOST_TEXT_BYTES, error: type[SrnetError] = InputError) -> str:
    """Read a regular file of UTF-8 text.

    Raises:
        InputError: or ``error``: as :func:`read_input`, or it is no such text.
    """
    content = read_input(path, most, error)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as refused:
        line = content.count(b"\n", 0, refused.start) + 1
        raise error(
            f"is not UTF-8 text: line {line} holds other bytes", path=path, remedy="save it as UTF-8"
        ) from refused


def parse_json(text: str) -> Any:
    """Parse JSON that another may have written: of any depth and any numbers.

    Raises:
        ValueError: it is not JSON, or cannot be held: nested too deeply, or with endless numbers.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def every_part(value: object) -> Iterator[object]:
    """Yield a value and all that is in it, keys too, by every way that leads there.

    Raises:
        ValueError: it is nested more deeply than anything that is meant to be read.
    """
    entered: list[Iterator[object]] = [iter((value,))]
    while entered:
        for part in entered[-1]:
            yield part
            if isinstance(part, _NESTING):
                entered.append(chain(part, part.values()) if isinstance(part, dict) else iter(part))
                break
        else:
            entered.pop()
        if len(entered) > _DEEPEST:
            raise ValueError("it is nested too deeply")


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _explained(path: Path, refused: OSError, error: type[SrnetError]) -> SrnetError:
    if _is_missing(refused):
        return error("there is no such file", path=path)
    if isinstance(refused, IsADirectoryError) or path.is_dir():
        return error(_other_kind(stat.S_IFDIR), path=path)
    return error(f"cannot be read: {(refused.strerror or 'unknown').lower()}", path=path)


def _is_missing(refused: OSError) -> bool:
    return isinstance(refused, FileNotFoundError | NotADirectoryError)


def _other_kind(kind: int) -> str:
    if kind == stat.S_IFDIR:
        return "is a folder, not a file"
    return f"is {_KINDS.get(kind, 'a special file')}, not a file; only regular files are read"

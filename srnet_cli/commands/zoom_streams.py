"""Standard input and output as the picture that is read and the one that is written.

Decoders need to go back and forth in a file, so what comes in is kept in a temporary one.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from srnet_cli.console import call
from srnet_cli.errors import InputError, OutputError, SrnetError, UsageError
from srnet_cli.reading import refuse_harmed

if TYPE_CHECKING:
    from srnet_cli.zooming.forecast.plan import Forecast
    from srnet_cli.zooming.request import ZoomResult

_Outcome = TypeVar("_Outcome", "Forecast", "ZoomResult")

STREAM = "-"
_STDIN = "standard input"
_BLOCK = 1 << 20
#: of what is no other format: LibRaw goes by the content
_UNKNOWN_SUFFIX = ".raw"


@dataclass(frozen=True)
class Streams:
    """The paths that stand in for the streams."""

    inputs: list[Path]
    output: str | None
    #: whether the result goes to stdout
    to_stdout: bool = False
    #: identities of the files behind the streams, by the paths that stand for them
    standing: Mapping[Path, Hashable] = field(default_factory=dict)

    def named(self, found: Sequence[_Outcome]) -> list[_Outcome]:
        """Give the outcomes again with the streams under their own names."""
        return [self._named(each) if each.source in self.standing else each for each in found]

    def _named(self, outcome: _Outcome) -> _Outcome:
        error: object = outcome.error
        if isinstance(error, SrnetError):
            error = type(error)(error.reason, path=_STDIN, remedy=error.remedy)
        elif error is not None:
            error = str(error).replace(str(outcome.source), _STDIN)
        changes: dict[str, Any] = {"source": Path(STREAM), "error": error}
        return replace(outcome, **changes)

    def send(self, target: Path | None) -> None:
        """Copy the result to stdout.

        Raises:
            OSError: it cannot be written.
        """
        if self.to_stdout and target is not None and target.exists():
            with target.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, _BLOCK)
            sys.stdout.buffer.flush()


@contextmanager
def streams(inputs: Sequence[Path], output: str | None, json: bool) -> Iterator[Streams]:
    """Put temporary files in the place of ``-`` among the inputs and as the output.

    Raises:
        UsageError: there is more than one input, no output, or stdout is needed twice.
        InputError: nothing comes in, or too much.
        OutputError: stdout is closed.
    """
    refuse_harmed(inputs)
    from_stdin, to_stdout = Path(STREAM) in inputs, output == STREAM
    if not (from_stdin or to_stdout):
        yield Streams(list(inputs), output)
        return
    if len(inputs) > 1:
        raise UsageError("- is one picture, and cannot be among others", remedy="one picture at a time")
    if from_stdin and output is None:
        raise UsageError(
            "a picture from standard input has no place for its result", remedy="-o FILE, or -o -"
        )
    if to_stdout and json:
        raise UsageError("--json and -o - both need standard output", remedy="-o FILE")
    if to_stdout and sys.stdout is None:
        raise OutputError("standard output is closed", remedy="-o FILE")
    if to_stdout and sys.stdout.isatty():
        raise UsageError("a picture cannot be written to a terminal", remedy="-o FILE, or > FILE")
    with tempfile.TemporaryDirectory(prefix="srnet-") as folder:
        results, standing = Path(folder, "out"), {}
        found = [_received(Path(folder))] if from_stdin else list(inputs)
        if from_stdin:
            call(found[0], _STDIN)
            standing[found[0]] = _identity(sys.stdin)
            if sys.stdout is not None and _identity(sys.stdout) == standing[found[0]]:
                raise OutputError("standard output would replace its own input", path=found[0])
        if to_stdout:
            standing[results] = _identity(sys.stdout)
        yield Streams(found, f"{results}" if to_stdout else output, to_stdout, standing)


def _identity(stream: IO[str]) -> Hashable:
    """Return device and inode of the file behind a stream; anything else, which may be both, equals none."""
    with suppress(OSError, ValueError):
        found = os.fstat(stream.fileno())
        if stat.S_ISREG(found.st_mode):
            return found.st_dev, found.st_ino
    return object()


def _received(folder: Path) -> Path:
    from srnet_cli.imaging.formats import HEAD_BYTES, content_format
    from srnet_cli.reading import MOST_BYTES

    if sys.stdin is None:
        raise InputError("standard input is closed")
    arrived, size = folder / "stdin", 0
    with arrived.open("wb") as file:
        while block := sys.stdin.buffer.read(_BLOCK):
            size += len(block)
            if size > MOST_BYTES:
                raise InputError(f"standard input has more than the limit of {MOST_BYTES:,} bytes")
            file.write(block)
    if not size:
        raise InputError("standard input is empty")
    with arrived.open("rb") as file:
        found = content_format(file.read(HEAD_BYTES))
    suffix = _UNKNOWN_SUFFIX if found is None else found.suffixes[0]
    return arrived.rename(arrived.with_suffix(suffix))

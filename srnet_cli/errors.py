"""Every error that this program raises on purpose.

A command turns any of them into one line for the user: what it concerns, why, what to do about it.
"""

from __future__ import annotations

import os
import reprlib
from pathlib import Path

#: letters of a reason: what is quoted in it may come from a file, and be as long as that
_LONGEST = 4000
_BRIEF = reprlib.Repr()
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxother = 2, 80, 80


class SrnetError(Exception):
    """Base of all expected failures.

    ``reason`` says what is wrong in one clause, ``path`` (where there is one) the file it concerns and
    ``remedy`` what the user can do about it. ``exit_code`` is what a command ends with.
    """

    exit_code = 1

    def __init__(self, reason: str, *, path: Path | str | None = None, remedy: str | None = None) -> None:
        self.reason = reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}…"
        self.path = None if path is None else Path(path)
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        where = "" if self.path is None else f"{self.path}: "
        what_to_do = "" if self.remedy is None else f" ({self.remedy})"
        return f"{where}{self.reason}{what_to_do}"

    def about(self, path: Path) -> SrnetError:
        """Give the error again, naming ``path`` where it does not name a file itself."""
        return self if self.path is not None else type(self)(self.reason, path=path, remedy=self.remedy)


def brief(value: object) -> str:
    """Quote a value that comes from a file, without making a text of all of it.

    Example:
        >>> brief("x4"), brief(["a"] * 10**6)
        ("'x4'", "['a', 'a', 'a', 'a', 'a', 'a', ...]")
    """
    return _BRIEF.repr(value)


def unexpected(error: Exception, *, path: Path | str | None = None) -> SrnetError:
    """Describe an error that was not raised on purpose; ``path`` is what it happened to."""
    if isinstance(error, MemoryError):
        return DeviceError("not enough memory", path=path)
    if isinstance(error, OSError) and error.strerror:
        # The system's own refusal, which says by itself what is wrong.
        return SrnetError(error.strerror.lower(), path=_subject(error, path))
    text = " ".join(str(error).split())[:300]
    reason = f"unexpected {type(error).__name__}" + (f": {text}" if text else "")
    return SrnetError(reason, path=path, remedy="a bug; --debug shows where it happened")


def named(error: Exception, path: Path) -> SrnetError:
    """Describe any error of one picture of several, naming ``path``; the others must not miss their turn."""
    return error.about(path) if isinstance(error, SrnetError) else unexpected(error, path=path)


def _subject(error: OSError, path: Path | str | None) -> Path | str | None:
    """Find the file that the system names, else ``path``."""
    name = error.filename
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else path


class UsageError(SrnetError):
    """The command line asks for something impossible or contradictory."""

    exit_code = 2


class RegistrationError(SrnetError):
    """Two pictures cannot be aligned."""


class InputError(SrnetError):
    """A picture or capture cannot be read."""


class OutputError(SrnetError):
    """A result cannot be written."""


class ExistsError(OutputError):
    """What is to be written is there already, and may not be replaced."""


class WeightsError(SrnetError):
    """A model, card or checkpoint cannot be used."""


class ProcessDiedError(SrnetError):
    """A process that did a part of the work is gone."""


class UnknownNetworkError(WeightsError):
    """Weights are of no network that is known here; another project's may be."""


class DataError(SrnetError):
    """Training or evaluation data is missing, damaged or inconsistent."""


class TrainingError(SrnetError):
    """Training cannot start or go on."""


class PeerError(SrnetError):
    """Another process of the same job cannot be reached."""


class DivergedError(TrainingError):
    """The loss, the weights or the results are not finite, or the loss has exploded."""


class DeviceError(SrnetError):
    """The requested device or precision is not available, or its memory is not enough."""


class MissingExtraError(SrnetError):
    """An optional package is needed and not installed."""

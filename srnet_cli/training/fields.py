"""Fields of options: what the command line shows of each, and the values that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from srnet_cli.errors import UsageError

#: panels of the help
DATA = "What to train on"
NETWORK = "The network"
LENGTH = "How long, how much at once"
OPTIMISER = "Optimiser"
LOSS = "Loss"
KEEPING = "Measuring and keeping"
COMPUTE = "How it is computed"


#: of any number: hours, steps, and seeds, which random generators take no larger
MOST = 2**32 - 1


@dataclass(frozen=True)
class Range:
    """Numbers that an option takes, and how an error calls them."""

    holds: Callable[[float], bool]
    text: str


POSITIVE = Range(lambda value: value > 0, "must be above 0")
NOT_NEGATIVE = Range(lambda value: value >= 0, "must be at least 0")
DECAY = Range(lambda value: 0 <= value < 1, "lies in 0..1 (1 excluded)")
SHARE = Range(lambda value: 0 < value <= 1, "lies in 0..1 (0 excluded)")
SCALES = Range(lambda value: 2 <= value <= 16, "lies in 2..16")
#: a reduction to 1/16 of less is nothing
FEATURE_CROPS = Range(lambda value: value >= 32, "must be at least 32")


@dataclass(frozen=True)
class Option:
    """Presentation of an option on the command line, and the numbers that it takes."""

    panel: str
    help: str | None = None
    range: Range | None = None
    #: its default in words, where the field's own does not say it
    shown: str | None = None
    metavar: str | None = None
    #: its flags, where they are not ``--name`` (and ``--no-name``)
    flags: tuple[str, ...] = ()


def option(default: Any, *args: Any, **kwargs: Any) -> Any:
    """Make a field with an ``Option``."""
    return field(default=default, metadata={"option": Option(*args, **kwargs)})


@dataclass(frozen=True)
class Key:
    """An option as the command line and the file know it."""

    type: Any
    default: Any
    #: None for what exists in the file only
    option: Option | None

    def check(self, name: str, value: Any) -> None:
        """Refuse a value.

        Raises:
            UsageError: when it is none of the choices, out of range, or nothing that config.toml can hold;
                the message names the flag.
        """
        if get_origin(self.type) is Literal and value not in get_args(self.type):
            raise UsageError(f"{flag(name)} is one of {', '.join(get_args(self.type))}, not {value!r}")
        limits = self.option.range if self.option else None
        if limits is not None and value is not None and not limits.holds(value):
            raise UsageError(f"{flag(name)} {limits.text}, not {str(value)[:40]}")
        if isinstance(value, int | float) and not abs(value) <= MOST:
            raise UsageError(f"{flag(name)} goes up to {MOST:,}, not {str(value)[:40]}")
        for text in map(str, value if isinstance(value, tuple) else (value,)):
            if not _is_utf8(text):
                raise UsageError(
                    f"{flag(name)} {ascii(text)[1:-1]} is not UTF-8, as the config.toml of a run has to be",
                    remedy="rename it, or make a link to it",
                )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def flag(name: str) -> str:
    """Return the flag that sets an option."""
    return "--" + name.replace("_", "-")

"""Fields of options: what the command line shows of each, and the values that it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
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


@dataclass(frozen=True)
class Range:
    """Numbers that an option takes: from ``low`` to ``high``, the ends included or not."""

    low: float
    high: float = inf
    with_low: bool = True
    with_high: bool = True

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high or value in self._ends

    @property
    def _ends(self) -> list[float]:
        return [end for end, included in ((self.low, self.with_low), (self.high, self.with_high)) if included]

    def __str__(self) -> str:
        if self.high == inf:
            return f"must be {'at least' if self.with_low else 'above'} {self.low:g}"
        without = [f"{end:g}" for end in (self.low, self.high) if end not in self._ends]
        return f"lies in {self.low:g}..{self.high:g}" + (f" ({without[0]} excluded)" if without else "")


POSITIVE = Range(0, with_low=False)
NOT_NEGATIVE = Range(0)
DECAY = Range(0, 1, with_high=False)


@dataclass(frozen=True)
class Option:
    """How a field of the options is shown on the command line, and the numbers that it takes."""

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
            UsageError: when it is none of the choices, or out of range; the message names the flag.
        """
        if get_origin(self.type) is Literal and value not in get_args(self.type):
            raise UsageError(f"{flag(name)} is one of {', '.join(get_args(self.type))}, not {value!r}")
        limits = self.option.range if self.option else None
        if limits is not None and value is not None and value not in limits:
            raise UsageError(f"{flag(name)} {limits}, not {value}")


def flag(name: str) -> str:
    """Return the flag that sets an option."""
    return "--" + name.replace("_", "-")

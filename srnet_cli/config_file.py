"""Values of options: numbers as text, and TOML files, read with the keys and types that a table states."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from srnet_cli.errors import UsageError, brief
from srnet_cli.reading import read_text_input

Number = TypeVar("Number", int, float)

_KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}

#: a page of text; TOML of tens of kilobytes can take gigabytes to parse
MOST_CONFIG_BYTES = 16_384
#: of a whole number: no option comes near, and a float would not hold it
_TOO_LARGE = 10**30


def parse_number(text: str, kind: type[Number]) -> Number:
    """Read a number as people write it: Python also takes 1_0 for 10, and the digits of other scripts.

    Raises:
        ValueError: when it is not one.
    """
    if "_" in text or not text.isascii():
        raise ValueError(f"{text!r} is not a number")
    return kind(text)


def read_config(path: Path, types: Mapping[str, Any]) -> dict[str, Any]:
    """Read the values of a file, each in the type that ``types`` states for its key.

    Raises:
        UsageError: when the file cannot be read or is not TOML, or a key is unknown or of the wrong type.
    """
    try:
        return _typed_table(tomllib.loads(read_text_input(path, MOST_CONFIG_BYTES, UsageError)), types)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not valid TOML: {error}", path=path) from error
    except UsageError as error:
        raise UsageError(error.reason, path=path, remedy=error.remedy) from error


def base_type(hint: Any) -> Any:
    """Return the type of a value that may be None or left out."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return next(kind for kind in get_args(hint) if kind is not NoneType)


def _typed_table(values: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    for name in sorted(values.keys() - types.keys()):
        raise UsageError(f"unknown option {name!r}{_nearest(name, types)}")
    return {name: _typed(name, value, types[name]) for name, value in values.items()}


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return ``value``, as TOML gives it, in the type of its option."""
    kind = base_type(hint)
    if isinstance(value, str) and "\0" in value:
        raise UsageError(f"{name} holds a NUL, which no path or name does: {brief(value)}")
    if get_origin(kind) is Literal:
        kind = str  # which texts are allowed is the options' own check
    if get_origin(kind) is tuple:
        if get_args(kind)[0] is Path and isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            raise UsageError(f"{name} is a list, not {brief(value)}")
        return tuple(_typed(name, item, get_args(kind)[0]) for item in value)
    if is_dataclass(kind):
        return _record(name, value, kind)
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    if isinstance(value, int) and abs(value) >= _TOO_LARGE:
        raise UsageError(f"{name} is a number of {len(str(value))} digits")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{name} must be finite")
        return value
    raise UsageError(f"{name} is {_KINDS[kind]}, not {brief(value)}")


def _record(name: str, value: object, kind: Any) -> Any:
    keys = [f.name for f in fields(kind)]
    if not isinstance(value, dict):
        shape = ", ".join(f"{key} = …" for key in keys)
        raise UsageError(f"an entry of {name} is {{{shape}}}, not {brief(value)}")
    typed = _typed_table(value, get_type_hints(kind))
    missing = [key for key in keys if key not in typed]
    if missing:
        raise UsageError(f"an entry of {name} lacks {', '.join(missing)}")
    return kind(**typed)

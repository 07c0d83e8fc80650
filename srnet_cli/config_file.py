"""Options of a training run as a TOML file."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from srnet_cli.errors import UsageError
from srnet_cli.files import atomic_path
from srnet_cli.training.options import Phase, TrainOptions


def read_options(path: Path) -> dict[str, Any]:
    """The options in a TOML file, as keyword arguments of ``TrainOptions``.

    Raises:
        UsageError: when the file cannot be read or is no TOML, or a key is unknown or of the wrong type.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", path=path) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"no valid TOML: {error}", path=path) from error
    try:
        return {name: _typed(name, value, hint) for name, value, hint in _with_hints(values, TrainOptions)}
    except UsageError as error:
        raise UsageError(error.reason, path=path) from error


def options_text(options: TrainOptions) -> str:
    """The options as TOML that ``read_options`` takes; what is None is left out."""
    values = {f.name: getattr(options, f.name) for f in fields(options)}
    return "".join(
        f"{name} = {_toml(value)}\n"
        for name, value in values.items()
        if value is not None and (name, value) != ("phases", ())
    )


def write_options(path: Path, options: TrainOptions) -> None:
    """Write ``config.toml``.

    Raises:
        OutputError: when it cannot be written.
    """
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(options_text(options), encoding="utf-8")


def _with_hints(values: Mapping[str, Any], kind: type[Any]) -> Iterable[tuple[str, Any, Any]]:
    hints = get_type_hints(kind)
    unknown = sorted(values.keys() - hints.keys())
    if unknown:
        raise UsageError(f"unknown option {unknown[0]!r}{_nearest(unknown[0], hints)}")
    return [(name, value, hints[name]) for name, value in values.items()]


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _typed(name: str, value: Any, hint: Any) -> Any:
    """``value``, as TOML gives it, in the type of its field."""
    kinds = [kind for kind in (get_args(hint) if _is_union(hint) else (hint,)) if kind is not NoneType]
    kind = kinds[0]
    if get_origin(kind) is Literal:
        kind = str  # which texts are allowed is the dataclass's own check
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{name} is a list, not {value!r}")
        return tuple(_typed(name, item, get_args(kind)[0]) for item in value)
    if kind is Phase:
        return _phase(value)
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{name} must be finite")
        return value
    raise UsageError(f"{name} is {_KINDS[kind]}, not {value!r}")


_KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}


def _phase(value: object) -> Phase:
    if not isinstance(value, dict):
        raise UsageError(f"a phase is {{until = …, patch = …, batch = …}}, not {value!r}")
    typed = {name: _typed(name, item, hint) for name, item, hint in _with_hints(value, Phase)}
    missing = sorted({f.name for f in fields(Phase)} - typed.keys())
    if missing:
        raise UsageError(f"a phase lacks {', '.join(missing)}")
    return Phase(**typed)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | Path():
            # A JSON string is a TOML string, but for DEL, which TOML wants escaped.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case Phase():
            return f"{{until = {value.until}, patch = {value.patch}, batch = {value.batch}}}"
    return repr(value)

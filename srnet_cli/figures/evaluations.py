"""Evaluations as ``srnet eval --output`` keeps them, read back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError
from srnet_cli.imaging.resize import INTERPOLATIONS
from srnet_cli.reading import parse_json, read_text_input

RESULTS = "results.json"
#: figures that can be drawn are smaller by far; NaN and infinity are no figures
_LARGEST = 1e30


@dataclass(frozen=True)
class Method:
    """A method's means over a set."""

    name: str
    #: means by the keys of the metrics
    means: Mapping[str, float]
    parameters: int | None
    #: multiply-accumulates for 64×64 LR pixels
    macs: int | None
    #: for a picture
    seconds: float

    @property
    def interpolates(self) -> bool:
        return self.name in INTERPOLATIONS


@dataclass(frozen=True)
class MeasuredSet:
    """All methods on one set at one scale."""

    name: str
    scale: int
    pictures: int
    methods: tuple[Method, ...]

    @property
    def title(self) -> str:
        return f"{self.name} ×{self.scale}"

    def named(self, method: Method) -> str:
        """Return a method's name without the scale in it, which tells rows of several scales apart."""
        bare = re.sub(rf"(^|[-_/ ])x{self.scale}(?=$|[-_/ .])", "", method.name).strip("-_/ ")
        return bare or method.name


def read_evaluations(paths: Sequence[Path]) -> tuple[MeasuredSet, ...]:
    """Read the sets of several evaluations; a path is a folder of results or its ``results.json``.

    Raises:
        InputError: when there is none, or it is not one.
    """
    found: list[MeasuredSet] = []
    for path in paths:
        file = path / RESULTS if path.is_dir() else path
        try:
            document = parse_json(read_text_input(file, 256 * 2**20))
            found += [_set(one) for one in document["sets"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                "is not the result of an evaluation", path=file, remedy="srnet eval --output makes one"
            ) from error
    return tuple(found)


def _set(one: Mapping[str, Any]) -> MeasuredSet:
    methods = tuple(_method(row) for row in one["methods"])
    return MeasuredSet(str(one["name"]), int(_positive(one["scale"])), len(one["pictures"]), methods)


def _method(row: Mapping[str, Any]) -> Method:
    return Method(
        str(row["method"]),
        {key: _finite(mean["value"]) for key, mean in row["means"].items()},
        _whole(row["parameters"]),
        _whole(row["macs_64x64"]),
        _positive(row["seconds_per_picture"]),
    )


def _finite(value: object) -> float:
    if not isinstance(value, int | float) or not abs(value) < _LARGEST:
        raise ValueError(f"{value!r:.80} is no figure")
    return float(value)


def _positive(value: object) -> float:
    if _finite(value) < 0:
        raise ValueError(f"{value!r:.80} is below 0")
    return _finite(value)


def _whole(value: object) -> int | None:
    return None if value is None else int(_positive(value))

"""Jobs for tests of the cache, in a module that a new process imports quickly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.preparation import Prepared


@dataclass(frozen=True)
class Work:
    """A job that does what its name says."""

    name: str
    scene: str = "scene"

    @property
    def group(self) -> str:
        return self.name

    def inputs(self) -> tuple[Path, ...]:
        return ()

    def parameters(self) -> Mapping[str, Any]:
        return {}

    def run(self) -> Prepared:
        if self.name == "dies":
            os._exit(1)
        if self.name.startswith("stumbles"):
            raise OverflowError("date value out of range")
        return Prepared({"lr": np.zeros((2, 2, 3), np.uint8)}, {})


@dataclass(frozen=True)
class Arrays:
    """A job that keeps given arrays."""

    name: str
    arrays: Mapping[str, NDArray[Any]]

    @property
    def group(self) -> str:
        return self.name

    @property
    def scene(self) -> str:
        return self.name

    def inputs(self) -> tuple[Path, ...]:
        return ()

    def parameters(self) -> Mapping[str, Any]:
        return {}

    def run(self) -> Prepared:
        return Prepared(self.arrays, {})

"""Every benchmark finds what it imports."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import benchmarks
from benchmarks.record import as_json

FOLDER = Path(benchmarks.__file__).parent


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("[!_]*.py")))
def test_a_benchmark_can_be_imported(name: str) -> None:
    import_module(f"benchmarks.{name}")


def test_figures_are_finite() -> None:
    assert as_json({"×4": 1.5}) == '{\n "×4": 1.5\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json({"psnr": float("inf")})

"""The writer of measured figures: ``benchmarks/results/NAME.json``, as tables ``NAME.md``, or stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def as_json(figures: dict[str, Any]) -> str:
    """Write figures as one document.

    Raises:
        ValueError: when a figure is not finite.
    """
    return json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def record(name: str, figures: dict[str, Any], tables: str | None = None, folder: Path = RESULTS) -> None:
    """Write ``NAME.json``, and ``NAME.md`` when there are ``tables``, into ``folder``.

    Raises:
        ValueError: when a figure is not finite.
    """
    (folder / f"{name}.json").write_text(as_json(figures), encoding="utf-8")
    if tables is not None:
        (folder / f"{name}.md").write_text(tables, encoding="utf-8")

"""Where measured figures are kept: ``benchmarks/results/NAME.json``, and as tables ``NAME.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def record(name: str, figures: dict[str, Any], tables: str | None = None) -> None:
    """Write ``NAME.json``, and ``NAME.md`` when there are ``tables``.

    Raises:
        ValueError: when a figure is not finite.
    """
    text = json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    if tables is not None:
        (RESULTS / f"{name}.md").write_text(tables, encoding="utf-8")

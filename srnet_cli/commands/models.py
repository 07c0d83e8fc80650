"""``srnet models``: the released models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from srnet_cli.zooming.overview import Overview

EXAMPLES = """
  srnet models                                    every model, and when srnet zoom takes it
  srnet models --json                             the same for programs
"""


def models(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """List the released models: what each is for, its size and gain, when zoom takes it."""
    from srnet_cli.console import emit_json
    from srnet_cli.zooming.overview import overview

    found = overview()
    if json:
        emit_json({"models": [model.document() for model in found]})
    else:
        typer.echo("\n".join(listing(found)))


def listing(found: Sequence[Overview]) -> list[str]:
    """Write a line for each model that fits 80 columns, with a heading, and notes below."""
    from srnet_cli.evaluation.outputs.tables import count, significant

    rows = [("model", "scale", "values", "gain dB", "crisp", "s/MP", "taken for")]
    for model in found:
        gain = model.gain_over_bicubic
        rows.append(
            (
                model.name,
                f"×{model.scale}",
                count(model.parameters),
                "–" if gain is None else f"{gain.value:+.2f}",
                f"{model.default_crisp:g}" if model.crisp else "–",
                "–" if model.speed is None else significant(model.speed.seconds_per_megapixel),
                _taken(model),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    purposes: dict[tuple[str, str], list[str]] = {}
    for model in found:
        gain = model.gain_over_bicubic
        measured = "" if gain is None else f"; gain on {gain.pictures}"
        purposes.setdefault((model.purpose, measured), []).append(model.name)
    notes = [f"{purpose}{measured}:\n  {', '.join(names)}" for (purpose, measured), names in purposes.items()]
    key = [
        "gain: PSNR over bicubic, dB. crisp: its --crisp unasked; –: no crisp weights.",
        "s/MP: seconds here for a megapixel of the picture; –: not measured. It is by",
        "  srnet zoom PICTURE --dry-run --model NAME",
    ]
    where = sorted({model.speed.device for model in found if model.speed is not None})
    key += [f"  measured on {device}" for device in where]
    return [*(line.rstrip() for line in lines), "", *notes, "", *key]


def _taken(model: Overview) -> str:
    kinds = (("", model.taken_for), ("--fast ", model.taken_fast_for))
    return ", ".join(f"{flag}{_ranges(scales)}" for flag, scales in kinds if scales) or "its name only"


def _ranges(scales: Sequence[int]) -> str:
    """Write ascending numbers shortly.

    Example:
        >>> _ranges([2, 3, 4, 9])
        '×2–4 ×9'
    """
    groups: list[list[int]] = []
    for scale in scales:
        if groups and scale == groups[-1][-1] + 1:
            groups[-1].append(scale)
        else:
            groups.append([scale])
    return " ".join(f"×{g[0]}" if len(g) == 1 else f"×{g[0]}–{g[-1]}" for g in groups)

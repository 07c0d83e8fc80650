"""The results as files for other programs and for a README: CSV, JSON, Markdown."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from srnet_cli.console import printable
from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.metrics import METRICS
from srnet_cli.evaluation.outputs.tables import (
    Cell,
    Table,
    cost_table,
    definitions,
    detail_table,
    quality_table,
)
from srnet_cli.evaluation.results import MethodSummary, PictureResult, SetResult
from srnet_cli.evaluation.statistics import Mean

#: where a cell may begin within a text: behind a semicolon or a tab, and on another line
_CELLS = re.compile(r"(?<=[;\t\n\v\f\x1c-\x1e\x85\u2028\u2029])|(?<=\r)(?!\n)")


def methods_csv(results: Sequence[SetResult]) -> str:
    """Write a line for each set and method, with every mean and interval."""
    return _csv(row for result in results for row in _method_rows(result))


def pictures_csv(results: Sequence[SetResult]) -> str:
    """Write a line for each set, picture and method."""
    return _csv(row for result in results for row in _picture_rows(result))


def document(results: Sequence[SetResult], about: dict[str, Any]) -> dict[str, Any]:
    """Collect everything measured, for JSON: figures, means, intervals, failures and definitions."""
    return {
        **about,
        "metrics": {m.key: {"title": m.title, "unit": m.unit, "meaning": m.meaning} for m in METRICS},
        "sets": [_set_document(result) for result in results],
    }


def markdown(results: Sequence[SetResult]) -> str:
    """Write tables for a README: quality with the paired difference, and cost."""
    meanings = "\n".join(f"- *{term}*: {meaning}." for term, meaning in definitions())
    return "\n\n".join([*map(_set_markdown, results), meanings]) + "\n"


def _method_rows(result: SetResult) -> Iterator[dict[str, Any]]:
    for summary in result.summaries:
        row = {"set": result.name, "scale": result.scale, "lr": result.origin, **_costs(summary)}
        for key in (m.key for m in METRICS):
            row |= _columns(key, summary.means.get(key))
            row |= _columns(f"{key}_minus_{REFERENCE}", summary.gains.get(key))
        yield row


def _costs(summary: MethodSummary) -> dict[str, Any]:
    return {
        "method": summary.info.name,
        "pictures": summary.pictures,
        "parameters": summary.info.parameters,
        "macs_64x64": summary.info.published_macs,
        "macs_per_picture": summary.macs,
        "seconds_per_picture": summary.seconds,
        "seconds_per_lr_megapixel": summary.seconds_per_megapixel,
        "peak_bytes": summary.memory,
    }


def _columns(name: str, mean: Mean | None) -> dict[str, float | None]:
    if mean is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}


def _picture_rows(result: SetResult) -> Iterator[dict[str, Any]]:
    for picture in result.measured:
        for name, m in picture.measurements.items():
            yield {
                "set": result.name,
                "scale": result.scale,
                "lr": result.origin,
                "picture": picture.name,
                "lr_width": picture.width,
                "lr_height": picture.height,
                "method": name,
                "seconds": m.seconds,
                "peak_bytes": m.memory,
                "macs": m.macs,
                **{metric.key: m.figures.get(metric.key) for metric in METRICS},
            }


def _csv(rows: Iterator[dict[str, Any]]) -> str:
    lines: list[str] = []
    for row in rows:
        if not lines:
            lines.append(_line(row))
        lines.append(_line(row.values()))
    return "".join(lines)


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    # A cell is quoted that holds a sign of the line's end: a lone carriage return would not be with "\n".
    csv.writer(text, lineterminator="\r\n").writerow(map(_cell, cells))
    return text.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any) -> Any:
    """Mark as text what a spreadsheet would take for a formula: names are those of other people's files.

    Where numbers have a comma, it begins another cell at a semicolon, within quotes as well; others do at a
    tab, and some read line by line.
    """
    return "".join(map(_marked, _CELLS.split(value))) if isinstance(value, str) else value


def _marked(text: str) -> str:
    # Blanks are passed over, and full-width signs taken for the usual ones.
    plain = unicodedata.normalize("NFKC", text).lstrip()
    is_formula = plain.startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if is_formula else text


def _set_document(result: SetResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "scale": result.scale,
        "lr": result.origin,
        "notes": list(result.notes),
        "methods": [_summary_document(summary) for summary in result.summaries],
        "pictures": [_picture_document(picture) for picture in result.pictures],
    }


def _summary_document(summary: MethodSummary) -> dict[str, Any]:
    return {
        **_costs(summary),
        "means": {key: asdict(mean) for key, mean in summary.means.items()},
        f"minus_{REFERENCE}": {key: asdict(gain) for key, gain in summary.gains.items()},
    }


def _picture_document(picture: PictureResult) -> dict[str, Any]:
    return {
        "name": picture.name,
        "lr_width": picture.width,
        "lr_height": picture.height,
        "results": {name: asdict(m) for name, m in picture.measurements.items()},
        "errors": list(picture.errors),
    }


def _set_markdown(result: SetResult) -> str:
    failed = [f"not measured: {p.name} ({'; '.join(p.errors)})" for p in result.failed]
    notes = "\n".join(f"- {as_markdown(line)}" for line in (*result.notes, *failed))
    head = f"### {as_markdown(result.title)}, {len(result.measured)} pictures"
    makers = (quality_table, detail_table, cost_table) if result.measured else ()
    tables = [_table_markdown(make(result)) for make in makers]
    return "\n\n".join(part for part in (head, *tables, notes) if part)


def _table_markdown(table: Table) -> str:
    def cell(content: Cell) -> str:
        return f"**{as_markdown(content.text)}**" if content.best else as_markdown(content.text)

    rules = [":--", *["--:"] * (len(table.heads) - 1)]
    lines = [
        [as_markdown(head) for head in table.heads],
        rules,
        *([cell(c) for c in row] for row in table.rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_markdown(text: str) -> str:
    """Escape what Markdown takes for its own; names may hold it."""
    for sign in "\\|*_`<[":
        text = text.replace(sign, f"\\{sign}")
    return printable(" ".join(text.split()))

"""The results as tables: for the terminal, as CSV, as Markdown and as one JSON document."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from srnet_cli.evaluation.figures import METRICS, Metric, metric
from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.results import MethodSummary, SetResult
from srnet_cli.evaluation.statistics import Mean

if TYPE_CHECKING:
    from rich.table import Table

#: the difference that stands in every table
GAIN = "psnr_rgb"
#: metrics that only files hold
_FILES_ONLY = frozenset({"ssim_range2", "residual_entropy"})


# --- numbers as text ----------------------------------------------------------------------------------------


def number(value: float | None, digits: int) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def count(value: float | None) -> str:
    """A large number with its unit: 3.43 M, 17.8 G."""
    if value is None:
        return "–"
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def seconds(value: float) -> str:
    """A time to three digits."""
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1g}"


def gain_text(summary: MethodSummary, key: str = GAIN) -> str:
    """The difference to the reference with its interval; ``n.s.`` where that holds zero."""
    gain = summary.gains.get(key)
    return "" if gain is None else difference(gain, metric(key))


def difference(gain: Mean, of: Metric) -> str:
    """A signed difference with its interval."""
    text = f"{gain.value:+.{of.digits}f}"
    if gain.low is None or gain.high is None:
        return text
    doubt = "" if gain.beyond_chance else " n.s."
    return f"{text} [{gain.low:+.{of.digits}f}, {gain.high:+.{of.digits}f}]{doubt}"


def best_names(summaries: Sequence[MethodSummary], key: str) -> frozenset[str]:
    """The methods that share the best mean as it is printed."""
    means = {s.info.name: round(s.means[key].value, metric(key).digits) for s in summaries if key in s.means}
    if not means:
        return frozenset()
    best = max(means.values()) if metric(key).higher_is_better else min(means.values())
    return frozenset(name for name, mean in means.items() if mean == best)


def shown_keys(result: SetResult) -> tuple[str, ...]:
    """Metrics of the tables for people."""
    return tuple(key for key in result.keys if key not in _FILES_ONLY)


# --- terminal -----------------------------------------------------------------------------------------------


def terminal_tables(result: SetResult, decorated: bool) -> list[Table]:
    """One table of quality and one of cost."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    def table(title: str) -> Table:
        lines = box.SIMPLE_HEAD if decorated else None
        return Table(title=title, box=lines, title_justify="left", title_style="bold", pad_edge=False)

    quality = table(f"{escape(result.title)}, {len(result.measured)} pictures")
    quality.add_column("method")
    for key in shown_keys(result):
        quality.add_column(metric(key).title.replace(" ", "\n", 1).replace("-", "-\n", 1), justify="right")
    quality.add_column(f"Δ {metric(GAIN).title} to {REFERENCE}\n[dim]95 % interval[/]", justify="left")
    best = {key: best_names(result.summaries, key) for key in result.keys}
    for summary in result.summaries:
        name = summary.info.name
        cells = [_cell(summary, key, name in best[key]) for key in shown_keys(result)]
        quality.add_row(escape(name), *cells, escape(gain_text(summary)))
    cost = table("")
    for heading in (
        "method",
        "pictures",
        "parameters",
        "MACs 64×64",
        "MACs/picture",
        "s/picture",
        "s/MP of LR",
        "peak MB",
    ):
        cost.add_column(heading, justify="left" if heading == "method" else "right")
    for row in cost_rows(result):
        cost.add_row(escape(row[0]), *row[1:])
    return [quality, cost]


def cost_rows(result: SetResult) -> list[list[str]]:
    """Method, pictures, parameters, both counts of MACs, both times, memory; as text."""
    return [
        [
            s.info.name,
            str(s.pictures),
            count(s.info.parameters),
            count(s.info.published_macs),
            count(s.macs),
            seconds(s.seconds),
            seconds(s.seconds_per_megapixel),
            number(None if s.memory is None else s.memory / 1e6, 0),
        ]
        for s in result.summaries
    ]


def _cell(summary: MethodSummary, key: str, best: bool) -> str:
    mean = summary.means.get(key)
    text = number(None if mean is None else mean.value, metric(key).digits)
    return f"[bold]{text}[/]" if best else text


# --- files --------------------------------------------------------------------------------------------------


def methods_csv(results: Sequence[SetResult]) -> str:
    """A line for each set and method, with every mean and interval."""
    return _csv(row for result in results for row in _method_rows(result))


def pictures_csv(results: Sequence[SetResult]) -> str:
    """A line for each set, picture and method."""
    return _csv(row for result in results for row in _picture_rows(result))


def _method_rows(result: SetResult) -> Iterator[dict[str, Any]]:
    for s in result.summaries:
        row: dict[str, Any] = {
            "set": result.name,
            "scale": result.scale,
            "lr": result.origin,
            "method": s.info.name,
            "pictures": s.pictures,
            "parameters": s.info.parameters,
            "macs_64x64": s.info.published_macs,
            "macs_per_picture": s.macs,
            "seconds_per_picture": s.seconds,
            "seconds_per_lr_megapixel": s.seconds_per_megapixel,
            "peak_bytes": s.memory,
        }
        for key in (m.key for m in METRICS):
            mean, gain = s.means.get(key), s.gains.get(key)
            row |= _columns(key, mean) | _columns(f"{key}_minus_{REFERENCE}", gain)
        yield row


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
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(text, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)
    return text.getvalue()


def document(results: Sequence[SetResult], about: dict[str, Any]) -> dict[str, Any]:
    """Everything that was measured, for JSON: figures, means, intervals, failures and definitions."""
    return {
        **about,
        "metrics": {m.key: {"title": m.title, "unit": m.unit, "meaning": m.meaning} for m in METRICS},
        "sets": [_set_document(result) for result in results],
    }


def _set_document(result: SetResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "scale": result.scale,
        "lr": result.origin,
        "notes": list(result.notes),
        "methods": [
            {
                "name": s.info.name,
                "pictures": s.pictures,
                "parameters": s.info.parameters,
                "macs_64x64": s.info.published_macs,
                "macs_per_picture": s.macs,
                "seconds_per_picture": s.seconds,
                "seconds_per_lr_megapixel": s.seconds_per_megapixel,
                "peak_bytes": s.memory,
                "means": {key: asdict(mean) for key, mean in s.means.items()},
                f"minus_{REFERENCE}": {key: asdict(gain) for key, gain in s.gains.items()},
            }
            for s in result.summaries
        ],
        "pictures": [
            {
                "name": p.name,
                "lr_width": p.width,
                "lr_height": p.height,
                "results": {name: asdict(m) for name, m in p.measurements.items()},
                "errors": list(p.errors),
            }
            for p in result.pictures
        ],
    }


def markdown(results: Sequence[SetResult]) -> str:
    """Tables for a README: quality with the paired difference, and cost."""
    parts = [_set_markdown(result) for result in results]
    return "\n\n".join([*parts, _definitions()]) + "\n"


def _set_markdown(result: SetResult) -> str:
    keys = shown_keys(result)
    best = {key: best_names(result.summaries, key) for key in keys}
    titles = [metric(key).title for key in keys]
    rows = []
    for s in result.summaries:
        cells = [
            f"**{number(s.means[key].value, metric(key).digits)}**"
            if s.info.name in best[key]
            else number(s.means[key].value, metric(key).digits)
            for key in keys
        ]
        rows.append([f"`{s.info.name}`", *cells, gain_text(s)])
    quality = _markdown_table(["method", *titles, f"Δ {metric(GAIN).title} to {REFERENCE} [95 %]"], rows)
    cost = _markdown_table(
        [
            "method",
            "pictures",
            "parameters",
            "MACs 64×64",
            "MACs/picture",
            "s/picture",
            "s/MP of LR",
            "peak MB",
        ],
        [[f"`{row[0]}`", *row[1:]] for row in cost_rows(result)],
    )
    failed = [f"Not measured: {p.name} ({'; '.join(p.errors)})" for p in result.failed]
    notes = [f"- {line}" for line in (*result.notes, *failed)]
    head = f"### {result.title}, {len(result.measured)} pictures"
    return "\n\n".join(part for part in (head, quality, cost, "\n".join(notes)) if part)


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, [":--", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _definitions() -> str:
    lines = [f"- *{m.title}*: {m.meaning}." for m in METRICS if m.key not in _FILES_ONLY]
    return "\n".join(["Definitions:", "", *lines, *FOOTNOTES])


FOOTNOTES = (
    "- *[low, high]*: 95 % bootstrap interval of the mean difference picture by picture; "
    "*n.s.*: it holds zero, so these pictures do not show which is better.",
    "- *MACs 64×64*: multiply-accumulates of the convolutions for 64×64 LR pixels, what the published tables "
    "call GFLOPs. *MACs/picture* includes overlaps of tiles.",
    "- *peak MB*: working memory beyond weights and pictures.",
)

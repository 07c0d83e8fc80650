"""The tables of a set in words and numbers, for whatever shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.metrics import METRICS, Metric, metric
from srnet_cli.evaluation.results import MethodSummary, PictureResult, SetResult
from srnet_cli.evaluation.statistics import Mean

#: the metric whose difference to the reference stands in every table
GAIN = "psnr_rgb"


@dataclass(frozen=True)
class Cell:
    """Text, and whether it is the best of its column."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Table:
    """Headings and rows; the first column names, the others are figures."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def quality_table(result: SetResult) -> Table:
    """List the means of the metrics, and the paired difference to the reference."""
    keys = shown_keys(result)
    heads = ("method", *(metric(key).title for key in keys), f"Δ {metric(GAIN).title} to {REFERENCE} [95 %]")
    rows = (
        (*cells, Cell(difference(s.gains[GAIN], metric(GAIN)) if GAIN in s.gains else ""))
        for s, cells in zip(result.summaries, _means(result, keys), strict=True)
    )
    return Table(heads, tuple(rows))


def detail_table(result: SetResult) -> Table:
    """List the means of what an eye sees and PSNR does not: detail, noise, halos, grids."""
    keys = shown_keys(result, "detail")
    return Table(("method", *(metric(key).title for key in keys)), tuple(_means(result, keys)))


def _means(result: SetResult, keys: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    means = {s.info.name: {key: mean.value for key, mean in s.means.items()} for s in result.summaries}
    best = {
        key: _best({name: values[key] for name, values in means.items() if key in values}, key)
        for key in keys
    }
    for name, values in means.items():
        figures = (Cell(number(values.get(key), metric(key).digits), name in best[key]) for key in keys)
        yield Cell(name), *figures


def cost_table(result: SetResult) -> Table:
    """List the size of each method, and what it spends on a picture."""
    heads = (
        *("method", "pictures", "parameters", "MACs 64×64", "MACs/picture"),
        *("s/picture", "s/MP of LR", "peak MB"),
    )
    return Table(heads, tuple(tuple(map(Cell, _costs(summary))) for summary in result.summaries))


def pictures_table(result: SetResult, key: str) -> Table:
    """List one metric of every picture by every method."""
    names = tuple(summary.info.name for summary in result.summaries)
    rows = []
    for picture in result.measured:
        best = best_methods(picture, key)
        cells = [_figure(picture, name, key, name in best) for name in names]
        rows.append((Cell(picture.name), *cells))
    return Table((f"{metric(key).title}", *names), tuple(rows))


def shown_keys(result: SetResult, table: str = "quality") -> tuple[str, ...]:
    """List the metrics of a table for people."""
    return tuple(key for key in result.keys if metric(key).table == table)


def best_methods(picture: PictureResult, key: str) -> frozenset[str]:
    """Find the methods that share the best figure of a picture, as it is printed."""
    return _best({n: m.figures[key] for n, m in picture.measurements.items() if key in m.figures}, key)


def definitions() -> tuple[tuple[str, str], ...]:
    """Say what the headings mean."""
    return (
        *((m.title, m.meaning) for m in METRICS if m.table != "files"),
        (
            "[low, high]",
            "95 % bootstrap interval of the mean difference, picture by picture; n.s.: it holds zero, so "
            "these pictures do not show which is better",
        ),
        (
            "MACs 64×64",
            "multiply-accumulates of the convolutions for 64×64 LR pixels, which the published tables call "
            "GFLOPs; MACs/picture counts overlaps of tiles too",
        ),
        ("s/picture, s/MP of LR", "without reading files and loading weights; per million LR pixels"),
        ("peak MB", "working memory beyond the weights"),
    )


# --- numbers as text ----------------------------------------------------------------------------------------


def number(value: float | None, digits: int) -> str:
    """Write a figure, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def count(value: float | None) -> str:
    """Write a large number with its unit: 3.43 M, 17.8 G."""
    if value is None:
        return "–"
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{significant(value / size)} {unit}"
    return f"{value:.0f}"


def significant(value: float) -> str:
    """Write three digits, never in powers of ten."""
    digits = next((d for d, limit in ((0, 100), (1, 10), (2, 1), (3, 0.1)) if value >= limit), 4)
    return f"{value:.{digits}f}"


def difference(gain: Mean, of: Metric) -> str:
    """Write a signed difference with its interval; ``n.s.`` where that holds zero."""
    text = f"{gain.value:+.{of.digits}f}"
    if gain.low is None or gain.high is None:
        return text
    doubt = "" if gain.beyond_chance else " n.s."
    return f"{text} [{gain.low:+.{of.digits}f}, {gain.high:+.{of.digits}f}]{doubt}"


def _costs(summary: MethodSummary) -> Sequence[str]:
    return (
        summary.info.name,
        str(summary.pictures),
        count(summary.info.parameters),
        count(summary.info.published_macs),
        count(summary.macs),
        significant(summary.seconds),
        significant(summary.seconds_per_megapixel),
        number(None if summary.memory is None else summary.memory / 1e6, 0),
    )


def _figure(picture: PictureResult, method: str, key: str, best: bool) -> Cell:
    measurement = picture.measurements.get(method)
    value = None if measurement is None else measurement.figures.get(key)
    return Cell(number(value, metric(key).digits), best)


def _best(figures: dict[str, float], key: str) -> frozenset[str]:
    rounded = {name: round(value, metric(key).digits) for name, value in figures.items()}
    if not rounded:
        return frozenset()
    ideal, higher = metric(key).ideal, metric(key).higher_is_better

    def worth(value: float) -> float:
        return value if higher else -value

    if ideal is not None:
        rounded = {name: round(-abs(value - ideal), metric(key).digits) for name, value in rounded.items()}
        higher = True
    best = max(rounded.values(), key=worth)
    return frozenset(name for name, value in rounded.items() if value == best)

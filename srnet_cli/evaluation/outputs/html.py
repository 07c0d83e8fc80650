"""Everything in one HTML file that needs nothing else: tables, plot, and a slider for every shown picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from srnet_cli.evaluation.methods import REFERENCE
from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.tables import (
    GAIN,
    Cell,
    Table,
    cost_table,
    definitions,
    detail_table,
    number,
    pictures_table,
    quality_table,
)
from srnet_cli.evaluation.results import PictureResult, SetResult, View
from srnet_cli.zooming.showing.slider import data_address, page, slider

#: the name of the truth among the methods of a slider
_TRUTH = "HR"


def report_html(results: Sequence[SetResult], scatters: Sequence[bytes | None]) -> str:
    """Write the report of all sets; ``scatters`` are their plots as PNG."""
    sections = (_section(r, plot) for r, plot in zip(results, scatters, strict=True))
    titles = ", ".join(dict.fromkeys(result.name for result in results))
    meanings = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in definitions())
    body = f"{''.join(sections)}<section><h2>What the figures mean</h2><dl>{meanings}</dl></section>"
    return page(f"srnet eval: {titles}", "srnet eval", titles, body)


def _section(result: SetResult, plot: bytes | None) -> str:
    parts = [f"<h2>{escape(result.title)}, {len(result.measured)} pictures</h2>"]
    if result.measured:
        parts += [_table(make(result)) for make in (quality_table, detail_table, cost_table)]
    parts += [_list(result.notes, "notes")]
    if plot is not None:
        alternative = f"PSNR over time of every method on {result.title}"
        parts.append(f'<img class="plot" alt="{escape(alternative)}" src="{data_address(plot, "png")}">')
    parts += [_comparison(result, p, p.view) for p in result.pictures if p.view is not None]
    if result.measured:
        tables = "".join(_table(pictures_table(result, key)) for key in (GAIN, "psnr_y", "ssim_y"))
        parts.append(f"<details><summary>Every picture</summary>{tables}</details>")
    parts.append(_list([f"{p.name}: {'; '.join(p.errors)}" for p in result.failed], "failed"))
    return f"<section>{''.join(parts)}</section>"


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return f"<td><b>{text}</b></td>" if cell.best else f"<td>{text}</td>"


def _list(lines: Sequence[str], kind: str) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def _comparison(result: SetResult, picture: PictureResult, view: View) -> str:
    """Write a slider between two methods that the reader chooses; without scripts the last is seen."""
    names = [info.name for info in result.methods if info.name in view.results]
    left = REFERENCE if REFERENCE in names else names[0]
    right = names[-1] if names[-1] != left else _TRUTH
    shown = {**{name: view.results[name] for name in names}, _TRUTH: view.hr}
    height, width = view.hr.shape[:2]
    place = f"{width}×{height} HR pixels from {view.part.left}, {view.part.top}"
    return slider(picture.name, place, shown, (left, right), lambda name: _described(name, picture))


def _described(name: str, picture: PictureResult) -> str:
    measurement = picture.measurements.get(name)
    if measurement is None:
        return f"{name} (truth)"
    keys = (GAIN, "lpips" if "lpips" in measurement.figures else "ssim_y")
    figures = ", ".join(
        f"{number(measurement.figures[key], metric(key).digits)} {metric(key).unit or metric(key).title}"
        for key in keys
    )
    return f"{name}: {figures}"

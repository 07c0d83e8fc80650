"""What is written and shown."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.measure import Measurement as Measure
from rich.table import Table as RichTable

from srnet_cli.evaluation.measurement import EvaluationRequest, Watcher, evaluate
from srnet_cli.evaluation.methods import MethodOptions
from srnet_cli.evaluation.metrics import metric
from srnet_cli.evaluation.outputs.display import _broken, _parts, _width
from srnet_cli.evaluation.outputs.exports import document, markdown, methods_csv, pictures_csv
from srnet_cli.evaluation.outputs.html import report_html
from srnet_cli.evaluation.outputs.panels import comparison_png, panel_png
from srnet_cli.evaluation.outputs.plots import scatter_png
from srnet_cli.evaluation.outputs.tables import (
    Cell,
    Table,
    best_methods,
    cost_table,
    count,
    detail_table,
    difference,
    quality_table,
    significant,
)
from srnet_cli.evaluation.results import Measurement, PictureResult, SetResult
from srnet_cli.evaluation.statistics import Mean
from tests.evaluation.conftest import ALONE, draw, save


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SetResult:
    folder = tmp_path_factory.mktemp("set")
    for seed, name in enumerate(("ant", "<b>|$x$_cat")):
        save(draw(seed), folder / f"{name}.png")
    (folder / "dead.png").write_bytes(b"")
    methods = MethodOptions(models=("bicubic",))
    found = evaluate(
        EvaluationRequest((folder,), methods, scales=(2,), lpips=False, features=False, shown=3),
        ALONE,
        Watcher(),
    )
    assert found is not None
    return found[0]


def test_the_quality_table_marks_the_best(result: SetResult) -> None:
    table = quality_table(result)
    column = [row[table.heads.index("PSNR RGB")] for row in table.rows]
    best = max(column, key=lambda cell: float(cell.text))
    assert [cell for cell in column if cell.best] == [best]
    differences = [row[-1] for row in table.rows]
    assert differences[[row[0].text for row in table.rows].index("bicubic")] == Cell("")
    assert re.fullmatch(r"[+-]\d+\.\d\d", differences[0].text)  # two pictures have no interval


def test_the_best_sharpness_is_that_of_hr() -> None:
    values = {"nearest": 1.4, "bicubic": 0.7, "lanczos": 1.1}
    measurements = {name: Measurement({"sharpness": v}, 1.0, None, None) for name, v in values.items()}
    assert best_methods(PictureResult("a", "a", measurements=measurements), "sharpness") == {"lanczos"}


def test_both_tables_fit_a_narrow_terminal(result: SetResult) -> None:
    for table in (detail_table(result), cost_table(result)):
        shown = RichTable(box=None, pad_edge=False)
        for head in table.heads:
            shown.add_column(_broken(head))
        for row in table.rows:
            shown.add_row(*(cell.text for cell in row))
        console = Console(width=500)
        assert Measure.get(console, console.options, shown).maximum <= 80


def test_a_difference_within_chance_says_so() -> None:
    psnr = metric("psnr_rgb")
    assert difference(Mean(0.08, -0.11, 0.3, 5), psnr) == "+0.08 [-0.11, +0.30] n.s."
    assert difference(Mean(0.08, 0.01, 0.3, 5), psnr) == "+0.08 [+0.01, +0.30]"


def test_csv_reads_back(result: SetResult) -> None:
    methods = list(csv.DictReader(io.StringIO(methods_csv([result]))))
    pictures = list(csv.DictReader(io.StringIO(pictures_csv([result]))))
    assert [row["method"] for row in methods] == ["nearest", "bilinear", "bicubic", "lanczos"]
    assert len(pictures) == 2 * 4
    mine = [float(row["psnr_y"]) for row in pictures if row["method"] == "lanczos"]
    assert float(methods[3]["psnr_y"]) == pytest.approx(np.mean(mine), rel=1e-12)
    assert methods[2]["psnr_y_minus_bicubic"] == ""


@pytest.mark.parametrize("sign", ["\r", "\n", "\r\n", "\t", "\u2028", ";"])
def test_no_part_of_a_name_begins_a_formula(result: SetResult, sign: str) -> None:
    """Read as CSV each row has its cells; read line by line, or cut at other signs, none begins a formula."""
    names = [f"x{sign}=1+1.png", f"{sign}=6.png", f"a{sign}b.png"]
    pictures = [replace(result.pictures[0], name=name) for name in names]
    text = pictures_csv([replace(result, pictures=tuple(pictures))])
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + 3 * 4
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[-1][3] == names[-1]
    parts = [part for line in text.splitlines() for part in re.split("[;\t]", line)]
    assert not [part for part in parts if part.lstrip('"').startswith("=")]


def test_json_holds_every_picture_and_failure(result: SetResult) -> None:
    whole = json.loads(json.dumps(document([result], {"crop": None}), allow_nan=False))
    pictures = {p["name"]: p for p in whole["sets"][0]["pictures"]}
    assert set(pictures) == {"ant", "<b>|$x$_cat", "dead"}
    assert pictures["dead"]["results"] == {} and pictures["dead"]["errors"]
    assert pictures["ant"]["results"]["bicubic"]["figures"]["psnr_rgb"] > 10
    assert "BT.601" in whole["metrics"]["psnr_y"]["meaning"]


def test_markdown_tables_have_equal_columns(result: SetResult) -> None:
    text = markdown([result])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert len(widths) == 3  # one width for each of the three kinds of table
    assert "not measured: dead" in text


def test_the_scatter_and_the_panels_are_pictures(result: SetResult) -> None:
    assert Image.open(io.BytesIO(scatter_png(result))).size == (1024, 672)
    for picture in result.pictures[:2]:
        assert picture.view is not None
        panel = np.asarray(Image.open(io.BytesIO(panel_png(result, picture, picture.view))).convert("RGB"))
        assert panel.std() > 20


def test_the_comparison_has_the_panels_of_all_pictures_that_are_shown(result: SetResult) -> None:
    shown = [picture for picture in result.pictures if picture.view is not None]
    assert len(shown) == 2
    heights = []
    for picture in shown:
        assert picture.view is not None
        heights.append(Image.open(io.BytesIO(panel_png(result, picture, picture.view))).height)
    content = comparison_png(result)
    assert content is not None
    whole = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    assert whole.shape[0] == sum(heights)
    assert all(half.std() > 20 for half in np.split(whole, [heights[0]]))
    unseen = tuple(replace(picture, view=None) for picture in result.pictures)
    assert comparison_png(replace(result, pictures=unseen)) is None


def test_many_methods_stand_in_further_rows(result: SetResult) -> None:
    """Twenty methods in two rows would make a figure that no page shows."""
    picture = result.pictures[1]
    assert picture.view is not None
    infos = tuple(replace(result.methods[0], name=f"method {number}") for number in range(20))
    pixels = next(iter(picture.view.results.values()))
    view = replace(picture.view, results={info.name: pixels for info in infos})
    many = Image.open(io.BytesIO(panel_png(replace(result, methods=infos), picture, view)))
    few = Image.open(io.BytesIO(panel_png(result, picture, picture.view)))
    assert many.height > 1.8 * few.height
    assert many.width < 2400


def test_a_panel_shows_the_detail_pixel_by_pixel(result: SetResult) -> None:
    picture = result.pictures[1]
    assert picture.view is not None
    panel = np.asarray(Image.open(io.BytesIO(panel_png(result, picture, picture.view))).convert("RGB"))
    detail = picture.view.closer(picture.view.hr)
    colours = {tuple(c) for c in panel.reshape(-1, 3)[::1]}
    found = sum(tuple(c) in colours for c in detail[::7, ::7].reshape(-1, 3))
    assert found == len(detail[::7, ::7].reshape(-1, 3))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_needs_nothing_else(result: SetResult) -> None:
    text = report_html([result], [scatter_png(result)])
    page = _Page()
    page.feed(text)
    assert page.open == []
    sources = [a["src"] for tag, a in page.tags if tag == "img"]
    assert sources and all(source and source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?://|@import|<link|src=\"(?!data:)", text)
    assert "<b>|$x$" not in text and "&lt;b&gt;|$x$_cat" in text
    assert "dead" in text


def test_the_report_shows_results_without_loss(result: SetResult) -> None:
    page = _Page()
    page.feed(report_html([result], [None]))
    picture = next(p for p in result.pictures if p.view is not None)
    assert picture.view is not None
    by_method = {a["data-method"]: a["src"] for tag, a in reversed(page.tags) if tag == "img"}
    content = base64.b64decode((by_method["lanczos"] or "").partition(",")[2])
    shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert any(
        np.array_equal(shown, p.view.results["lanczos"]) for p in result.pictures if p.view is not None
    )


def test_nothing_measured_still_makes_files(result: SetResult) -> None:
    empty = replace(result, pictures=tuple(p for p in result.pictures if p.errors))
    assert "0 pictures" in markdown([empty])
    assert "0 pictures" in report_html([empty], [None])
    assert methods_csv([empty]) == ""


def test_numbers_for_people() -> None:
    assert [count(v) for v in (3_429_678, 17.78e9, None, 12)] == ["3.43 M", "17.8 G", "–", "12"]
    assert [significant(v) for v in (918.2, 15.51, 0.0502, 0.0012)] == ["918", "15.5", "0.0502", "0.0012"]


def test_on_a_narrow_terminal_tables_are_cut_between_columns() -> None:
    heads = ("method", *(f"figure {number}" for number in range(12)))
    rows = tuple(
        (Cell(name), *(Cell(f"{number}.00") for number in range(12))) for name in ("bicubic", "srnet")
    )
    console = Console(width=60, force_terminal=True)
    parts = _parts(Table(heads, rows), console)
    assert len(parts) > 1 and all(part.heads[0] == "method" for part in parts)
    assert [head for part in parts for head in part.heads[1:]] == list(heads[1:])
    assert all(_width(part, console) <= 60 for part in parts)
    assert _parts(Table(heads, rows), Console(width=60, force_terminal=False)) == [Table(heads, rows)]

"""``srnet residual``: parse, call, report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from srnet_cli.imaging.registration import Motion
    from srnet_cli.residuals.batch import PairResult
    from srnet_cli.residuals.figures import LostOf

EXAMPLES = """
  srnet residual lr.png hr.png --heatmap          figures, heatmaps, overview
  srnet residual wide.ARW tele.ARW --align affine --match-colour --heatmap   cuts the common view first
  srnet residual wide.png tele.png --align affine --focal-lengths 50,240   files that do not say them
  srnet residual LR/ HR/ --output lost/ --json
  srnet residual lr.png hr.png --heatmap --colormap jet   the published look
"""

_LR = "Bringing LR to HR"
_DRAWING = "Drawing"
_RESULT = "The result"


class InterpolationChoice(StrEnum):
    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


class LostChoice(StrEnum):
    LIGHT = "light"
    CHANNELS = "channels"


class AlignChoice(StrEnum):
    NONE = "none"
    TRANSLATION = "translation"
    EUCLIDEAN = "euclidean"
    AFFINE = "affine"


def residual(
    context: typer.Context,
    lr: Annotated[
        Path,
        typer.Argument(
            metavar="LR", readable=False, help="The wide shot: a RAW or RGB picture, or a folder of them."
        ),
    ],
    hr: Annotated[
        Path,
        typer.Argument(
            metavar="HR", readable=False, help="The long shot, or the folder with files of equal names."
        ),
    ],
    interpolation: Annotated[
        InterpolationChoice,
        typer.Option(
            metavar=" | ".join(InterpolationChoice),
            help="How a smaller LR is enlarged to HR's size.",
            rich_help_panel=_LR,
        ),
    ] = InterpolationChoice.BICUBIC,
    align: Annotated[
        AlignChoice | None,
        typer.Option(
            metavar=" | ".join(AlignChoice),
            help="Register LR to HR first, to fractions of a pixel; of both, the common part is compared. "
            "Of two focal lengths HR's field of view is cut out of LR first; "
            "without --align they are refused.",
            show_default="none",
            rich_help_panel=_LR,
        ),
    ] = None,
    focal_lengths: Annotated[
        str | None,
        typer.Option(
            "--focal-lengths",
            metavar="LR,HR",
            help="Millimetres of both shots, where the files do not say.",
            show_default="as the files say",
            rich_help_panel=_LR,
        ),
    ] = None,
    match_colour: Annotated[
        bool,
        typer.Option(
            "--match-colour",
            help="Remove a global difference of exposure and colour first.",
            rich_help_panel=_LR,
        ),
    ] = False,
    heatmap: Annotated[
        bool,
        typer.Option(
            "--heatmap",
            help="Draw heatmap, map of the local entropy, histogram and overview.",
            rich_help_panel=_DRAWING,
        ),
    ] = False,
    colormap: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="inferno, cividis, viridis, gray, jet, turbo, …", rich_help_panel=_DRAWING
        ),
    ] = "inferno",
    value_range: Annotated[
        str,
        typer.Option(
            "--range",
            metavar="auto | LOW,HIGH",
            help="Grey levels of the first and the last colour.",
            rich_help_panel=_DRAWING,
        ),
    ] = "auto",
    window: Annotated[
        int,
        typer.Option(
            min=3, help="Side of the entropy map's window in pixels, odd.", rich_help_panel=_DRAWING
        ),
    ] = 15,
    lost: Annotated[
        LostChoice,
        typer.Option(
            help="What a share of lost information is a share of: a pixel's light, or each channel's value, "
            "as the authors' figure has it.",
            rich_help_panel=_DRAWING,
        ),
    ] = LostChoice.LIGHT,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder of the pictures, made if missing.", rich_help_panel=_RESULT
        ),
    ] = Path("residual"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing pictures.", rich_help_panel=_RESULT)
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.", rich_help_panel=_RESULT)
    ] = False,
) -> None:
    """See and measure what a zoom lost: the residual of a wide shot and a long one."""
    from srnet_cli.console import emit_json
    from srnet_cli.errors import UsageError
    from srnet_cli.residuals.batch import ResidualRequest, find_pairs, run_pairs
    from srnet_cli.residuals.comparison import CompareOptions
    from srnet_cli.residuals.heatmaps import colormap_table
    from srnet_cli.residuals.outputs import DrawOptions

    if window % 2 == 0:
        raise UsageError(f"--window takes an odd number of pixels, not {window}")
    colormap_table(colormap)  # a name that does not exist ends the command before any work
    request = ResidualRequest(
        compare=CompareOptions(interpolation.value, motion_of(align), match_colour),
        draw=DrawOptions(colormap, _range(value_range), window, lost.value),
        heatmap=heatmap,
        output=output,
        overwrite=overwrite,
        as_they_are=align is AlignChoice.NONE,
        focal_lengths=focal_lengths_of(focal_lengths),
        debug=bool(context.obj),
    )
    pairs = find_pairs(lr, hr)
    results = []
    for result in run_pairs(pairs, request):
        _report(result, lost.value, single=len(pairs) == 1 and not json)
        results.append(result)
    if json:
        emit_json({"results": [result.document() for result in results]})
    elif len(pairs) > 1:
        _print_summary(results)
    if any(result.error is not None for result in results):
        raise typer.Exit(1)


def motion_of(choice: AlignChoice | None) -> Motion | None:
    """Name the motion model of a choice; None for none."""
    motions: dict[AlignChoice | None, Motion] = {
        AlignChoice.TRANSLATION: "translation",
        AlignChoice.EUCLIDEAN: "euclidean",
        AlignChoice.AFFINE: "affine",
    }
    return motions.get(choice)


def focal_lengths_of(text: str | None) -> tuple[float, float] | None:
    """Read LR's and HR's focal lengths.

    Raises:
        UsageError: when they are not two lengths that a lens can have.
    """
    from srnet_cli.config_file import parse_number
    from srnet_cli.errors import UsageError

    if text is None:
        return None
    try:
        lr, hr = (parse_number(part, float) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--focal-lengths takes two numbers LR,HR, not {text!r}") from None
    if not (0.1 <= lr <= 10_000 and 0.1 <= hr <= 10_000):
        raise UsageError(f"--focal-lengths takes millimetres from 0.1 to 10000, not {text}")
    return lr, hr


def _range(text: str) -> tuple[float, float] | None:
    from srnet_cli.config_file import parse_number
    from srnet_cli.errors import UsageError

    if text == "auto":
        return None
    try:
        low, high = (parse_number(part, float) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--range takes 'auto' or two numbers LOW,HIGH, not {text!r}") from None
    if not 0 <= low < high <= 255:
        raise UsageError(f"--range needs 0 <= LOW < HIGH <= 255, not {text}")
    return low, high


def _report(result: PairResult, lost: LostOf, single: bool) -> None:
    """Say what is known of a pair: errors and notes, and the figures if it is the only one."""
    from srnet_cli.console import show_error, warn

    if result.error is not None:
        show_error(result.error)
        return
    for note in result.notes:
        warn(f"{result.pair.lr.name}: {note}")
    if single:
        _print_figures(result, lost)


def _print_figures(result: PairResult, lost: LostOf) -> None:
    """Print a column for LR as it was given, and one for each change."""
    from rich.markup import escape
    from rich.table import Table

    from srnet_cli.console import people, printable, say
    from srnet_cli.residuals.panel import figure_rows

    comparison = result.comparison
    assert comparison is not None
    names = [printable(path.name) for path in (result.pair.lr, result.pair.hr) if path is not None]
    many = len(comparison.stages) > 1
    table = Table(title=escape(" → ".join(names)), title_justify="left", show_header=many)
    table.add_column("", no_wrap=True)
    for stage in comparison.stages:
        table.add_column(stage.name, justify="right")
    columns = [figure_rows(stage.figures) for stage in comparison.stages]
    for rows in zip(*columns, strict=True):
        table.add_row(rows[0][0], *(value for _, value in rows))
    table.add_section()
    counted, whole = ("pixels", " of light") if lost == "light" else ("R, G, B values", "")
    table.add_row(f"share of {counted} that", *[""] * len(columns))
    for lowest in range(0, 100, 10):
        shares = [f"{100 * stage.figures.lost(lost)[lowest // 10]:.1f} %" for stage in comparison.stages]
        table.add_row(f"lost {lowest}–{lowest + 10} %{whole}", *shares)
    people().print(table, soft_wrap=False)
    for line in _changes(result):
        say(line)
    for path in result.files.values():
        say(printable(str(path)))


def _changes(result: PairResult) -> list[str]:
    """Say what alignment and colour match did, a line each."""
    lines = []
    comparison = result.comparison
    assert comparison is not None
    if comparison.views is not None:
        lines.append(f"{comparison.views}: its field of view was cut out of LR")
    if comparison.alignment is not None:
        found = comparison.alignment
        right, down = found.shift
        lines.append(
            f"aligned ({found.motion}): moved {right:+.2f} px right, {down:+.2f} px down, "
            f"turned {found.rotation:+.3f}°, enlarged ×{found.magnification:.4f}; "
            f"correlation {found.correlation:.3f}; compared {found.box.width}×{found.box.height} px in common"
        )
    if comparison.colour is not None:
        gains = " / ".join(f"{gain:.3f}" for gain in comparison.colour.gain)
        offsets = " / ".join(f"{offset:+.1f}" for offset in comparison.colour.offset)
        lines.append(f"colours matched: R / G / B times {gains}, plus {offsets}")
    return lines


def _print_summary(results: Sequence[PairResult]) -> None:
    """Print a line for each pair of two folders."""
    from rich.markup import escape
    from rich.table import Table

    from srnet_cli.console import people, printable, say
    from srnet_cli.residuals.panel import decibels

    table = Table("pair")
    for name in ("PSNR, RGB", "PSNR, Y", "SSIM", "MAE", "entropy"):
        table.add_column(name, justify="right")
    for result in results:
        if result.comparison is None:
            table.add_row(escape(printable(result.pair.lr.name)), "[red]failed[/]")
            continue
        figures = result.comparison.figures
        table.add_row(
            escape(printable(result.pair.lr.name)),
            decibels(figures.psnr_rgb),
            decibels(figures.psnr_y),
            f"{figures.ssim:.4f}",
            f"{figures.mae:.2f}",
            f"{figures.entropy:.3f}",
        )
    people().print(table, soft_wrap=False)
    written = [path for result in results for path in result.files.values()]
    if written:
        folder = os.path.commonpath([path.parent for path in written])
        say(f"{len(written)} pictures written to {printable(folder)}")

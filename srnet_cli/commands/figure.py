"""``srnet figure``: parse, call, write."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnet_cli.commands.residual import (
    AlignChoice,
    InterpolationChoice,
    LostChoice,
    focal_lengths_of,
    motion_of,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from srnet_cli.figures.evaluations import MeasuredSet
    from srnet_cli.figures.motivation import Row

EXAMPLES = """
  srnet figure motivation lr.png hr.png --scale 4 -o motivation.png
  srnet figure motivation wide.JPG tele.JPG --align affine      two shots: cuts the common view first
  srnet figure lost lr.png hr.png --lost channels   the histogram of lost information, by the authors' formula
  srnet figure time report/ -o time.png          PSNR over seconds, of srnet eval -o report
  srnet figure parameters report/ -o parameters.png
  srnet figure epochs runs/srnet runs/edsr -o epochs.png
  srnet figure table report-x4/ report-x8/       Markdown on stdout; best bold, second underlined
  srnet figure ablation report/ -o ablation.md
"""


class FigureKind(StrEnum):
    MOTIVATION = "motivation"
    LOST = "lost"
    TIME = "time"
    PARAMETERS = "parameters"
    EPOCHS = "epochs"
    TABLE = "table"
    ABLATION = "ablation"


#: figures that are Markdown
_TEXTS = (FigureKind.TABLE, FigureKind.ABLATION)
#: figures that are made of evaluations
_OF_EVALUATIONS = (FigureKind.TIME, FigureKind.PARAMETERS, *_TEXTS)


def figure(
    kind: Annotated[
        FigureKind,
        typer.Argument(
            metavar="KIND",
            help="motivation, lost: what a zoom loses beside a reduction by computer, as pictures, as a "
            "histogram. time, parameters, epochs: plots. table, ablation: Markdown.",
            show_default=False,
        ),
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT…",
            readable=False,
            help="LR and HR for motivation and lost; runs of srnet train for epochs; else folders of "
            "srnet eval -o.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The picture, or a Markdown file.",
            show_default="KIND.png; tables on stdout",
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option(
            "--scale",
            "-s",
            min=2,
            max=16,
            help="Of motivation and lost: how far HR is reduced; LR may be enlarged already. Of the others: "
            "the sets of this scale alone.",
            show_default="4; all",
        ),
    ] = None,
    interpolation: Annotated[
        InterpolationChoice,
        typer.Option(
            metavar=" | ".join(InterpolationChoice),
            help="Of motivation and lost: what reduces and enlarges; the published figure has nearest.",
        ),
    ] = InterpolationChoice.BICUBIC,
    align: Annotated[
        AlignChoice | None,
        typer.Option(
            metavar=" | ".join(AlignChoice),
            help="Of motivation and lost: register LR to HR first.",
            show_default="none",
        ),
    ] = None,
    focal_lengths: Annotated[
        str | None,
        typer.Option(
            "--focal-lengths",
            metavar="LR,HR",
            help="Of motivation and lost: Millimetres of both shots, where the files do not say.",
            show_default="as the files say",
        ),
    ] = None,
    colormap: Annotated[
        str, typer.Option(metavar="NAME", help="Of motivation: inferno, cividis, jet, …")
    ] = "inferno",
    lost: Annotated[
        LostChoice,
        typer.Option(help="Of lost: shares of a pixel's light, or of each channel's value as the authors'."),
    ] = LostChoice.LIGHT,
    metric: Annotated[
        str, typer.Option(metavar="KEY", help="Of time and parameters: a metric of results.json.")
    ] = "psnr_y_published",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Make a figure or a table of a paper from pairs, evaluations or runs."""
    from srnet_cli.files import refuse_replacing

    focals = focal_lengths_of(focal_lengths)
    target = output
    if target is None and kind not in _TEXTS:
        target = Path(f"{kind.value}.png")
    if target is not None:
        refuse_replacing(_read(kind, inputs), (target,))
    if kind in _TEXTS:
        _write_text(_table(kind, inputs, scale), output, overwrite)
        return
    match kind:
        case FigureKind.MOTIVATION:
            rows, hr = _rows(kind, inputs, scale or 4, interpolation, align, focals)
            pixels = _motivation(rows, hr, colormap)
        case FigureKind.LOST:
            rows, _ = _rows(kind, inputs, scale or 4, interpolation, align, focals)
            pixels = _lost(rows, lost)
        case FigureKind.EPOCHS:
            pixels = _epochs(inputs)
        case _:
            pixels = _cost(kind, inputs, scale, metric)
    assert target is not None
    _write_picture(pixels, target, overwrite)


def _read(kind: FigureKind, inputs: list[Path]) -> list[Path]:
    """List the files that a figure is made of, and what belongs to an evaluation besides them."""
    from srnet_cli.evaluation.outputs.names import own_files
    from srnet_cli.figures.evaluations import RESULTS
    from srnet_cli.training.run.log import LOG_FILE

    name = LOG_FILE if kind is FigureKind.EPOCHS else RESULTS
    read = [path / name if path.is_dir() else path for path in inputs]
    if kind not in _OF_EVALUATIONS:
        return read
    # Those beside what a link leads to, and beside another name of the results, too.
    folders = {folder for file in read for folder in (file.parent, file.resolve().parent)}
    evaluations = sorted(folder for folder in folders if (folder / RESULTS).is_file())
    return read + [file for folder in evaluations for file in own_files(folder)]


def _motivation(rows: tuple[Row, Row], hr: NDArray[np.uint8], colormap: str) -> NDArray[np.uint8]:
    from srnet_cli.figures.motivation import motivation_image

    return motivation_image(rows, hr, colormap)


def _lost(rows: tuple[Row, Row], lost: LostChoice) -> NDArray[np.uint8]:
    from srnet_cli.figures.motivation import lost_image

    return lost_image(rows, lost.value)


def _rows(
    kind: FigureKind,
    inputs: list[Path],
    scale: int,
    interpolation: InterpolationChoice,
    align: AlignChoice | None,
    focals: tuple[float, float] | None,
) -> tuple[tuple[Row, Row], NDArray[np.uint8]]:
    from srnet_cli.console import warn
    from srnet_cli.errors import InputError, UsageError
    from srnet_cli.figures.motivation import motivation_rows
    from srnet_cli.imaging import read_picture
    from srnet_cli.imaging.depth import to_8_bit
    from srnet_cli.residuals.comparison import CompareOptions, compare
    from srnet_cli.residuals.field_of_view import differing_views

    if len(inputs) != 2:
        raise UsageError(f"{kind.value} takes LR and HR, not {len(inputs)} files")
    wide, long = map(read_picture, inputs)
    for path, picture in zip(inputs, (wide, long), strict=True):
        for note in picture.metadata.notes:
            warn(f"{path.name}: {note}")
    views = None if align is AlignChoice.NONE else differing_views(wide, long, focals)
    if views is not None and align is None:
        raise views.unaligned().about(inputs[0])
    motion = motion_of(align)
    if motion is None:
        lr, hr = to_8_bit(wide.pixels), to_8_bit(long.pixels)
    else:
        try:
            found = compare(wide.pixels, long.pixels, CompareOptions(interpolation.value, motion), views)
        except InputError as error:
            raise error.about(inputs[0]) from error
        lr, hr = found.lr_up, found.hr
    return motivation_rows(lr, hr, scale, interpolation.value), hr


def _epochs(runs: list[Path]) -> NDArray[np.uint8]:
    from srnet_cli.figures.plots import epochs_image, read_curve

    alike = len({run.resolve().name for run in runs}) < len(runs)
    curves = [read_curve(run, str(run) if alike else None) for run in runs]
    return epochs_image(curves, "validation during training")


def _cost(kind: FigureKind, inputs: list[Path], scale: int | None, metric: str) -> NDArray[np.uint8]:
    from srnet_cli.figures.plots import check_metric, cost_image

    check_metric(metric)
    return cost_image(_one(_sets(inputs, scale)), "time" if kind is FigureKind.TIME else "parameters", metric)


def _table(kind: FigureKind, inputs: list[Path], scale: int | None) -> str:
    from srnet_cli.figures.tables import ablation_table, comparison_table

    sets = _sets(inputs, scale)
    return comparison_table(sets) if kind is FigureKind.TABLE else ablation_table(_one(sets))


def _sets(inputs: list[Path], scale: int | None) -> list[MeasuredSet]:
    from srnet_cli.errors import InputError
    from srnet_cli.figures.evaluations import read_evaluations

    found = [one for one in read_evaluations(inputs) if scale in (None, one.scale)]
    if not found:
        raise InputError("nothing was measured" + ("" if scale is None else f" at ×{scale}"), path=inputs[0])
    return found


def _one(sets: list[MeasuredSet]) -> MeasuredSet:
    from srnet_cli.errors import UsageError

    if len(sets) > 1:
        names = ", ".join(one.title for one in sets)
        raise UsageError(
            f"this figure is of one set, not of {names}", remedy="--scale, or results of one set"
        )
    return sets[0]


def _write_text(text: str, output: Path | None, overwrite: bool) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    from srnet_cli.files import write_text

    write_text(output, text, overwrite=overwrite)
    _say(output)


def _write_picture(pixels: NDArray[np.uint8], output: Path, overwrite: bool) -> None:
    from srnet_cli.imaging import Picture, write_picture

    write_picture(Picture(pixels), output, overwrite=overwrite)
    _say(output)


def _say(output: Path) -> None:
    from srnet_cli.console import printable, say

    say(f"written to {printable(str(output))}")

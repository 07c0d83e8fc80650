"""``srnet zoom``: parse, call, report."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from srnet_cli.commands.completion import complete_model
from srnet_cli.imaging.formats import written_formats

EXAMPLES = """
[bold]Examples[/]

  srnet zoom photo.ARW --scale 4                  the whole frame, four times as large, as 16-bit TIFF

  srnet zoom photo.ARW -s 4 --frame camera        what a lens four times as long would have taken

  srnet zoom photo.jpg -s 3 --crop 1200,800,640,480 -o bird.png

  srnet zoom holiday/ -s 2 -o large/ --recursive --skip-existing

  srnet zoom photo.jpg --crisp 0.7                crisper to the eye, less true to the light that there was

  srnet zoom photo.ARW -s 2 -o photo.dng          a DNG in camera colours, to be developed later

  srnet zoom photo.ARW -s 1 --clean               no larger, but demosaicked and cleaned by the network

  srnet zoom photo.jpg --heatmap                  also where the network found something to restore
"""

_WHAT = "What to zoom"
_RESULT = "The result"
_RAW = "Developing RAW"
_LOOK = "How it looks"
_COMPUTE = "How it is computed"


class FrameChoice(StrEnum):
    FULL = "full"
    CAMERA = "camera"


FormatChoice = StrEnum("FormatChoice", [row.name for row in written_formats()])  # type: ignore[misc]
_QUALITIES = {row.title: row.quality for row in written_formats() if row.quality is not None}


def zoom(
    context: typer.Context,
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", readable=False, help="RAW or RGB pictures, or folders of them."),
    ],
    scale: Annotated[
        float,
        typer.Option(
            "--scale", "-s", help="Output over input, 1 to 16, fractions too.", rich_help_panel=_WHAT
        ),
    ] = 4.0,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="With --scale 1, which needs no network: enlarge by one all the same, and reduce again. "
            "Takes noise away.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    frame: Annotated[
        FrameChoice,
        typer.Option(
            help="full: everything, SCALE times as large; camera: the centre, at the input's own size.",
            rich_help_panel=_WHAT,
        ),
    ] = FrameChoice.FULL,
    crop: Annotated[
        str | None,
        typer.Option(metavar="X,Y,W,H", help="Zoom only this part (input pixels).", rich_help_panel=_WHAT),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Look into subfolders too.", rich_help_panel=_WHAT)
    ] = False,
    max_pixels: Annotated[
        int,
        typer.Option(
            help="Refuse pictures that claim to have more pixels than this.", min=1, rich_help_panel=_WHAT
        ),
    ] = 250_000_000,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File, or folder (no suffix, or ending in /). Without it, NAME_xSCALE beside each input, "
            "with _camera or _crop-X-Y-W-H. Where a.png and a.jpg would collide: a_png_xSCALE, a_jpg_xSCALE.",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    image_format: Annotated[
        FormatChoice | None,
        typer.Option(
            "--format",
            help="Without it, the input's own; TIFF for RAW. Of RAW a DNG can be made, in camera colours.",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    bit_depth: Annotated[
        int | None,
        typer.Option(
            help="8 or 16 bits per channel. Without it, the input's (RAW: 16).",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            help=f"1 to 100 for {', '.join(_QUALITIES)}. "
            f"Without it {', '.join(str(quality) for quality in _QUALITIES.values())}.",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    heatmap: Annotated[
        bool,
        typer.Option(
            "--heatmap",
            help="Also write the predicted residual as a heatmap, and its entropy map.",
            rich_help_panel=_RESULT,
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.", rich_help_panel=_RESULT)
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Leave out what is already done.", rich_help_panel=_RESULT),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.", rich_help_panel=_RESULT)
    ] = False,
    white_balance: Annotated[
        str,
        typer.Option(
            metavar="camera|auto|daylight|R,G,B,G",
            help="White balance, or four gains.",
            rich_help_panel=_RAW,
        ),
    ] = "camera",
    exposure: Annotated[
        float, typer.Option(help="Stops (EV) brighter, or darker if negative.", rich_help_panel=_RAW)
    ] = 0.0,
    highlights: Annotated[
        str,
        typer.Option(
            metavar="clip|blend|reconstruct", help="What becomes of overexposed parts.", rich_help_panel=_RAW
        ),
    ] = "clip",
    demosaic: Annotated[
        str,
        typer.Option(
            metavar="ahd|linear|vng|ppg|dcb|dht|aahd",
            help="LibRaw's demosaicking algorithm.",
            rich_help_panel=_RAW,
        ),
    ] = "ahd",
    auto_brightness: Annotated[
        bool,
        typer.Option("--auto-brightness", help="Brighten until one per cent is white.", rich_help_panel=_RAW),
    ] = False,
    crisp: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="0: true to what was there; 1: crispest to the eye; between them a mixture of the model's "
            "two sets of weights. Without it, what the model's card states.",
            show_default=False,
            rich_help_panel=_LOOK,
        ),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of the network; the rest is plain bicubic.", rich_help_panel=_LOOK
        ),
    ] = 1.0,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            autocompletion=complete_model,
            help="A released model (srnet models lists them), a model folder or a weights file.",
            rich_help_panel=_COMPUTE,
        ),
    ] = "auto",
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help="Let auto take light models; above ×4, up to ×8, one full model costs no more.",
            rich_help_panel=_COMPUTE,
        ),
    ] = False,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble", help="Average eight flipped views: 8 times slower.", rich_help_panel=_COMPUTE
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute.", rich_help_panel=_COMPUTE)
    ] = "auto",
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto|fp32|bf16|fp16",
            help="Auto takes what the device is fast at.",
            rich_help_panel=_COMPUTE,
        ),
    ] = "auto",
    tile: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=2048,
            help="Side of a tile in input pixels. Without it, the model's own.",
            show_default=False,
            rich_help_panel=_COMPUTE,
        ),
    ] = None,
) -> None:
    """Zoom pictures: what a longer lens would have taken."""
    from srnet_cli.console import emit_json
    from srnet_cli.errors import UsageError

    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other")
    if crop is not None and frame is FrameChoice.CAMERA:
        raise UsageError("--crop and --frame camera exclude each other", remedy="leave one of them out")
    if fast and model != "auto":
        raise UsageError("--fast lets auto choose, and --model has chosen", remedy="leave one of them out")

    from srnet_cli.imaging import RawOptions, WriteOptions
    from srnet_cli.imaging.boxes import parse_box
    from srnet_cli.zooming.batch import ZoomRequest, run_batch
    from srnet_cli.zooming.engine import EngineOptions

    request = ZoomRequest(
        scale=scale,
        clean=clean,
        frame=frame.value,
        crop=None if crop is None else parse_box(crop, "--crop"),
        model=model,
        fast=fast,
        crisp=crisp,
        strength=strength,
        raw=RawOptions(
            white_balance=_white_balance(white_balance),  # type: ignore[arg-type]
            exposure=exposure,
            highlights=highlights,  # type: ignore[arg-type]
            demosaic=demosaic,  # type: ignore[arg-type]
            auto_brightness=auto_brightness,
        ),
        write=WriteOptions(
            None if image_format is None else image_format.value, bit_depth=bit_depth, quality=quality
        ),
        engine=EngineOptions(device, precision, tile, ensemble),
        heatmap=heatmap,
        overwrite=overwrite,
        skip_existing=skip_existing,
        max_pixels=max_pixels,
        debug=bool(context.obj),
    )
    results = run_batch(inputs, output, request, recursive=recursive)
    if results is None:
        return  # another process of the same torchrun reports
    _say_skipped(sum(result.status == "skipped" for result in results), len(results))
    if json:
        emit_json({"results": [result.document() for result in results]})
    if any(result.status == "failed" for result in results):
        raise typer.Exit(1)


def _say_skipped(skipped: int, total: int) -> None:
    from srnet_cli.console import people

    if skipped:
        all_of_them = "nothing to do: " if skipped == total else ""
        people().print(f"{all_of_them}{skipped} of {total} left out, the results exist")


def _white_balance(text: str) -> str | tuple[float, ...]:
    from srnet_cli.errors import UsageError

    if "," not in text:
        return text
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--white-balance takes four numbers R,G,B,G, not {text!r}") from None

"""``srnet zoom``: parse, call, report."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from srnet_cli.commands import zoom_options as options
from srnet_cli.commands.shell.completion import complete_model
from srnet_cli.commands.zoom_options import EXAMPLES as EXAMPLES
from srnet_cli.commands.zoom_streams import Streams, streams
from srnet_cli.imaging.formats import written_formats

if TYPE_CHECKING:
    from srnet_cli.zooming.request import ZoomRequest

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
        typer.Argument(
            metavar="INPUT...",
            readable=False,
            help="RAW or RGB pictures, folders of them, patterns such as '*.jpg'; - is stdin.",
        ),
    ],
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale",
            "-s",
            help="Output over input, 1 to 16, fractions too; without it 4. Up to 4 costs as much as 4, "
            "whose result is reduced: that is better than the models for ×2; --fast takes an eighth.",
            show_default=False,
            rich_help_panel=_WHAT,
        ),
    ] = None,
    clean: options.Clean = False,
    width: options.Width = None,
    height: options.Height = None,
    megapixels: options.Megapixels = None,
    sheet: options.Print = None,
    frame: Annotated[
        FrameChoice,
        typer.Option(
            help="full: everything, SCALE times as large; camera: the centre, at the input's own size.",
            rich_help_panel=_WHAT,
        ),
    ] = FrameChoice.FULL,
    crop: Annotated[
        str | None,
        typer.Option(
            "--crop",
            "--box",
            metavar="X,Y,W,H",
            help="Zoom only this part (input pixels).",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    dry_run: options.DryRun = False,
    preview: options.Preview = False,
    compare: options.Compare = False,
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
            help="File, or folder (no suffix, or ending in /), or - for stdout. Without it, NAME_xSCALE "
            "beside each, with _camera or _crop-X-Y-W-H; a_png_xSCALE beside a_jpg_xSCALE.",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    name: options.Name = None,
    image_format: Annotated[
        FormatChoice | None,
        typer.Option(
            "--format",
            metavar=" | ".join(row.name for row in written_formats()),
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
            help=f"1 to 100 for {', '.join(_QUALITIES)}; 100 loses nothing in WebP and JPEG XL. "
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
    raw_engine: options.RawEngine = options.RawEngineChoice.auto,
    white_balance: Annotated[
        str,
        typer.Option(
            metavar="camera | auto | daylight | R,G,B,G",
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
            metavar="clip | blend | reconstruct",
            help="What becomes of overexposed parts.",
            rich_help_panel=_RAW,
        ),
    ] = "clip",
    demosaic: options.Demosaic = "ahd",
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
    effort: options.Effort = options.EffortChoice.FULL,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble", help="Average eight flipped views: 8 times slower.", rich_help_panel=_COMPUTE
        ),
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="auto | cpu | cuda | xpu | mps | vulkan",
            help="Where to compute; with :1 the second of a kind. srnet devices lists them.",
            rich_help_panel=_COMPUTE,
        ),
    ] = "auto",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Fail where the device does, instead of computing on another one.",
            rich_help_panel=_COMPUTE,
        ),
    ] = False,
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto | fp32 | bf16 | fp16",
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
    from srnet_cli.console import emit_json, speak
    from srnet_cli.errors import UsageError

    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other")
    if crop is not None and frame is FrameChoice.CAMERA:
        raise UsageError("--crop and --frame camera exclude each other", remedy="leave one of them out")
    if fast and model != "auto":
        raise UsageError("--fast lets auto choose, and --model has chosen", remedy="leave one of them out")
    if preview and (heatmap or compare):
        raise UsageError("--preview writes one picture and nothing beside it", remedy="leave it out")
    size = options.asked_size(width, height, megapixels, sheet, scale)
    if size is not None and frame is FrameChoice.CAMERA:
        raise UsageError("--frame camera keeps the input's own size", remedy="say --scale instead of a size")

    from srnet_cli.compute.imports import without_collecting

    with without_collecting():
        from srnet_cli.imaging import RawOptions, WriteOptions
        from srnet_cli.imaging.boxes import parse_box
        from srnet_cli.zooming.batch import ZoomRequest
        from srnet_cli.zooming.engine import EngineOptions

    request = ZoomRequest(
        scale=4.0 if scale is None else scale,
        size=size,
        clean=clean,
        frame=frame.value,
        crop=None if crop is None else parse_box(crop, "--crop"),
        model=model,
        fast=fast,
        effort=effort.value,
        crisp=crisp,
        strength=strength,
        raw=RawOptions(
            white_balance=_white_balance(white_balance),  # type: ignore[arg-type]
            exposure=exposure,
            highlights=highlights,  # type: ignore[arg-type]
            demosaic=demosaic,  # type: ignore[arg-type]
            auto_brightness=auto_brightness,
        ),
        raw_engine=raw_engine.value,  # type: ignore[arg-type]
        write=WriteOptions(
            None if image_format is None else image_format.value, bit_depth=bit_depth, quality=quality
        ),
        engine=EngineOptions(device, precision, tile, ensemble, strict=strict),
        heatmap=heatmap,
        preview=preview,
        compare=compare,
        name=name,
        overwrite=overwrite,
        skip_existing=skip_existing,
        max_pixels=max_pixels,
        debug=bool(context.obj),
    )
    with streams(inputs, output, json) as places:
        if places.to_stdout:
            speak(quiet=True)  # the file that would be named is gone when it ends
        document, failed = _done(places, request, recursive, dry_run, json)
    if json and document is not None:
        emit_json(document)
    if failed:
        raise typer.Exit(1)


def _done(
    places: Streams, request: ZoomRequest, recursive: bool, dry_run: bool, json: bool
) -> tuple[dict[str, Any] | None, bool]:
    """Do it, or say what would be done; return the document, None in a process that does not lead."""
    from srnet_cli.commands.zoom_report import forecast_document, say_forecast, say_results
    from srnet_cli.zooming.batch import forecast_batch, run_batch

    if dry_run:
        found = forecast_batch(
            places.inputs, places.output, request, recursive=recursive, standing=places.standing
        )
        found = places.named(found)
        if not json:
            say_forecast(found)
        return forecast_document(found), any(each.error is not None for each in found)
    results = run_batch(places.inputs, places.output, request, recursive=recursive, standing=places.standing)
    if results is None:
        return None, False
    say_results(results)
    places.send(results[0].target if results else None)
    document = {"results": [result.document() for result in places.named(results)]}
    return document, any(result.status == "failed" for result in results)


def _white_balance(text: str) -> str | tuple[float, ...]:
    from srnet_cli.config_file import parse_number
    from srnet_cli.errors import UsageError

    if "," not in text:
        return text
    try:
        return tuple(parse_number(part, float) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--white-balance takes four numbers R,G,B,G, not {text!r}") from None

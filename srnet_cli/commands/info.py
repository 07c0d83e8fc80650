"""``srnet info``: what a picture is, and what a zoom would make of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from srnet_cli.zooming.forecast.about import About
    from srnet_cli.zooming.forecast.plan import Forecast

EXAMPLES = """
  srnet info photo.ARW                            size, depth, colours, camera, and what a zoom would do
  srnet info holiday/*.jpg --json                 the same for programs
"""


def info(
    context: typer.Context,
    inputs: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="RAW or RGB pictures.")],
    scale: Annotated[float, typer.Option("--scale", "-s", help="The zoom to tell about, 1 to 16.")] = 4.0,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse pictures that claim to have more.")
    ] = 250_000_000,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Tell what pictures are: size, depth, colours, camera; and what a zoom would make of them."""
    from srnet_cli.console import emit_json, people, show_error
    from srnet_cli.errors import SrnetError, named
    from srnet_cli.zooming.batch import ZoomRequest, forecast_batch
    from srnet_cli.zooming.forecast.about import about

    documents: list[dict[str, Any]] = []
    failed, debug = False, bool(context.obj)
    for each in forecast_batch(inputs, None, ZoomRequest(scale=scale, max_pixels=max_pixels, debug=debug)):
        try:
            if each.error is not None:
                raise each.error
            found = about(each.source, max_pixels)
        except Exception as error:
            failed = True
            if debug and not isinstance(error, SrnetError):
                people().print_exception()
            show_error(named(error, each.source))
            documents.append({"path": str(each.source), "error": str(error)})
            continue
        documents.append(found.document() | {"zoom": each.document()})
        if not json:
            typer.echo("\n".join(_lines(found, each)))
    if json:
        emit_json({"pictures": documents})
    if failed:
        raise typer.Exit(1)


def _lines(found: About, zoom: Forecast) -> list[str]:
    """Write a heading and a line for each thing that is known."""
    from srnet_cli.commands.zoom_report import size
    from srnet_cli.console import printable
    from srnet_cli.imaging.metadata.shown import shown_shot
    from srnet_cli.zooming.progress import duration

    kind = ("grey" if found.grey else "RGB") + (", transparent" if found.alpha else "")
    pixels = f"{found.width}×{found.height}, {found.width * found.height / 1e6:.1f} megapixels"
    rows = [("format", found.format), ("size", pixels), ("depth", f"{found.bit_depth} bits, {kind}")]
    rows += [("colours", found.profile)]
    rows += shown_shot(found.shot).items()
    rows += [("note", note) for note in found.notes]
    if found.own_result:
        rows.append(("note", "made by srnet; in a folder it is passed over"))
    if zoom.frame is not None:
        frame = zoom.frame
        made = f"{frame.width}×{frame.height}" + (f" by {' + '.join(zoom.models)}" if zoom.models else "")
        rows.append((f"×{frame.scale:g}", f"{made}, about {duration(zoom.seconds)}, {size(zoom.bytes)}"))
        rows.append(("", f"to {zoom.target}"))
    return [printable(str(found.path)), *(f"  {name:8} {printable(text)}" for name, text in rows)]

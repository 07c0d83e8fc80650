"""Options of ``srnet zoom`` about the size, the name and the looks of a result."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from srnet_cli.zooming.frame import Size

EXAMPLES = """
  srnet zoom photo.ARW --scale 4                  the whole frame, four times as large, as 16-bit TIFF
  srnet zoom photo.ARW -s 4 --frame camera        what a lens four times as long would have taken
  srnet zoom photo.jpg -s 3 --crop 1200,800,640,480 -o bird.png
  srnet zoom holiday/ -s 2 -o large/ --recursive --skip-existing
  srnet zoom photo.jpg --crisp 0.7                crisper to the eye, less true to the light that there was
  srnet zoom photo.ARW -s 2 -o photo.dng          a DNG in camera colours, to be developed later
  srnet zoom photo.ARW -s 1 --clean               no larger, but demosaicked and cleaned by the network
  srnet zoom photo.jpg --effort auto              sky and walls by the light model, in 0.6 of the time
  srnet zoom photo.jpg --heatmap                  also where the network found something to restore
  srnet zoom holiday/ --dry-run                   what that would make, and how long it would take
  srnet zoom *.jpg --preview                      a telling detail of each, before and after, in seconds
  srnet zoom photo.ARW --print 60x40cm@300dpi     as large as the print needs it
  srnet zoom - -o - --format png < a.jpg > b.png  from a program to a program
"""

_WHAT = "What to zoom"
_SIZE = "How large, instead of --scale"
_FIRST = "Know before you wait"
_RESULT = "The result"
_RAW = "Developing RAW"

Clean = Annotated[
    bool,
    typer.Option(
        "--clean",
        help="With --scale 1, which needs no network: enlarge by one all the same, and reduce again. "
        "Takes noise away.",
        rich_help_panel=_WHAT,
    ),
]
Width = Annotated[
    int | None, typer.Option(min=1, help="Pixels that the result is wide.", rich_help_panel=_SIZE)
]
Height = Annotated[
    int | None,
    typer.Option(
        min=1, help="Pixels that it is high; with --width, it fits within both.", rich_help_panel=_SIZE
    ),
]
Megapixels = Annotated[
    float | None, typer.Option(min=0.0001, help="Millions of pixels that it has.", rich_help_panel=_SIZE)
]
Print = Annotated[
    str | None,
    typer.Option(
        "--print",
        metavar="SIZE@DPI",
        help="Enough for a print, such as 60x40cm@300dpi (mm, in), in either direction.",
        rich_help_panel=_SIZE,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Only say what would be made, with time and disk space.", rich_help_panel=_FIRST
    ),
]
Preview = Annotated[
    bool,
    typer.Option(
        "--preview",
        help="Only the detail with most texture (or --box), before and after, in a PNG.",
        rich_help_panel=_FIRST,
    ),
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Also a page (HTML) with sliders: details before and after.",
        rich_help_panel=_FIRST,
    ),
]
RawEngineChoice = StrEnum("RawEngineChoice", ["auto", "mosaic", "develop"])
RawEngine = Annotated[
    RawEngineChoice,
    typer.Option(
        "--raw-engine",
        help="mosaic: the network reads the sensor's own samples (Bayer); develop: LibRaw's picture; auto: "
        "the mosaic where a model was measured to do better.",
        rich_help_panel=_RAW,
    ),
]
Demosaic = Annotated[
    str,
    typer.Option(
        metavar="ahd | linear | vng | ppg | dcb | dht | aahd",
        help="LibRaw's demosaicking algorithm.",
        rich_help_panel=_RAW,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="Names of results without suffix, such as '{stem}_{scale}x'; also {tag}, {folder}, {number:03}.",
        show_default=False,
        rich_help_panel=_RESULT,
    ),
]


class EffortChoice(StrEnum):
    AUTO = "auto"
    FULL = "full"
    LIGHT = "light"


Effort = Annotated[
    EffortChoice,
    typer.Option(
        help="full: the model computes everything; auto: tiles without much texture are left to the light "
        "model of its scale, which takes an eighth of the time; light: all tiles are.",
        rich_help_panel="How it is computed",
    ),
]


def asked_size(
    width: int | None, height: int | None, megapixels: float | None, sheet: str | None, scale: float | None
) -> Size | None:
    """Read the size that is asked for instead of a scale, None when there is none.

    Raises:
        UsageError: when more than one is asked for.
    """
    from srnet_cli.errors import UsageError

    given = {
        "--scale": scale,
        "--width or --height": width or height,
        "--megapixels": megapixels,
        "--print": sheet,
    }
    named = [name for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} each say how large the result is", remedy="give one of them")
    if not named or scale is not None:
        return None

    from srnet_cli.zooming.frame import Size, parse_sheet

    return Size(width, height, megapixels, None if sheet is None else parse_sheet(sheet))

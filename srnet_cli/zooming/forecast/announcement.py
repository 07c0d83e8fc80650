"""The line that a person reads before a picture is computed."""

from __future__ import annotations

from collections.abc import Sequence

from srnet_cli.compute.device import precision_name
from srnet_cli.imaging import Picture
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.frame import Frame
from srnet_cli.zooming.guarding.guard import computed_in
from srnet_cli.zooming.progress import duration


def announcement(
    picture: Picture, frame: Frame, passes: Sequence[Engine], tiles: int, seconds: float | None
) -> str:
    """Say what the work will cost, as far as it is known before the first tile."""
    given = frame.region.height * frame.region.width / 1e6
    made = frame.height * frame.width / 1e6
    # A strip of float32 rows, its weighted copy and the rows waiting for the encoder; pixels of the input.
    strip = max((e.tile * e.scale * frame.region.width * e.scale * 12 * 3 for e in passes), default=0)
    light = 0 if picture.light is None else picture.light.nbytes
    memory = picture.pixels.nbytes + light + strip
    size = f"{memory / 1e9:.1f} GB" if memory >= 1e9 else f"{memory / 1e6:.0f} MB"
    how = ", ".join(
        f"{e.card.name}{f' (crisp {e.crisp:g})' if e.crisp else ''} " + _computing(e) for e in passes
    )
    time_needed = "" if seconds is None else f"about {duration(seconds)}, "
    return (
        f"{given:.2f} → {made:.2f} megapixels, {tiles} tile{'s' if tiles != 1 else ''}, {time_needed}"
        f"about {size} besides the model" + (f" ({how})" if how else "")
    )


def _computing(engine: Engine) -> str:
    device, dtype = computed_in(engine.network, engine.device, engine.dtype)
    return f"on {device} in {precision_name(dtype)}"

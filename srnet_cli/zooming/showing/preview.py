"""One detail before and after, in one picture: plain interpolation left, the zoom right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging import Metadata, Picture, write_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.picture import Pixels
from srnet_cli.zooming.engine import Engine
from srnet_cli.zooming.frame import Frame, plan_frame
from srnet_cli.zooming.pipeline import zoom_picture
from srnet_cli.zooming.request import ZoomRequest
from srnet_cli.zooming.showing.details import textured_details
from srnet_cli.zooming.strength import PlainRows

#: pixels of the result that a detail is wide and high
DETAIL = 640
_GAP, _BAND = 8, 34


@dataclass(frozen=True)
class Sides:
    """A detail in two versions of one size, H×W×3, and what they are called."""

    before: Pixels
    after: Pixels
    before_name: str
    after_name: str


def write_preview(
    picture: Picture, frame: Frame, engines: Sequence[Engine], request: ZoomRequest, target: Path
) -> tuple[int, int]:
    """Zoom a detail and write it beside plain interpolation; return height and width of the drawing.

    The detail is the one asked for by a crop, else where the frame has most texture.

    Raises:
        OutputError: it cannot be written.
        DeviceError, WeightsError: as :meth:`Engine.strips`.
    """
    box = request.crop or _detail(picture, frame)
    part = plan_frame(picture.height, picture.width, frame.scale, crop=box)
    opaque = replace(picture, alpha=None)
    zoomed = zoom_picture(opaque, part, engines, strength=request.strength)
    plain = PlainRows(picture.pixels, part, aligned=True).rows(0, part.height)
    name = " + ".join(dict.fromkeys(engine.card.name for engine in engines)) or "as it is"
    before = np.rint(plain.clip(0, 255)).astype(np.uint8)
    drawn = side_by_side(
        Sides(before, zoomed.pixels, f"bicubic {frame.scale:.4g}x", f"{name}, at {box.left},{box.top}")
    )
    about = Metadata(icc=None if picture.grey else picture.metadata.icc, origin=picture.metadata.origin)
    write_picture(Picture(drawn, metadata=about), target, overwrite=request.overwrite)
    return drawn.shape[0], drawn.shape[1]


def _detail(picture: Picture, frame: Frame) -> Box:
    side = max(16, round(DETAIL / frame.scale))
    return textured_details(picture.pixels, side, side, within=frame.region)[0]


def side_by_side(sides: Sides) -> NDArray[np.uint8]:
    """Draw both versions beside each other with a caption below: (H + 34)×(2·W + 8)×3."""
    from PIL import Image, ImageDraw, ImageFont

    before, after = to_8_bit(sides.before), to_8_bit(sides.after)
    height, width = before.shape[:2]
    drawn = np.full((height + _BAND, 2 * width + _GAP, 3), 255, np.uint8)
    drawn[:height, :width], drawn[:height, width + _GAP :] = before, after
    image = Image.fromarray(drawn)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(18)
    for left, caption in ((0, sides.before_name), (width + _GAP, sides.after_name)):
        pen.text((left + 6, height + 7), _fitting(caption, font, width - 12), fill=(20, 20, 20), font=font)
    return np.asarray(image, np.uint8)


def _fitting(text: str, font: object, width: int) -> str:
    """Cut a caption to what fits."""
    length = font.getlength  # type: ignore[attr-defined]
    while text and length(text) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text

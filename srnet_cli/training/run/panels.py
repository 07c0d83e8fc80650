"""Sample panels: what the network makes of held-out pictures, side by side with what it should make."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.choices import LabelInterpolation
from srnet_cli.data.labels import enhanced_residual, residual_image
from srnet_cli.imaging.resize import resize
from srnet_cli.training.run.drawn import DRAWN_BY
from srnet_cli.training.validation import Crop, Restored

if TYPE_CHECKING:
    from PIL.Image import Image

#: HR pixels shown of a picture, its centre
SIDE = 256
_GAP, _TITLE = 6, 18
_BACKGROUND, _INK = (24, 24, 24), (230, 230, 230)


def panel_png(results: Sequence[Restored], interpolation: LabelInterpolation) -> bytes:
    """Draw a row for each result: LR enlarged, SR, HR and, where there are any, the residuals."""
    rows = [_row(result, interpolation) for result in results]
    columns = max(len(row) for row in rows)
    side = max(tile.shape[0] for row in rows for _, tile in row)
    from PIL import Image, PngImagePlugin

    step, height = side + _GAP, side + _TITLE + _GAP
    sheet = Image.new("RGB", (columns * step + _GAP, len(rows) * height + _GAP), _BACKGROUND)
    for y, row in enumerate(rows):
        for x, (title, tile) in enumerate(row):
            _place(sheet, tile, title, _GAP + x * step, _GAP + y * height)
    content, about = BytesIO(), PngImagePlugin.PngInfo()
    about.add_text("Software", DRAWN_BY)
    sheet.save(content, "PNG", pnginfo=about)
    return content.getvalue()


def _row(result: Restored, interpolation: LabelInterpolation) -> list[tuple[str, NDArray[np.uint8]]]:
    crop = result.crop
    row = []
    if crop.bicubic is not None:
        row.append((f"LR, bicubic {crop.bicubic:.2f} dB", _enlarged(crop, "nearest")))
    row += [(f"SR {result.psnr:.2f} dB", result.sr), (f"HR: {crop.name}"[:40], crop.hr)]
    if result.residual is not None and crop.bicubic is not None:
        true = enhanced_residual(residual_image(crop.hr, _enlarged(crop, interpolation)))
        row += [("residual, predicted", result.residual), ("residual, true", true)]
    return [(title, _centre(tile)) for title, tile in row]


def _enlarged(crop: Crop, method: LabelInterpolation) -> NDArray[np.uint8]:
    return resize(np.asarray(crop.lr, np.uint8), crop.hr.shape[0], crop.hr.shape[1], method)


def _centre(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(SIDE, *picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def _place(sheet: Image, tile: NDArray[np.uint8], title: str, x: int, y: int) -> None:
    from PIL import Image, ImageDraw

    # A name may hold letters that the built-in font lacks.
    text = title.encode("ascii", "replace").decode()
    ImageDraw.Draw(sheet).text((x, y + 2), text, fill=_INK)
    sheet.paste(Image.fromarray(np.ascontiguousarray(tile)), (x, y + _TITLE))

"""The mosaic of a Bayer sensor as networks read it: levelled, white-balanced, packed.

LibRaw does all that comes before demosaicking, as for a developed picture: dark and white levels of each
channel, white balance, clipping. Its plainest interpolation keeps the sensor's own samples, which are taken
from there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs.ifd import Structure
from srnet_cli.imaging.colour.mosaic import BalancedMosaic, to_root
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.raw.dng import is_dng, linear_levels
from srnet_cli.imaging.raw.files import crop_box
from srnet_cli.imaging.raw.matrix import measured_matrix, stated_matrix
from srnet_cli.imaging.raw.mosaic import POSITIONS
from srnet_cli.imaging.raw.options import RawOptions

#: what is wanted of a mosaic: nothing, or it beside developed pixels, or it alone
MosaicUse = Literal["none", "beside", "alone"]

_PEAK = 65_535
#: pixels a side; a smaller mosaic is no photograph
_LEAST = 16


def why_no_mosaic(raw: Any, structure: Structure | None, options: RawOptions) -> str | None:
    """Say why the network for mosaics cannot take a file as the options want it; None where it can."""
    pattern, sizes = raw.raw_pattern, raw.sizes
    if pattern is None or raw.raw_image.ndim != 2 or linear_levels(structure) is not None:
        return "it has no mosaic"
    cell = [(0, 1, 2, 1)[channel] for channel in pattern.ravel()] if pattern.shape == (2, 2) else []
    if raw.num_colors != 3 or cell[::3] not in ([0, 2], [2, 0], [1, 1]) or sorted(cell) != [0, 1, 1, 2]:
        return "its mosaic is not Bayer's"
    if sizes.iheight != sizes.height or sizes.iwidth != sizes.width or sizes.pixel_aspect != 1:
        return "its pixels are not square"
    if min(sizes.height, sizes.width) < _LEAST:
        return "it is too small"
    usual = RawOptions()
    for name in ("highlights", "auto_brightness", "demosaic"):
        if getattr(options, name) != getattr(usual, name):
            return f"--{name.replace('_', '-')} works on developed pictures"
    return None


def plainest() -> dict[str, Any]:
    """Return what has LibRaw keep the sensor's samples, and interpolate between them in the shortest time."""
    import rawpy

    return {"demosaic_algorithm": rawpy.DemosaicAlgorithm.LINEAR}


def balanced_mosaic(
    raw: Any,
    structure: Structure | None,
    parameters: dict[str, Any],
    *,
    orientation: int,
    stops: float,
    baseline: float,
) -> BalancedMosaic:
    """Take the mosaic of a file for which there is no reason against it, turned upright.

    ``parameters`` are those by which LibRaw develops the file, ``stops`` and ``baseline`` what brightens it.
    """
    import rawpy

    # Developing changes what the object says of its colours. LibRaw's fourth channel is the second green.
    colours = np.where(raw.raw_colors_visible == 3, 1, raw.raw_colors_visible).astype(np.uint8)
    plain = {**parameters, **plainest(), "output_color": rawpy.ColorSpace.raw}
    top, left, height, width = crop_box(raw.sizes)
    area = np.s_[top : top + height, left : left + width]
    full = raw.postprocess(**plain)[area]
    to_srgb = stated_matrix(raw, is_dng(structure))
    if to_srgb is None:
        to_srgb = measured_matrix(raw, plain)
    values = _sampled(full, colours[area])
    packed, pad = pack_roots(upright(values, orientation), upright(colours[area], orientation))
    first, second, third = ((float(r), float(g), float(b)) for r, g, b in to_srgb)
    return BalancedMosaic(packed, pad, (first, second, third), stops, baseline)


def _sampled(picture: NDArray[np.uint16], colours: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Take of each pixel of H×W×3 the colour that the sensor saw there: H×W."""
    values = np.empty(picture.shape[:2], np.uint16)
    for row in (0, 1):
        for column in (0, 1):
            place = np.s_[row::2, column::2]
            values[place] = picture[(*place, int(colours[row, column]))]
    return values


def pack_roots(
    values: NDArray[np.uint16], colours: NDArray[np.uint8]
) -> tuple[NDArray[np.uint16], tuple[int, int]]:
    """Pack linear values H×W as h×w×4 of roots, R, G, B, G, from a red pixel on.

    Where the mosaic begins or ends in the middle of a cell, its border is reflected, which keeps the colours
    in order. Returns also the rows and columns that were put before it.

    Raises:
        ValueError: when the colours (0 red, 1 green, 2 blue) of its first cell are not Bayer's.
    """
    cell = colours[:2, :2]
    red = np.argwhere(cell == 0)
    if len(red) != 1 or cell[1 - red[0][0], 1 - red[0][1]] != 2:
        raise ValueError(f"the pattern {cell.tolist()} is not Bayer's")
    top, left = (int(v) for v in red[0])
    after = [(before + side) % 2 for before, side in zip((top, left), values.shape, strict=True)]
    padded = np.pad(values, ((top, after[0]), (left, after[1])), "reflect")
    planes = [padded[row::2, column::2] for row, column in POSITIONS]
    return _roots()[np.stack(planes, axis=-1)], (top, left)


@lru_cache(maxsize=1)
def _roots() -> NDArray[np.uint16]:
    """The encoding of all values."""
    light = np.arange(_PEAK + 1, dtype=np.float32) / np.float32(_PEAK)
    return np.asarray(np.rint(to_root(light) * _PEAK), np.uint16)

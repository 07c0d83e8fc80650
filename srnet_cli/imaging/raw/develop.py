"""RAW files developed to sRGB."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.ifd import Structure
from srnet_cli.imaging.colour.shoulder import shoulder
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.picture import Picture
from srnet_cli.imaging.raw.balanced import MosaicUse, balanced_mosaic, plainest, why_no_mosaic
from srnet_cli.imaging.raw.dng import FULL_RANGE, baseline_exposure, is_dng, linear_levels
from srnet_cli.imaging.raw.files import crop_box, opened, orientation_of, structure_of
from srnet_cli.imaging.raw.options import RawOptions, libraw_parameters
from srnet_cli.imaging.raw.proof import check_developed
from srnet_cli.imaging.raw.shot import describe_shot
from srnet_cli.imaging.srgb import linear_to_srgb

_CODED_PEAK = 65_535
#: pixels; the side of the tiles in LibRaw's method
_LEAST_XTRANS = 512


def develop(path: Path, options: RawOptions, max_pixels: int, mosaic: MosaicUse = "none") -> Picture:
    """Develop a RAW file to an upright 16-bit sRGB picture, cropped to what the camera shows.

    With another ``mosaic`` than "none" it also has that, for a network that reads these; where it cannot have
    it, a note says why. "alone": nobody will see the pixels beside it, which are interpolated plainly.

    Raises:
        InputError: LibRaw cannot read the file, its pixels are missing or incomplete, or it has more than
            ``max_pixels``.
    """
    structure = structure_of(path)
    with opened(path, structure, max_pixels) as raw:
        # Developing changes what the object says about orientation.
        orientation = orientation_of(raw, structure)
        notes = _notes(raw, options)
        parameters = adapted_parameters(raw, structure, options, notes)
        against = None if mosaic == "none" else why_no_mosaic(raw, structure, options)
        if mosaic == "alone" and against is None:
            parameters.update(plainest())
        linear = raw.postprocess(**parameters)
        check_developed(path, linear)
        stops = options.exposure + _highlight_room(raw, parameters, options)
        baseline = 0.0 if options.auto_brightness else baseline_exposure(structure)
        pixels = _encoded(cropped(linear, raw.sizes), stops, baseline)
        about = describe_shot(raw, structure)
        balanced = None
        if against is not None:
            notes.append(f"developed before it is enlarged: {against}")
        elif mosaic != "none":
            balanced = balanced_mosaic(
                raw, structure, parameters, orientation=orientation, stops=stops, baseline=baseline
            )
    grey = pixels.shape[2] == 1
    if grey:
        pixels = pixels.repeat(3, axis=2)
        about = replace(about, icc=colour.stated_profile(colour.SRGB_COLOUR, grey=True))
    return Picture(
        upright(pixels, orientation),
        mosaic=balanced,
        grey=grey,
        raw=True,
        source=path,
        metadata=replace(about, notes=tuple(notes)),
    )


def adapted_parameters(
    raw: Any, structure: Structure | None, options: RawOptions, notes: list[str]
) -> dict[str, Any]:
    """Return what LibRaw is told about this file; ``notes`` gets what the user should know of it."""
    parameters = libraw_parameters(options, is_dng=is_dng(structure))
    if linear_levels(structure) is not None:
        parameters.update(FULL_RANGE)
    elif _is_beyond(raw.raw_image_visible, raw.white_level):
        parameters["user_sat"] = _CODED_PEAK
        notes.append(
            f"its values exceed the white level {raw.white_level}; {_CODED_PEAK:,} was taken as white"
        )
    if raw.raw_pattern is not None and raw.raw_pattern.shape == (6, 6):
        _demosaic_small_xtrans(raw.sizes, parameters)
    return parameters


def _notes(raw: Any, options: RawOptions) -> list[str]:
    if options.white_balance != "camera" or raw.num_colors == 1:
        return []
    recorded = list(raw.camera_whitebalance or ())
    # LibRaw's sign for a white balance that it finds from the picture, grey on average.
    if len(recorded) >= 3 and recorded[0] < 0:
        return ["the file records no white balance; it was estimated from the picture"]
    if len(recorded) < 3 or min(recorded[:3]) <= 0:
        return ["the file records no white balance; LibRaw's own for daylight was used"]
    return []


def _demosaic_small_xtrans(sizes: Any, parameters: dict[str, Any]) -> None:
    """Choose a method for any pattern where LibRaw's own for X-Trans takes no picture as small as this."""
    import rawpy

    linear, vng = rawpy.DemosaicAlgorithm.LINEAR, rawpy.DemosaicAlgorithm.VNG
    if min(sizes.height, sizes.width) < _LEAST_XTRANS and parameters["demosaic_algorithm"] != linear:
        parameters["demosaic_algorithm"] = vng


def _is_beyond(values: NDArray[np.uint16], white_level: int) -> bool:
    """Return whether the stated white level cannot be right: some scanners state 8 bits, LibRaw gives 16."""
    return bool(np.count_nonzero(values[::4, ::4] > 2 * white_level) > values[::4, ::4].size // 10)


def _highlight_room(raw: Any, parameters: dict[str, Any], options: RawOptions) -> float:
    """Return the stops by which LibRaw darkened the picture to keep overexposed parts.

    It scales the weakest channel instead of the strongest one to full range, by gains that it does not tell
    when it finds them itself; so they are measured, on small developments of both kinds.
    """
    if options.highlights == "clip" or options.auto_brightness:
        return 0.0
    import rawpy

    small = {**parameters, "half_size": True}
    darkened = raw.postprocess(**small).astype(np.float64)
    usual = raw.postprocess(**{**small, "highlight_mode": rawpy.HighlightMode.Clip}).astype(np.float64)
    untouched = (usual.max(axis=2) < 0.4 * _CODED_PEAK) & (darkened.min(axis=2) > 0)
    if not untouched.any():
        return 0.0
    return float(np.log2(usual[untouched].sum() / darkened[untouched].sum()))


def cropped(pixels: NDArray[np.uint16], sizes: Any) -> NDArray[np.uint16]:
    # Pixels that are not square, and sensors turned by 45°, come out in another size: no crop is known then.
    if pixels.shape[:2] != (sizes.height, sizes.width):
        return pixels
    top, left, height, width = crop_box(sizes)
    return pixels[top : top + height, left : left + width]


def _encoded(linear: NDArray[np.uint16], stops: float, baseline: float) -> NDArray[np.uint16]:
    """Return linear light with the sRGB curve (IEC 61966-2-1), brightened by ``stops`` and ``baseline``.

    What the stops push beyond white is white, as it would be in a longer exposure. What the baseline does is
    kept by a shoulder, as the camera does.
    """
    return np.asarray(_curve(stops, baseline)[linear], np.uint16)


@lru_cache(maxsize=4)
def _curve(stops: float, baseline: float) -> NDArray[np.uint16]:
    light = np.minimum(np.arange(_CODED_PEAK + 1) / _CODED_PEAK * 2.0**stops, 1.0) * 2.0**baseline
    return np.asarray(np.rint(linear_to_srgb(shoulder(light, 2.0**baseline)) * _CODED_PEAK), np.uint16)

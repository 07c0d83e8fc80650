"""RAW files demosaicked and no more: camera colours, for those who go on developing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.ifd import Structure
from srnet_cli.imaging.colour.camera import CameraColours
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.picture import Picture
from srnet_cli.imaging.raw.develop import adapted_parameters, cropped
from srnet_cli.imaging.raw.dng import baseline_exposure, is_dng
from srnet_cli.imaging.raw.files import opened, orientation_of, structure_of
from srnet_cli.imaging.raw.matrix import XYZ_TO_SRGB, measured_matrix, stated_matrix
from srnet_cli.imaging.raw.options import RawOptions
from srnet_cli.imaging.raw.profile import camera_tags
from srnet_cli.imaging.raw.proof import check_developed
from srnet_cli.imaging.raw.shot import describe_shot

#: far from any mean that is worth a white balance
_LEAST_GAIN, _MOST_GAIN = 1 / 64, 64.0


def read_camera_colours(path: Path, options: RawOptions, max_pixels: int) -> Picture:
    """Demosaic a RAW file to an upright 16-bit picture of camera colours, cropped to what the camera shows.

    ``metadata.camera`` says what its samples mean. White balance and exposure of the options go there, too:
    whoever develops the picture may change them again.

    Raises:
        InputError: as :func:`develop`, or the sensor has four colours.
    """
    structure = structure_of(path)
    with opened(path, structure, max_pixels) as raw:
        if raw.num_colors not in (1, 3):
            raise InputError(
                f"has a sensor of {raw.num_colors} colours, which a DNG of three cannot hold",
                path=path,
                remedy="zoom it to TIFF or PNG",
            )
        # Developing changes what the object says about orientation.
        orientation = orientation_of(raw, structure)
        notes = _notes(options)
        parameters = adapted_parameters(raw, structure, options, notes)
        _leave_colours(parameters)
        gains = _gains(raw, options, parameters, notes)
        parameters.update(use_camera_wb=False, use_auto_wb=False, user_wb=list(gains))
        linear = raw.postprocess(**parameters)
        check_developed(path, linear)
        about = describe_shot(raw, structure)
        to_srgb = stated_matrix(raw, is_dng(structure))
        if to_srgb is None:
            to_srgb = measured_matrix(raw, parameters)
        camera = replace(
            _described(raw, structure, gains, to_srgb, options), fullest=_fullest(raw, parameters)
        )
        to_camera = np.linalg.inv(to_srgb) @ XYZ_TO_SRGB / np.array(gains[:3])[:, None]
        known = np.array(raw.rgb_xyz_matrix, np.float64)[:3]
        tags = camera_tags(path, structure, about.exif, camera, known if known.any() else to_camera)
        light = cropped(linear, raw.sizes)
    pixels = camera.coded(light)
    if camera.is_grey:
        pixels = pixels.repeat(3, axis=2)
    metadata = replace(about, icc=None, camera=replace(camera, tags=tags), notes=tuple(notes))
    return Picture(
        upright(pixels, orientation),
        light=None if camera.is_grey else upright(light, orientation),
        grey=camera.is_grey,
        raw=True,
        source=path,
        metadata=metadata,
    )


def _notes(options: RawOptions) -> list[str]:
    unused = {"--highlights": options.highlights != "clip", "--auto-brightness": options.auto_brightness}
    names = [name for name, given in unused.items() if given]
    return [f"{' and '.join(names)} changes nothing in a DNG, which is developed later"] if names else []


def _leave_colours(parameters: dict[str, Any]) -> None:
    """Have LibRaw keep the camera's colours and clip nothing that the sensor did not clip."""
    import rawpy

    parameters.update(
        output_color=rawpy.ColorSpace.raw,
        # The strongest gain becomes 1, and no other is larger.
        highlight_mode=rawpy.HighlightMode.Ignore,
        no_auto_bright=True,
    )


def _gains(
    raw: Any, options: RawOptions, parameters: dict[str, Any], notes: list[str]
) -> tuple[float, float, float, float]:
    """Return the gains that the options mean for this file, the largest 1."""
    if raw.num_colors == 1:
        return 1.0, 1.0, 1.0, 1.0
    balance = options.white_balance
    recorded = list(raw.camera_whitebalance or ())
    found: list[float] = []
    if not isinstance(balance, str):
        found = list(balance)
    elif balance == "camera" and len(recorded) >= 3 and min(recorded[:3]) > 0:
        found = recorded
    elif balance == "auto" or (balance == "camera" and len(recorded) >= 3 and recorded[0] < 0):
        found = _estimated(raw, parameters)
        if balance == "camera":
            notes.append("the file records no white balance; it was estimated from the picture")
    else:
        found = list(raw.daylight_whitebalance or ())
        if balance == "camera":
            notes.append("the file records no white balance; LibRaw's own for daylight was used")
    if len(found) < 3 or min(found[:3]) <= 0:
        found = [1.0, 1.0, 1.0]
    second = found[3] if len(found) > 3 and found[3] > 0 else found[1]
    values = np.array([*found[:3], second]) / max(*found[:3], second)
    red, green, blue, fourth = (float(value) for value in values)
    return red, green, blue, fourth


def _fullest(raw: Any, parameters: dict[str, Any]) -> float:
    """Return the largest value of the sensor, black 0 and the white that LibRaw scales by 1.

    Many sensors saturate below the white level of their files. Programs that clip only what reaches it would
    develop a DNG in which interpolation reached it in another way than its original.
    """
    if parameters["adjust_maximum_thr"]:
        return 1.0  # LibRaw took the largest value for white
    black = min(raw.black_level_per_channel or (0,))
    reached = (int(raw.raw_image_visible.max()) - black) / max(raw.white_level - black, 1)
    return float(reached) if 0 < reached < 1 else 1.0


def _estimated(raw: Any, parameters: dict[str, Any]) -> list[float]:
    """Return LibRaw's white balance for a picture that is grey on average; empty where it finds none."""
    raw.postprocess(**{**parameters, "use_camera_wb": False, "use_auto_wb": True, "half_size": True})
    found = [float(value) for value in raw.auto_whitebalance or ()]
    plausible = len(found) >= 3 and all(_LEAST_GAIN < value / found[1] < _MOST_GAIN for value in found[:3])
    return found if plausible else []


def _described(
    raw: Any,
    structure: Structure | None,
    gains: tuple[float, ...],
    to_srgb: NDArray[np.float64],
    options: RawOptions,
) -> CameraColours:
    stops = baseline_exposure(structure) + options.exposure
    if raw.num_colors == 1:
        return CameraColours((1.0,), baseline_exposure=stops)
    first, second, third = ((float(r), float(g), float(b)) for r, g, b in to_srgb)
    return CameraColours(gains[:3], (first, second, third), stops)

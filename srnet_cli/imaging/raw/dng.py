"""Tags of a DNG that LibRaw does not heed, or gets wrong. Tags: DNG 1.7 specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.layout import decoding
from srnet_cli.imaging.codecs.proof.pages import is_reduced

_WIDTH, _HEIGHT, _PHOTOMETRIC = 256, 257, 262
_SAMPLES, _PREDICTOR, _SAMPLE_FORMAT = 277, 317, 339
_BLACK_LEVEL, _WHITE_LEVEL = 50714, 50717
_ACTIVE_AREA, _DEFAULT_SCALE, _CROP_ORIGIN, _CROP_SIZE = 50829, 50718, 50719, 50720
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
#: pixels of a tile beyond the picture, and half of that, before they are taken for picture
_LEAST_SURPLUS = 256
#: pixels by which makers round what is shown
_MOST_BEYOND = 16
_DNG_VERSION, _BASELINE_EXPOSURE = 50706, 50730
MOSAIC, _LINEAR = 32803, 34892
#: a mosaic; pixels that were demosaicked, and not developed
SENSOR_COLOURS = (MOSAIC, _LINEAR)
#: lists of what has to be done to the pixels: how many steps, and a head of 16 bytes for each
_STEPS, _STEP_BYTES = (51008, 51009, 51022), 16
_FLOAT, _FLOAT_PREDICTOR = 3, 3
#: stops; what a file states beyond is not an exposure
_MOST_BASELINE = 6.0
#: LibRaw scales floating-point values to about this white; far less means that it read none of them
_LEAST_FLOAT_WHITE = 1000


#: what LibRaw is told of values that :func:`bring_to_full_range` changed
FULL_RANGE = {"user_black": 0, "user_cblack": [0, 0, 0, 0], "user_sat": 65_535}


def is_dng(structure: ifd.Structure | None) -> bool:
    """Return whether a file says of which version of DNG it is; LibRaw takes zero for none."""
    return structure is not None and any(top.integer(_DNG_VERSION, 0) for top in structure.directories)


def sensor_pictures(structure: ifd.Structure) -> list[Directory]:
    """Return the directories of pixels as a sensor gives them, small versions left out."""
    return [
        directory
        for directory in structure.walk()
        if directory.integer(_PHOTOMETRIC, 0) in SENSOR_COLOURS and not is_reduced(directory)
    ]


def baseline_exposure(structure: ifd.Structure | None) -> float:
    """Return the stops by which the camera's own picture is brighter than sensor white shown as white."""
    if structure is None or not is_dng(structure):
        return 0.0
    stops = structure.directories[0].number(_BASELINE_EXPOSURE) or 0.0
    return float(stops) if abs(stops) <= _MOST_BASELINE else 0.0


def is_linear(structure: ifd.Structure | None) -> bool:
    """Return whether the main picture was demosaicked already, as panoramas are, which have empty parts."""
    main = _main(structure)
    return main is not None and main.integer(_PHOTOMETRIC, 0) == _LINEAR


def check_areas(path: Path, structure: ifd.Structure | None) -> None:
    """Refuse a picture that ends within its own areas, of light and of what is shown: its size is wrong.

    That of tiles is no more than the picture's, rounded up, in all that write DNG; one far larger is of a
    larger picture.

    Raises:
        InputError: naming the first.
    """
    main = _main(structure) if is_dng(structure) else None
    if main is None:
        return
    height, width = main.integer(_HEIGHT, 0), main.integer(_WIDTH, 0)
    tall, wide = main.integer(_TILE_HEIGHT, 0), main.integer(_TILE_WIDTH, 0)
    if _is_far_larger(tall, height) or _is_far_larger(wide, width):
        _refuse_area(path, "one of its tiles", tall, wide, height, width)
    area = main.integers(_ACTIVE_AREA)
    top, left, bottom, right = area if len(area) == 4 else (0, 0, height, width)
    if bottom > height or right > width:
        _refuse_area(path, "the area of its sensor", bottom, right, height, width)
    size, origin = main.numbers(_CROP_SIZE), main.numbers(_CROP_ORIGIN)
    # Sizes are those of the picture that is shown, which is stretched where pixels are not square.
    if len(size) == 2 and len(origin) == 2 and set(main.numbers(_DEFAULT_SCALE)) <= {1.0}:
        shown = top + origin[1] + size[1], left + origin[0] + size[0]
        if shown[0] > height + _MOST_BEYOND or shown[1] > width + _MOST_BEYOND:
            _refuse_area(path, "what it shows", *shown, height, width)


def check_steps(path: Path, structure: ifd.Structure | None) -> None:
    """Refuse a list of more steps than its bytes can hold, which LibRaw would go through for hours.

    Raises:
        InputError: naming the tag.
    """
    for directory in () if structure is None else structure.walk():
        for tag in _STEPS:
            entry = directory.entries.get(tag)
            # Always of big-endian numbers, which are undefined bytes to the directory.
            if entry is not None and int.from_bytes(entry.data[:4], "big") * _STEP_BYTES > len(entry.data):
                raise InputError(f"is damaged: tag {tag} of its directory lists too many steps", path=path)


def _is_far_larger(tile: int, side: int) -> bool:
    return tile >= max(side + _LEAST_SURPLUS, side * 3 // 2)


def _refuse_area(path: Path, what: str, bottom: float, right: float, height: int, width: int) -> None:
    raise InputError(
        f"is damaged: {what} ends at {right:g}×{bottom:g}, its pixels at {width}×{height}", path=path
    )


def correct_floats(path: Path, raw: Any, structure: ifd.Structure | None) -> None:
    """Put right, in LibRaw's own memory, floating-point values that it unpacked wrong.

    Raises:
        InputError: they are no numbers, or of a kind that is not supported.
    """
    main = _main(structure) if is_dng(structure) else None
    if main is None or main.integer(_SAMPLE_FORMAT, 1) != _FLOAT:
        return
    if main.integer(_PREDICTOR, 1) != _FLOAT_PREDICTOR:
        _read_floats(path, raw, main)


def bring_to_full_range(raw: Any, structure: ifd.Structure | None) -> None:
    """Put right, in LibRaw's own memory, the values of :func:`linear_levels`."""
    levels = linear_levels(structure)
    if levels is not None and raw.raw_image.ndim == 3:
        # LibRaw's gains, of which green's is the smallest, make up for the other channels' ranges.
        reach = levels[1][1] - levels[1][0]
        for channel, (black, _) in enumerate(levels):
            values = raw.raw_image[..., channel].astype(np.float32)
            light = ((values - np.float32(black)) / np.float32(reach)).clip(0, 1)
            raw.raw_image[..., channel] = np.rint(light * 65_535).astype(np.uint16)


def linear_levels(structure: ifd.Structure | None) -> tuple[tuple[float, float], ...] | None:
    """Return black and white of the three channels of a demosaicked picture with a black level, else None.

    LibRaw takes the black off the values, and off white either not at all or twice. So the values are brought
    to full range here, and it is told so (:data:`FULL_RANGE`).
    """
    main = _main(structure) if is_dng(structure) else None
    if main is None or not is_linear(structure) or main.integer(_SAMPLES, 1) != 3:
        return None
    levels = stated_levels(structure)
    usable = all(0 <= low < high for low, high in levels)
    return levels if len(levels) == 3 and usable and any(low for low, _ in levels) else None


def stated_levels(structure: ifd.Structure | None) -> tuple[tuple[float, float], ...]:
    """Return black and white of each channel of a demosaicked picture; empty where the file states none."""
    main = _main(structure) if is_dng(structure) else None
    if main is None or not is_linear(structure):
        return ()
    samples = main.integer(_SAMPLES, 1)
    black, white = main.numbers(_BLACK_LEVEL), main.numbers(_WHITE_LEVEL)
    if len(black) not in (1, samples) or len(white) not in (1, samples):
        return ()
    return tuple((black[i % len(black)], white[i % len(white)]) for i in range(samples))


def _read_floats(path: Path, raw: Any, main: Directory) -> None:
    """Read floating-point values by tifffile; LibRaw undoes a predictor that they may not have."""
    import tifffile

    size = (main.integer(_HEIGHT, 0), main.integer(_WIDTH, 0))
    with decoding(path), tifffile.TiffFile(path, _multifile=False) as file:
        pages = [inner for page in file.pages for inner in (page, *(page.pages or ()))]
        page: Any = next(
            p for p in pages if p.sampleformat == _FLOAT and (p.imagelength, p.imagewidth) == size
        )
        values = np.asarray(page.asarray(maxworkers=1), np.float32)
    if not np.isfinite(values).all():
        raise InputError("has NaN or infinite values", path=path)
    target = raw.raw_image
    if (
        values.size % target.shape[0]
        or values.shape[:2] != target.shape[:2]
        or raw.white_level < _LEAST_FLOAT_WHITE
    ):
        raise InputError("is a floating-point DNG of a kind that is not supported", path=path)
    white = main.number(_WHITE_LEVEL) or 1.0
    scaled = (values * np.float32(raw.white_level / white)).clip(0, 65_535).astype(np.uint16)
    if target.ndim == 3:
        target[..., : scaled.shape[2]] = scaled
    else:
        target[...] = scaled.reshape(target.shape)


def _main(structure: ifd.Structure | None) -> Directory | None:
    """Return the largest picture in full size of those that are RAW."""
    found = [] if structure is None else sensor_pictures(structure)
    return max(found, key=lambda d: d.integer(_WIDTH, 0) * d.integer(_HEIGHT, 0), default=None)

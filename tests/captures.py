"""RAW files for tests, written from linear pictures: DNG and Sony ARW with a true Bayer mosaic.

``python -m tests.captures OUT.dng`` writes the sample capture: a rendered scene with a test chart.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.scene import sample_scene

#: XYZ (D65) to camera, the matrix that LibRaw holds for a Sony ILCE-7RM2
SONY_MATRIX = np.array([[0.6629, -0.1900, -0.0483], [-0.4618, 1.2349, 0.2550], [-0.0622, 0.1381, 0.6514]])
#: linear sRGB to XYZ, IEC 61966-2-1
SRGB_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_PATTERNS = {"RGGB": (0, 1, 1, 2), "BGGR": (2, 1, 1, 0), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1)}

Tag = tuple[int, int, int, object, bool]
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED, _SSHORT, _SRATIONAL = 1, 2, 3, 4, 5, 7, 8, 10


@dataclass(frozen=True)
class Capture:
    """How a test camera took its picture."""

    #: EXIF orientation, 1..8: how the stored picture must be turned to be upright
    orientation: int = 1
    #: millimetres; None leaves the tag out
    focal_length: float | None = 35.0
    #: sensor values of black, one or four (in the order of the 2×2 pattern)
    black_level: int | Sequence[int] = 512
    white_level: int = 16383
    #: as-shot gains of red, green and blue
    white_balance: tuple[float, float, float] = (2.2, 1.0, 1.6)
    #: colours of the 2×2 pattern, row by row
    pattern: str = "RGGB"
    #: standard deviation of the read noise in sensor values; None adds no noise at all
    read_noise: float | None = None
    #: photo-electrons of a saturated pixel, for the shot noise
    full_well: float = 40_000.0
    seed: int = 0
    make: str = "SRNet"
    model: str = "Test camera"
    iso: int = 100
    exposure_time: Fraction = Fraction(1, 125)
    aperture: Fraction = Fraction(56, 10)
    date: str = "2024:06:01 12:00:00"
    #: height and width of the tiles of a DNG, multiples of 16; None for one strip
    tile: tuple[int, int] | None = None
    #: top, left, bottom, right that light reaches in a DNG; None leaves the tag out
    active_area: tuple[int, int, int, int] | None = None
    #: height and width of what a DNG shows; None leaves the tags out
    crop: tuple[int, int] | None = None


def mosaic(linear: NDArray[np.floating], capture: Capture = Capture()) -> NDArray[np.uint16]:
    """What the sensor of ``capture`` stores for a picture.

    ``linear`` is H×W×3 linear sRGB, 1.0 is white. The result is H×W sensor values: colour and white balance
    undone, sampled by the pattern, noise added, black level added, clipped at the white level.
    """
    camera = np.clip(linear.astype(np.float64) @ _to_camera(capture).T, 0.0, 1.0)
    height, width = linear.shape[:2]
    black = _black_levels(capture)
    values = np.empty((height, width))
    levels = np.empty((height, width))
    for index, colour in enumerate(_PATTERNS[capture.pattern]):
        row, column = divmod(index, 2)
        values[row::2, column::2] = camera[row::2, column::2, colour]
        levels[row::2, column::2] = black[index]
    if capture.read_noise is not None:
        generator = np.random.default_rng(capture.seed)
        values = generator.poisson(values * capture.full_well) / capture.full_well
        values += generator.normal(0.0, capture.read_noise, values.shape) / capture.white_level
    return np.clip(np.rint(levels + values * (capture.white_level - levels)), 0, capture.white_level).astype(
        np.uint16
    )


def write_dng(path: Path, linear: NDArray[np.floating], capture: Capture = Capture()) -> None:
    """Write a DNG that develops to ``linear`` (H×W×3 linear sRGB, 1.0 is white)."""
    write_dng_mosaic(path, mosaic(linear, capture), capture)


def write_dng_mosaic(path: Path, values: NDArray[np.uint16], capture: Capture = Capture()) -> None:
    """Write a DNG with exactly these H×W sensor values."""
    neutral = [_fraction(1.0 / gain) for gain in capture.white_balance]
    tags = [
        *_common_tags(capture),
        (50706, _BYTE, 4, (1, 4, 0, 0), True),
        (50707, _BYTE, 4, (1, 1, 0, 0), True),
        (50708, _ASCII, 0, f"{capture.make} {capture.model}", True),
        (50710, _BYTE, 3, (0, 1, 2), True),
        (50711, _SHORT, 1, 1, True),
        (50713, _SHORT, 2, (2, 2), True),
        (50714, _SHORT, 4, _black_levels(capture), True),
        (50717, _LONG, 1, capture.white_level, True),
        (50721, _SRATIONAL, 9, _rationals(_fraction(v) for v in SONY_MATRIX.ravel()), True),
        (50728, _RATIONAL, 3, _rationals(neutral), True),
        (50778, _SHORT, 1, 21, True),
    ]
    if capture.active_area is not None:
        tags.append((50829, _LONG, 4, capture.active_area, True))
    if capture.crop is not None:
        tags.append((50719, _LONG, 2, (0, 0), True))
        tags.append((50720, _LONG, 2, capture.crop[::-1], True))
    _write(path, values, tags, capture.tile)


def write_arw(path: Path, linear: NDArray[np.floating], capture: Capture = Capture()) -> None:
    """Write what LibRaw takes for the ARW of a Sony ILCE-7RM2, from the same input as :func:`write_dng`."""
    gains = [round(1024 * gain) for gain in capture.white_balance]
    tags = [
        *_common_tags(capture, make="SONY", model="ILCE-7RM2"),
        (29456, _SHORT, 4, _black_levels(capture), True),
        (29459, _SSHORT, 4, (gains[0], gains[1], gains[1], gains[2]), True),
    ]
    _write(path, mosaic(linear, capture), tags)


def _common_tags(capture: Capture, make: str | None = None, model: str | None = None) -> list[Tag]:
    tags: list[Tag] = [
        (271, _ASCII, 0, make or capture.make, True),
        (272, _ASCII, 0, model or capture.model, True),
        (274, _SHORT, 1, capture.orientation, True),
        (306, _ASCII, 0, capture.date, True),
        (33421, _SHORT, 2, (2, 2), True),
        (33422, _BYTE, 4, _PATTERNS[capture.pattern], True),
        (33434, _RATIONAL, 1, _rationals([capture.exposure_time]), True),
        (33437, _RATIONAL, 1, _rationals([capture.aperture]), True),
        (34855, _SHORT, 1, capture.iso, True),
        (36867, _ASCII, 0, capture.date, True),
    ]
    if capture.focal_length is not None:
        tags.append((37386, _RATIONAL, 1, _rationals([_fraction(capture.focal_length)]), True))
        tags.append((41989, _SHORT, 1, round(capture.focal_length), True))
    return tags


def _write(
    path: Path, values: NDArray[np.uint16], tags: Sequence[Tag], tile: tuple[int, int] | None = None
) -> None:
    tifffile.imwrite(
        path,
        values,
        tile=tile,
        photometric="CFA",
        metadata=None,
        subfiletype=0,
        software=False,
        extratags=list(tags),
    )


def _to_camera(capture: Capture) -> NDArray[np.float64]:
    """Linear sRGB to the sensor's values before white balance; white gives 1 / gain in each channel."""
    to_camera = SONY_MATRIX @ SRGB_TO_XYZ
    # Raw developers scale the rows so that white balance alone makes white neutral.
    to_camera /= to_camera.sum(axis=1, keepdims=True)
    return np.asarray(to_camera / np.array(capture.white_balance)[:, None])


def _black_levels(capture: Capture) -> tuple[int, ...]:
    if isinstance(capture.black_level, int):
        return (capture.black_level,) * 4
    return tuple(capture.black_level)


def _fraction(value: float) -> Fraction:
    return Fraction(float(value)).limit_denominator(100_000)


def _rationals(values: Iterable[Fraction]) -> tuple[int, ...]:
    return tuple(part for value in values for part in (value.numerator, value.denominator))


def main(arguments: Sequence[str]) -> int:
    """Write the sample capture to the one path that ``arguments`` names."""
    if len(arguments) != 1:
        print("usage: python -m tests.captures OUT.dng", file=sys.stderr)
        return 2
    capture = Capture(focal_length=35.0, read_noise=6.0, iso=200, seed=1)
    write_dng(Path(arguments[0]), sample_scene(), capture)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Camera RAW files: developing them, and their mosaic as it was stored. The only place that calls LibRaw."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError, UsageError
from srnet_cli.imaging import colour, ifd, metadata
from srnet_cli.imaging.formats import content_format
from srnet_cli.imaging.native import refusing_damaged_raw
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.picture import Metadata, Picture
from srnet_cli.imaging.srgb import linear_to_srgb

if TYPE_CHECKING:
    from datetime import datetime

Highlights = Literal["clip", "blend", "reconstruct"]
Demosaic = Literal["ahd", "linear", "vng", "ppg", "dcb", "dht", "aahd"]
WhiteBalance = Literal["camera", "auto", "daylight"]
Gains = tuple[float, float, float, float]

_DNG_VERSION = 50706
_REDUCED_PICTURE = 1
#: no RAW format packs a photograph below this; what does lacks its pixels
_LEAST_BITS_PER_PIXEL = 0.1
#: LibRaw's flips (bit 0 mirrors columns, 1 rows, 2 transposes) as EXIF orientations
_ORIENTATION_OF_FLIP = (1, 2, 4, 3, 5, 8, 6, 7)
_CODED_PEAK = 65_535


@dataclass(frozen=True)
class RawOptions:
    """How a RAW file is developed. The defaults are what the camera meant."""

    #: camera (as shot), auto (grey world), daylight, or gains of red, green, blue and second green
    white_balance: WhiteBalance | Gains = "camera"
    #: stops; 0 shows sensor white as white. The BaselineExposure of a DNG is left out on purpose: it is
    #: meant for a film-like tone curve, and with a plain one it burns the highlights out
    exposure: float = 0.0
    #: what becomes of overexposed parts: clip to white, blend the clipped with the unclipped channels,
    #: or reconstruct them
    highlights: Highlights = "clip"
    demosaic: Demosaic = "ahd"
    #: brighten until one per cent of the pixels are white
    auto_brightness: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.white_balance, str):
            _check_choice("white balance", self.white_balance, get_args(WhiteBalance))
        elif len(self.white_balance) != 4 or not all(0 < gain < 1000 for gain in self.white_balance):
            raise UsageError("white balance takes four gains above 0: red, green, blue, second green")
        _check_choice("highlights", self.highlights, get_args(Highlights))
        _check_choice("demosaic", self.demosaic, get_args(Demosaic))
        if not -10.0 <= self.exposure <= 10.0:
            raise UsageError("exposure goes from -10 to +10 stops")


@dataclass(frozen=True)
class Mosaic:
    """What the sensor stored, before any colour."""

    #: H×W sensor values of the part that the camera shows, not turned
    values: NDArray[np.uint16]
    #: the colours of the 2×2 pattern at the upper left corner: 0 red, 1 green, 2 blue
    pattern: tuple[tuple[int, int], tuple[int, int]]
    #: value of black at the four places of the pattern, row by row
    black_levels: tuple[float, float, float, float]
    white_level: float
    #: as-shot gains at the four places of the pattern, row by row; green is 1
    gains: tuple[float, float, float, float]
    #: EXIF orientation 1..8: how the values must be turned to be upright
    orientation: int = 1


def develop(path: Path, options: RawOptions, max_pixels: int) -> Picture:
    """Develop a RAW file to an upright 16-bit sRGB picture, cropped to what the camera shows.

    Raises:
        InputError: LibRaw cannot read the file, its pixels are missing or incomplete, or it has more than
            ``max_pixels``.
    """
    structure = _structure(path)
    with _opened(path, structure, max_pixels) as raw:
        # Developing changes what the object says about orientation.
        orientation = _orientation(raw)
        notes = _notes(raw, options)
        parameters = _parameters(options, is_dng=_is_dng(structure))
        if _is_beyond(raw.raw_image_visible, raw.white_level):
            parameters["user_sat"] = _CODED_PEAK
            notes.append(
                f"its values exceed the white level {raw.white_level}; {_CODED_PEAK:,} was taken as white"
            )
        linear = raw.postprocess(**parameters)
        stops = options.exposure + _highlight_room(raw, parameters, options)
        pixels = _encoded(_cropped(linear, raw.sizes), stops)
        about = _metadata(raw, structure)
    return Picture(
        upright(pixels, orientation), raw=True, source=path, metadata=replace(about, notes=tuple(notes))
    )


def read_mosaic(path: Path, max_pixels: int = 250_000_000) -> Mosaic:
    """Read the sensor values of a Bayer RAW file.

    Raises:
        InputError: as :func:`develop`, or the file has no 2×2 mosaic (already demosaicked, or X-Trans).
    """
    with _opened(path, _structure(path), max_pixels) as raw:
        if raw.raw_pattern is None or raw.raw_pattern.shape != (2, 2):
            raise InputError(
                "has no 2×2 Bayer mosaic", path=path, remedy="use a model that takes developed pictures"
            )
        top, left, height, width = _crop_box(raw.sizes)
        # Channels of LibRaw: red, green, blue, second green.
        channels = np.roll(raw.raw_pattern, (-top, -left), axis=(0, 1)).ravel()
        gains = _camera_gains(raw)
        levels = raw.camera_white_level_per_channel
        return Mosaic(
            values=np.array(raw.raw_image_visible[top : top + height, left : left + width], np.uint16),
            pattern=_two_by_two([(0, 1, 2, 1)[channel] for channel in channels]),
            black_levels=_four([raw.black_level_per_channel[channel] for channel in channels]),
            white_level=float(min(levels) if levels and min(levels) > 0 else raw.white_level),
            gains=_four([gains[channel] for channel in channels]),
            orientation=_orientation(raw),
        )


def raw_focal_length(path: Path) -> float | None:
    """The focal length in millimetres that a RAW file records, or None."""
    rawpy = _rawpy(path)
    with _explained(path), rawpy.RawPy() as raw, refusing_damaged_raw(path):
        _open(raw, path)
        value = float(raw.other.focal_length)
    if value > 0:
        return value
    structure = _structure(path)
    directories = [] if structure is None else structure.directories
    return next((found for top in directories if (found := metadata.focal_length_in(top))), None)


def is_raw_structure(structure: ifd.Structure) -> bool:
    """Whether a TIFF structure is that of a RAW file (a DNG under another name, for one)."""
    colour_filter_array, linear_raw = 32803, 34892
    return any(
        _DNG_VERSION in directory.entries or directory.integer(262, 0) in (colour_filter_array, linear_raw)
        for directory in structure.walk()
    )


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} cannot be {value!r}", remedy=f"one of {', '.join(choices)}")


def _rawpy(path: Path) -> Any:
    try:
        import rawpy
    except ImportError as error:
        raise InputError(
            "RAW files need the rawpy package, which is not installed", path=path, remedy="pip install rawpy"
        ) from error
    return rawpy


def _structure(path: Path) -> ifd.Structure | None:
    with path.open("rb") as file:
        return ifd.parse(file)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    rawpy = _rawpy(path)
    try:
        yield
    except rawpy.LibRawFileUnsupportedError as error:
        _refuse_other_format(path)
        raise InputError("is not a RAW file that LibRaw knows, or it is damaged", path=path) from error
    except rawpy.LibRawIOError as error:
        raise InputError("is cut short: its RAW data ends too early", path=path) from error
    except rawpy.NotSupportedError as error:
        raise InputError(f"is a RAW file of a kind that cannot be developed ({error})", path=path) from error
    except rawpy.LibRawError as error:
        text = error.args[0] if error.args else error
        text = text.decode(errors="replace") if isinstance(text, bytes) else text
        raise InputError(f"is a damaged RAW file ({text})", path=path) from error


def _refuse_other_format(path: Path) -> None:
    """Name what a file is that only the name of makes a RAW file; TIFF is what many of them are made of."""
    with path.open("rb") as file:
        kind = content_format(file.read(32))
    if kind not in (None, "tiff"):
        assert kind is not None
        raise InputError(
            f"is a {kind.upper()} picture, not RAW as its name says", path=path, remedy="rename it"
        )


def _open(raw: Any, path: Path) -> None:
    name = os.fsencode(path)
    if name == str(path).encode(errors="replace"):
        raw.open_file(str(path))
        return
    # rawpy takes names in UTF-8 only.
    with path.open("rb") as file:
        raw.open_buffer(file)


@contextmanager
def _opened(path: Path, structure: ifd.Structure | None, max_pixels: int) -> Iterator[Any]:
    """LibRaw's object with the pixels unpacked and checked."""
    rawpy = _rawpy(path)
    with _explained(path), rawpy.RawPy() as raw:
        with refusing_damaged_raw(path):
            _open(raw, path)
            _check_size(path, raw.sizes, max_pixels)
            _check_extent(path, structure, raw.sizes)
            raw.unpack()
        _check_values(path, raw.raw_image_visible)
        yield raw


def _check_size(path: Path, sizes: Any, max_pixels: int) -> None:
    height, width = max(sizes.raw_height, sizes.height), max(sizes.raw_width, sizes.width)
    if sizes.height < 1 or sizes.width < 1:
        raise InputError("is a RAW file without pixels", path=path)
    if height * width > max_pixels:
        raise InputError(
            f"has {width}×{height} pixels, more than the limit of {max_pixels:,}",
            path=path,
            remedy="--max-pixels raises the limit",
        )


def _check_extent(path: Path, structure: ifd.Structure | None, sizes: Any) -> None:
    """Refuse files that end before the pixels which their own directory lists; LibRaw shows these black."""
    present = path.stat().st_size
    if present * 8 < _LEAST_BITS_PER_PIXEL * sizes.raw_height * sizes.raw_width:
        raise InputError("has no pixel data: the file is far too small for its picture", path=path)
    for directory in [] if structure is None else structure.walk():
        if not directory.integer(256, 0) or directory.integer(254, 0) & _REDUCED_PICTURE:
            continue
        end = data_end(directory)
        if end > present:
            raise InputError(
                f"is cut short: its pixels end at byte {end:,}, the file at byte {present:,}", path=path
            )


def data_end(directory: ifd.Directory) -> int:
    """The byte behind the last strip or tile that a directory lists; 0 when it lists none."""
    starts = directory.integers(273) or directory.integers(324)
    lengths = directory.integers(279) or directory.integers(325)
    return max((start + length for start, length in zip(starts, lengths, strict=False)), default=0)


def _check_values(path: Path, values: NDArray[np.uint16]) -> None:
    """Refuse what LibRaw fills with zeros without an error when data is missing."""
    first = values.flat[0]
    if (values == first).all():
        raise InputError(f"has no picture: all its RAW values are {int(first)}", path=path)
    # No sensor reads exactly zero along whole rows: read noise alone prevents it.
    rows = values.reshape(values.shape[0], -1)
    missing = 0
    while not rows[-1 - missing].any():
        missing += 1
    if missing >= max(8, values.shape[0] // 100):
        raise InputError(
            f"is incomplete: the last {missing} of {values.shape[0]} rows hold no data", path=path
        )


def _parameters(options: RawOptions, *, is_dng: bool) -> dict[str, Any]:
    """Everything that LibRaw can be told, so that no default of a library decides how a picture looks."""
    import rawpy

    algorithms = rawpy.DemosaicAlgorithm
    demosaic = {
        "ahd": algorithms.AHD,
        "linear": algorithms.LINEAR,
        "vng": algorithms.VNG,
        "ppg": algorithms.PPG,
        "dcb": algorithms.DCB,
        "dht": algorithms.DHT,
        "aahd": algorithms.AAHD,
    }
    modes = rawpy.HighlightMode
    highlights = {"clip": modes.Clip, "blend": modes.Blend, "reconstruct": modes.ReconstructDefault}
    balance = options.white_balance
    return {
        "demosaic_algorithm": demosaic[options.demosaic],
        "half_size": False,
        "four_color_rgb": False,
        "fbdd_noise_reduction": rawpy.FBDDNoiseReductionMode.Off,
        "noise_thr": None,
        "median_filter_passes": 0,
        "use_camera_wb": balance == "camera",
        "use_auto_wb": balance == "auto",
        "user_wb": None if isinstance(balance, str) else list(balance),
        "output_color": rawpy.ColorSpace.sRGB,
        "output_bps": 16,
        # Turned after cropping, because the crop is given in sensor coordinates.
        "user_flip": 0,
        "no_auto_scale": False,
        "no_auto_bright": not options.auto_brightness,
        "auto_bright_thr": 0.01,
        # A DNG states its white level; for other files the brightest value may correct LibRaw's table, which
        # keeps overexposed parts from turning pink.
        "adjust_maximum_thr": 0.0 if is_dng else 0.75,
        "bright": 1.0,
        "highlight_mode": highlights[options.highlights],
        # Linear; the sRGB curve and the exposure are applied together afterwards.
        "gamma": (1, 1),
        "chromatic_aberration": (1, 1),
    }


def _notes(raw: Any, options: RawOptions) -> list[str]:
    recorded = list(raw.camera_whitebalance or ())
    # LibRaw marks with -1 what it computes from the file itself.
    known = len(recorded) >= 3 and (recorded[0] < 0 or min(recorded[:3]) > 0)
    if options.white_balance == "camera" and not known:
        return ["the file records no white balance; LibRaw's own for daylight was used"]
    return []


def _is_dng(structure: ifd.Structure | None) -> bool:
    return structure is not None and any(_DNG_VERSION in top.entries for top in structure.directories)


def _is_beyond(values: NDArray[np.uint16], white_level: int) -> bool:
    """Whether the stated white level cannot be right: some scanners state 8 bits, LibRaw gives 16."""
    return bool(np.count_nonzero(values[::4, ::4] > 2 * white_level) > values[::4, ::4].size // 10)


def _highlight_room(raw: Any, parameters: dict[str, Any], options: RawOptions) -> float:
    """The stops by which LibRaw darkened the picture to make room for overexposed parts.

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


def _orientation(raw: Any) -> int:
    return _ORIENTATION_OF_FLIP[raw.sizes.flip & 7]


def _crop_box(sizes: Any) -> tuple[int, int, int, int]:
    """Top, left, height and width of what the camera shows, in the visible area.

    Sensors read a few more rows and columns than the camera shows; makers put no trust in them.
    """
    top, left = sizes.crop_top_margin - sizes.top_margin, sizes.crop_left_margin - sizes.left_margin
    height, width = sizes.crop_height, sizes.crop_width
    inside = top >= 0 and left >= 0 and top + height <= sizes.height and left + width <= sizes.width
    # A crop of much more is a digital zoom of the camera or damage, not a border.
    if inside and height >= 0.9 * sizes.height and width >= 0.9 * sizes.width:
        return top, left, height, width
    return 0, 0, sizes.height, sizes.width


def _cropped(pixels: NDArray[np.uint16], sizes: Any) -> NDArray[np.uint16]:
    # Pixels that are not square, and sensors turned by 45°, come out in another size: no crop is known then.
    if pixels.shape[:2] != (sizes.height, sizes.width):
        return pixels
    top, left, height, width = _crop_box(sizes)
    return pixels[top : top + height, left : left + width]


def _encoded(linear: NDArray[np.uint16], stops: float) -> NDArray[np.uint16]:
    """Linear light, brightened by ``stops``, with the sRGB curve (IEC 61966-2-1)."""
    return np.asarray(_curve(stops)[linear], np.uint16)


@lru_cache(maxsize=4)
def _curve(stops: float) -> NDArray[np.uint16]:
    light = np.minimum(np.arange(_CODED_PEAK + 1) / _CODED_PEAK * 2.0**stops, 1.0)
    return np.asarray(np.rint(linear_to_srgb(light) * _CODED_PEAK), np.uint16)


def _camera_gains(raw: Any) -> Gains:
    """Gains of LibRaw's four channels with green 1: as shot, else daylight, else none."""
    for candidate in (raw.camera_whitebalance, raw.daylight_whitebalance):
        if candidate is not None and len(candidate) >= 3 and min(candidate[:3]) > 0:
            red, green, blue = (float(value) for value in candidate[:3])
            second = float(candidate[3]) if len(candidate) > 3 and candidate[3] > 0 else green
            return red / green, 1.0, blue / green, second / green
    return 1.0, 1.0, 1.0, 1.0


def _metadata(raw: Any, structure: ifd.Structure | None) -> Metadata:
    top = (
        structure.directories[0]
        if structure is not None and structure.directories
        else _preview_directory(raw)
    )
    shot = _shot(raw)
    exif = metadata.developed_exif(top, shot)
    focal_length = shot.focal_length or metadata.focal_length_of(exif)
    return Metadata(icc=colour.srgb_profile(), exif=exif, focal_length=focal_length)


def _preview_directory(raw: Any) -> ifd.Directory | None:
    """The EXIF of the embedded JPEG: RAW files that are no TIFF (Fuji, Canon CR3) keep theirs there."""
    import rawpy

    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        # No preview, or a damaged one: the developed picture does not depend on it.
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    start = bytes(preview.data[:64]).find(b"Exif\0\0")
    structure = None if start < 0 else ifd.parse(bytes(preview.data[start + 6 :]))
    return structure.directories[0] if structure is not None and structure.directories else None


def _shot(raw: Any) -> metadata.Shot:
    other = raw.other
    return metadata.Shot(
        lens=str(raw.lens.model) or None,
        artist=str(other.artist) or None,
        taken=_known_date(other.timestamp),
        exposure_time=_positive(other.shutter_speed),
        aperture=_positive(other.aperture),
        iso=_positive(other.iso_speed),
        focal_length=_positive(other.focal_length),
    )


def _positive(value: float) -> float | None:
    # LibRaw keeps float32; what a camera writes has far fewer digits.
    return float(f"{value:.6g}") if np.isfinite(value) and value > 0 else None


def _known_date(taken: datetime) -> datetime | None:
    # LibRaw gives the start of 1970 for "unknown".
    return taken if taken.year > 1970 else None


def _four(values: list[Any]) -> tuple[float, float, float, float]:
    first, second, third, fourth = (float(value) for value in values)
    return first, second, third, fourth


def _two_by_two(values: list[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    first, second, third, fourth = values
    return (first, second), (third, fourth)

"""What a DNG states of its camera: carried over from another DNG, or from what LibRaw knows. DNG 1.7."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry, Structure
from srnet_cli.imaging.raw.dng import is_dng

if TYPE_CHECKING:
    from srnet_cli.imaging.colour.camera import CameraColours

_MAKE, _MODEL = 271, 272
_UNIQUE_MODEL, _AS_SHOT_NEUTRAL, _BASELINE_EXPOSURE, _ORIGINAL_NAME = 50708, 50728, 50730, 50827
_MATRIX, _ILLUMINANT, _D65 = 50721, 50778, 21
_SRATIONAL = 10
#: what holds for the camera's colours whatever was done to the pixels: matrices and illuminants, calibration,
#: serial number, lens, and the maker's profile
_LASTING = frozenset(
    {50708, 50709, 50721, 50722, 50723, 50724, 50727, 50735, 50736, 50739, 50778, 50779, 50931, 50932, 50936}
    | {50937, 50938, 50939, 50940, 50941, 50942, 50964, 50965, 50981, 50982, 51107, 51108, 51109, 51110}
)
_UNIT = 1_000_000


def camera_tags(
    path: Path,
    structure: Structure | None,
    exif: bytes | None,
    camera: CameraColours,
    to_camera: NDArray[np.float64],
) -> dict[int, Entry]:
    """Return the tags of DNG for camera colours that were read from ``path``.

    ``to_camera`` is the matrix from XYZ (D65) for files that are no DNG, or one without matrices.
    """
    tags = {
        _UNIQUE_MODEL: ifd.ascii_entry(_model(exif)),
        _BASELINE_EXPOSURE: _rationals(_SRATIONAL, [camera.baseline_exposure]),
        _ORIGINAL_NAME: ifd.ascii_entry(path.name),
    }
    stating = _stating(structure)
    if stating is not None:
        tags.update({tag: stating.entries[tag] for tag in _LASTING if tag in stating.entries})
    if len(camera.gains) == 1:
        return tags
    tags[_AS_SHOT_NEUTRAL] = _rationals(ifd.RATIONAL, [min(camera.gains) / gain for gain in camera.gains])
    if len(tags.get(_MATRIX, Entry(_SRATIONAL, 0, b"")).numbers()) != to_camera.size:
        tags[_MATRIX] = _rationals(_SRATIONAL, list(to_camera.ravel()))
        tags[_ILLUMINANT] = ifd.entry(ifd.SHORT, _D65)
    return tags


def _stating(structure: Structure | None) -> Directory | None:
    """Return the directory of a DNG that states its colours: the top one, but some programs err."""
    if structure is None or not is_dng(structure):
        return None
    stating = [directory for directory in structure.walk() if _MATRIX in directory.entries]
    return (stating or structure.directories)[0]


def _model(exif: bytes | None) -> str:
    structure = None if exif is None else ifd.parse(exif)
    top = structure.directories[0].entries if structure is not None and structure.directories else {}
    make, model = (top[tag].text() if tag in top else "" for tag in (_MAKE, _MODEL))
    # Most makers repeat their name in the model.
    named = model if model.lower().startswith(make.lower()) else f"{make} {model}"
    return named.strip() or "Unknown camera"


def _rationals(kind: int, values: list[float]) -> Entry:
    return ifd.entry(kind, *(part for value in values for part in (round(float(value) * _UNIT), _UNIT)))

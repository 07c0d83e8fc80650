"""The authors' alignment of a whole sequence, which ``tform.txt`` records."""

from __future__ import annotations

import io
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.data.sr_raw.pairing import to_reference_view
from srnet_cli.data.sr_raw.transforms import TransformFile
from srnet_cli.errors import RegistrationError
from srnet_cli.imaging.affine import Affine, apply, corners, identity, inscribed_box, invert
from srnet_cli.imaging.codecs.layout import opened
from srnet_cli.imaging.registration import Motion, ecc

_SHRINK = 8
_ITERATIONS = 500

Frame = tuple[int, NDArray[np.uint8], float]


def align_sequence(frames: Iterable[Frame], euclidean: bool = False) -> TransformFile:
    """Find affine maps from the first frame's coordinates to every frame's, at its view and nominal size.

    ``frames`` are (number, H×W×3 RGB, focal length in mm), the reference first. A frame that ECC cannot align
    is left out of the result.
    """
    motion: Motion = "euclidean" if euclidean else "affine"
    maps: dict[int, Affine] = {}
    reference: NDArray[np.float32] | None = None
    reference_focal, size, warp = 0.0, (0, 0), identity()
    for number, frame, focal in frames:
        if reference is None:
            reference_focal, size = focal, frame.shape[:2]
            reference = _shrunk_grey(_as_jpeg(frame, quality=75))
            maps[number] = identity()
            continue
        view = _as_jpeg(to_reference_view(frame, focal / reference_focal), quality=100)
        try:
            warp, _ = ecc(_shrunk_grey(view), reference, motion, warp, _ITERATIONS, masked=False)
        except RegistrationError:
            continue  # the next frame starts from the last that could be aligned
        maps[number] = warp * np.array([1.0, 1.0, _SHRINK])
    return TransformFile(maps, _common_rectangle(maps.values(), size))


def _as_jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Apply the loss of the JPEG files through which the authors pass their frames."""
    stored = io.BytesIO()
    Image.fromarray(picture).save(stored, "JPEG", quality=quality)
    return np.asarray(opened(stored, ("JPEG",)))


def _shrunk_grey(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = picture.shape[0] // _SHRINK, picture.shape[1] // _SHRINK
    # Whole blocks only, so that frames of slightly different size are shrunk by the same factor.
    whole = picture[: height * _SHRINK, : width * _SHRINK].astype(np.float32) / 255
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def _common_rectangle(maps: Iterable[Affine], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Find the first and last row, first and last column of the reference that every frame covers."""
    boxes = [inscribed_box(apply(invert(one), corners(*size))) for one in maps]
    top, left = (max(0, *(int(np.ceil(box[i])) for box in boxes)) for i in (0, 1))
    bottom = min(size[0], *(int(np.floor(box[2])) + 1 for box in boxes))
    right = min(size[1], *(int(np.floor(box[3])) + 1 for box in boxes))
    return top, bottom, left, right

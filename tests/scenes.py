"""Synthetic SR-RAW sequences: one detailed scene photographed at several focal lengths, the truth known.

``python -m tests.scenes FOLDER`` writes a sequence to look at.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from srnet_cli.imaging.affine import Affine, compose, invert
from tests.captures import Capture, write_arw, write_dng

#: what SR-RAW's zoom lens was set to, longest first
FOCALS = (240.0, 150.0, 100.0, 70.0, 50.0, 35.0, 24.0)
_SUPERSAMPLING = 3


@dataclass(frozen=True)
class Shot:
    """The settings of one shot, and the true pointing of the camera."""

    focal: float
    #: where the optical axis fell, pixels of this shot
    shift: tuple[float, float] = (0.0, 0.0)
    #: degrees
    rotation: float = 0.0
    #: factor on the light
    exposure: float = 1.0
    #: factors on R, G and B
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    #: standard deviation of the lens blur, pixels of this shot
    blur: float = 0.6
    #: standard deviation of the sensor noise, of 1.0 = white
    noise: float = 0.004


@dataclass(frozen=True)
class Frame:
    """A rendered shot: linear sRGB H×W×3 (1.0 is white, no noise), and the map from scene to pixel
    coordinates. The scene's unit is a pixel of the shot at ``FOCALS[0]``, its origin the optical axis.
    """

    linear: NDArray[np.float32]
    scene_to_pixel: Affine


def true_map(lr: Frame, hr: Frame) -> Affine:
    """Map LR pixel coordinates to HR pixel coordinates."""
    return compose(hr.scene_to_pixel, invert(lr.scene_to_pixel))


def default_shots(seed: int = 0, focals: Sequence[float] = FOCALS, wobble: float = 2.0) -> list[Shot]:
    """Draw up a hand-held sequence: up to ``wobble`` pixels of shift, 0.4 degrees and a third of a stop."""
    rng = np.random.default_rng(seed)
    return [
        Shot(
            focal=focal,
            shift=(float(rng.uniform(-wobble, wobble)), float(rng.uniform(-wobble, wobble))),
            rotation=float(rng.uniform(-0.4, 0.4)),
            exposure=float(2 ** rng.uniform(-1 / 3, 1 / 3)),
        )
        for focal in focals
    ]


@lru_cache(maxsize=64)
def render(
    shot: Shot, height: int = 360, width: int = 480, scene: int = 0, supersampling: int = _SUPERSAMPLING
) -> Frame:
    """Render what the lens of ``shot`` projects on the sensor, for scene number ``scene``."""
    factor = shot.focal / FOCALS[0]
    angle = np.deg2rad(shot.rotation)
    turn = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([(width - 1) / 2 + shot.shift[0], (height - 1) / 2 + shot.shift[1]])
    scene_to_pixel = np.column_stack([turn, centre])

    k = supersampling
    canvas = np.full((height * k, width * k, 3), 0.35, np.float32)
    shapes = _shapes(scene)
    vertices = (shapes.vertices @ turn.T + centre + 0.5) * k - 0.5
    fixed_point = np.rint(vertices * 16).astype(np.int32)
    middles, reach = shapes.middles @ turn.T + centre, shapes.sizes * factor
    outside = np.abs(middles - centre) - np.array([width, height]) / 2 - reach[:, None]
    seen = (reach > 0.15) & (outside.max(1) < 9)
    for index in np.flatnonzero(seen):
        colour = tuple(float(v) for v in shapes.colours[index])
        cv2.fillConvexPoly(canvas, fixed_point[index], colour, cv2.LINE_8, 4)
    blurred = cv2.GaussianBlur(canvas, (0, 0), shot.blur * k)
    linear = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_AREA)
    linear = np.clip(linear * np.float32(shot.exposure) * np.array(shot.tint, np.float32), 0.0, 1.0)
    linear.flags.writeable = False
    return Frame(linear, scene_to_pixel)


@dataclass(frozen=True)
class _Shapes:
    """Convex polygons in painting order: N×5×2 ``vertices``, N×2 ``middles``, N×3 ``colours``."""

    vertices: NDArray[np.float64]
    middles: NDArray[np.float64]
    sizes: NDArray[np.float64]
    colours: NDArray[np.float64]


@lru_cache(maxsize=8)
def _shapes(scene: int) -> _Shapes:
    """Scatter shapes of every size, finer towards the optical axis, so that each focal length sees detail."""
    rng = np.random.default_rng(1000 + scene)
    count = 4000
    distances = np.exp(np.sort(rng.uniform(np.log(6.0), np.log(4500.0), count)))[::-1]
    directions = rng.uniform(0, 2 * np.pi, count)
    middles = distances[:, None] * np.column_stack([np.cos(directions), 0.8 * np.sin(directions)])
    sizes = np.clip(distances * np.exp(rng.normal(-2.2, 0.6, count)), 1.5, 700.0)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (count, 5)), axis=1)
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    grey, hue = rng.uniform(0.02, 0.8, (count, 1)), rng.uniform(-0.12, 0.12, (count, 3))
    colours = np.clip(grey * (1 + 2 * hue), 0.01, 0.85)
    return _Shapes(middles[:, None] + sizes[:, None, None] * outline, middles, sizes, colours)


def develop(frame: Frame, noise: float = 0.004, seed: int = 0) -> NDArray[np.uint8]:
    """Develop the camera's picture of a frame: Bayer noise, demosaicking, sRGB curve; H×W×3."""
    rng = np.random.default_rng(seed)
    height, width = frame.linear.shape[:2]
    mosaic = np.empty((height, width), np.float32)
    for row, column, colour in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = frame.linear[row::2, column::2, colour]
    mosaic += rng.normal(0.0, noise, mosaic.shape).astype(np.float32)
    counts = np.clip(np.rint(mosaic * 60000 + 2000), 0, 65535).astype(np.uint16)
    # OpenCV names patterns by the second row; its BG is what everyone else calls RGGB.
    rgb = cv2.cvtColor(counts, cv2.COLOR_BayerBG2RGB_EA).astype(np.float32)
    linear = np.clip((rgb - 2000) / 60000, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * srgb).astype(np.uint8)


def save_jpeg(
    path: Path, pixels: NDArray[np.uint8], focal: float | None = None, orientation: int = 1
) -> None:
    """Write a JPG whose EXIF holds the focal length (left out when None) and the orientation."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "SONY"
    exif[ExifTags.Base.Orientation] = orientation
    if focal is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = IFDRational(round(focal * 10), 10)
    Image.fromarray(pixels).save(path, quality=97, subsampling=0, exif=exif)


def write_sequence(
    folder: Path,
    shots: Sequence[Shot] | None = None,
    height: int = 360,
    width: int = 480,
    scene: int = 0,
    raw: str | None = "ARW",
    jpeg: bool = True,
    quick: bool = False,
) -> list[Frame]:
    """Write ``00001.ARW``, ``00001.JPG`` … in the order of ``shots``; ``raw`` is ARW, DNG or None.

    ``quick`` takes a fifth of the time, for many scenes: jagged edges, and RAW without noise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for number, shot in enumerate(shots if shots is not None else default_shots(scene), start=1):
        frame = render(shot, height, width, scene, 1 if quick else _SUPERSAMPLING)
        frames.append(frame)
        if jpeg:
            save_jpeg(folder / f"{number:05d}.JPG", develop(frame, shot.noise, seed=number), shot.focal)
        if raw is not None:
            capture = Capture(focal_length=shot.focal, read_noise=None if quick else 4.0, seed=number)
            write = write_arw if raw == "ARW" else write_dng
            write(folder / f"{number:05d}.{raw}", frame.linear, capture)
    return frames


if __name__ == "__main__":
    write_sequence(Path(sys.argv[1]))

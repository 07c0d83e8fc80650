"""The picture of what each part of the simulated camera does to one photograph that may be shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from srnet_cli.data.camera.parameters import CameraRanges
from srnet_cli.data.camera.simulation import camera_zoom, draw_patterns
from srnet_cli.data.shots.frames import read_rgb

PHOTOGRAPH = Path(__file__).parents[2] / "docs" / "photographs" / "HR" / "colorado.jpg"
SCALE = 4
#: upper left corner of what is shown, HR pixels, and its side in LR pixels
TOP, LEFT, SIDE = 88, 96, 64
ENLARGED, COLUMNS, CAPTION, GAP = 3, 6, 20, 6
WHITE = (255, 255, 255)
#: of all draws, so that parts can be compared
SEED = 4

#: a camera that adds next to nothing
PLAIN = CameraRanges(
    raw_share=0.0, blur=(0.28, 0.28), anisotropy=(1.0, 1.0), defocus_share=0.0, motion_share=0.0,
    shift=(0.0, 0.0), colour_shift=(0.0, 0.0), shot_noise=(-5.0, -5.0), luma_reduction=(0.0, 0.0),
    chroma_reduction=(0.0, 0.0), chroma_blur=(0.05, 0.05), unsharpened_share=1.0, resized_share=0.0,
    uncompressed_share=1.0, second_jpeg_share=0.0, pattern_share=0.0,
)  # fmt: skip

Changes = dict[str, Any]

NOISY: Changes = {"shot_noise": (-2.1, -2.1), "read_over_shot": (-2.5, -2.5)}
REDUCED: Changes = {"luma_reduction": (2.0, 2.0), "chroma_reduction": (5.0, 5.0)}
CALM: Changes = {"chroma_blur": (1.2, 1.2)}
JPEG: Changes = {"uncompressed_share": 0.0, "subsampled_share": 1.0}
TWICE: Changes = {"second_jpeg_share": 1.0, "second_jpeg_quality": (70.0, 70.0)}


def sharpening(amount: float, radius: float, coring: float = 0.0) -> Changes:
    """Ranges of one amount of sharpening."""
    return {
        "unsharpened_share": 0.0,
        "coring": (coring, coring),
        "sharpening": (amount, amount),
        "sharpening_radius": (radius, radius),
    }


PARTS: dict[str, Changes] = {
    "sensor and little else": {},
    "blur 0.7": {"blur": (0.7, 0.7)},
    "blur 1.1, narrower 0.77": {"blur": (1.1, 1.1), "anisotropy": (0.7, 0.7)},
    "defocus, radius 1.2": {"defocus_share": 1.0, "defocus": (1.2, 1.2)},
    "motion 1.8": {"motion_share": 1.0, "motion": (1.8, 1.8)},
    "colour shift up to 0.9": {"colour_shift": (-0.9, 0.9)},
    "noise, ISO 6400": {"shot_noise": (-2.7, -2.7)},
    "noise, ISO 25,600": NOISY,
    "+ noise reduction": NOISY | REDUCED,
    "+ chroma low-pass": NOISY | REDUCED | CALM,
    "+ sharpening 1.5": NOISY | REDUCED | CALM | sharpening(1.5, 1.0, 2.0),
    "sharpening 0.7": {"blur": (0.5, 0.5)} | sharpening(0.7, 0.8),
    "sharpening 1.5": {"blur": (0.5, 0.5)} | sharpening(1.5, 1.0),
    "sharpening 2.5, radius 2": {"blur": (0.5, 0.5)} | sharpening(2.5, 2.0),
    "captured at 2, resized": {"resized_share": 1.0, "capture": (1.99, 2.0)},
    "captured at 0.8, resized": {"resized_share": 1.0, "capture": (0.8, 0.81)},
    "JPEG 60, 4:4:4": JPEG | {"jpeg_quality": (60.0, 60.0), "subsampled_share": 0.0},
    "JPEG 60, 4:2:0": JPEG | {"jpeg_quality": (60.0, 60.0)},
    "JPEG 70 twice": JPEG | TWICE | {"jpeg_quality": (70.0, 70.0)},
}
#: whole cameras, by the seeds that they are drawn from
CAMERAS = (20, 22, 24, 25, 27)
#: patterns, by their seeds
PATTERNS = (41, 43, 45, 46, 47)


def draw_parts(path: Path) -> None:
    """Draw one crop behind each part, then behind whole cameras, then patterns behind cameras."""
    side = SIDE * SCALE
    photo = read_rgb(PHOTOGRAPH)[TOP : TOP + side, LEFT : LEFT + side]
    hr = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float()
    engine = CameraRanges(raw_share=0.0)
    tiles = [("the scene, by area", torch.nn.functional.avg_pool2d(hr, SCALE))]
    tiles += [(n, camera_zoom(hr, SCALE, [SEED], replace(PLAIN, **c))) for n, c in PARTS.items()]
    tiles += [(f"a camera ({s})", camera_zoom(hr, SCALE, [s], engine)) for s in CAMERAS]
    patterns = replace(engine, pattern_share=1.0)
    tiles += [
        (f"a pattern ({s})", camera_zoom(draw_patterns(hr, [s], patterns), SCALE, [s], engine))
        for s in PATTERNS
    ]
    _sheet(tiles).save(path, quality=88, subsampling=0, optimize=True)


def _sheet(tiles: list[tuple[str, Tensor]]) -> Image.Image:
    side = SIDE * ENLARGED
    width, height = side + GAP, side + CAPTION + GAP
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width - GAP, rows * height - GAP), WHITE)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (name, lr) in enumerate(tiles):
        x, y = number % COLUMNS * width, number // COLUMNS * height
        pixels = lr[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
        tile = Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.NEAREST)
        pen.text((x + 2, y + 2), name, (0, 0, 0), font)
        sheet.paste(tile, (x, y + CAPTION))
    return sheet

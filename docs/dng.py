"""The README's picture of a DNG, docs/pictures/dng.jpg.

``python -m docs.dng`` writes the DNG of a detail as ``srnet zoom photo.ARW -s 2 -o photo.dng`` writes that of
a photograph, and has LibRaw develop it and the original: by the camera's white balance, and by another with
less exposure. Shown at 100 %, the original enlarged by bicubic interpolation. The RAW file is
``$SRNET_SHARED/data/raw/synthetic_sony_35mm.ARW`` (default ``../shared``), made from a photograph of
https://github.com/imazen/codec-corpus under the Unsplash licence.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from docs.markers import ROOT
from srnet_cli.imaging.resize import resize

PICTURE = ROOT / "docs" / "pictures" / "dng.jpg"
FILE = Path("data") / "raw" / "synthetic_sony_35mm.ARW"
SCALE = 2
#: what is shown, and around it what the network sees, pixels of the original
LEFT, TOP, WIDTH, HEIGHT, AROUND = 715, 385, 246, 170, 24
GAP, CAPTION = 8, 28

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Development:
    """What a photographer sets: factors of red and blue on the camera's white balance, of light."""

    name: str
    red: float = 1.0
    blue: float = 1.0
    light: float = 1.0


DEVELOPMENTS = (
    Development("camera's white balance"),
    Development("developed darker and warmer", red=1.2, blue=0.75, light=0.5),
)


def write_dng(source: Path, target: Path) -> None:
    """Write the DNG of the detail and its surroundings by the command that README shows."""
    sides = (LEFT - AROUND, TOP - AROUND, WIDTH + 2 * AROUND, HEIGHT + 2 * AROUND)
    command = ["zoom", str(source), "-s", str(SCALE), "-o", str(target), "--crop", ",".join(map(str, sides))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "srnet_cli", *command], env=environment, check=True)


def develop(path: Path, how: Development) -> Pixels:
    """Have LibRaw develop a RAW file, the same way whatever its kind; H×W×3."""
    with rawpy.imread(str(path)) as raw:
        red, green, blue, _ = raw.camera_whitebalance
        picture = raw.postprocess(
            user_wb=[red * how.red, green, blue * how.blue, green],
            exp_shift=how.light,
            no_auto_bright=True,
            adjust_maximum_thr=0,
        )
    return np.asarray(picture, np.uint8)


def panels(source: Path, dng: Path) -> dict[str, Pixels]:
    """Return the four details by their captions, all of one size."""
    found = {}
    for how in DEVELOPMENTS:
        original = develop(source, how)[TOP - AROUND :, LEFT - AROUND :]
        part = np.ascontiguousarray(original[: HEIGHT + 2 * AROUND, : WIDTH + 2 * AROUND])
        enlarged = resize(part, part.shape[0] * SCALE, part.shape[1] * SCALE, "bicubic")
        found[f"the RAW by bicubic, {how.name}"] = _inner(enlarged)
        found[f"its DNG by srnet, {how.name}"] = _inner(develop(dng, how))
    return found


def _inner(pixels: Pixels) -> Pixels:
    rim = AROUND * SCALE
    return np.ascontiguousarray(pixels[rim : rim + HEIGHT * SCALE, rim : rim + WIDTH * SCALE])


def compose(found: dict[str, Pixels]) -> Image.Image:
    """Set the details in rows of two, each over its caption."""
    width, height = WIDTH * SCALE, HEIGHT * SCALE + CAPTION
    whole = Image.new("RGB", (2 * width + GAP, -(-len(found) // 2) * height), (255, 255, 255))
    draw = ImageDraw.Draw(whole)
    for index, (name, pixels) in enumerate(found.items()):
        left, top = index % 2 * (width + GAP), index // 2 * height
        whole.paste(Image.fromarray(pixels), (left, top))
        place = (left + width / 2, top + height - CAPTION / 2)
        draw.text(place, name, (0, 0, 0), ImageFont.load_default(17), "mm")
    return whole


def main() -> None:
    source = Path(os.environ.get("SRNET_SHARED", "../shared")) / FILE
    with tempfile.TemporaryDirectory() as folder:
        dng = Path(folder) / "photo.dng"
        write_dng(source, dng)
        made = compose(panels(source, dng))
    made.save(PICTURE, quality=84, optimize=True)


if __name__ == "__main__":
    main()

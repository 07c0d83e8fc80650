"""The page of twelve photographs, docs/pictures.md, and its pictures, docs/pictures/gallery/.

``python -m docs.gallery --ncnn FOLDER`` enlarges a detail of each four times: by bicubic interpolation, by
Real-ESRGAN (see benchmarks/today.py for its folder), and by a released model with ``--crisp`` 0, 0.5 and 1.
Shown at 100 %, so that a pixel of the result is a pixel of the page. The photographs are those of
``$SRNET_SHARED/data`` (default ``../shared``).
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.today import real_esrgan
from docs.markers import ROOT
from srnet_cli import zoom
from srnet_cli.data.shots.frames import read_rgb
from srnet_cli.imaging.resize import resize
from srnet_cli.models.store import load_model

PAGE = ROOT / "docs" / "pictures.md"
FOLDER = ROOT / "docs" / "pictures" / "gallery"
SCALE = 4
#: side of a detail and of its surroundings that the networks see, LR pixels
SIDE, AROUND = 80, 36
GAP, CAPTION = 8, 24

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """One photograph: its file below data/, the detail's left upper corner in LR pixels, what to look at."""

    name: str
    lr: str
    left: int
    top: int
    title: str
    look_at: str
    origin: str
    #: the same by a lens four times longer, where there is one
    hr: str | None = None


def _city100(name: str, left: int, top: int, title: str, look_at: str) -> Shown:
    folder = "testsets/City100_valid"
    camera = "iPhone X" if name.startswith("iphone") else "Nikon D5500"
    origin = f"[City100](https://github.com/ngchc/CameraSR), {camera}, MIT"
    return Shown(
        name, f"{folder}/LR/{name}.png", left, top, title, look_at, origin, f"{folder}/HR/{name}.webp"
    )


#: The photographs of City100 are real zoom pairs; the others are zoomed from their own size.
PHOTOGRAPHS = (
    _city100("iphone_007", 75, 45, "A phone: faces and brass", "small faces, cords on red cloth"),
    _city100("iphone_059", 110, 60, "A phone: roofs", "halos along the roofs, rows of tiles"),
    _city100("iphone_035", 20, 40, "A phone: night", "lit windows, noise in the sky"),
    _city100("iphone_027", 60, 20, "A phone: a tower before the sky", "white lines around edges"),
    _city100("nikon_019", 110, 45, "A camera: glass fronts", "rows of windows"),
    _city100("nikon_091", 60, 70, "A camera: flowers", "leaves that must not become paint"),
    _city100("nikon_083", 30, 30, "A camera: white walls", "grain in smooth plaster"),
    _city100("nikon_051", 70, 50, "A camera: old roofs", "tiles, arches"),
    Shown(
        "hair",
        "valid/clic_2a2420f929cd47122eae364a2bc27710.webp",
        605,
        150,
        "A face, zoomed from its own size",
        "hair, lashes, skin",
        "[codec-corpus](https://github.com/imazen/codec-corpus), Unsplash licence",
    ),
    Shown(
        "lettering",
        "valid/pop_kait-herzog-8242.webp",
        225,
        455,
        "Lettering, zoomed from its own size",
        "straight strokes",
        "[pop-os/wallpapers](https://github.com/pop-os/wallpapers), Kait Herzog, public domain",
    ),
    Shown(
        "bark",
        "valid/lomiri_Kleiber_by_Lukas_Baubkus.webp",
        380,
        260,
        "Feathers and bark, zoomed from its own size",
        "rough texture that must not turn dark",
        "[lomiri-wallpapers](https://tracker.debian.org/pkg/lomiri-wallpapers), Lukas Baubkus, CC-BY-SA-3.0",
    ),
    Shown(
        "raw",
        "raw/synthetic_sony_35mm.ARW",
        700,
        330,
        "A RAW file, zoomed from its own size",
        "what developing left to find",
        "made from a photograph of [codec-corpus](https://github.com/imazen/codec-corpus), Unsplash licence",
    ),
)


class Gallery:
    """The ways to enlarge, loaded once."""

    def __init__(self, data: Path, model: str, ncnn: Path) -> None:
        self._data, self._model = data, model
        faithful = load_model(model, 0.0)
        default = faithful.card.default_crisp
        shares = {
            f"--crisp {share:g}{', by itself' if share == default else ''}": share
            for share in sorted({0.0, 0.5, 1.0, default})
        }
        if not faithful.card.crisp:
            shares = {"by itself": 0.0}
        self._models = {f"srnet {text}": load_model(model, share) for text, share in shares.items()}
        self._real_esrgan = real_esrgan(ncnn)

    def panels(self, shown: Shown) -> dict[str, Pixels]:
        """Enlarge the detail in every way, by the captions of the panels."""
        lr = read_rgb(self._data / shown.lr)
        top, left = max(0, shown.top - AROUND), max(0, shown.left - AROUND)
        lr = np.ascontiguousarray(lr[top : shown.top + SIDE + AROUND, left : shown.left + SIDE + AROUND])
        inner = (slice((shown.top - top) * SCALE, None), slice((shown.left - left) * SCALE, None))
        height, width = (side * SCALE for side in lr.shape[:2])
        found = {
            "bicubic": resize(lr, height, width, "bicubic"),
            "Real-ESRGAN x4plus": self._real_esrgan(lr),
        }
        if shown.hr is not None:
            hr = read_rgb(self._data / shown.hr)[top * SCALE :, left * SCALE :]
            found["the longer lens"] = hr
        else:
            found["the photograph"] = resize(lr, height, width, "nearest")
        found.update({name: zoom(lr, SCALE, model=one) for name, one in self._models.items()})
        side = SIDE * SCALE
        return {name: pixels[inner][:side, :side] for name, pixels in found.items()}


def picture(panels: dict[str, Pixels]) -> Image.Image:
    """Set the panels in rows of three, each over its caption."""
    side = SIDE * SCALE
    rows = -(-len(panels) // 3)
    whole = Image.new("RGB", (3 * side + 2 * GAP, rows * (side + CAPTION)), (255, 255, 255))
    draw = ImageDraw.Draw(whole)
    for index, (name, pixels) in enumerate(panels.items()):
        left, top = index % 3 * (side + GAP), index // 3 * (side + CAPTION)
        whole.paste(Image.fromarray(np.ascontiguousarray(pixels)), (left, top))
        place = (left + side / 2, top + side + CAPTION / 2)
        draw.text(place, name, (0, 0, 0), ImageFont.load_default(15), "mm")
    return whole


def page(model: str) -> str:
    """Write the page's text."""
    lines = [
        "# Twelve photographs",
        "",
        f"Details of {SIDE} pixels a side, enlarged ×{SCALE} by `{model}`, at 100 %: open a picture by "
        "itself where the page makes it smaller. *The longer lens* is a second photograph of the same scene, "
        "which no program saw; where there is none, the photograph's own pixels are shown. Written by "
        "`python -m docs.gallery`.",
    ]
    for shown in PHOTOGRAPHS:
        lines += ["", f"## {shown.title}", "", f"Look at: {shown.look_at}. {shown.origin}.", ""]
        lines.append(f"![{shown.title}](pictures/gallery/{shown.name}.jpg)")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ncnn", type=Path, required=True, help="folder of realesrgan-x4plus.param and .bin")
    parser.add_argument("--model", default="srnet-x4")
    parser.add_argument("--only", help="the name of one photograph")
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    data = Path(os.environ.get("SRNET_SHARED", "../shared")) / "data"
    gallery = Gallery(data, arguments.model, arguments.ncnn)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for shown in PHOTOGRAPHS:
        if arguments.only in (None, shown.name):
            made = picture(gallery.panels(shown))
            made.save(arguments.output / f"{shown.name}.jpg", quality=86, optimize=True)
    if arguments.output == FOLDER:
        PAGE.write_text(page(arguments.model))


if __name__ == "__main__":
    main()

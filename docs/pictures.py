"""The README's pictures, from what its commands wrote and from three photographs that may be shown.

``python -m docs.pictures`` runs the commands (see outputs.py) and writes docs/pictures/.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.today import classic_methods
from docs.markers import ROOT
from docs.outputs import run_examples

FOLDER = ROOT / "docs" / "pictures"
PHOTOGRAPHS = ROOT / "docs" / "photographs"
#: of the example colorado: its lettering, HR pixels (left, top, right, bottom)
DETAIL = (120, 90, 340, 290)
WIDTH = 1000
GAP = 8
CAPTION = 30
WHITE = (255, 255, 255)


def make_pictures(work: Path) -> None:
    """All pictures, from the folder that the README's commands ran in."""
    FOLDER.mkdir(exist_ok=True)
    lr = _open(PHOTOGRAPHS / "LR" / "colosseum.png")
    zoomed = _open(work / "large" / "colosseum_x4.png")
    _save(_row([lr.resize(zoomed.size, Image.Resampling.BICUBIC), zoomed]), "before_after.jpg")
    lr, zoomed = _open(PHOTOGRAPHS / "LR" / "colorado.png"), _open(work / "large" / "colorado_x4.png")
    _save(_today(lr, zoomed), "today.jpg")
    _save(_fitted(_open(work / "lost" / "colorado_overview.png"), WIDTH), "residual.jpg")
    _save(_training(work / "run"), "training.jpg")
    panel = next((work / "report" / "panels").glob("*/*colosseum.png"))
    _save(_fitted(_open(panel), WIDTH), "eval.jpg")


def _today(lr: Image.Image, zoomed: Image.Image) -> Image.Image:
    """One detail as the camera gave it, by what people use today, by srnet, and as it is."""
    classic = classic_methods()
    shown = {"what the camera gave": lr.resize(zoomed.size, Image.Resampling.NEAREST)}
    for name in ("bicubic (Pillow)", "denoise, Lanczos, unsharp"):
        shown[name] = Image.fromarray(classic[name](np.asarray(lr)))
    real_esrgan = PHOTOGRAPHS / "real-esrgan" / "colorado.jpg"
    if real_esrgan.exists():
        shown["Real-ESRGAN x4plus"] = _open(real_esrgan)
    shown["srnet-x4"] = zoomed
    shown["the scene"] = _open(PHOTOGRAPHS / "HR" / "colorado.jpg")
    details = [_captioned(picture.crop(DETAIL), name) for name, picture in shown.items()]
    half = -(-len(details) // 2)
    return _column([_row(details[:half]), _row(details[half:])])


def _training(run: Path) -> Image.Image:
    """The curves of a run above its last panel."""
    panel = sorted((run / "panels").glob("*.png"))[-1]
    return _column([_fitted(_open(path), WIDTH) for path in (run / "curves.png", panel)])


def _captioned(picture: Image.Image, text: str) -> Image.Image:
    enlarged = picture.resize((330, 300), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (enlarged.width, enlarged.height + CAPTION), WHITE)
    whole.paste(enlarged)
    place = (enlarged.width / 2, enlarged.height + CAPTION / 2)
    ImageDraw.Draw(whole).text(place, text, (0, 0, 0), ImageFont.load_default(17), "mm")
    return whole


def _row(pictures: list[Image.Image]) -> Image.Image:
    width = sum(p.width for p in pictures) + GAP * (len(pictures) - 1)
    whole = Image.new("RGB", (width, max(p.height for p in pictures)), WHITE)
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + GAP
    return whole


def _column(pictures: list[Image.Image]) -> Image.Image:
    height = sum(p.height for p in pictures) + GAP * (len(pictures) - 1)
    whole = Image.new("RGB", (max(p.width for p in pictures), height), WHITE)
    top = 0
    for picture in pictures:
        whole.paste(picture, (0, top))
        top += picture.height + GAP
    return whole


def _fitted(picture: Image.Image, width: int) -> Image.Image:
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def _open(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _save(picture: Image.Image, name: str) -> None:
    picture.save(FOLDER / name, quality=90, subsampling=0, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run_examples(Path(folder))
        make_pictures(Path(folder))


if __name__ == "__main__":
    main()

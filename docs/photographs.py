"""The three photographs that the README's commands use, made from the held-out ones that may be shown.

``python -m docs.photographs`` cuts HR/ out of the photographs of ``$SRNET_SHARED/data/valid`` (default
``../shared``) and photographs them with the simulated camera of ``srnet eval``, LR/, four times smaller.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from srnet_cli.evaluation.pairs import SimulatedItem
from srnet_cli.imaging import Picture, WriteOptions, read_picture, write_picture

FOLDER = Path(__file__).parent / "photographs"
SCALE = 4
SIDE = 480
#: name here: file of the data set, and the left upper corner of what is shown
CUTS = {
    "colorado": ("pop_kait-herzog-8242.webp", 40, 280),
    "colosseum": ("budgie_roman-colosseum.webp", 170, 94),
    "spices": ("budgie_the-spices-of-life.webp", 300, 200),
}


def main(source: Path) -> None:
    for part in ("HR", "LR"):
        (FOLDER / part).mkdir(parents=True, exist_ok=True)
    for name, (file, left, top) in CUTS.items():
        pixels = read_picture(source / file).pixels[top : top + SIDE, left : left + SIDE]
        hr = FOLDER / "HR" / f"{name}.jpg"
        write_picture(
            Picture(np.ascontiguousarray(pixels)), hr, WriteOptions("jpeg", quality=92), overwrite=True
        )
        pair = SimulatedItem(name, hr, SCALE, "camera").load()
        write_picture(Picture(pair.lr), FOLDER / "LR" / f"{name}.png", overwrite=True)


if __name__ == "__main__":
    shared = Path(os.environ.get("SRNET_SHARED", "../shared"))
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "data" / "valid")

"""The README's picture: the sample capture enlarged by bicubic interpolation (left) and by srnet-x4 (right).

``python -m docs.pictures`` writes docs/pictures/before_after.png.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging import Picture, read_picture, to_bit_depth, write_picture
from srnet_cli.imaging.resize import resize
from srnet_cli.weights import load_model
from srnet_cli.zoom.engine import Engine, EngineOptions
from srnet_cli.zoom.frame import plan_frame
from srnet_cli.zoom.pipeline import zoom_picture
from srnet_cli.zoom.tiles import Region
from tests.captures import main as write_sample

FOLDER = Path(__file__).parent / "pictures"
#: part of the sample that is shown: the chart's star, bars and lettering
SHOWN = Region(top=108, left=132, height=122, width=126)
SCALE = 4


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "sample.dng"
        write_sample([str(capture)])
        picture = read_picture(capture)
    part = picture.pixels[SHOWN.top :, SHOWN.left :][: SHOWN.height, : SHOWN.width]
    height, width = SHOWN.height * SCALE, SHOWN.width * SCALE
    enlarged = resize(np.ascontiguousarray(part), height, width, "bicubic")
    engine = Engine(load_model("srnet-x4"), EngineOptions(device="cpu"))
    frame = plan_frame(picture.height, picture.width, SCALE, "full", SHOWN)
    zoomed = zoom_picture(picture, frame, [engine]).pixels
    _save("before_after.png", np.concatenate([_eight(enlarged), _gap(height), _eight(zoomed)], axis=1))


def _eight(pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return to_bit_depth(pixels, 8)  # type: ignore[return-value]


def _gap(height: int) -> NDArray[np.uint8]:
    return np.full((height, 8, 3), 255, dtype=np.uint8)


def _save(name: str, pixels: NDArray[np.uint8]) -> None:
    write_picture(Picture(np.ascontiguousarray(pixels)), FOLDER / name, overwrite=True)


if __name__ == "__main__":
    main()

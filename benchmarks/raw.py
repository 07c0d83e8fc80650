"""``python -m benchmarks.raw``: is a RAW file better zoomed from its mosaic, or developed first?

The photographs of ``valid`` become RAW files: the simulated camera takes them with a lens four times as
short, its sensor's values at several ISO speeds are written as Bayer DNGs, and ``srnet zoom`` reads these in
both ways. What LibRaw demosaics (AHD) is enlarged by bicubic interpolation and by the models for pictures;
the mosaic by the model for mosaics. All are compared with the photograph. ``benchmarks/results/raw.json``
holds the figures, and with ``--card`` the card of the model for mosaics, too.

``--files FOLDER`` compares the mean colours of flat areas of real RAW files in both ways.

Seconds are those of one thread for a sensor of 1.6 megapixels, decoding and developing included.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.quality import circumstances, shared_folder
from benchmarks.record import record
from srnet_cli.compute.allocator import keep_large_blocks
from srnet_cli.data.camera import colour
from srnet_cli.data.camera.drawing import draw_parameters, noise_from_seeds
from srnet_cli.data.camera.lens import through_lens
from srnet_cli.data.camera.parameters import CameraParameters, CameraRanges
from srnet_cli.data.camera.sensor import record as record_light
from srnet_cli.data.mosaics.simulation import pack
from srnet_cli.evaluation.metrics import RGB_SHAVE
from srnet_cli.evaluation.statistics import Mean, mean_with_interval
from srnet_cli.files import atomic_path
from srnet_cli.imaging import Picture, is_raw_path, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.imaging.raw import RawOptions
from srnet_cli.imaging.raw.matrix import XYZ_TO_SRGB
from srnet_cli.imaging.raw.mosaic import POSITIONS
from srnet_cli.imaging.srgb import srgb_to_linear
from srnet_cli.metrics import psnr_rgb
from srnet_cli.models.card import card_text
from srnet_cli.models.store import load_model
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture

SCALE = 4
SPEEDS = (100, 400, 800, 3200, 12800)
#: log10 of the shot noise variance at white, of ISO 100 (``CameraRanges.shot_noise``)
ISO_100 = -4.5
#: log10 of read noise over shot noise
READ = -2.5
BLACK, WHITE = 1024, 65_535
#: sides of the sensor whose zoom is timed
TIMED = (1024, 1536)
_CFA = 32_803
#: side of the areas whose colours are compared, and the share of them that count as flat
AREA, FLATTEST = 16, 0.1
#: largest side of the part of a file that is compared
MIDDLE = 1024


@dataclass(frozen=True)
class Way:
    """A way from a RAW file to a picture four times as large."""

    name: str
    #: None for bicubic interpolation
    model: str | None
    from_mosaic: bool = False


@dataclass(frozen=True)
class Row:
    """What a way was measured to do at an ISO speed."""

    way: str
    iso: int
    psnr: float
    #: dB over the way before it that is named ``develop + srnet-lite-x4``
    gain: Mean
    #: pictures on which that one is better
    lost: int


def write_dng(path: Path, packed: NDArray[np.float32], p: CameraParameters) -> None:
    """Write white-balanced values h×w×4 of 0..1 as the DNG of the camera that recorded them."""
    import tifffile

    gains = np.array([float(p.red_gain[0]), 1.0, float(p.blue_gain[0])])
    values = np.empty((2 * packed.shape[0], 2 * packed.shape[1]), np.uint16)
    for plane, ((row, column), channel) in enumerate(zip(POSITIONS, (0, 1, 2, 1), strict=True)):
        light = packed[..., plane] / gains[channel]
        values[row::2, column::2] = np.rint(BLACK + light * (WHITE - BLACK))
    to_srgb = colour.camera_to_srgb(p.colour_mix)[0].double().numpy()
    from_xyz = np.linalg.inv(to_srgb) @ XYZ_TO_SRGB / gains[:, None]
    tags: list[Any] = [
        (50706, 1, 4, (1, 4, 0, 0), True),
        (50708, 2, 0, "Simulated camera", True),
        (50714, 4, 1, (BLACK,), True),
        (50717, 4, 1, (WHITE,), True),
        (50778, 3, 1, 21, True),
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, (0, 1, 1, 2), True),
        (50721, 10, 9, _rationals(from_xyz), True),
        (50728, 5, 3, _rationals(1 / gains), True),
    ]
    options: dict[str, Any] = {"metadata": None, "subfiletype": 0, "software": False, "extratags": tags}
    tifffile.imwrite(path, values, photometric=_CFA, **options)


def _rationals(values: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(part for value in values.ravel() for part in (round(float(value) * 1_000_000), 1_000_000))


def take(hr: NDArray[np.uint8], iso: int, seed: int, path: Path) -> None:
    """Photograph HR, its sides divisible by eight, at an ISO speed, and write the RAW file."""
    drawn = draw_parameters([seed], CameraRanges())
    shot = torch.tensor([10 ** (ISO_100 + np.log10(iso / 100))], dtype=torch.float32)
    p = replace(drawn, shot_noise=shot, read_over_shot=torch.tensor([10**READ], dtype=torch.float32))
    light = srgb_to_linear(torch.from_numpy(hr).permute(2, 0, 1)[None].float() / 255)
    sensor = record_light(through_lens(light, SCALE, p), p, noise_from_seeds([seed]))
    write_dng(path, pack(sensor)[0].permute(1, 2, 0).numpy(), p)


def zoomed(path: Path, way: Way, engine: Engine | None) -> NDArray[np.uint8]:
    """Zoom a RAW file as ``srnet zoom`` does."""
    picture: Picture = read_picture(path, RawOptions(), mosaic="alone" if way.from_mosaic else "none")
    frame = plan_frame(picture.height, picture.width, SCALE)
    if engine is not None:
        return to_8_bit(zoom_picture(picture, frame, [engine]).pixels)
    plain = Engine(load_model("srnet-lite-x4"), EngineOptions(device="cpu"))
    return to_8_bit(zoom_picture(picture, frame, [plain], strength=0.0).pixels)


def measure(
    ways: Sequence[Way], speeds: Sequence[int], limit: int | None, crop: int | None, judge: str
) -> tuple[list[Row], int]:
    """Measure all ways on the same RAW files; also the number of photographs."""
    paths = list_pictures(shared_folder() / "valid")[:limit]
    names = [path.stem for path in paths]
    engines = {way.name: None if way.model is None else _engine(way.model) for way in ways}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for iso in speeds:
            found: dict[str, list[float]] = {way.name: [] for way in ways}
            for number, path in enumerate(paths):
                hr, raw = _cut(to_8_bit(read_picture(path).pixels), crop), Path(folder) / "shot.dng"
                take(hr, iso, number, raw)
                for way in ways:
                    result = zoomed(raw, way, engines[way.name])
                    found[way.name].append(psnr_rgb(result, hr, shave=SCALE + RGB_SHAVE))
            for way in ways:
                gains = [a - b for a, b in zip(found[way.name], found[judge], strict=True)]
                mean = float(np.mean(found[way.name]))
                rows.append(
                    Row(way.name, iso, mean, mean_with_interval(gains, names), sum(g < 0 for g in gains))
                )
                print(f"ISO {iso}: {way.name} {mean:.2f} dB ({rows[-1].gain.value:+.2f})", flush=True)
    return rows, len(paths)


@dataclass(frozen=True)
class Agreement:
    """How far the colours of flat areas of a file, zoomed from the mosaic, are from the developed picture."""

    file: str
    #: None: it was developed, for the reason that follows
    levels: tuple[float, float, float] | None
    #: the largest of any flat area
    most: float = 0.0
    areas: int = 0
    reason: str = ""


def agreement(path: Path, model: str) -> Agreement:
    """Compare the two ways at the picture's own size, in areas of ``AREA``² pixels that are flat.

    Of a large picture the middle is taken.
    """
    picture = read_picture(path, RawOptions(), mosaic="beside")
    if picture.mosaic is None:
        return Agreement(path.name, None, reason="; ".join(picture.metadata.notes[-1:]))
    height, width = (min(side, MIDDLE) // AREA * AREA for side in (picture.height, picture.width))
    box = Box((picture.height - height) // 2, (picture.width - width) // 2, height, width)
    frame = plan_frame(picture.height, picture.width, 1.0, crop=box)
    made = zoom_picture(picture, frame, [_engine(model)])
    rows, columns = height // AREA, width // AREA

    def areas(pixels: NDArray[Any]) -> NDArray[np.float64]:
        return (pixels.astype(np.float64) / 257).reshape(rows, AREA, columns, AREA, 3)

    ours, theirs = areas(made.pixels), areas(picture.pixels[box.slices])
    spread = theirs.std(axis=(1, 3)).max(axis=2)
    flat = spread <= np.quantile(spread, FLATTEST)
    off = (ours.mean(axis=(1, 3)) - theirs.mean(axis=(1, 3)))[flat]
    red, green, blue = (float(level) for level in off.mean(axis=0))
    return Agreement(path.name, (red, green, blue), float(np.abs(off).max()), int(flat.sum()))


def time_ways(ways: Sequence[Way]) -> dict[str, float]:
    """Time the ways on one thread: processor's seconds per megapixel of the sensor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds: dict[str, float] = {}
    hr = np.random.default_rng(1).integers(0, 255, (TIMED[0] // 8, TIMED[1] // 8, 3), np.uint8)
    hr = hr.repeat(8 * SCALE, axis=0).repeat(8 * SCALE, axis=1)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "shot.dng"
        take(hr, 400, 1, raw)
        for way in ways:
            engine = None if way.model is None else _engine(way.model)
            begun = time.process_time()
            zoomed(raw, way, engine)
            seconds[way.name] = (time.process_time() - begun) / (TIMED[0] * TIMED[1] / 1e6)
            print(f"{way.name}: {seconds[way.name]:.2f} s per megapixel of the sensor", flush=True)
    torch.set_num_threads(threads)
    return seconds


def _engine(model: str) -> Engine:
    return Engine(load_model(model, 0.0), EngineOptions(device="cpu"))


def _cut(hr: NDArray[np.uint8], crop: int | None) -> NDArray[np.uint8]:
    """Cut the centre, of at most ``crop`` pixels a side, that whole cells of the mosaic make up."""
    sides = [min(side, crop or side) // (2 * SCALE) * 2 * SCALE for side in hr.shape[:2]]
    top, left = ((have - side) // 2 for have, side in zip(hr.shape[:2], sides, strict=False))
    return np.ascontiguousarray(hr[top : top + sides[0], left : left + sides[1]])


def _figures(rows: Sequence[Row], seconds: dict[str, float], mosaic: str, pictures: int) -> dict[str, Any]:
    """Put the figures of the model for mosaics as its card has them."""
    figures: dict[str, Any] = {
        "command": "python -m benchmarks.raw",
        "unit": "dB PSNR RGB on simulated RAW of valid; gain over developing and srnet-lite-x4",
        "pictures": pictures,
        "seconds_per_sensor_megapixel": {name: round(value, 2) for name, value in seconds.items()},
    }
    for row in rows:
        if row.way == mosaic:
            interval = [round(float(row.gain.low), 3), round(float(row.gain.high), 3)]
            own = {"psnr": round(row.psnr, 3), "gain": round(row.gain.value, 3), "interval": interval}
            others = {other.way: round(other.psnr, 3) for other in rows if other.iso == row.iso}
            figures[f"ISO {row.iso}"] = {**own, "pictures_worse": row.lost, "of_all": others}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="srnet-raw-x4", help="for mosaics: a name or a folder")
    parser.add_argument("--pictures", type=int, help="only the first so many")
    parser.add_argument("--iso", type=int, nargs="+", default=list(SPEEDS))
    parser.add_argument("--crop", type=int, help="largest side of their centre that is taken, HR pixels")
    parser.add_argument("--without-full", action="store_true", help="leave out srnet-x4, which takes longest")
    parser.add_argument("--card", action="store_true", help="write the figures into the model's card")
    parser.add_argument("--files", type=Path, help="only compare colours of the RAW files in this folder")
    parser.add_argument("--untimed", action="store_true", help="measure no time")
    parser.add_argument("--dry", action="store_true", help="write no file")
    arguments = parser.parse_args()
    keep_large_blocks()  # as the command does
    if arguments.files is not None:
        for path in list_pictures(arguments.files):
            if is_raw_path(path):
                print(agreement(path, arguments.model), flush=True)
        return
    judge, mosaic = "develop + srnet-lite-x4", "mosaic"
    ways = [Way("develop + bicubic", None), Way(judge, "srnet-lite-x4")]
    if not arguments.without_full:
        ways.append(Way("develop + srnet-x4", "srnet-x4"))
    ways.append(Way(mosaic, arguments.model, from_mosaic=True))
    seconds = {} if arguments.untimed else time_ways(ways)
    rows, pictures = measure(ways, arguments.iso, arguments.pictures, arguments.crop, judge)
    if arguments.dry:
        return
    model = load_model(arguments.model)
    record(
        "raw",
        {
            **circumstances([model.card]),
            "pictures": pictures,
            "largest_side": arguments.crop,
            "seconds_per_sensor_megapixel": seconds,
            "rows": [asdict(row) for row in rows],
        },
    )
    if arguments.card:
        card = replace(model.card, metrics=_figures(rows, seconds, mosaic, pictures))
        with atomic_path(model.path.parent / "card.toml", overwrite=True) as file:
            file.write_text(card_text(card), encoding="utf-8")


if __name__ == "__main__":
    main()

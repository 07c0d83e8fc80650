"""From the files of a pair to aligned pixels: the work that the cache keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.choices import Pairing
from srnet_cli.data.preparation import Prepared
from srnet_cli.data.shots import exposure, registration, resampling
from srnet_cli.data.shots.frames import Shot, read_packed, read_rgb
from srnet_cli.data.shots.geometry import zoom_about_centres
from srnet_cli.data.shots.pairing import Pair, make_pairs
from srnet_cli.data.shots.registration import Quality
from srnet_cli.data.shots.sequences import discover
from srnet_cli.data.sources import Problem
from srnet_cli.data.sr_raw import pairing
from srnet_cli.data.sr_raw.alignment import align_sequence
from srnet_cli.data.sr_raw.repairs import repair_published
from srnet_cli.data.sr_raw.transforms import TransformFile, format_transforms, read_transforms
from srnet_cli.data.sr_raw.white_balance import WB_FILE, Gains, format_gains, measure_gains, read_gains
from srnet_cli.errors import DataError, UsageError
from srnet_cli.imaging.affine import Affine, compose, invert
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.raw.mosaic import PackedMosaic
from srnet_cli.imaging.registration import Motion

#: the smallest LR picture that is worth keeping, pixels a side
_SMALLEST = 16
#: pixels that a camera's JPG may lack of its mosaic, per direction
_TRIMMED = 256


@dataclass(frozen=True)
class PairOptions:
    """Options by which real zoom pairs are made.

    Raises:
        UsageError: when a value is out of range.
    """

    scale: int = 4
    #: which shots are paired and how: by focal ratio with one resampling, or as the authors did
    recipe: Pairing = "ratio"
    #: what ECC may find between two shots
    model: Motion = "affine"
    #: give the target the exposure and white balance of its LR shot
    match_colour: bool = False
    #: also keep the LR shot's packed mosaic
    mosaic: bool = False
    #: pairs whose blocks are off by more LR pixels (median) are left out
    max_misalignment: float = 1.0
    #: pairs that correlate less are left out
    min_correlation: float = 0.8

    def __post_init__(self) -> None:
        if self.scale < 2:
            raise UsageError(f"a scale of {self.scale} is not a zoom; use 2, 4 or 8")
        if self.max_misalignment <= 0 or not -1 <= self.min_correlation <= 1:
            raise UsageError(
                "the limits for alignment are a positive misalignment and a correlation in -1..1"
            )


@dataclass(frozen=True)
class PairJob:
    """A real zoom pair to prepare."""

    pair: Pair
    options: PairOptions

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def group(self) -> str:
        return self.pair.sequence.name

    @property
    def scene(self) -> str:
        return self.pair.sequence.name

    def inputs(self) -> tuple[Path, ...]:
        folder = self.pair.sequence.folder
        shots: tuple[Shot, ...] = (self.pair.lr, self.pair.hr)
        if self.options.recipe == "published":
            shots = self.pair.sequence.shots
        texts = [path for path in (folder / "tform.txt", folder / "wb.txt") if path.is_file()]
        return (*(path for shot in shots for path in shot.files), *texts)

    def parameters(self) -> Mapping[str, Any]:
        shots = (self.pair.sequence.shots[0], self.pair.lr, self.pair.hr)
        reference, lr, hr = ([shot.name, shot.focal] for shot in shots)
        return {**asdict(self.options), "reference": reference, "lr": lr, "hr": hr}

    def run(self) -> Prepared:
        if self.options.recipe == "published":
            return _prepare_published(self.pair, self.options)
        return _prepare_by_ratio(self.pair, self.options)


def find_zoom_pairs(root: Path, how: PairOptions) -> tuple[list[PairJob], list[Problem], list[Problem]]:
    """List the pairs of all sequences below ``root``, what is left out, and what is unusual."""
    found = discover(root, repair_published)
    jobs: list[PairJob] = []
    left_out, notes = list(found.problems), []
    for sequence in found.sequences:
        pairs, problems = make_pairs(sequence, how.scale, how.recipe)
        jobs += [PairJob(pair, how) for pair in pairs]
        left_out += problems
        notes += [Problem(sequence.name, note) for note in sequence.notes]
        developed = [pair.name for pair in pairs if None in (pair.lr.rgb, pair.hr.rgb)]
        notes += [Problem(name, "a JPG is missing; both shots are developed from RAW") for name in developed]
    return jobs, left_out, notes


def _prepare_by_ratio(pair: Pair, options: PairOptions) -> Prepared:
    lr_path, hr_path = _comparable_files(pair)
    lr_frame, hr_frame = _frame(lr_path), _frame(hr_path)
    transforms = _given_transforms(pair.sequence.folder)
    if transforms is None:
        found = registration.align(lr_frame, hr_frame, pair.ratio, options.model)
        lr_to_hr, quality = found.lr_to_hr, found.quality
    else:
        lr_to_hr = _map_from_transforms(pair, transforms, lr_frame.shape[:2], hr_frame.shape[:2])
        quality = registration.measure(lr_frame, hr_frame, pair.ratio, lr_to_hr)
    _refuse_bad(quality, options)

    packed = read_packed(_raw_of(pair.lr)) if options.mosaic else None
    offset = (0, 0) if packed is None else _mosaic_offset(packed, lr_frame.shape[:2])
    parity = (offset[0] % 2, offset[1] % 2)
    box = resampling.common_box(lr_frame.shape[:2], hr_frame.shape[:2], lr_to_hr, parity)
    if min(box.height, box.width) < _SMALLEST:
        raise DataError(f"the shots share only {box.width}×{box.height} pixels of the wider one")
    lr = np.ascontiguousarray(lr_frame[box.slices])
    hr = resampling.resample_target(hr_frame, lr_to_hr, box, options.scale)
    arrays: dict[str, NDArray[Any]] = {"lr": lr}
    arrays["hr"], colour = _with_colour(lr, hr, options.match_colour)
    report = {
        "ratio": round(pair.ratio, 4),
        "files": [lr_path.name, hr_path.name],
        "alignment": "ecc" if transforms is None else "tform.txt",
        "lr_to_hr": [[round(v, 6) for v in row] for row in lr_to_hr.tolist()],
        "box": asdict(box),
        **_quality_figures(quality),
        **colour,
    }
    if packed is not None:
        arrays["mosaic"] = _crop_packed(packed, box, offset)
        report["white_balance"] = _white_balance(pair)
    return Prepared(arrays, report)


def _prepare_published(pair: Pair, options: PairOptions) -> Prepared:
    sequence = pair.sequence
    transforms = _given_transforms(sequence.folder)
    texts = {}
    if transforms is None:
        transforms = _published_transforms(sequence.shots, options.model == "euclidean")
        texts["tform.txt"] = format_transforms(transforms)
    lr_map, hr_map = (_map_of(transforms, shot) for shot in (pair.lr, pair.hr))
    reference = sequence.shots[0].focal
    assert reference is not None and pair.lr.focal is not None and pair.hr.focal is not None
    assert pair.lr.rgb is not None and pair.hr.rgb is not None
    lr_frame, hr_frame = _frame(pair.lr.rgb), _frame(pair.hr.rgb)
    built = pairing.build_pair(
        lr_frame,
        hr_frame,
        read_packed(_raw_of(pair.lr)).values if options.mosaic else None,
        pairing.Focals(reference, pair.lr.focal, pair.hr.focal),
        lr_map,
        hr_map,
        options.scale,
    )
    lr_to_hr = _map_from_transforms(pair, transforms, lr_frame.shape[:2], hr_frame.shape[:2])
    arrays: dict[str, NDArray[Any]] = {"lr": built.lr}
    arrays["hr"], colour = _with_colour(built.lr, built.hr, options.match_colour)
    report = {
        "ratio": round(pair.ratio, 4),
        "files": [pair.lr.rgb.name, pair.hr.rgb.name],
        "alignment": "published" if "tform.txt" in texts else "tform.txt",
        **_quality_figures(registration.measure(lr_frame, hr_frame, pair.ratio, lr_to_hr)),
        **colour,
    }
    if built.mosaic is not None:
        arrays["mosaic"] = built.mosaic
        report["white_balance"] = gains = _white_balance(pair)
        if not (sequence.folder / WB_FILE).is_file():
            raw = _raw_of(pair.lr)
            texts[WB_FILE] = format_gains({f"{raw.parent.name}/{raw.stem}": gains})
    return Prepared(arrays, report, texts)


def _comparable_files(pair: Pair) -> tuple[Path, Path]:
    """Choose both shots as the camera developed them, or both developed here: the two never look the same."""
    lr, hr = pair.lr, pair.hr
    if lr.rgb is not None and hr.rgb is not None:
        return lr.rgb, hr.rgb
    if lr.raw is not None and hr.raw is not None:
        return lr.raw, hr.raw
    without = ", ".join(f"{shot.name} has no {kind}" for shot, kind in _lacks(lr, hr))
    raise DataError(f"the shots have no kind of file in common: {without}")


def _lacks(*shots: Shot) -> list[tuple[Shot, str]]:
    return [
        (shot, "JPG" if shot.rgb is None else "RAW file") for shot in shots if None in (shot.rgb, shot.raw)
    ]


def release_frames() -> None:
    """Give back the memory of the pictures that were kept for the next pair."""
    _read_once.cache_clear()


def _frame(path: Path) -> NDArray[np.uint8]:
    return _read_once(path, path.stat().st_mtime_ns)


# A process prepares the pairs of one sequence in a row; each shot is in several of them.
@lru_cache(maxsize=3)
def _read_once(path: Path, _modified: int) -> NDArray[np.uint8]:
    return read_rgb(path)


def _published_transforms(shots: tuple[Shot, ...], euclidean: bool) -> TransformFile:
    modified = tuple(shot.rgb.stat().st_mtime_ns for shot in shots if shot.rgb is not None)
    return _align_once(shots, modified, euclidean)


@lru_cache(maxsize=1)
def _align_once(shots: tuple[Shot, ...], _modified: tuple[int, ...], euclidean: bool) -> TransformFile:
    numbered = [shot for shot in shots if shot.number is not None and shot.rgb is not None]

    def frames() -> Any:
        for shot in numbered:
            assert shot.rgb is not None
            yield shot.number, read_rgb(shot.rgb), shot.focal

    return align_sequence(frames(), euclidean)


def _given_transforms(folder: Path) -> TransformFile | None:
    path = folder / "tform.txt"
    return read_transforms(path) if path.is_file() else None


def _map_of(transforms: TransformFile, shot: Shot) -> Affine:
    found = None if shot.number is None else transforms.maps.get(shot.number)
    if found is None:
        raise DataError(f"frame {shot.name} could not be aligned with the longest shot")
    return found


def _map_from_transforms(
    pair: Pair, transforms: TransformFile, lr_size: tuple[int, int], hr_size: tuple[int, int]
) -> Affine:
    """Map LR to HR pixel coordinates by way of the nominal frames that ``tform.txt`` speaks about."""
    reference = pair.sequence.shots[0].focal
    assert reference is not None and pair.lr.focal is not None and pair.hr.focal is not None
    nominal = hr_size
    to_nominal = zoom_about_centres(lr_size, nominal, reference / pair.lr.focal)
    to_hr = zoom_about_centres(nominal, hr_size, pair.hr.focal / reference)
    between = compose(_map_of(transforms, pair.hr), invert(_map_of(transforms, pair.lr)))
    return compose(to_hr, between, to_nominal)


def _refuse_bad(quality: Quality, options: PairOptions) -> None:
    if quality.correlation < options.min_correlation:
        raise DataError(
            f"the aligned shots correlate by {quality.correlation:.2f} only; "
            f"{options.min_correlation:g} is asked for"
        )
    if quality.misalignment > options.max_misalignment:
        raise DataError(
            f"still {quality.misalignment:.2f} LR pixels off after alignment; "
            f"{options.max_misalignment:g} are allowed"
        )


def _quality_figures(quality: Quality) -> dict[str, float | None]:
    def number(value: float) -> float | None:
        return round(value, 4) if np.isfinite(value) else None

    return {
        "correlation": number(quality.correlation),
        "misalignment_lr_px": number(quality.misalignment),
        "misalignment_p90_lr_px": number(quality.misalignment_p90),
    }


def _with_colour(
    lr: NDArray[np.uint8], hr: NDArray[np.uint8], match: bool
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Return the target, matched if asked, and the colour difference that was there before."""
    difference = exposure.measure_colour(lr, hr)
    if difference is None:
        if match:
            raise DataError("too few well exposed pixels to match the colours by")
        return hr, {"colour_gains": None}
    figures = {
        "colour_gains": [round(gain, 4) for gain in difference.gains],
        "exposure_stops": round(difference.stops, 4),
        "warmth_stops": round(difference.warmth, 4),
    }
    return exposure.match_colour(hr, difference) if match else hr, figures


def _raw_of(shot: Shot) -> Path:
    if shot.raw is None:
        raise DataError(f"the RAW file of {shot.name} is missing")
    return shot.raw


def _mosaic_offset(packed: PackedMosaic, size: tuple[int, int]) -> tuple[int, int]:
    """Count the rows and columns of the mosaic between the first packed pixel and the picture's first pixel.

    Cameras trim their JPG all around; -1 where the picture starts before the first red pixel.
    """
    rows, columns = packed.size[0] - size[0], packed.size[1] - size[1]
    if rows < 0 or columns < 0 or max(rows, columns) > _TRIMMED:
        raise DataError(
            f"the mosaic ({packed.size[1]}×{packed.size[0]}) and the picture ({size[1]}×{size[0]}) "
            f"do not belong together"
        )
    return rows // 2 - packed.corner[0], columns // 2 - packed.corner[1]


def _crop_packed(packed: PackedMosaic, box: Box, offset: tuple[int, int]) -> NDArray[np.float32]:
    top, left = (box.top + offset[0]) // 2, (box.left + offset[1]) // 2
    return np.ascontiguousarray(packed.values[top : top + box.height // 2, left : left + box.width // 2])


def _white_balance(pair: Pair) -> Gains:
    path = pair.sequence.folder / WB_FILE
    gains = read_gains(path) if path.is_file() else {}
    if pair.lr.number in gains:
        return gains[pair.lr.number]
    return measure_gains(_raw_of(pair.lr))

"""Quality of the network on the held-out pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from srnet_cli.compute.processes import Processes
from srnet_cli.data import ValidationItem
from srnet_cli.errors import DivergedError, TrainingError
from srnet_cli.imaging.resize import resize
from srnet_cli.metrics import psnr_rgb, quantise
from srnet_cli.training.step.stepper import Precision

#: PSNR of equal pictures is infinite, which no mean and no JSON can hold
HIGHEST_PSNR = 100.0
#: pixels that the authors leave out on each side, besides the scale
SHAVE = 6

#: PSNR of a picture, and of its bicubic enlargement (None for a mosaic), dB
Pair = tuple[float, float | None]


@dataclass(frozen=True)
class Crop:
    """The centre of a held-out pair. ``lr`` is S×S×C (C 3: uint8; C 4: a mosaic), ``hr`` sS×sS×3 uint8."""

    name: str
    lr: NDArray[np.uint8] | NDArray[np.float32]
    hr: NDArray[np.uint8]
    #: PSNR of bicubic enlargement, None for a mosaic
    bicubic: float | None
    #: the source that it is from, where there are several
    source: str = ""


@dataclass(frozen=True)
class Restored:
    """The network's result for a crop; pictures uint8 H×W×3."""

    crop: Crop
    sr: NDArray[np.uint8]
    #: the predicted enhanced residual, None without auxiliary stream
    residual: NDArray[np.uint8] | None
    psnr: float


@dataclass(frozen=True)
class Measured:
    """Means over held-out pairs, RGB-PSNR in dB as in the authors' logs."""

    psnr: float
    #: of bicubic enlargement; None for mosaics
    bicubic: float | None
    #: smallest gain over bicubic of any picture
    worst_gain: float | None
    pictures: int


@dataclass(frozen=True)
class Validation(Measured):
    """Means over all held-out pairs, or, of several sources, means of the sources' own.

    A source with many pairs then counts as much as one with few. As bicubic's figure stays what it is during
    a run, the largest mean PSNR is the largest mean gain.
    """

    #: of each source, by name; empty where there is only one
    parts: Mapping[str, Measured] = field(default_factory=dict)


def centre_crops(items: Sequence[ValidationItem], scale: int, hr_side: int) -> list[Crop]:
    """Cut the largest centre square of each pair that is not above ``hr_side`` HR pixels.

    Raises:
        TrainingError: when a picture is too small to be measured.
    """
    return [_centre_crop(item, scale, hr_side) for item in items]


def _centre_crop(item: ValidationItem, scale: int, hr_side: int) -> Crop:
    side = min(max(1, hr_side // scale), *item.lr.shape[:2])
    if side * scale <= 2 * (scale + SHAVE):
        raise TrainingError(f"the validation picture {item.name} is too small: {item.hr.shape[:2]}")
    top, left = ((length - side) // 2 for length in item.lr.shape[:2])
    lr = item.lr[top : top + side, left : left + side].copy()
    hr = np.array(item.hr[scale * top : scale * (top + side), scale * left : scale * (left + side)])
    bicubic = None
    if lr.shape[2] == 3:
        bicubic = _psnr(resize(lr.astype(np.uint8), hr.shape[0], hr.shape[1], "bicubic"), hr, scale)
    return Crop(item.name, lr, hr, bicubic, item.source)


@torch.no_grad()
def restore(network: nn.Module, crop: Crop, precision: Precision) -> Restored:
    """Run the network on one crop.

    Raises:
        DivergedError: when the result is not finite.
    """
    lr = torch.from_numpy(crop.lr).permute(2, 0, 1)[None].to(precision.device)
    network.eval()
    with precision.autocast():
        output = network(lr.float().contiguous(memory_format=torch.channels_last), residual=True)
    sr = output.sr.float()
    if not bool(torch.isfinite(sr).all()):
        raise DivergedError(f"the network makes NaN or infinity of {crop.name}")
    picture = _picture(sr.cpu().numpy())
    residual = None if output.residual is None else _picture(output.residual.float().cpu().numpy())
    return Restored(crop, picture, residual, _psnr(picture, crop.hr, crop.hr.shape[0] // crop.lr.shape[0]))


def validate(
    network: nn.Module, crops: Sequence[Crop], precision: Precision, job: Processes, shown: int = 4
) -> tuple[Validation, list[Restored]]:
    """Measure all crops, shared out between the processes; the first ``shown`` results of this one."""
    own = [restore(network, crop, precision) for crop in crops[job.rank :: job.world]]
    gathered = job.gather([(r.crop.source, r.psnr, r.crop.bicubic) for r in own])
    figures: dict[str, list[Pair]] = {crop.source: [] for crop in crops}
    for source, psnr, bicubic in chain.from_iterable(gathered):
        figures[source].append((psnr, bicubic))
    return summarise(figures), own[:shown]


def summarise(figures: Mapping[str, Sequence[Pair]]) -> Validation:
    """Average PSNR and bicubic's PSNR of pictures over each source, then over the sources."""
    parts = {source: _measured(pairs) for source, pairs in figures.items()}
    bicubics = [part.bicubic for part in parts.values() if part.bicubic is not None]
    gains = [part.worst_gain for part in parts.values() if part.worst_gain is not None]
    return Validation(
        psnr=float(np.mean([part.psnr for part in parts.values()])),
        bicubic=float(np.mean(bicubics)) if bicubics else None,
        worst_gain=min(gains) if gains else None,
        pictures=sum(part.pictures for part in parts.values()),
        parts=parts if len(parts) > 1 else {},
    )


def mean_bicubic(crops: Sequence[Crop]) -> float | None:
    """Return bicubic's PSNR as ``Validation`` has it, dB; None without pairs, and for mosaics."""
    figures: dict[str, list[float]] = {}
    for crop in crops:
        if crop.bicubic is not None:
            figures.setdefault(crop.source, []).append(crop.bicubic)
    return float(np.mean([np.mean(own) for own in figures.values()])) if figures else None


def logged(validation: Validation) -> dict[str, float | None]:
    """Return the figures as a line of the log has them: those of a source under ``psnr/NAME`` and so on."""
    measured: dict[str, Measured] = {"": validation, **{f"/{n}": p for n, p in validation.parts.items()}}
    return {
        f"{key}{name}": getattr(part, key)
        for name, part in measured.items()
        for key in ("psnr", "bicubic", "worst_gain")
    }


def _measured(pairs: Sequence[Pair]) -> Measured:
    bicubics = [bicubic for _, bicubic in pairs if bicubic is not None]
    gains = [psnr - bicubic for psnr, bicubic in pairs if bicubic is not None]
    return Measured(
        psnr=float(np.mean([psnr for psnr, _ in pairs])),
        bicubic=float(np.mean(bicubics)) if bicubics else None,
        worst_gain=min(gains) if gains else None,
        pictures=len(pairs),
    )


def _psnr(result: NDArray[np.uint8], reference: NDArray[np.uint8], scale: int) -> float:
    psnr = psnr_rgb(result, reference, shave=scale + SHAVE)
    return HIGHEST_PSNR if math.isinf(psnr) else psnr


def _picture(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(quantise(values[0]).transpose(1, 2, 0).astype(np.uint8))

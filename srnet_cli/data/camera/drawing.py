"""The drawing of a patch's parameters and noise, each from the patch's own seed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from srnet_cli.data.camera.parameters import CameraParameters, CameraRanges, Range

#: standard normal noise of the shape, type and device of its argument
Normal = Callable[[Tensor], Tensor]
#: the noise of some of a batch's rows, which come in their order
Noise = Callable[[Sequence[int]], Normal]

#: keeps the noise apart from the parameters' own stream, whose uniform numbers normal ones would repeat
_NOISE_STREAM = 0x5DEECE66D

#: uniform numbers that a patch takes; the order is part of what a seed means, so new ones go to the end
_COLUMNS = (
    "kind", "blur", "anisotropy", "angle", "has_defocus", "defocus", "has_motion", "motion", "motion_angle",
    "shift_x", "shift_y", "red_shift_x", "red_shift_y", "blue_shift_x", "blue_shift_y", "colour_mix",
    "red_gain", "blue_gain", "shot_noise", "read_over_shot", "bayer_phase", "luma_reduction", "luma_window",
    "chroma_reduction", "chroma_window", "has_sharpening", "sharpening", "sharpening_radius", "coring",
    "has_resizing", "capture", "resize_filter", "has_jpeg", "jpeg_quality", "jpeg_subsampled", "jpeg_x",
    "jpeg_y", "has_second_jpeg", "second_jpeg_quality", "second_jpeg_subsampled", "second_jpeg_moved",
    "second_jpeg_x", "second_jpeg_y", "has_pattern", "pattern", "pattern_cell", "pattern_saturated",
    "colour_0", "colour_1", "colour_2", "colour_3", "colour_4", "colour_5",
    "chroma_blur",
)  # fmt: skip


#: uniform numbers that a patch takes
UNIFORM_NUMBERS = len(_COLUMNS)


def draw_parameters(seeds: Sequence[int], ranges: CameraRanges) -> CameraParameters:
    """Draw parameters for each seed, on the CPU; the same seed always gives the same parameters."""
    # In double precision: powers of float32 round differently alone and in a batch.
    table = torch.empty(len(seeds), len(_COLUMNS), dtype=torch.float64)
    for row, seed in enumerate(seeds):
        table[row] = torch.rand(len(_COLUMNS), generator=torch.Generator().manual_seed(seed))
    return parameters_from_uniform(table, ranges).to(torch.device("cpu"))


def parameters_from_uniform(table: Tensor, ranges: CameraRanges) -> CameraParameters:
    """Map uniform numbers 0..1, one row for each patch, to parameters."""
    u = dict(zip(_COLUMNS, table.unbind(dim=1), strict=True))

    def uniform(name: str, bounds: Range) -> Tensor:
        low, high = bounds
        return low + (high - low) * u[name]

    def log_uniform(name: str, bounds: Range) -> Tensor:
        return torch.exp(uniform(name, (math.log(bounds[0]), math.log(bounds[1]))))

    def cubed(name: str, bounds: Range) -> Tensor:
        low, high = bounds
        return (low + high) / 2 + (high - low) / 2 * (2 * u[name] - 1) ** 3

    def steps(name: str, count: int) -> Tensor:
        return (u[name] * count).long().clamp(max=count - 1)

    def flag(name: str, share: float) -> Tensor:
        return (u[name] < share).float()

    raw = flag("kind", ranges.raw_share)
    # From the other end, so that a share of bicubic patches leaves the other patches what they are.
    bicubic = (u["kind"] >= 1 - ranges.bicubic_share).float()
    engine = 1 - bicubic - raw
    sharpened = engine * (1 - flag("has_sharpening", ranges.unsharpened_share))
    jpeg = engine * (1 - flag("has_jpeg", ranges.uncompressed_share))
    again = jpeg * flag("has_second_jpeg", ranges.second_jpeg_share)
    jpeg_x, jpeg_y = steps("jpeg_x", 16), steps("jpeg_y", 16)
    moved = u["second_jpeg_moved"] < 0.5
    colours = torch.stack([u[f"colour_{i}"] for i in range(6)], dim=1).view(-1, 2, 3)
    saturated = (u["pattern_saturated"] < 0.5).view(-1, 1, 1)
    return CameraParameters(
        bicubic=bicubic,
        raw=raw,
        blur=log_uniform("blur", ranges.blur),
        anisotropy=uniform("anisotropy", ranges.anisotropy),
        angle=uniform("angle", (0.0, math.pi)),
        defocus=flag("has_defocus", ranges.defocus_share) * uniform("defocus", ranges.defocus),
        motion=flag("has_motion", ranges.motion_share) * uniform("motion", ranges.motion),
        motion_angle=uniform("motion_angle", (0.0, math.pi)),
        shift_x=uniform("shift_x", ranges.shift),
        shift_y=uniform("shift_y", ranges.shift),
        red_shift_x=cubed("red_shift_x", ranges.colour_shift),
        red_shift_y=cubed("red_shift_y", ranges.colour_shift),
        blue_shift_x=cubed("blue_shift_x", ranges.colour_shift),
        blue_shift_y=cubed("blue_shift_y", ranges.colour_shift),
        colour_mix=uniform("colour_mix", ranges.colour_mix),
        red_gain=uniform("red_gain", ranges.red_gain),
        blue_gain=uniform("blue_gain", ranges.blue_gain),
        shot_noise=10 ** uniform("shot_noise", ranges.shot_noise),
        read_over_shot=10 ** uniform("read_over_shot", ranges.read_over_shot),
        bayer_phase=steps("bayer_phase", 4),
        luma_reduction=engine * uniform("luma_reduction", ranges.luma_reduction),
        luma_window=uniform("luma_window", ranges.luma_window),
        chroma_reduction=engine * uniform("chroma_reduction", ranges.chroma_reduction),
        chroma_window=uniform("chroma_window", ranges.chroma_window),
        chroma_blur=uniform("chroma_blur", ranges.chroma_blur),
        sharpening=sharpened * uniform("sharpening", ranges.sharpening),
        sharpening_radius=log_uniform("sharpening_radius", ranges.sharpening_radius),
        coring=uniform("coring", ranges.coring),
        resized=engine * flag("has_resizing", ranges.resized_share),
        capture=uniform("capture", ranges.capture),
        resize_filter=u["resize_filter"],
        jpeg_quality=torch.where(jpeg > 0, uniform("jpeg_quality", ranges.jpeg_quality), 100.0),
        jpeg_subsampled=flag("jpeg_subsampled", ranges.subsampled_share),
        jpeg_x=jpeg_x,
        jpeg_y=jpeg_y,
        second_jpeg_quality=torch.where(
            again > 0, uniform("second_jpeg_quality", ranges.second_jpeg_quality), 100.0
        ),
        second_jpeg_subsampled=flag("second_jpeg_subsampled", ranges.subsampled_share),
        second_jpeg_x=torch.where(moved, steps("second_jpeg_x", 16), jpeg_x),
        second_jpeg_y=torch.where(moved, steps("second_jpeg_y", 16), jpeg_y),
        pattern=torch.where(u["has_pattern"] < ranges.pattern_share, 1 + steps("pattern", 6), 0),
        pattern_cell=steps("pattern_cell", 7),
        pattern_colours=torch.where(saturated, (colours > 0.5).float(), colours).mul(255).round(),
    )


def noise_from_seeds(seeds: Sequence[int]) -> Normal:
    """Make noise in which each patch follows its own seed."""

    def normal(like: Tensor) -> Tensor:
        noise = torch.empty_like(like)
        for patch, seed in zip(noise, seeds, strict=True):
            patch.normal_(generator=torch.Generator(like.device).manual_seed(seed ^ _NOISE_STREAM))
        return noise

    return normal


def noise_of_batch(seeds: Sequence[int]) -> Noise:
    """Make noise of which a patch has its own, wherever it is in a batch."""
    return lambda rows: noise_from_seeds([seeds[row] for row in rows])


def noise_of_steps(seeds: Sequence[int], counts: Sequence[int], device: torch.device) -> Noise:
    """Make noise of which each step has its own; ``counts`` patches of a batch are of each, in their order.

    Drawn for a whole step at once, so a patch's noise depends on its step, and on the kind of the device.
    """
    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
    ends = list(accumulate(counts))

    def of(rows: Sequence[int]) -> Normal:
        owners = [bisect_right(ends, row) for row in rows]
        shares = [(generators[step], owners.count(step)) for step in dict.fromkeys(owners)]

        def normal(like: Tensor) -> Tensor:
            shape = like.shape[1:]
            parts = [
                torch.randn(count, *shape, generator=generator, device=like.device, dtype=like.dtype)
                for generator, count in shares
            ]
            return torch.cat(parts)

        return normal

    return of

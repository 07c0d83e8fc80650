"""Parameters of the simulated camera and the ranges that they are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from srnet_cli.compute.cuda import send

Range = tuple[float, float]


@dataclass(frozen=True)
class CameraRanges:
    """Ranges that the parameters are drawn from, uniformly unless said otherwise, and shares of patches.

    Lengths are in pixels of the captured picture; these are LR pixels unless software resized it later.

    The ranges were fitted to 110 real zoom pairs of a camera and a phone: wide ones first, of which those
    cameras were kept whose LR has the spectra, noise and halos of the real LR (approximate Bayesian
    computation: Beaumont, Zhang and Balding, Genetics 162(4), 2002), then widened for cameras between and
    beyond the two. ``python -m benchmarks.camera`` compares them with the real ones.
    """

    #: share of patches reduced by plain bicubic, without a camera
    bicubic_share: float = 0.0
    #: share of patches as developed from RAW: no noise reduction, sharpening, resizing or JPEG. The others
    #: come from a camera's JPEG engine
    raw_share: float = 1 / 3

    #: standard deviation of the lens blur along its wider axis, log-uniform
    blur: Range = (0.22, 1.10)
    #: narrower axis over wider axis of the blur
    anisotropy: Range = (0.70, 1.0)
    defocus_share: float = 0.15
    #: radius of the disc of confusion
    defocus: Range = (0.3, 1.2)
    motion_share: float = 0.08
    #: length of the streak of a camera moved during exposure
    motion: Range = (0.3, 1.8)
    #: sub-pixel shift of the capture's grid in each direction
    shift: Range = (-0.05, 0.05)
    #: lateral chromatic aberration: shift of red, and of blue, against green, in each direction; most lenses
    #: and most of the frame have little, so a cubed uniform number is scaled to the range
    colour_shift: Range = (-0.4, 0.4)

    #: share of a typical camera's colour matrix; 0 is a camera whose primaries are sRGB's
    colour_mix: Range = (0.0, 1.0)
    #: white balance gains of red and blue (green is 1)
    red_gain: Range = (1.4, 2.6)
    blue_gain: Range = (1.2, 2.4)
    #: log10 of the shot noise variance at white; -4.5 is about ISO 100, -2.7 about ISO 6400 and -2.1 about
    #: ISO 25,600 on APS-C
    shot_noise: Range = (-5.5, -2.1)
    #: log10 of the read noise variance over the shot noise variance
    read_over_shot: Range = (-3.0, -2.0)

    #: luma noise reduction: smoothed contrast in standard deviations of the noise that the camera expects
    luma_reduction: Range = (0.3, 3.3)
    #: standard deviation of its window
    luma_window: Range = (0.7, 1.6)
    #: chroma noise reduction, likewise
    chroma_reduction: Range = (0.0, 5.0)
    chroma_window: Range = (0.8, 2.0)
    #: standard deviation of the engine's low-pass of chroma against false colours, at any level of noise
    chroma_blur: Range = (0.2, 1.5)

    #: share of the patches with an engine that are not sharpened
    unsharpened_share: float = 0.15
    #: amount of unsharp masking
    sharpening: Range = (0.0, 2.5)
    #: standard deviation of the unsharp mask, log-uniform
    sharpening_radius: Range = (0.5, 2.0)
    #: contrast that sharpening spares, in standard deviations of the noise that the camera expects
    coring: Range = (0.0, 3.0)

    #: share of the patches with an engine whose picture was resized by software
    resized_share: float = 0.50
    #: captured pixels per LR pixel and side before the resizing
    capture: Range = (0.8, 2.0)

    #: share of the patches with an engine that the camera did not store as JPEG (HEIF or TIFF, hardly lossy)
    uncompressed_share: float = 0.15
    #: libjpeg's quality of the camera's file
    jpeg_quality: Range = (60.0, 98.0)
    #: share of the camera's JPEGs that were stored as JPEG once more, after resizing if there was any
    second_jpeg_share: float = 0.25
    second_jpeg_quality: Range = (60.0, 98.0)
    #: share with chroma at half resolution (4:2:0), drawn for each JPEG
    subsampled_share: float = 0.6

    #: share of HR patches replaced by a pattern (``patterns``)
    pattern_share: float = 0.05


@dataclass(frozen=True)
class CameraParameters:
    """One drawn value for each patch: tensors of length N on the patches' device.

    0 or 1 in a float tensor is written "flag" below.
    """

    #: flag: plain bicubic reduction in place of a camera
    bicubic: Tensor
    #: flag: no engine, as developed from RAW
    raw: Tensor
    blur: Tensor
    anisotropy: Tensor
    angle: Tensor
    #: 0 in focus
    defocus: Tensor
    #: 0 held still
    motion: Tensor
    motion_angle: Tensor
    shift_x: Tensor
    shift_y: Tensor
    red_shift_x: Tensor
    red_shift_y: Tensor
    blue_shift_x: Tensor
    blue_shift_y: Tensor
    colour_mix: Tensor
    red_gain: Tensor
    blue_gain: Tensor
    shot_noise: Tensor
    read_over_shot: Tensor
    #: 0..3, the one of RGGB's four phases that the mosaic starts with
    bayer_phase: Tensor
    luma_reduction: Tensor
    luma_window: Tensor
    chroma_reduction: Tensor
    chroma_window: Tensor
    chroma_blur: Tensor
    sharpening: Tensor
    sharpening_radius: Tensor
    coring: Tensor
    #: flag: software resized the picture
    resized: Tensor
    capture: Tensor
    #: 0..1: below 1/3 bicubic, below 2/3 area, else Lanczos
    resize_filter: Tensor
    #: 100 where not stored as JPEG
    jpeg_quality: Tensor
    jpeg_subsampled: Tensor
    #: 0..15, place of the patch in the file's grid of 16×16 units
    jpeg_x: Tensor
    jpeg_y: Tensor
    second_jpeg_quality: Tensor
    second_jpeg_subsampled: Tensor
    second_jpeg_x: Tensor
    second_jpeg_y: Tensor
    #: 0 for the photograph, else 1..6: flat, rows, columns, checkers, dither, smooth waves
    pattern: Tensor
    #: pixels of HR per cell of the pattern: log2, 0..6
    pattern_cell: Tensor
    #: two colours, N×2×3, 0..255
    pattern_colours: Tensor

    def to(self, device: torch.device) -> CameraParameters:
        """Move to a device, floating point as float32; all together, as each journey takes time."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Tensor] = {}
        for floating in (True, False):
            own = {name: v for name, v in values.items() if v.is_floating_point() == floating}
            columns = [(v.float() if floating else v).reshape(len(v), -1) for v in own.values()]
            table = send(torch.cat(columns, dim=1), device)
            parts = torch.split(table, [column.shape[1] for column in columns], dim=1)
            moved |= {name: part.reshape(v.shape) for (name, v), part in zip(own.items(), parts, strict=True)}
        return CameraParameters(**moved)

    def rows(self, chosen: Tensor | slice) -> CameraParameters:
        """Select patches by an index, a mask or a slice."""
        return CameraParameters(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


def plane(values: Tensor) -> Tensor:
    """Shape one value for each patch as N×1×1×1, to be combined with pictures."""
    return values.view(-1, 1, 1, 1)

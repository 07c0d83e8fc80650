"""Simulated zoom: from a sharp photograph, what a camera with a shorter lens would have stored.

Batched tensor code for CPU and GPU. HR and LR are N×3×H×W, RGB, sRGB, 0..255 float. Every patch has a seed of
its own, so its LR does not depend on the worker or rank that makes it, and on the batch it is made in only by
the rounding of floating-point sums.

The order of the parts is the order in a camera and behind it:

    HR → lens → sensor (noise, Bayer mosaic) → demosaicking → noise reduction → sharpening → JPEG
       → resizing by software → JPEG → LR

White balance comes *before* demosaicking, as in raw developers: demosaicking unbalanced data leaves green
fringes and zipper that no camera shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from srnet_cli.compute.cuda import send
from srnet_cli.data.camera.development import develop
from srnet_cli.data.camera.drawing import (
    Noise,
    Normal,
    draw_parameters,
    noise_from_seeds,
    noise_of_batch,
    parameters_from_uniform,
)
from srnet_cli.data.camera.jpeg import store_as_jpeg
from srnet_cli.data.camera.lens import through_lens
from srnet_cli.data.camera.noise_reduction import reduce_noise
from srnet_cli.data.camera.parameters import CameraParameters, CameraRanges, plane
from srnet_cli.data.camera.patterns import with_patterns
from srnet_cli.data.camera.resizing import enlarge_scene, reduce_bicubic, resize_capture
from srnet_cli.data.camera.sensor import record
from srnet_cli.data.camera.sharpening import sharpen
from srnet_cli.imaging.srgb import srgb_to_linear

Degradation = Callable[[Tensor, int, Sequence[int]], Tensor]

#: rises when the same photograph and seed become another LR picture: figures behind two versions are not
#: comparable
VERSION = 2
#: share of the mixed degradation's patches that are reduced by plain bicubic instead of by the camera, so
#: that a network trained on it also does well on clean, already reduced pictures
BICUBIC_SHARE = 0.1
#: of the mixed degradation
MIXED = CameraRanges(bicubic_share=BICUBIC_SHARE)

#: keeps the noise of dithered patterns apart from the sensor's
_PATTERN_STREAM = 0x2545F491


def camera_zoom(hr: Tensor, scale: int, seeds: Sequence[int], ranges: CameraRanges | None = None) -> Tensor:
    """Simulate what a camera with a ``scale`` times shorter lens would have stored of ``hr``.

    ``hr`` is N×3×H×W, 0..255, H and W divisible by ``scale``; one seed for each patch. Returns
    N×3×H/scale×W/scale, whole numbers 0..255 as float.
    """
    ranges = ranges or CameraRanges()
    return simulate(hr, scale, draw_parameters(seeds, ranges), ranges.capture[1], noise_of_batch(seeds))


def camera_picture(hr: Tensor, scale: int, seed: int) -> Tensor:
    """Do what ``camera_zoom`` does to one whole picture, 1×3×H×W.

    It may be large, so it is captured no larger than its own parameters ask for; its noise is another one.
    """
    p = draw_parameters([seed], CameraRanges())
    return simulate(hr, scale, p, float(p.capture), noise_of_batch([seed]))


def mixed_zoom(hr: Tensor, scale: int, seeds: Sequence[int]) -> Tensor:
    """Apply ``camera_zoom``, but for a share of the patches (``BICUBIC_SHARE``) ``bicubic_zoom``."""
    return camera_zoom(hr, scale, seeds, MIXED)


def bicubic_zoom(hr: Tensor, scale: int, seeds: Sequence[int]) -> Tensor:
    """Reduce as the literature does: MATLAB-style antialiased bicubic, rounded; ``seeds`` is not used."""
    return reduce_bicubic(hr, scale).clamp(0, 255).round()


def degradation(name: str) -> Degradation:
    """Look up ``camera``, ``mixed`` or ``bicubic``.

    Raises:
        ValueError: for any other name.
    """
    known: dict[str, Degradation] = {"camera": camera_zoom, "mixed": mixed_zoom, "bicubic": bicubic_zoom}
    if name not in known:
        raise ValueError(f"unknown degradation {name!r}; one of {', '.join(known)}")
    return known[name]


def ranges_of(name: str) -> CameraRanges | None:
    """Return what ``degradation`` draws its cameras from; None for the one without a camera."""
    return {"camera": CameraRanges(), "mixed": MIXED, "bicubic": None}[name]


def draw_patterns(hr: Tensor, seeds: Sequence[int], ranges: CameraRanges | None = None) -> Tensor:
    """Replace a share of HR training patches by patterns, before the camera sees them."""
    p = draw_parameters(seeds, ranges or CameraRanges())
    rows = p.pattern.nonzero().flatten()
    if not len(rows):
        return hr
    places, own = send(rows, hr.device), [seeds[row] ^ _PATTERN_STREAM for row in rows.tolist()]
    patterned = with_patterns(hr[places], p.rows(rows).to(hr.device), noise_from_seeds(own))
    return hr.index_copy(0, places, patterned)


def photograph(
    hr: Tensor, scale: int, table: Tensor, noise: Noise, ranges: CameraRanges
) -> tuple[Tensor, Tensor]:
    """Do what ``draw_patterns`` and ``camera_zoom`` do, with numbers that were drawn for the whole batch.

    ``table`` has ``UNIFORM_NUMBERS`` of 0..1 for each patch, on the CPU. Returns HR and LR.
    """
    p = parameters_from_uniform(table, ranges).to(torch.device("cpu"))
    rows = p.pattern.nonzero().flatten()
    if len(rows):
        places = send(rows, hr.device)
        patterned = with_patterns(hr[places], p.rows(rows).to(hr.device), noise(rows.tolist()))
        hr = hr.index_copy(0, places, patterned)
    return hr, simulate(hr, scale, p, ranges.capture[1], noise)


def simulate(hr: Tensor, scale: int, p: CameraParameters, largest: float, noise: Noise) -> Tensor:
    """Run the camera with given parameters, which are on the CPU so that the caller does not wait for a GPU.

    ``largest`` is the capture that software may have reduced, in captured pixels per LR pixel and side.
    """
    n, channels, height, width = hr.shape
    lr = hr.new_empty(n, channels, height // scale, width // scale)
    plain, resized = p.bicubic > 0, p.resized > 0
    for chosen in (plain, resized, ~(plain | resized)):
        rows = chosen.nonzero().flatten().tolist()
        if not rows:
            continue
        places = torch.tensor(rows)
        own, normal = p.rows(places).to(hr.device), noise(rows)
        places = send(places, hr.device)
        scenes = hr[places]
        if chosen is plain:
            lr[places] = bicubic_zoom(scenes, scale, ())
        elif chosen is resized:
            lr[places] = _resized(scenes, scale, own, largest, normal)
        else:
            lr[places] = _store_again(capture_picture(scenes, scale, own, normal), own)
    return lr


def capture_picture(hr: Tensor, scale: int, p: CameraParameters, normal: Normal) -> Tensor:
    """Apply lens, sensor and engine up to and with the camera's JPEG."""
    light = through_lens(srgb_to_linear(hr / 255), scale, p)
    developed = develop(record(light, p, normal), p)
    finished = sharpen(reduce_noise(developed, p), p)
    finished = torch.where(plane(p.raw) > 0, developed, finished)
    return store_as_jpeg(finished, p.jpeg_quality, p.jpeg_subsampled, p.jpeg_x, p.jpeg_y)


def _resized(hr: Tensor, scale: int, p: CameraParameters, largest: float, normal: Normal) -> Tensor:
    """Capture at another size, then resize to LR's.

    All patches share the size of the ``largest`` capture, so that they fit one batch; what is beyond a
    patch's own capture is its mirror image.
    """
    height, width = hr.shape[2] // scale, hr.shape[3] // scale
    tall, wide = (math.ceil(largest * side) + 2 for side in (height, width))
    scene = enlarge_scene(hr, p, tall * scale, wide * scale).clamp(0, 255)
    captured = capture_picture(scene, scale, p, normal)
    return _store_again(resize_capture(captured, p, height, width), p)


def _store_again(picture: Tensor, p: CameraParameters) -> Tensor:
    return store_as_jpeg(
        picture, p.second_jpeg_quality, p.second_jpeg_subsampled, p.second_jpeg_x, p.second_jpeg_y
    )

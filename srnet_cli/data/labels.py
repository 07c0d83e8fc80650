"""Labels of the auxiliary stream: the residual and the enhanced residual, as 8-bit pictures.

The enhanced residual is the training target of the auxiliary stream. Its definition is Pillow's own
filters, on 8-bit RGB pictures, rounded to 8 bit after each step:

    D = |HR - up(LR)|;  E = DETAIL(EDGE_ENHANCE_MORE(D))

``enhanced_residual`` asks Pillow; ``enhanced_residual_tensor`` and ``upscale`` are the same arithmetic for
batches. torch is imported where it is used, so that comparing two pictures need not load it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from srnet_cli.data.choices import LabelInterpolation, LabelName

if TYPE_CHECKING:
    import torch
    from torch import Tensor

#: bits of Pillow's fixed-point filter weights
_PRECISION = 22
# Pillow divides the kernel by its divisor in float32 before it filters; ties at one half depend on it.
_DETAIL_CENTRE = float(np.float32(10) / np.float32(6))
_DETAIL_SIDE = float(np.float32(-1) / np.float32(6))


def residual_image(hr: NDArray[np.uint8], lr_up: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Subtract |HR - up(LR)| per channel.

    Args:
        hr: H×W×3, 0..255.
        lr_up: the enlarged low-resolution picture, same shape.

    Raises:
        ValueError: the shapes or types differ.
    """
    if hr.shape != lr_up.shape or hr.dtype != np.uint8 or lr_up.dtype != np.uint8:
        raise ValueError(
            f"need two 8-bit pictures of one shape, not {hr.shape} {hr.dtype} and {lr_up.shape} {lr_up.dtype}"
        )
    return np.asarray(cv2.absdiff(hr, lr_up), dtype=np.uint8)


def enhanced_residual(residual: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply EDGE_ENHANCE_MORE, then DETAIL, as Pillow defines them.

    Args:
        residual: H×W×3 (or H×W), 0..255.

    Returns:
        The same shape, 0..255; the outermost pixels are those of the residual, as Pillow leaves them.
    """
    picture = Image.fromarray(residual).filter(ImageFilter.EDGE_ENHANCE_MORE).filter(ImageFilter.DETAIL)
    return np.asarray(picture)


def enhanced_residual_tensor(hr: Tensor, lr_up: Tensor) -> Tensor:
    """Compute the enhanced residual of a batch, on the device of its inputs.

    Equal to Pillow's result in every value: the sums of the first filter are whole numbers, and those of
    the second are added in Pillow's order in float32.

    Args:
        hr: N×C×H×W, 0..255, uint8 or float; rounded to 8 bit first.
        lr_up: the enlarged low-resolution pictures, same shape.

    Returns:
        N×C×H×W float32, whole numbers 0..255, without gradient.
    """
    import torch

    with torch.no_grad():
        difference = (_eight_bit(hr) - _eight_bit(lr_up)).abs_()
        return _detail(_edge_enhance_more(difference))


def label_tensor(
    hr: Tensor, lr: Tensor, scale: int, method: LabelInterpolation, label: LabelName = "residual"
) -> Tensor:
    """Compute what the auxiliary stream is taught of a batch, on the device of its inputs.

    Args:
        hr: N×3×sh×sw, 0..255; lr: N×3×h×w, enlarged by ``method``.

    Returns:
        N×3×sh×sw float32, whole numbers 0..255, without gradient.
    """
    return label_beside(hr, lambda: upscale(lr, scale, method), label)


def label_beside(hr: Tensor, enlarged: Callable[[], Tensor], label: LabelName) -> Tensor:
    """Compute what the auxiliary stream is taught of HR, N×3×H×W, beside its enlarged LR.

    ``residual`` is the enhanced residual. ``edge`` is EDGE_ENHANCE_MORE(FIND_EDGES(HR)) in Pillow's filters,
    the authors' other label, for which LR does not matter. ``slope`` is the length of the residual's
    gradient: where detail is missing, without what a difference of exposure adds to the residual itself.
    """
    import torch

    if label == "residual":
        return enhanced_residual_tensor(hr, enlarged())
    with torch.no_grad():
        if label == "edge":
            return _edge_enhance_more(_find_edges(_eight_bit(hr)))
        return _slope(_eight_bit(hr) - _eight_bit(enlarged()))


def _find_edges(x: Tensor) -> Tensor:
    """Filter with a kernel of -1 with 8 in the centre."""
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    box = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    return _with_border_of(x, (x[..., 1:-1, 1:-1] * 9 - box).clamp_(0, 255))


def _slope(x: Tensor) -> Tensor:
    """Compute the length of the gradient by differences over two pixels; 0 at the border."""
    across = x[..., 1:-1, 2:] - x[..., 1:-1, :-2]
    down = x[..., 2:, 1:-1] - x[..., :-2, 1:-1]
    return _with_border_of(x * 0, (across.square() + down.square()).sqrt_().round_().clamp_(0, 255))


def _eight_bit(values: Tensor) -> Tensor:
    if not values.is_floating_point():
        return values.float()
    return values.detach().float().round().clamp(0, 255)


def _edge_enhance_more(x: Tensor) -> Tensor:
    """Filter with a kernel of -1 with 9 in the centre: ten times the centre less the 3×3 sum."""
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    box = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    return _with_border_of(x, (x[..., 1:-1, 1:-1] * 10 - box).clamp_(0, 255))


def _detail(x: Tensor) -> Tensor:
    """Filter with (0 -1 0 / -1 10 -1 / 0 -1 0) / 6, summed as Pillow: half, row below, own row, row above."""
    sides = x * _DETAIL_SIDE
    own_row = sides[..., 1:-1, :-2] + x[..., 1:-1, 1:-1] * _DETAIL_CENTRE + sides[..., 1:-1, 2:]
    total = (sides[..., 2:, 1:-1] + 0.5) + own_row + sides[..., :-2, 1:-1]
    return _with_border_of(x, total.trunc_().clamp_(0, 255))


def _with_border_of(x: Tensor, inner: Tensor) -> Tensor:
    result = x.clone()
    result[..., 1:-1, 1:-1] = inner
    return result


def upscale(pictures: Tensor, scale: int, method: LabelInterpolation = "bicubic") -> Tensor:
    """Enlarge N×C×h×w of whole values 0..255 to N×C×sh×sw, bit-equal to Pillow's 8-bit ``resize``.

    Returns float32 on the device of the input.
    """
    import torch

    if method == "nearest":
        return pictures.repeat_interleave(scale, -2).repeat_interleave(scale, -1).float()
    # Whole numbers up to 2^31: exact in float64 in whatever order they are added. MPS has no float64.
    device = pictures.device if pictures.device.type != "mps" else torch.device("cpu")
    x = pictures.to(device, torch.float64)
    x = _rounded(x @ _weights(x.shape[-1], scale, device).T)
    x = _rounded(_weights(x.shape[-2], scale, device) @ x)
    return x.to(pictures.device, torch.float32)


def _rounded(sums: Tensor) -> Tensor:
    """Round to 8 bit, as Pillow does after each of its two passes."""
    import torch

    return torch.floor((sums + 2 ** (_PRECISION - 1)) / 2**_PRECISION).clamp_(0, 255)


@lru_cache(maxsize=32)
def _weights(size: int, scale: int, device: torch.device) -> Tensor:
    """Compute fixed-point bicubic weights (a = −0.5, sides renormalised): scale·size × size, float64."""
    import torch

    centre = (torch.arange(size * scale, dtype=torch.float64) + 0.5) / scale
    distance = (torch.arange(size, dtype=torch.float64) + 0.5 - centre[:, None]).abs()
    a = -0.5
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = (((distance - 5) * distance + 8) * distance - 4) * a
    weights = torch.where(distance < 1, near, torch.where(distance < 2, far, torch.zeros(())))
    fixed = weights / weights.sum(1, keepdim=True) * 2**_PRECISION
    return (torch.sign(fixed) * torch.floor(fixed.abs() + 0.5)).to(device)

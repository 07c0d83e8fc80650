"""The transfer curve of sRGB (IEC 61966-2-1), on NumPy arrays and tensors alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", NDArray[np.float32], NDArray[np.float64], "Tensor")

#: where the curve's straight part ends, in coded values and in light
_CODED_KNEE, _LIGHT_KNEE = 0.04045, 0.0031308


def srgb_to_linear(coded: Values) -> Values:
    """Decode values of 0..1 to linear light.

    Example:
        >>> srgb_to_linear(np.array([0.0, 0.5, 1.0])).round(3)
        array([0.   , 0.214, 1.   ])
    """
    curved = ((coded.clip(0) + 0.055) / 1.055) ** 2.4
    light: Values = _choose(coded <= _CODED_KNEE, coded / 12.92, curved)
    return light


def linear_to_srgb(light: Values) -> Values:
    """Encode linear light of 0..1.

    Example:
        >>> linear_to_srgb(np.array([0.0, 0.214, 1.0])).round(2)
        array([0. , 0.5, 1. ])
    """
    # Clipped where the straight part holds, so that neither the power nor its gradient is ever infinite.
    curved = 1.055 * light.clip(_LIGHT_KNEE) ** (1 / 2.4) - 0.055
    coded: Values = _choose(light <= _LIGHT_KNEE, light * 12.92, curved)
    return coded


def _choose(condition: Any, straight: Any, curved: Any) -> Any:
    if isinstance(straight, np.ndarray):
        return np.where(condition, straight, curved)
    import torch

    return torch.where(condition, straight, curved)

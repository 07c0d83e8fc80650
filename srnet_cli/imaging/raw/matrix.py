"""The matrix from white-balanced camera colours to linear sRGB, as LibRaw applies it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: XYZ (D65) to linear sRGB, IEC 61966-2-1
XYZ_TO_SRGB = np.array(
    [[3.240454, -1.537139, -0.498531], [-0.969266, 1.876011, 0.041556], [0.055643, -0.204026, 1.057225]]
)
_PEAK = 65_535
#: fewer pixels tell no matrix, and no camera's has a larger number
_LEAST_PIXELS, _LARGEST_SHARE = 100, 5.0


def stated_matrix(raw: Any, is_dng: bool) -> NDArray[np.float64] | None:
    """Return LibRaw's matrix from white-balanced camera colours to linear sRGB, where it tells it."""
    if raw.num_colors == 1:
        return np.eye(3)
    stated = np.array(raw.color_matrix, np.float64)[:3, :3]
    if is_dng and np.allclose(stated.sum(axis=1), 1, atol=0.01):
        return stated
    known = np.array(raw.rgb_xyz_matrix, np.float64)[:3]
    if not known.any():
        return None
    to_camera = known @ np.linalg.inv(XYZ_TO_SRGB)
    return np.asarray(np.linalg.inv(to_camera / to_camera.sum(axis=1, keepdims=True)))


def measured_matrix(raw: Any, parameters: dict[str, Any]) -> NDArray[np.float64]:
    """Return the matrix that LibRaw applies and does not tell, by which pictures in both colours differ."""
    import rawpy

    small = {**parameters, "half_size": True}
    camera = raw.postprocess(**small).reshape(-1, 3).astype(np.float64)
    srgb = raw.postprocess(**{**small, "output_color": rawpy.ColorSpace.sRGB}).reshape(-1, 3)
    inside = (srgb.min(axis=1) > 0) & (srgb.max(axis=1) < _PEAK)
    if np.count_nonzero(inside) < _LEAST_PIXELS:
        return np.eye(3)
    found, _, rank, _ = np.linalg.lstsq(camera[inside], srgb[inside].astype(np.float64), rcond=1e-6)
    # White stays white, whatever the rounding of the two.
    matrix = found.T / found.sum(axis=0)[:, None]
    plausible = rank == 3 and np.abs(matrix).max() < _LARGEST_SHARE
    return np.asarray(matrix) if plausible else np.eye(3)

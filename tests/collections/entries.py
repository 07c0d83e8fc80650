"""What a collection consists of, and how a result is compared with what is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Entry:
    """A file, and what comes out of it."""

    name: str
    data: bytes
    #: H×W×C of 8 or 16 bits, C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; None: it is refused
    right: NDArray[Any] | None
    #: levels of its own depth by which a sample may differ
    tolerance: int = 0
    #: tags of a result, as exiftool names them
    tags: dict[str, str] = field(default_factory=dict)


def difference(found: NDArray[Any], right: NDArray[Any], tolerance: int = 0) -> str | None:
    """Say how samples differ from the right ones, None when they do not. Alpha that is all opaque is none."""
    found, right = _opaque(found), _opaque(right)
    if found.shape != right.shape or found.dtype != right.dtype:
        return f"is {found.shape} of {found.dtype}, not {right.shape} of {right.dtype}"
    off = np.abs(found.astype(np.int64) - right.astype(np.int64))
    # What is hidden under alpha 0 is nobody's colour.
    if found.shape[2] in (2, 4):
        off[..., :-1][right[..., -1] == 0] = 0
    worst = int(off.max(initial=0))
    return f"is off by up to {worst} levels" if worst > tolerance else None


def _opaque(samples: NDArray[Any]) -> NDArray[Any]:
    samples = samples.reshape(*samples.shape[:2], -1)
    if samples.shape[2] in (2, 4) and samples[..., -1].min() == np.iinfo(samples.dtype).max:
        return samples[..., :-1]
    return samples


def gradient(height: int, width: int, channels: int, levels: int) -> NDArray[np.int64]:
    """Ramps of 0..levels in other directions, a channel each; the last but one of several is steep."""
    y, x = np.mgrid[:height, :width]
    a, b = x / max(width - 1, 1), y / max(height - 1, 1)
    ramps = [a, b, (a + b) / 2, 0.25 + 0.75 * (1 - a)]
    return np.rint(np.stack(ramps[:channels], axis=2) * levels).astype(np.int64)

"""Camera colours in the numbers of a picture: what a sensor saw, before anyone developed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.colour.shoulder import shoulder
from srnet_cli.imaging.srgb import linear_to_srgb

if TYPE_CHECKING:
    from srnet_cli.imaging.codecs.ifd import Entry

_PEAK = 65_535
_ROWS_AT_ONCE = 128
#: of what the sensor can hold: where the plain light begins to count, and from where it is all that counts
_NEARLY_FULL, _FULL = np.float32(0.85), np.float32(0.97)
#: stops that the networks are shown of what is stated; beyond, the curve gets too flat for its highlights
_DARKEST, _BRIGHTEST = -2.0, 3.0

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Samples = NDArray[np.uint16]
_UNCHANGED: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class CameraColours:
    """What 16-bit samples of camera colours mean, and what is known of the camera.

    Networks know developed pictures, and noise as it looks in them. So the samples are a developed picture
    from which the sensor's values can be had again: white-balanced, with the primaries and the curve of sRGB,
    as bright as it will be shown, and light beyond white on a shoulder. What samples cannot say is taken from
    the light, linear and before any primaries, that is enlarged plainly beside them: how far colours are
    outside of sRGB, and everything where the sensor was about to saturate.
    """

    #: of red, green and blue, or of the one channel of a monochrome sensor; the largest is 1
    gains: tuple[float, ...]
    #: white-balanced camera colours to linear sRGB; white stays white
    to_srgb: Matrix = _UNCHANGED
    #: stops by which the picture is to be brighter than sensor white shown as white
    baseline_exposure: float = 0.0
    #: the most that any pixel of the sensor holds, of its white level; a zoom holds no more
    fullest: float = 1.0
    #: tags of DNG that say what camera it was and how its colours are developed
    tags: Mapping[int, Entry] = field(default_factory=dict)

    @property
    def is_grey(self) -> bool:
        """Return whether the sensor has no colours."""
        return len(self.gains) == 1

    def coded(self, light: Samples) -> Samples:
        """Return samples of light × gain, H×W×C of 0..65,535."""
        samples = np.empty(light.shape, np.uint16)
        for top in range(0, light.shape[0], _ROWS_AT_ONCE):
            rows = slice(top, top + _ROWS_AT_ONCE)
            curved = linear_to_srgb(shoulder(self._linear(light[rows]).clip(0), self._largest))
            samples[rows] = np.rint(curved.clip(0, 1) * _PEAK)
        return samples

    def to_sensor(self, rows: Samples) -> Samples:
        """Return the sensor's linear values, h×W×1 or ×3, of samples, ×1, or of samples and light, ×6."""
        linear = self._decoded[rows[..., : len(self.gains)]]
        if self.is_grey:
            light = linear / np.float32(self._brightness)
        else:
            plain = rows[..., 3:].astype(np.float32) / np.float32(_PEAK)
            linear += self._linear(rows[..., 3:]).clip(None, 0)
            light = linear @ np.linalg.inv(self._from_light()).astype(np.float32)
            # Of a saturated channel, mixed with the others, a network makes colours that are not there.
            fullest = (plain / np.array(self.gains, np.float32)).max(axis=2, keepdims=True)
            share = ((fullest - _NEARLY_FULL) / np.float32(_FULL - _NEARLY_FULL)).clip(0, 1)
            light += share * (plain - light)
        values = light * (np.float32(_PEAK) / np.array(self.gains, np.float32))
        return np.asarray(np.rint(values.clip(0, _PEAK * self.fullest)), np.uint16)

    def shown(self, sensor: NDArray[Any]) -> NDArray[np.uint8]:
        """Develop linear values before white balance, H×W×C of 0..1, plainly to 8-bit sRGB, H×W×3."""
        # As a developer does it: the channel that saturates first makes white.
        light = sensor * (np.array(self.gains) / min(self.gains))
        light = light.clip(0, 1) * 2.0**self.baseline_exposure
        coloured = light.repeat(3, axis=2) if self.is_grey else light @ np.array(self.to_srgb).T
        return np.asarray(np.rint(linear_to_srgb(coloured.clip(0, 1)) * 255), np.uint8)

    @property
    def _brightness(self) -> float:
        """What light of 1 is in terms of white."""
        stops = min(max(self.baseline_exposure, _DARKEST), _BRIGHTEST)
        return float(2.0**stops / min(self.gains))

    def _linear(self, light: Samples) -> NDArray[np.float32]:
        """Light × gain of 0..65,535 as linear sRGB, below 0 where colours are outside of it."""
        return np.asarray(light.astype(np.float32) @ self._from_light() / np.float32(_PEAK), np.float32)

    def _from_light(self) -> NDArray[np.float32]:
        """Light × gain as a row to linear sRGB as a row."""
        matrix = np.eye(1) if self.is_grey else np.array(self.to_srgb).T
        return np.asarray(matrix * self._brightness, np.float32)

    @property
    def _largest(self) -> float:
        """The largest linear value that any light has."""
        largest = np.array(self.gains) @ self._from_light().clip(0)
        return float(largest.max())

    @cached_property
    def _decoded(self) -> NDArray[np.float32]:
        """The linear values of all samples."""
        linear = np.concatenate([np.linspace(0, 0.01, 1024), np.linspace(0.01, self._largest, 1 << 17)])
        curved = linear_to_srgb(shoulder(linear, self._largest))
        return np.asarray(np.interp(np.arange(_PEAK + 1) / _PEAK, curved, linear), np.float32)

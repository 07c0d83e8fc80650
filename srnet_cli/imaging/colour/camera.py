"""Camera colours in the numbers of a picture: what a sensor saw, before anyone developed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear

if TYPE_CHECKING:
    from srnet_cli.imaging.codecs.ifd import Entry

_PEAK = 65_535

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class CameraColours:
    """What 16-bit samples of camera colours mean, and what is known of the camera.

    A sample is the light that the sensor saw (0 its black, 1 its white) times the gain of its channel, in the
    curve of sRGB: neutral where the picture is, as the networks know it, and nothing is clipped that the
    sensor did not clip, because no gain is above 1.
    """

    #: of red, green and blue, or of the one channel of a monochrome sensor; the largest is 1
    gains: tuple[float, ...]
    #: white-balanced camera colours to linear sRGB; white stays white
    to_srgb: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    #: stops by which the picture is to be brighter than sensor white shown as white
    baseline_exposure: float = 0.0
    #: tags of DNG that say what camera it was and how its colours are developed
    tags: Mapping[int, Entry] = field(default_factory=dict)

    def to_sensor(self) -> NDArray[np.uint16]:
        """Return the table from samples to linear values before white balance, 65,536×channels.

        Example:
            >>> CameraColours((0.5, 1.0, 1.0)).to_sensor()[[0, 48_000]].tolist()
            [[0, 0, 0], [64990, 32495, 32495]]
        """
        light = srgb_to_linear(np.arange(_PEAK + 1) / _PEAK)
        values = light[:, None] / np.array(self.gains) * _PEAK
        return np.asarray(np.rint(values.clip(0, _PEAK)), np.uint16)

    def shown(self, sensor: NDArray[Any]) -> NDArray[np.uint8]:
        """Develop linear values before white balance, H×W×C of 0..1, plainly to 8-bit sRGB, H×W×3."""
        # As a developer does it: the channel that saturates first makes white.
        light = sensor * (np.array(self.gains) / min(self.gains))
        light = light.clip(0, 1) * 2.0**self.baseline_exposure
        coloured = light.repeat(3, axis=2) if light.shape[2] == 1 else light @ np.array(self.to_srgb).T
        return np.asarray(np.rint(linear_to_srgb(coloured.clip(0, 1)) * 255), np.uint8)

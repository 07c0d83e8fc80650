"""The small picture in a DNG, by which people choose: its bands of rows averaged as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from srnet_cli.imaging.colour.camera import CameraColours

#: pixels of the longer side, at most
_LONGEST = 1536
_QUALITY = 90


class Preview:
    """Means of square blocks, whose side is a power of two, of a picture of ``height``×``width``."""

    def __init__(self, height: int, width: int) -> None:
        self._block = 1
        while max(height, width) > self._block * _LONGEST:
            self._block *= 2
        self._size = -(-height // self._block), -(-width // self._block)
        self._bands: list[NDArray[np.float32]] = []

    def add(self, band: NDArray[np.uint16]) -> None:
        """Add rows of linear values before white balance, h×W×C: whole blocks of them, maybe with padding."""
        block = self._block
        band = np.pad(band, ((0, 0), (0, -band.shape[1] % block), (0, 0)), "edge")
        height, width, channels = band.shape
        blocks = band.reshape(height // block, block, width // block, block, channels)
        self._bands.append(blocks.mean(axis=(1, 3), dtype=np.float32) / np.float32(65_535))

    def jpeg(self, camera: CameraColours) -> tuple[bytes, tuple[int, int]]:
        """Return the JPEG, whose colours have half its size on both axes, and its height and width."""
        import imagecodecs

        height, width = self._size
        small: NDArray[Any] = np.concatenate(self._bands)[:height, :width]
        shown = np.ascontiguousarray(camera.shown(small))
        return bytes(imagecodecs.jpeg_encode(shown, level=_QUALITY, subsampling="420")), self._size

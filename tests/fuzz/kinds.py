"""Kinds of files for a night: those of every test run, and some that take longer to read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.faults.fuzz.targets import KINDS, Kind, read_and_write
from tests.faults.pictures import encoded, encoded_tiff, scene


def _avifs() -> list[bytes]:
    small = scene(24, 20)
    return [
        encoded("AVIF", small, speed=10),
        encoded("AVIF", np.dstack([small, small[..., 0]]), speed=10),
    ]


def _pieces() -> list[bytes]:
    """TIFFs whose strips or tiles are pictures, or packed by newer means."""
    small = scene(40, 36)
    tiled, stripped = {"tile": (16, 16)}, {"rowsperstrip": 16}
    return [
        encoded_tiff(small, photometric="rgb", compression="jpeg", **tiled),
        encoded_tiff(small, photometric="rgb", compression="webp", **stripped),
        encoded_tiff(small, photometric="rgb", compression="jpeg2000"),
        encoded_tiff(small, photometric="rgb", compression="png", **tiled),
        encoded_tiff(small, photometric="rgb", compression="zstd", **stripped),
        encoded("TIFF", small, compression="jpeg"),
    ]


NIGHT: Mapping[str, Kind] = {
    **KINDS,
    "avif": Kind(".avif", _avifs, read_and_write),
    "pieces": Kind(".tif", _pieces, read_and_write),
}

"""The network's own predicted residual as pictures: where it found information to restore."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging import Metadata, Picture, write_picture
from srnet_cli.names import heatmap_paths
from srnet_cli.residuals.entropy import DEFAULT_WINDOW, entropy_map
from srnet_cli.residuals.heatmaps import (
    ENTROPY_LABEL,
    automatic_high,
    entropy_top,
    heatmap_image,
    loss_map,
)

RESIDUAL_LABEL = "predicted enhanced residual, grey levels"


def write_heatmaps(
    residual: NDArray[np.float32],
    target: Path,
    overwrite: bool = False,
    keep_existing: bool = False,
    origin: str = "",
) -> tuple[Path, Path]:
    """Write ``<stem>_residual.png`` and ``<stem>_entropy.png`` beside a result; returns their paths.

    ``residual`` is H×W×3, 0..255: what the auxiliary stream expects the picture to lack. With
    ``keep_existing`` one that is there already stays. ``origin`` stands in their marks.

    Raises:
        OutputError: when one of them cannot be written.
    """
    coded = np.rint(residual).astype(np.uint8)
    values = loss_map(coded)
    heat = heatmap_image(values, 0.0, automatic_high(values), label=RESIDUAL_LABEL)
    bits = entropy_map(coded, DEFAULT_WINDOW)
    entropy = heatmap_image(bits, 0.0, entropy_top(DEFAULT_WINDOW), label=ENTROPY_LABEL)
    paths = heatmap_paths(target)
    for path, pixels in zip(paths, (heat, entropy), strict=True):
        if not (keep_existing and os.path.lexists(path)):
            write_picture(Picture(pixels, metadata=Metadata(origin=origin)), path, overwrite=overwrite)
    return paths

"""NIQE against the reference, and where it cannot be had."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.metrics import niqe


def _scene(blur: float = 0) -> NDArray[np.uint8]:
    """Draw leaves of many sizes, as natural pictures have them, a little noisy."""
    rng = np.random.default_rng(5)
    scene = np.full((200, 300, 3), 128, np.uint8)
    for radius in (40, 25, 15, 8, 5, 3):
        for _ in range(4000 // radius**2 + 20):
            centre = (int(rng.integers(300)), int(rng.integers(200)))
            cv2.circle(scene, centre, radius, [int(v) for v in rng.integers(20, 235, 3)], -1)
    noisy = scene + rng.normal(0, 2, scene.shape)
    if blur:
        noisy = cv2.GaussianBlur(noisy, (0, 0), blur)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("blur", "reference"), [(0, 14.2269), (1.5, 8.0651)])
def test_the_reference(blur: float, reference: float) -> None:
    """By BasicSR 1.4.2 on the same luma, halved by the same MATLAB-like reduction."""
    assert niqe(_scene(blur)) == pytest.approx(reference, rel=1e-3)


def test_only_whole_blocks_count() -> None:
    scene = _scene()
    assert niqe(scene) == niqe(scene[:192, :288])


def test_too_small_or_too_empty_for_a_covariance() -> None:
    assert niqe(_scene()[:100, :150]) is None
    assert niqe(np.full((192, 288, 3), 90, np.uint8)) is None

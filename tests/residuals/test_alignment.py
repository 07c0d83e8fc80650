"""Registration recovers motions that were made on purpose, and says so when there is nothing to find."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import registration
from srnet_cli.imaging.affine import Affine, compose, translation
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.registration import Motion
from srnet_cli.metrics import psnr_rgb
from srnet_cli.residuals import alignment
from srnet_cli.residuals.alignment import align


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    random = np.random.default_rng(2)
    layers = [cv2.GaussianBlur(random.normal(size=(420, 520, 3)), (0, 0), s) * s for s in (2, 6, 20)]
    total = np.sum(layers, axis=0)
    return np.asarray(128 + 30 * total / total.std()).clip(0, 255).astype(np.uint8)


def moved(scene: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A picture whose features lie where ``matrix`` takes those of ``scene``."""
    return np.asarray(
        cv2.warpAffine(
            scene, matrix, scene.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


@pytest.mark.parametrize(
    ("motion", "angle", "factor", "shift"),
    [
        ("translation", 0.0, 1.0, (2.3, -1.6)),
        ("translation", 0.0, 1.0, (-34.5, 22.25)),
        ("euclidean", 1.5, 1.0, (4.0, 3.0)),
        ("affine", -0.8, 1.02, (-6.5, 9.25)),
    ],
)
def test_known_motion_is_undone(
    scene: NDArray[np.uint8], motion: Motion, angle: float, factor: float, shift: tuple[float, float]
) -> None:
    height, width = scene.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, factor)
    matrix[:, 2] += shift
    found, lr, hr = align(moved(scene, matrix), scene, motion)
    assert np.array(found.matrix) == pytest.approx(np.asarray(matrix), abs=0.05)
    assert found.rotation == pytest.approx(angle, abs=0.02)
    assert found.magnification == pytest.approx(1 / factor, abs=5e-4)
    assert psnr_rgb(lr, hr) > 40
    assert lr.shape == hr.shape == (found.box.height, found.box.width, 3)
    assert np.array_equal(hr, scene[found.box.slices])


def test_shift_says_where_lr_was_moved(scene: NDArray[np.uint8]) -> None:
    found, _, _ = align(moved(scene, np.array([[1, 0, 5.0], [0, 1, -3.0]])), scene, "translation")
    assert found.shift == pytest.approx((-5.0, 3.0), abs=0.05)


def test_exposure_does_not_matter(scene: NDArray[np.uint8]) -> None:
    darker = (moved(scene, np.array([[1, 0, 3.0], [0, 1, 2.0]])) * 0.6 + 20).astype(np.uint8)
    found, _, _ = align(darker, scene, "translation")
    assert found.shift == pytest.approx((-3.0, -2.0), abs=0.05)


@pytest.mark.parametrize("motion", ["translation", "euclidean", "affine"])
@pytest.mark.parametrize("error", [0.0, 4e-7, -4e-7])
def test_a_pair_in_place_stays_in_place(
    scene: NDArray[np.uint8], motion: Motion, error: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever way the processor rounds: ECC ends within a millionth of a pixel, on either side of it."""

    def nearly(*given: Any) -> tuple[Affine, float]:
        matrix, correlation = registration.register(*given)
        return compose(matrix, translation(error, -error)), correlation

    monkeypatch.setattr(alignment, "register", nearly)
    found, lr, hr = align(scene, scene, motion)
    assert found.box == Box(0, 0, *scene.shape[:2])
    assert np.array_equal(lr, hr)


@pytest.mark.parametrize("other", ["flat", "noise"])
def test_what_cannot_be_aligned_is_an_error(scene: NDArray[np.uint8], other: str) -> None:
    pictures = {
        "flat": np.full_like(scene, 90),
        "noise": np.random.default_rng(9).integers(0, 256, scene.shape, dtype=np.uint8),
    }
    with pytest.raises(InputError, match="cannot be aligned") as caught:
        align(pictures[other], scene, "affine")
    assert caught.value.remedy is not None
    assert "--align none" in caught.value.remedy


def test_two_flat_pictures_are_an_error() -> None:
    flat = np.full((64, 64, 3), 90, np.uint8)
    with pytest.raises(InputError, match="flat"):
        align(flat, flat, "translation")

"""ECC at one level, and the pyramid with a start that is far off."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from srnet_cli.errors import RegistrationError
from srnet_cli.imaging.affine import compose, identity, scaling, translation
from srnet_cli.imaging.registration import Grey, ecc, moved, phase_shift, register


@pytest.fixture(scope="module")
def scene() -> Grey:
    random = np.random.default_rng(2)
    layers = [cv2.GaussianBlur(random.normal(size=(420, 520)), (0, 0), s) * s for s in (2, 6, 20)]
    total = np.sum(layers, axis=0)
    return np.asarray(128 + 30 * total / total.std(), np.float32)


def test_a_picture_of_another_size_is_found_from_a_rough_start(scene: Grey) -> None:
    """``fixed`` is a part of the scene at half the size; the start is forty pixels off."""
    truth = compose(translation(150.25, 80.5), scaling(2.0))
    fixed, inside = moved(scene, truth, (120, 160))
    assert inside.all()
    found, correlation = register(scene, fixed, "affine", compose(translation(40, -25), truth))
    np.testing.assert_allclose(found, truth, atol=0.1)
    assert correlation > 0.97  # "fixed" lost detail and gained aliasing


def test_large_pictures_are_registered_reduced_and_the_map_is_of_their_own_pixels(scene: Grey) -> None:
    large = cv2.resize(scene, (3640, 2940), interpolation=cv2.INTER_CUBIC)
    truth = translation(31.5, -12.25)
    found, _ = register(large, moved(large, truth, large.shape)[0], "translation", identity())
    np.testing.assert_allclose(found, truth, atol=0.05)


def test_flat_pictures_are_refused(scene: Grey) -> None:
    flat = np.full_like(scene, 90)
    for moving, fixed in ((flat, scene), (scene, flat), (flat, flat)):
        with pytest.raises(RegistrationError, match="flat"):
            register(moving, fixed, "affine", identity())
        with pytest.raises(RegistrationError, match="flat"):
            ecc(moving, fixed, "translation", identity(), 50)


@pytest.mark.parametrize("size", [(64, 80), (60, 75), (61, 83)])
def test_measuring_a_shift_leaves_the_pictures_as_they_are(scene: Grey, size: tuple[int, int]) -> None:
    """OpenCV weights pictures in place where it need not pad them, which spoiled all that came after."""
    fixed, moving = scene[: size[0], : size[1]].copy(), scene[3 : size[0] + 3, 5 : size[1] + 5].copy()
    before = fixed.copy(), moving.copy()
    right, down = phase_shift(moving, fixed)
    assert (right, down) == pytest.approx((-5, -3), abs=1.0)
    assert np.array_equal(fixed, before[0]) and np.array_equal(moving, before[1])

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.metrics import halo_overshoot, noise_ratio, sharpness_ratio

Pixels = NDArray[np.uint8]


def grain(sigma: float, seed: int = 0, side: int = 256, base: float = 120) -> Pixels:
    noise = np.random.default_rng(seed).normal(base, sigma, (side, side, 3))
    return np.rint(noise).clip(0, 255).astype(np.uint8)


def step(low: int = 50, high: int = 150, side: int = 64) -> Pixels:
    """A vertical edge in the middle."""
    picture = np.full((side, side, 3), low, np.uint8)
    picture[:, side // 2 :] = high
    return picture


# --- sharpness ---


def test_sharpness_is_the_ratio_of_the_slopes() -> None:
    ramp = np.broadcast_to(np.arange(0, 192, 3, np.uint8)[None, :, None], (32, 64, 3))
    assert sharpness_ratio(ramp // 3, ramp) == pytest.approx(1 / 3)
    assert sharpness_ratio(ramp, ramp) == 1
    assert sharpness_ratio(np.zeros_like(ramp), ramp) == 0
    # Across and down count alike.
    assert sharpness_ratio(ramp.transpose(1, 0, 2) // 3, ramp.transpose(1, 0, 2)) == pytest.approx(1 / 3)


def test_blur_lowers_sharpness_and_noise_raises_it() -> None:
    hr = grain(20)
    assert sharpness_ratio(cv2.GaussianBlur(hr, (0, 0), 1.5), hr) < 0.4  # type: ignore[operator, arg-type]
    noisy = np.clip(hr + np.random.default_rng(1).normal(0, 20, hr.shape), 0, 255).astype(np.uint8)
    assert sharpness_ratio(noisy, hr) > 1.3  # type: ignore[operator]


def test_of_a_flat_picture_there_is_no_sharpness() -> None:
    assert sharpness_ratio(grain(3), np.full((256, 256, 3), 7, np.uint8)) is None


# --- noise ---


@pytest.mark.parametrize(("made", "true"), [(8, 4), (4, 8), (4, 4)])
def test_noise_is_the_ratio_of_the_deviations(made: float, true: float) -> None:
    assert noise_ratio(grain(made, 1), grain(true, 2), 4) == pytest.approx(made / true, rel=0.06)


def test_noise_is_taken_where_hr_is_flat_only() -> None:
    """Half of HR is checks of 8 pixels: what a zoom makes of them is not noise."""
    hr = grain(4)
    rows, columns = np.indices((256, 128)) // 8
    hr[:, 128:] = (200 * ((rows + columns) % 2))[..., None]
    result = grain(8, 1)
    result[:, 128:] = 100
    assert noise_ratio(result, hr, 4) == pytest.approx(2, rel=0.06)
    result[:, 128:] = hr[:, 128:]
    assert noise_ratio(result, hr, 4) == pytest.approx(2, rel=0.06)


def test_slow_changes_are_not_noise_and_rounding_is_the_least() -> None:
    ramp = np.linspace(50, 120, 256)[None, :, None] * np.ones((256, 1, 3))
    smooth = np.rint(ramp).astype(np.uint8)
    assert noise_ratio(smooth, smooth, 4) == pytest.approx(1, abs=0.1)
    flat = np.full((256, 256, 3), 90, np.uint8)
    assert noise_ratio(flat, flat, 4) == pytest.approx(0, abs=1e-3)
    # A weave of ±3 over nothing, in units of the deviation of rounding.
    woven = flat.copy()
    woven[::2, ::2] += 3
    woven[1::2, 1::2] += 3
    assert noise_ratio(woven, flat, 4) == pytest.approx(1.5 * 12**0.5, rel=0.02)


def test_without_flat_areas_there_is_no_noise() -> None:
    checks = np.kron(np.indices((16, 16)).sum(0) % 2 * 200, np.ones((8, 8))).astype(np.uint8)
    assert noise_ratio(checks[..., None].repeat(3, 2), checks[..., None].repeat(3, 2), 4) is None
    assert noise_ratio(grain(3, side=12), grain(3, side=12), 4) is None


# --- halos ---


@pytest.mark.parametrize("height", [5, 10, 30])
def test_a_halo_is_measured_in_percent_of_the_edge(height: int) -> None:
    hr, light, both = step(), step(), step()
    light[:, 34] = 150 + height
    both[:, 34], both[:, 29] = 150 + height, 50 - height
    assert halo_overshoot(light, hr, 2) == pytest.approx(height, rel=1e-6)
    assert halo_overshoot(both, hr, 2) == pytest.approx(height, rel=1e-6)
    turned = light.transpose(1, 0, 2), hr.transpose(1, 0, 2)
    assert halo_overshoot(*turned, 2) == pytest.approx(height, rel=1e-6)


def test_soft_and_equal_edges_have_no_halo() -> None:
    hr = step()
    assert halo_overshoot(hr, hr, 4) == 0
    assert halo_overshoot(cv2.GaussianBlur(hr, (0, 0), 3), hr, 4) == 0  # type: ignore[arg-type]


def test_what_is_far_from_edges_is_no_halo() -> None:
    hr, result = step(), step()
    result[:, 50:] = 200
    assert halo_overshoot(result, hr, 2) == 0


def test_of_weak_edges_there_are_no_halos() -> None:
    assert halo_overshoot(step(100, 163), step(100, 163), 4) is None
    assert halo_overshoot(step(100, 164), step(100, 164), 4) == 0


def test_an_unsharp_mask_rises_with_its_amount() -> None:
    hr = cv2.GaussianBlur(step(), (0, 0), 1.5)
    found = []
    for amount in (0.0, 0.5, 1.0, 2.0):
        blurred = cv2.GaussianBlur(hr, (0, 0), 3)
        sharpened = cv2.addWeighted(hr, 1 + amount, blurred, -amount, 0)
        found.append(halo_overshoot(sharpened, hr, 4))  # type: ignore[arg-type]
    assert found[0] == 0 and found == sorted(found)  # type: ignore[type-var]
    assert 5 < found[2] < 30  # type: ignore[operator]


@pytest.mark.parametrize(
    "function", [sharpness_ratio, partial(noise_ratio, scale=4), partial(halo_overshoot, scale=4)]
)
def test_other_shapes_are_refused(function: Callable[[Pixels, Pixels], float | None]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        function(step(side=32), step(side=64))

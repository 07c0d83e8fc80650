"""The entropy map against scikit-image, closed forms, and its own exact form where it is sampled."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.filters.rank import entropy as rank_entropy
from skimage.morphology import footprint_rectangle

from srnet_cli.residuals import entropy
from srnet_cli.residuals.entropy import Sampling, entropy_map, sampling


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).poisson(20, shape).astype(np.uint8)


@pytest.mark.parametrize("window", [3, 9, 15])
@pytest.mark.parametrize("shape", [(70, 91), (5, 40), (1, 1)])
def test_is_scikit_image_at_every_pixel(window: int, shape: tuple[int, int]) -> None:
    values = noise(*shape)
    expected = rank_entropy(values, footprint_rectangle((window, window)))
    assert np.allclose(entropy_map(values, window), expected, atol=1e-5)


def test_channels_share_one_histogram() -> None:
    values = noise(40, 30, 3)
    found = entropy_map(values, 5)
    inside = values[10:15, 20:25].reshape(-1)
    shares = np.bincount(inside)[np.unique(inside)] / inside.size
    assert found[12, 22] == pytest.approx(-(shares * np.log2(shares)).sum(), abs=1e-5)


@pytest.mark.parametrize("shape", [(60, 50), (60, 50, 3), (2000, 2100)])
def test_constant_picture_is_zero_everywhere(shape: tuple[int, ...]) -> None:
    assert not entropy_map(np.full(shape, 77, np.uint8)).any()


def test_uniform_noise_is_close_to_the_maximum() -> None:
    values = np.random.default_rng(1).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    found = entropy_map(values, 41)[20:-20, 20:-20]
    assert found.min() > 7.9
    assert found.max() <= 8.0


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(150, 64, 3)
    whole = entropy_map(values, 7)
    monkeypatch.setattr(entropy, "_BINS_AT_ONCE", 20 * 256 * 64)
    assert np.array_equal(entropy_map(values, 7), whole)


def test_sampled_map_is_exact_at_cell_centres(monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(91, 100, 3)
    exact = entropy_map(values, 15)
    monkeypatch.setattr(entropy, "_MAX_CELLS", 91 * 100 // 4)
    assert sampling(91, 100, 15) == Sampling(step=3, cells=5)
    sampled = entropy_map(values, 15)
    assert sampled.shape == exact.shape
    # Only windows without a cell that the picture's edge cuts are the same pixels.
    assert np.allclose(sampled[10:80:3, 10:88:3], exact[10:80:3, 10:88:3], atol=1e-4)


@pytest.mark.parametrize("size", [(1000, 1000), (4000, 6000), (20000, 30000)])
def test_window_in_use_is_close_to_the_one_asked_for(size: tuple[int, int]) -> None:
    for window in range(3, 65, 2):
        plan = sampling(*size, window)
        assert plan.cells % 2 == 1
        assert plan.cells >= 3
        assert abs(plan.window - window) <= max(2, window // 5)
    assert sampling(*size, 15).window == 15


@pytest.mark.parametrize("window", [1, 4, -3])
def test_even_and_tiny_windows_are_refused(window: int) -> None:
    with pytest.raises(ValueError, match="odd number of pixels from 3"):
        entropy_map(noise(9, 9), window)


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="8-bit"):
        entropy_map(np.zeros((9, 9), np.float32))  # type: ignore[arg-type]

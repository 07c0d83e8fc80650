"""Entropy against closed forms and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import shannon_entropy

from srnet_cli.metrics import entropy, entropy_of_counts, histogram


def test_closed_forms() -> None:
    assert entropy(np.full((5, 5, 3), 9, np.uint8)) == 0.0
    assert entropy(np.array([0, 255], np.uint8)) == 1.0
    assert entropy(np.array([0, 0, 0, 1], np.uint8)) == pytest.approx(2 - 0.75 * np.log2(3))
    assert entropy(np.arange(256, dtype=np.uint8)) == 8.0


def test_is_scikit_image() -> None:
    values = np.random.default_rng(0).poisson(12, (50, 40, 3)).astype(np.uint8)
    assert entropy(values) == pytest.approx(shannon_entropy(values), rel=1e-12)


def test_histogram_counts_every_value() -> None:
    counts = histogram(np.array([[3, 3], [255, 0]], np.uint8))
    assert counts.shape == (256,)
    assert (counts[0], counts[3], counts[255], counts.sum()) == (1, 2, 1, 4)
    assert entropy_of_counts(counts) == 1.5


def test_other_types_and_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="8-bit"):
        entropy(np.zeros(4, np.float32))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="8-bit"):
        entropy(np.zeros(0, np.uint8))

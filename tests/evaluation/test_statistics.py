"""Intervals of means."""

from __future__ import annotations

import numpy as np
import pytest

from srnet_cli.evaluation.statistics import mean_with_interval


def test_the_interval_of_many_values_is_the_normal_one() -> None:
    values = np.random.default_rng(5).normal(3.0, 2.0, 400)
    mean = mean_with_interval(list(values), [str(i) for i in range(400)])
    half = 1.96 * values.std() / 20
    assert mean.value == pytest.approx(values.mean())
    assert mean.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert mean.high == pytest.approx(values.mean() + half, abs=0.1 * half)
    assert mean.beyond_chance


def test_a_small_difference_of_few_pictures_is_not_beyond_chance() -> None:
    mean = mean_with_interval([0.5, -0.4, 0.3, -0.1, 0.1], list("abcde"))
    assert mean.value == pytest.approx(0.08)
    assert not mean.beyond_chance


def test_pictures_of_one_scene_count_as_one() -> None:
    values = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    apart = mean_with_interval(values, list("abcdef"))
    together = mean_with_interval(values, list("aaabbb"))
    assert (together.low, together.high) == (0.0, 1.0)
    assert apart.low is not None and apart.low > 0.0
    one = mean_with_interval(values, ["a"] * 6)
    assert (one.low, one.high, one.beyond_chance) == (None, None, False)


def test_the_same_values_give_the_same_interval() -> None:
    values, scenes = [1.0, 2.5, 3.0], list("abc")
    assert mean_with_interval(values, scenes) == mean_with_interval(values, scenes)
    with pytest.raises(ValueError, match="no mean"):
        mean_with_interval([], [])

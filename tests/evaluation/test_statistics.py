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
    values = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    once = mean_with_interval(values, list("abcdef"))
    thrice = mean_with_interval(values * 3, list("abcdef") * 3)
    apart = mean_with_interval(values * 3, [str(i) for i in range(18)])
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))
    assert apart.low is not None and thrice.low is not None
    assert apart.low > thrice.low + 0.05


def test_a_few_scenes_have_no_interval() -> None:
    mean = mean_with_interval([1.0, 1.1, 1.2, 1.3] * 2, list("abcd") * 2)
    assert (mean.low, mean.high, mean.beyond_chance, mean.count) == (None, None, False, 8)


def test_the_interval_of_five_scenes_holds_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        mean = mean_with_interval(list(rng.normal(1.0, 1.0, 5)), list("abcde"))
        assert mean.low is not None and mean.high is not None
        held += mean.low < 1.0 < mean.high
    # The plain percentile interval holds it 83 times in a hundred.
    assert held / 200 > 0.88


def test_the_same_values_give_the_same_interval() -> None:
    values, scenes = [1.0, 2.5, 3.0, 0.5, 0.7], list("abcde")
    assert mean_with_interval(values, scenes) == mean_with_interval(values, scenes)
    with pytest.raises(ValueError, match="no mean"):
        mean_with_interval([], [])

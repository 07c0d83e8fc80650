from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.metrics import grid_excess, grid_peak


def noise(height: int = 256, width: int = 256, sigma: float = 4) -> NDArray[np.uint8]:
    values = np.random.default_rng(0).normal(120, sigma, (height, width, 3))
    return np.rint(values).astype(np.uint8)


def with_lines(picture: NDArray[np.uint8], period: int, height: int) -> NDArray[np.uint8]:
    lined = picture.copy()
    lined[:, ::period] += np.uint8(height)
    lined[::period] += np.uint8(height)
    return lined


def of_prototype(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The first form of the measure, for the periods 4 and 2, by which limits were set."""
    grey = picture.astype(float).mean(2)
    found = []
    for lines in (grey, grey.T):
        n = (lines.shape[1] - 1) // 64 * 64
        gradient = np.diff(lines[:, : n + 1], axis=1)
        power = (np.abs(np.fft.rfft(gradient * np.hanning(n), axis=1)) ** 2).mean(0)
        for q in (n // 4, n // 2 - 1):
            beside = [*range(q - 14, q - 4), *(range(q + 5, q + 15) if q < n // 2 - 1 else ())]
            found.append(power[q - 1 : q + 2].max() / np.median(power[beside]))
    return 10 * np.log10(np.array(found).reshape(2, 2).mean(0))


def test_it_is_the_measure_by_which_the_limits_were_set() -> None:
    picture = with_lines(noise(300, 200), 4, 2)
    assert [grid_peak(picture, 4), grid_peak(picture, 2)] == pytest.approx(of_prototype(picture))


@pytest.mark.parametrize("period", [2, 3, 4, 8])
def test_lines_are_found_at_their_own_period(period: int) -> None:
    plain = noise(400, 400)
    weak, strong = with_lines(plain, period, 1), with_lines(plain, period, 4)
    quiet = grid_peak(plain, period)
    assert quiet is not None and -1 < quiet < 2.5
    assert grid_excess(weak, plain, period) > 1  # type: ignore[operator]
    assert grid_excess(strong, plain, period) > 10  # type: ignore[operator]
    # Four times as high is 12 dB more, once noise does not matter.
    higher = grid_excess(with_lines(plain, period, 16), plain, period)
    assert higher - grid_excess(strong, plain, period) == pytest.approx(12, abs=1.5)  # type: ignore[operator]


def test_lines_of_another_period_do_not_count() -> None:
    plain = noise(400, 400)
    assert abs(grid_excess(with_lines(plain, 5, 8), plain, 4)) < 1  # type: ignore[arg-type]


def test_nothing_stands_out_of_an_empty_picture() -> None:
    assert grid_peak(np.full((128, 128, 3), 9, np.uint8), 4) == pytest.approx(0)


def test_small_pictures_do_not_tell() -> None:
    assert grid_peak(noise(64, 300), 4) is None
    assert grid_peak(noise(300, 64), 4) is None
    assert grid_peak(noise(65, 65), 4) is not None
    assert grid_peak(noise(128, 128), 8) is None


def test_what_is_no_picture_or_period_is_refused() -> None:
    with pytest.raises(ValueError, match="period of 2"):
        grid_peak(noise(), 1)
    with pytest.raises(ValueError, match="differ"):
        grid_excess(noise(100, 100), noise(128, 100), 4)

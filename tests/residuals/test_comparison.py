"""A pair from sizes to figures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.resize import resize
from srnet_cli.residuals.comparison import CompareOptions, compare, pair_scale


@pytest.fixture(scope="module")
def hr() -> NDArray[np.uint8]:
    small = np.random.default_rng(4).integers(40, 200, (24, 32, 3), dtype=np.uint8)
    return resize(small, 96, 128, "bicubic")


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_smaller_lr_is_enlarged(hr: NDArray[np.uint8], interpolation: str) -> None:
    lr = resize(hr, 24, 32, "bicubic")
    found = compare(lr, hr, CompareOptions(interpolation))  # type: ignore[arg-type]
    assert found.scale == 4.0
    assert np.array_equal(found.lr_up, resize(lr, 96, 128, interpolation))  # type: ignore[arg-type]
    assert [stage.name for stage in found.stages] == ["as given"]


def test_equal_sizes_are_taken_as_enlarged(hr: NDArray[np.uint8]) -> None:
    lr = 255 - hr
    found = compare(lr, hr)
    assert found.scale == 1.0
    assert np.array_equal(found.lr_up, lr)


def test_sixteen_bits_are_compared_in_eight(hr: NDArray[np.uint8]) -> None:
    lr = resize(hr, 24, 32, "bicubic")
    deep = compare(lr.astype(np.uint16) * 257, hr.astype(np.uint16) * 257)
    assert deep.figures == compare(lr, hr).figures


def test_colour_match_is_a_stage_of_its_own(hr: NDArray[np.uint8]) -> None:
    found = compare((hr * 0.7 + 12).astype(np.uint8), hr, CompareOptions(match_colour=True))
    assert [stage.name for stage in found.stages] == ["as given", "colours matched"]
    assert found.stages[1].figures == found.figures
    assert found.stages[0].figures.psnr_rgb + 15 < found.figures.psnr_rgb
    assert found.colour is not None
    assert found.colour.gain == pytest.approx((1 / 0.7,) * 3, rel=0.02)


def test_all_stages_look_at_the_same_part(hr: NDArray[np.uint8]) -> None:
    shifted = np.roll(hr, (3, -2), axis=(0, 1))
    found = compare(shifted, hr, CompareOptions(align="translation", match_colour=True))
    assert [stage.name for stage in found.stages] == ["as given", "aligned", "colours matched"]
    assert found.alignment is not None
    common = found.alignment.box
    assert found.hr.shape == (common.height, common.width, 3)
    plain = compare(shifted[common.slices], hr[common.slices])
    assert found.stages[0].figures == plain.figures
    assert found.stages[1].figures.psnr_rgb > plain.figures.psnr_rgb + 10


@pytest.mark.parametrize(
    ("lr", "hr", "scale"),
    [
        ((256, 256), (1024, 1024), 4.0),
        ((100, 151), (403, 604), 4.0149),  # sides rounded to whole pixels
        ((8, 8), (64, 67), 8.1854),  # of a tiny picture, by more
        ((500, 500), (500, 500), 1.0),
        ((100, 100), (1600, 1600), 16.0),
    ],
)
def test_plausible_sizes(lr: tuple[int, int], hr: tuple[int, int], scale: float) -> None:
    assert pair_scale(lr, hr) == pytest.approx(scale, rel=1e-3)


@pytest.mark.parametrize(
    ("lr", "hr", "reason"),
    [
        ((400, 300), (200, 150), "LR is the larger one"),
        ((300, 400), (400, 300), "LR is landscape, HR portrait"),
        ((256, 256), (1024, 1000), "no scale makes one of the other"),
        ((100, 100), (1700, 1700), "not a plausible scale"),
        ((2, 2), (6, 6), "too small"),
    ],
)
def test_implausible_sizes_are_an_error_with_both(
    lr: tuple[int, int], hr: tuple[int, int], reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        pair_scale(lr, hr)
    assert f"{lr[1]}×{lr[0]}" in caught.value.reason
    assert f"{hr[1]}×{hr[0]}" in caught.value.reason

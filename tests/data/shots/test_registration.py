"""ECC against the truth of rendered scenes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.data.shots.exposure import match_colour, measure_colour
from srnet_cli.data.shots.geometry import zoom_about_centres
from srnet_cli.data.shots.registration import align, measure
from srnet_cli.data.shots.resampling import common_box, resample_target
from srnet_cli.errors import DataError
from srnet_cli.imaging.affine import Affine, apply, invert
from srnet_cli.imaging.registration import Motion
from tests.scenes import FOCALS, default_shots, develop, render, true_map

#: LR and HR place in the sequence by scale
PAIRS = {2: ((3, 1), (4, 2)), 4: ((4, 0), (5, 1), (6, 2)), 8: ((5, 0),)}
SIZE = (360, 480)


@dataclass(frozen=True)
class Zoom:
    lr: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    ratio: float
    truth: Affine

    @property
    def nominal(self) -> Affine:
        return zoom_about_centres(self.lr.shape[:2], self.hr.shape[:2], self.ratio)

    def error(self, found: Affine) -> float:
        """Mean distance from the truth over the common field of view, LR pixels."""
        height, width = self.hr.shape[:2]
        grid = np.array([(x, y) for x in np.linspace(0, width - 1, 9) for y in np.linspace(0, height - 1, 9)])
        return float(
            np.linalg.norm(apply(invert(found), grid) - apply(invert(self.truth), grid), axis=1).mean()
        )


@lru_cache
def zooms(scale: int, seed: int, wobble: float = 2.0) -> list[Zoom]:
    shots = default_shots(seed, wobble=wobble)
    needed = sorted({place for pair in PAIRS[scale] for place in pair})
    frames = {place: render(shots[place], *SIZE, seed) for place in needed}
    pixels = {place: develop(frames[place], shots[place].noise, seed=place) for place in needed}
    return [
        Zoom(pixels[lr], pixels[hr], FOCALS[hr] / FOCALS[lr], true_map(frames[lr], frames[hr]))
        for lr, hr in PAIRS[scale]
    ]


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("model", ["affine", "euclidean"])
def test_the_true_transform_is_found(scale: int, model: Motion) -> None:
    cases = [zoom for seed in (0, 1) for zoom in zooms(scale, seed)]
    errors = [zoom.error(align(zoom.lr, zoom.hr, zoom.ratio, model).lr_to_hr) for zoom in cases]
    assert np.mean(errors) < 0.15  # 0.3 is asked for
    assert max(errors) < 0.3


def test_the_translation_model_moves_only() -> None:
    zoom = zooms(4, 0)[1]
    found = align(zoom.lr, zoom.hr, zoom.ratio, "translation").lr_to_hr
    assert found[:, :2] == pytest.approx(np.eye(2) * zoom.ratio, abs=1e-5)
    assert zoom.error(found) < 0.5


def test_a_shift_of_a_tenth_of_the_view_is_found() -> None:
    zoom = zooms(4, 0, wobble=6.0)[1]
    assert zoom.error(zoom.nominal) > 5
    assert zoom.error(align(zoom.lr, zoom.hr, zoom.ratio).lr_to_hr) < 0.3


def test_quality_tells_good_from_bad() -> None:
    for zoom in zooms(4, 1):
        aligned = align(zoom.lr, zoom.hr, zoom.ratio).quality
        unaligned = measure(zoom.lr, zoom.hr, zoom.ratio, zoom.nominal)
        assert aligned.correlation > 0.98
        assert aligned.misalignment < 0.35
        assert unaligned.correlation < aligned.correlation
        assert unaligned.misalignment > 3 * aligned.misalignment


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


def test_aligned_pairs_beat_unaligned_ones_by_three_decibels() -> None:
    """LR against the target reduced to its size, brightness matched in both cases."""
    gains = []
    for zoom in zooms(4, 0) + zooms(4, 1):
        found = align(zoom.lr, zoom.hr, zoom.ratio).lr_to_hr
        box = common_box(SIZE, SIZE, found, (0, 0))
        lr = zoom.lr[box.slices]
        scores = []
        for lr_to_hr in (found, zoom.nominal):
            target = resample_target(zoom.hr, lr_to_hr, box, 4)
            difference = measure_colour(lr, target)
            assert difference is not None
            target = match_colour(target, difference)
            small = target.reshape(box.height, 4, box.width, 4, 3).mean((1, 3)).round().astype(np.uint8)
            scores.append(psnr(lr, small))
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 5
    assert min(gains) > 3


def test_targets_lie_on_the_lr_grid() -> None:
    """The target of a known zoom is the scene itself, rendered on that grid."""
    zoom = zooms(2, 0)[1]
    box = common_box(SIZE, SIZE, zoom.truth, (0, 0))
    target = resample_target(zoom.hr, zoom.truth, box, 2)
    assert target.shape == (2 * box.height, 2 * box.width, 3)
    # A target pixel's centre, followed by hand into the HR frame.
    row, column = 100, 150
    x, y = apply(zoom.truth, [((column + 0.5) / 2 - 0.5 + box.left, (row + 0.5) / 2 - 0.5 + box.top)])[0]
    around = zoom.hr[int(y) - 1 : int(y) + 3, int(x) - 1 : int(x) + 3].astype(int)
    assert (around.min((0, 1)) - 12 <= target[row, column]).all()
    assert (target[row, column] <= around.max((0, 1)) + 12).all()


@pytest.mark.parametrize("parity", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_common_boxes_start_with_the_asked_parity_and_stay_inside(parity: tuple[int, int]) -> None:
    zoom = zooms(4, 0)[0]
    box = common_box(SIZE, SIZE, zoom.truth, parity)
    assert (box.top % 2, box.left % 2) == parity
    assert box.height % 2 == box.width % 2 == 0
    edges = [(x, y) for x in (box.left - 0.5, box.right - 0.5) for y in (box.top - 0.5, box.bottom - 0.5)]
    inside = apply(zoom.truth, edges)
    assert inside.min() >= 0
    assert inside[:, 0].max() <= SIZE[1] - 1
    assert inside[:, 1].max() <= SIZE[0] - 1


def test_a_common_box_never_leaves_the_lr_frame() -> None:
    shifted = zoom_about_centres((100, 100), (100, 100), 2.0)
    shifted[:, 2] -= 2 * 60  # the HR shot looks at the upper left corner of the LR shot, and beyond
    box = common_box((100, 100), (100, 100), -shifted * np.array([[-1, -1, 1], [-1, -1, 1]]), (0, 0))
    assert 0 <= box.top <= box.bottom <= 100
    assert 0 <= box.left <= box.right <= 100


def test_flat_frames_are_refused() -> None:
    flat = np.full((120, 160, 3), 128, np.uint8)
    busy = zooms(2, 0)[0].lr[:120, :160]
    with pytest.raises(DataError, match="longer shot has no features"):
        align(busy, flat, 2.0)
    with pytest.raises(DataError, match="wider shot where they overlap has no features"):
        align(flat, busy, 2.0)


def test_shots_of_different_scenes_do_not_pass_as_aligned() -> None:
    one, other = zooms(4, 0)[0], zooms(4, 1)[0]
    try:
        quality = align(one.lr, other.hr, one.ratio).quality
    except DataError as error:
        assert "did not converge" in error.reason
    else:
        assert quality.correlation < 0.8


def test_too_small_an_overlap_is_refused() -> None:
    picture = zooms(2, 0)[0].lr[:100, :100]
    with pytest.raises(DataError, match="only 10×10 pixels"):
        align(picture, picture, 10.0)


def test_colour_difference_is_measured_and_matched() -> None:
    rng = np.random.default_rng(0)
    light = rng.uniform(0.05, 0.5, (20, 30, 3))
    gains = (1.5, 1.2, 0.9)
    lr, hr = encode(light), encode(np.repeat(np.repeat(light * gains, 2, 0), 2, 1))
    found = measure_colour(lr, hr)
    assert found is not None
    assert found.gains == pytest.approx(gains, rel=0.01)
    assert found.stops == pytest.approx(np.log2(gains).mean(), abs=0.01)
    assert found.warmth == pytest.approx(np.log2(1.5 / 0.9), abs=0.01)
    matched = match_colour(hr, found)
    assert np.abs(matched[::2, ::2].astype(int) - lr).max() <= 2


def test_colour_of_clipped_pictures_is_not_guessed() -> None:
    white = np.full((8, 8, 3), 255, np.uint8)
    assert measure_colour(white, np.repeat(np.repeat(white, 2, 0), 2, 1)) is None


def encode(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * srgb).astype(np.uint8)

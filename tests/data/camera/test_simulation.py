from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from srnet_cli.data.camera import demosaic, jpeg
from srnet_cli.data.camera.lens import lens_kernels
from srnet_cli.data.camera.parameters import CameraRanges, draw_parameters
from srnet_cli.data.camera.reduction import reduce_bicubic
from srnet_cli.data.camera.simulation import bicubic_zoom, camera_zoom, degradation, mixed_zoom
from srnet_cli.imaging.srgb import srgb_to_linear

CPU = torch.device("cpu")


def scene(seed: int = 0, size: int = 96) -> Tensor:
    """A smooth coloured picture, 1×3×size×size."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, 3, 3)).astype(np.float32) * 200 + 25
    fine = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    return torch.from_numpy(fine.transpose(2, 0, 1).copy())[None].round()


def exact_camera() -> CameraRanges:
    """A camera without noise, sharpening or JPEG."""
    return CameraRanges(
        shift=(0, 0), shot_noise=(-20, -20), sharpening=(0, 0), jpeg_quality=(100, 100), blur=(0.3, 0.3)
    )


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_lens_kernel_has_its_weight_at_the_pixels_centre(scale: int) -> None:
    p = draw_parameters([1, 2, 3], exact_camera(), CPU)
    kernels = lens_kernels(p, scale)
    assert kernels.sum(dim=(1, 2)) == pytest.approx(torch.ones(3))
    position = torch.arange(kernels.shape[1]) - (kernels.shape[1] - 1) / 2
    assert (kernels.sum(dim=1) @ position).abs().max() < 1e-3


def test_a_wider_blur_is_wider() -> None:
    narrow = draw_parameters([1], CameraRanges(blur=(0.3, 0.3), anisotropy=(1, 1)), CPU)
    wide = draw_parameters([1], CameraRanges(blur=(0.7, 0.7), anisotropy=(1, 1)), CPU)
    assert lens_kernels(wide, 4).max() < 0.6 * lens_kernels(narrow, 4).max()


def test_without_noise_the_camera_gives_the_reduced_picture() -> None:
    hr, seed = scene(2), 0
    lr = camera_zoom(hr, 4, [seed], exact_camera())
    expected = cv2.resize(hr[0].permute(1, 2, 0).numpy(), (24, 24), interpolation=cv2.INTER_AREA)
    assert lr.shape == (1, 3, 24, 24)
    assert np.abs(lr[0].permute(1, 2, 0).numpy() - expected).mean() < 2.0


def test_a_patch_depends_on_its_seed_only_not_on_its_batch() -> None:
    first, second = scene(1), scene(2)
    together = camera_zoom(torch.cat([first, second]), 4, [5, 6])
    assert torch.equal(together[:1], camera_zoom(first, 4, [5]))
    assert torch.equal(together[1:], camera_zoom(second, 4, [6]))
    assert not torch.equal(camera_zoom(first, 4, [5]), camera_zoom(first, 4, [9]))


def test_parameters_stay_in_their_documented_ranges_and_fill_them() -> None:
    ranges = CameraRanges()
    p = draw_parameters(range(400), ranges, CPU)
    for drawn, (low, high) in ((p.blur, ranges.blur), (p.red_gain, ranges.red_gain)):
        assert low <= drawn.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < drawn.max() <= high
    assert p.jpeg_subsampled.mean() == pytest.approx(0.5, abs=0.1)
    assert sorted(p.bayer_phase.unique().tolist()) == [0, 1, 2, 3]
    assert p.sharpening.min() == 0


def test_noise_grows_with_the_light_and_keeps_the_mean() -> None:
    seed = 0
    noisy = CameraRanges(shot_noise=(-2.7, -2.7), sharpening=(0, 0), jpeg_quality=(100, 100))
    levels = []
    for value in (60.0, 200.0):
        lr = camera_zoom(torch.full((1, 3, 256, 256), value), 4, [seed], noisy)
        linear = srgb_to_linear(lr / 255)[:, 1]
        levels.append(float(linear.std()))
        assert float(lr[:, 1].mean()) == pytest.approx(value, abs=2.5)
    assert levels[1] > 1.5 * levels[0]


def test_grey_stays_grey_through_matrix_white_balance_and_mosaic() -> None:
    grey = scene().mean(dim=1, keepdim=True).repeat(1, 3, 1, 1).round()
    lr = camera_zoom(grey, 4, [0], exact_camera())
    assert (lr - lr.mean(dim=1, keepdim=True)).abs().mean() < 1.0


@pytest.mark.parametrize("phase", [0, 1, 2, 3])
def test_demosaicking_keeps_sampled_values_and_restores_smooth_pictures(phase: int) -> None:
    picture = scene() / 255
    phases = torch.tensor([phase])
    result = demosaic.hamilton_adams(picture, phases)
    for channel, mask in enumerate(demosaic.bayer_masks(phases, 96, 96)):
        assert torch.allclose(result[:, channel][mask], picture[:, channel][mask], atol=1e-6)
    assert (result - picture)[:, :, 3:-3, 3:-3].abs().max() < 0.02


@pytest.mark.parametrize("quality", [50, 80, 95])
@pytest.mark.parametrize("subsampled", [0, 1])
def test_jpeg_loses_what_a_real_encoder_loses(quality: int, subsampled: int) -> None:
    rng = np.random.default_rng(0)
    picture = (scene()[0].permute(1, 2, 0).numpy() + rng.normal(0, 12, (96, 96, 3))).clip(0, 255).round()
    ours = jpeg.compress(
        torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))[None],
        torch.tensor([float(quality)]),
        torch.tensor([float(subsampled)]),
    )
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR]
    flags.append(cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if subsampled else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    _, stored = cv2.imencode(".jpg", picture[..., ::-1].astype(np.uint8), flags)
    theirs = cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32)
    decoded = ours[0].permute(1, 2, 0).numpy().clip(0, 255)
    loss_of_theirs = np.abs(theirs - picture).mean()
    # Coefficients near the middle between two steps may round differently, so pixels are not all equal.
    assert np.abs(decoded - picture).mean() == pytest.approx(loss_of_theirs, rel=0.03)
    assert np.abs(decoded - theirs).mean() < 0.75 * loss_of_theirs


def test_a_quality_above_98_is_no_jpeg() -> None:
    picture = scene()
    assert torch.equal(jpeg.compress(picture, torch.tensor([99.0]), torch.tensor([1.0])), picture)


def test_mixed_is_the_camera_or_bicubic() -> None:
    hr, seeds = scene(3).repeat(40, 1, 1, 1), list(range(40))
    mixed, camera, bicubic = (make(hr, 4, seeds) for make in (mixed_zoom, camera_zoom, bicubic_zoom))
    is_camera, is_bicubic = ((mixed == made).flatten(1).all(1) for made in (camera, bicubic))
    assert bool((is_camera ^ is_bicubic).all())
    # 4 are to be expected, with a standard deviation of 1.9; these seeds always draw the same.
    assert 1 <= int(is_bicubic.sum()) <= 9


def test_bicubic_is_the_one_of_the_literature() -> None:
    from srnet_cli.imaging.resize import matlab_bicubic

    hr = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (1, 3, 48, 64)).astype(np.float32))
    expected = matlab_bicubic(hr[0].permute(1, 2, 0).numpy(), 12, 16)
    assert np.allclose(reduce_bicubic(hr, 4)[0].permute(1, 2, 0).numpy(), expected, atol=1e-3)
    assert torch.equal(bicubic_zoom(hr, 4, [0]), reduce_bicubic(hr, 4).clamp(0, 255).round())


def test_an_unknown_degradation_is_refused() -> None:
    assert degradation("camera") is camera_zoom
    assert degradation("mixed") is mixed_zoom
    with pytest.raises(ValueError, match="blurry"):
        degradation("blurry")

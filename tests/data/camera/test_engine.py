from __future__ import annotations

from dataclasses import replace

import torch

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.noise_reduction import reduce_noise
from srnet_cli.data.camera.sensor import expected_noise
from srnet_cli.data.camera.sharpening import sharpen
from srnet_cli.data.camera.smoothing import gaussian_blur
from tests.data.camera.cameras import COUNT, IDEAL, drawn, noise_like, step_scene


def test_noise_reduction_spares_edges_and_follows_the_noise() -> None:
    p = drawn(replace(IDEAL, shot_noise=(-2.5, -2.5), luma_reduction=(3.0, 3.0), luma_window=(1.2, 1.2)))
    noise = expected_noise(torch.full((COUNT, 1, 1, 1), 128.0), p)
    noisy = step_scene(60.0, 200.0, 48) + noise * noise_like((COUNT, 1, 48, 48))
    clean = reduce_noise(noisy, p)
    assert clean[..., :16].std() < 0.4 * noisy[..., :16].std()
    assert (clean[..., 25].mean() - clean[..., 22].mean()) > 0.85 * 140
    quiet = replace(p, shot_noise=torch.full_like(p.shot_noise, 1e-9))
    assert torch.allclose(reduce_noise(noisy, quiet), noisy, atol=0.3)


def test_chroma_loses_its_noise_and_luma_nothing_when_only_chroma_is_reduced() -> None:
    changes = {"chroma_reduction": (5.0, 5.0), "chroma_window": (2.0, 2.0)}
    p = drawn(replace(IDEAL, shot_noise=(-2.5, -2.5), **changes))  # type: ignore[arg-type]
    noise = expected_noise(torch.full((COUNT, 1, 1, 1), 128.0), p)
    noisy = 128 + noise * noise_like((COUNT, 3, 48, 48))
    before, after = (colour.rgb_to_ycbcr(x)[..., 8:-8, 8:-8] for x in (noisy, reduce_noise(noisy, p)))
    assert after[:, 1:].std() < 0.25 * before[:, 1:].std()
    assert torch.allclose(after[:, 0], before[:, 0], atol=0.01)


def test_sharpening_makes_halos_and_spares_noise() -> None:
    sharpened = replace(IDEAL, unsharpened_share=0.0, sharpening=(1.5, 1.5), sharpening_radius=(1.0, 1.0))
    p = drawn(replace(sharpened, coring=(2.0, 2.0)))
    assert sharpen(step_scene(60.0, 180.0, 32), p).max() > 200
    assert torch.equal(sharpen(step_scene(90.0, 90.0, 32), p), step_scene(90.0, 90.0, 32))
    p = replace(p, shot_noise=torch.full_like(p.blur, 1e-2))
    faint = 128 + noise_like((COUNT, 3, 32, 32))
    assert (sharpen(faint, p) - faint).abs().max() < 0.1


def test_each_picture_is_smoothed_by_its_own_width() -> None:
    point = torch.zeros(3, 1, 25, 25)
    point[..., 12, 12] = 1.0
    sigma = torch.tensor([0.05, 1.0, 2.0])
    row = gaussian_blur(point, sigma).sum(2)[:, 0]
    variance = (row * (torch.arange(25.0) - 12) ** 2).sum(1)
    # Cut off at three deviations, the widest has lost a little.
    assert torch.allclose(variance, torch.tensor([0.0, 1.0, 3.9]), atol=0.1)

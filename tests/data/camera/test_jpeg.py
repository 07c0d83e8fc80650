from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from srnet_cli.data.camera import jpeg
from tests.data.camera.test_demosaic import scene


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


def test_the_grid_of_jpeg_is_where_it_was_drawn() -> None:
    ramp = torch.arange(64.0).mul(3).expand(1, 3, 64, 64).contiguous()
    stored = [
        jpeg.store_as_jpeg(ramp, torch.tensor([10.0]), torch.ones(1), torch.tensor([x]), torch.tensor([0]))
        for x in (0, 3)
    ]
    jumps = [s[0, 1].diff(dim=1).abs().mean(0) for s in stored]
    assert int(jumps[0][16:48].argmax() + 16) % 8 == 7
    assert int(jumps[1][16:48].argmax() + 16) % 8 == 4


def test_what_is_not_stored_as_jpeg_is_rounded_only() -> None:
    picture = scene() + 0.3
    place = torch.tensor([5])
    kept = jpeg.store_as_jpeg(picture, torch.tensor([100.0]), torch.ones(1), place, place)
    assert torch.equal(kept, picture.round())

"""The enhanced residual: Pillow's filters, the published pair, and the batched form of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from srnet_cli.data.labels import enhanced_residual, enhanced_residual_tensor, label_tensor, residual_image
from srnet_cli.imaging.resize import resize


@pytest.fixture(scope="module")
def motivation(parity: Path) -> Path:
    return parity / "motivation"


def load(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def sha256(pixels: NDArray[np.uint8]) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def batch(*pictures: NDArray[np.uint8]) -> Tensor:
    return torch.stack([torch.from_numpy(p.copy()).permute(2, 0, 1) for p in pictures])


@pytest.mark.parametrize("method", ["nearest", "bicubic"])
def test_published_pair(motivation: Path, method: str) -> None:
    expected: dict[str, Any] = json.loads((motivation / "motivation.json").read_text())[f"zoom_{method}"]
    hr = load(motivation / "hr.png")
    lr_up = resize(
        np.ascontiguousarray(load(motivation / "lr.png")[::4, ::4]), hr.shape[0], hr.shape[1], method
    )
    residual = residual_image(hr, lr_up)
    enhanced = enhanced_residual(residual)
    assert sha256(residual) == expected["sha256_residual"]
    assert sha256(enhanced) == expected["sha256_enhanced"]
    assert np.array_equal(enhanced[384:640, 384:640], load(motivation / f"enhanced_{method}_crop256.png"))
    tensor = enhanced_residual_tensor(batch(hr), batch(lr_up))
    assert np.array_equal(tensor[0].permute(1, 2, 0).numpy(), enhanced)


def test_residual_is_the_absolute_difference() -> None:
    hr = np.array([[[10, 200, 0]]], np.uint8)
    lr_up = np.array([[[15, 100, 255]]], np.uint8)
    assert residual_image(hr, lr_up).tolist() == [[[5, 100, 255]]]


def test_residual_refuses_other_shapes_and_types() -> None:
    hr = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        residual_image(hr, hr[:3])
    with pytest.raises(ValueError, match="8-bit"):
        residual_image(hr, hr.astype(np.uint16))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 5), (3, 2), (3, 3), (4, 4), (65, 33)])
def test_batched_form_is_pillow_at_every_size(size: tuple[int, int]) -> None:
    random = np.random.default_rng(size[0])
    hr, lr_up = random.integers(0, 256, (2, 3, *size, 3), dtype=np.uint8)
    result = enhanced_residual_tensor(batch(*hr), batch(*lr_up))
    assert result.dtype == torch.float32
    for tensor, first, second in zip(result, hr, lr_up, strict=True):
        expected = enhanced_residual(residual_image(first, second))
        assert np.array_equal(tensor.permute(1, 2, 0).numpy(), expected)


def test_batched_form_at_the_ties_of_detail() -> None:
    # Small differences make (10c - sides) mod 6 = 3 common: there float32 decides which way to round.
    random = np.random.default_rng(7)
    hr = random.integers(0, 12, (1, 200, 200, 3), dtype=np.uint8)
    zero = np.zeros_like(hr)
    result = enhanced_residual_tensor(batch(*hr), batch(*zero))[0].permute(1, 2, 0).numpy()
    assert np.array_equal(result, enhanced_residual(hr[0]))


def test_batched_form_rounds_floats_and_passes_no_gradient() -> None:
    lr_up = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 300 - 20
    lr_up.requires_grad_(True)
    hr = torch.full((2, 3, 16, 16), 128.0)
    result = enhanced_residual_tensor(hr, lr_up)
    assert not result.requires_grad
    assert torch.equal(result, enhanced_residual_tensor(hr, lr_up.detach().round().clamp(0, 255).byte()))


def test_the_edge_label_is_pillows() -> None:
    hr = np.random.default_rng(4).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    filtered = Image.fromarray(hr).filter(ImageFilter.FIND_EDGES).filter(ImageFilter.EDGE_ENHANCE_MORE)
    found = label_tensor(batch(hr), batch(hr[::4, ::4]), 4, "nearest", "edge")
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), np.asarray(filtered))


def test_the_published_edge_label(motivation: Path) -> None:
    hr = load(motivation / "hr.png")
    expected = load(motivation / "edge_label_crop256.png")
    whole = label_tensor(batch(hr), batch(hr[::4, ::4]), 4, "nearest", "edge")[0].permute(1, 2, 0).numpy()
    known = json.loads((motivation / "motivation.json").read_text())
    left, top, right, bottom = known["crop_box_left_top_right_bottom"]
    assert np.array_equal(whole[top:bottom, left:right], expected)


def test_the_slope_label_does_not_see_exposure() -> None:
    hr = np.random.default_rng(5).integers(20, 200, (32, 32, 3)).astype(np.uint8)
    lr = torch.from_numpy(hr[::2, ::2].copy()).permute(2, 0, 1)[None]
    first, second = (label_tensor(batch(hr + np.uint8(add)), lr, 2, "bicubic", "slope") for add in (0, 30))
    assert torch.equal(first, second)
    assert first[..., 0, :].max() == 0
    assert first.mean() > 10

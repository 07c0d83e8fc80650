"""The sRGB curve: its published points, there and back, and the same in NumPy and torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear

LEVELS = np.linspace(-0.1, 1.0, 1101)


def test_points_of_the_standard() -> None:
    np.testing.assert_allclose(
        srgb_to_linear(np.array([0.0, 0.04, 0.5, 1.0])), [0, 0.04 / 12.92, 0.214041, 1], atol=1e-6
    )
    np.testing.assert_allclose(
        linear_to_srgb(np.array([0.0, 0.003, 0.18, 1.0])), [0, 0.03876, 0.461356, 1], atol=1e-6
    )


def test_there_and_back() -> None:
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(LEVELS)), LEVELS, atol=1e-6)


@pytest.mark.parametrize("curve", [srgb_to_linear, linear_to_srgb])
def test_arrays_and_tensors_agree(curve: object) -> None:
    tensor = curve(torch.from_numpy(LEVELS))  # type: ignore[operator]
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_allclose(tensor.numpy(), curve(LEVELS), atol=1e-12)  # type: ignore[operator]
    assert curve(LEVELS.astype(np.float32)).dtype == np.float32  # type: ignore[operator]


@pytest.mark.parametrize("curve", [srgb_to_linear, linear_to_srgb])
def test_gradients_are_finite_at_black_and_below(curve: object) -> None:
    values = torch.tensor([-0.1, 0.0, 0.001, 0.5], requires_grad=True)
    curve(values).sum().backward()  # type: ignore[operator]
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()


def test_arrays_need_no_torch() -> None:
    code = (
        "import sys, numpy, srnet_cli.imaging.srgb as s; s.srgb_to_linear(numpy.ones(3)); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

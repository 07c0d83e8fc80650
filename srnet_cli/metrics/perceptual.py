"""LPIPS (Zhang et al. 2018), through the package of its authors."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from srnet_cli.errors import MissingExtraError


class Lpips:
    """The learned perceptual distance, version 0.1; lower is better.

    The published tables do not say which backbone they used; AlexNet is the package's and the field's
    default.

    Raises:
        MissingExtraError: the package is not installed, or its backbone's weights are neither in torch's
            cache nor can be had from the net.
    """

    def __init__(self, backbone: Literal["alex", "vgg", "squeeze"] = "alex", device: str = "cpu") -> None:
        self.name = f"LPIPS {backbone} v0.1"
        self._device = torch.device(device)
        self._network = _load(backbone).to(self._device).eval()

    def __call__(
        self, result: NDArray[np.uint8] | NDArray[np.float32], reference: NDArray[np.uint8], *, shave: int = 0
    ) -> float:
        """Measure the distance of two H×W×3 pictures on the scale 0..255.

        Raises:
            ValueError: the shapes differ.
        """
        if result.shape != reference.shape or result.ndim != 3 or result.shape[2] != 3:
            raise ValueError(
                f"need two H×W×3 pictures of one shape, not {result.shape} and {reference.shape}"
            )
        with torch.inference_mode():
            return float(self._network(self._tensor(result, shave), self._tensor(reference, shave)))

    def _tensor(self, pixels: NDArray[np.uint8] | NDArray[np.float32], shave: int) -> torch.Tensor:
        kept = pixels[shave : pixels.shape[0] - shave, shave : pixels.shape[1] - shave]
        values = torch.from_numpy(np.ascontiguousarray(kept)).to(self._device, torch.float32)
        return values.permute(2, 0, 1).unsqueeze(0) / 127.5 - 1


def _load(backbone: str) -> Any:
    try:
        import lpips
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"LPIPS needs the package {error.name!r}",
            remedy="pip install 'srnet-cli[lpips]', or leave LPIPS out",
        ) from error
    except (ImportError, RuntimeError) as error:  # a torchvision built for another torch
        raise MissingExtraError(
            f"the package 'lpips' cannot be loaded: {error}",
            remedy="install the torchvision that belongs to your torch, or leave LPIPS out",
        ) from error
    try:
        return lpips.LPIPS(net=backbone, version="0.1", verbose=False)
    except OSError as error:  # what a download without a net raises
        cache = torch.hub.get_dir()
        raise MissingExtraError(
            f"the weights of LPIPS's backbone {backbone!r} are not there and cannot be downloaded: {error}",
            path=f"{cache}/checkpoints",
            remedy="run once with a connection, or copy torchvision's weights into that folder",
        ) from error

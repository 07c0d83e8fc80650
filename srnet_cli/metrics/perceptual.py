"""LPIPS (Zhang et al. 2018), through the package of its authors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from srnet_cli.errors import MissingExtraError, WeightsError
from srnet_cli.models.stand_in import torchvision_or
from srnet_cli.models.tensors import parse_pickle
from srnet_cli.reading import read_input
from srnet_cli.version import extra_command

#: file and SHA-256 of torchvision's weights of each backbone
BACKBONES = {
    "alex": (
        "alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    ),
    "vgg": ("vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
}


class Lpips:
    """The learned perceptual distance, version 0.1; lower is better.

    The published tables do not say which backbone they used; AlexNet is the package's and the field's
    default.

    The backbone's weights are torchvision's. They are read from the folder in which torch keeps such files,
    as plain tensors and only with the right checksum; nothing is ever downloaded.

    Raises:
        MissingExtraError: the package is not installed, or its backbone's weights are not there.
        WeightsError: the file is another one.
    """

    def __init__(self, backbone: Literal["alex", "vgg"] = "alex", device: str = "cpu") -> None:
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
        with torchvision_or("torchvision.models", {"alexnet": _alexnet, "vgg16": _vgg16}):
            lpips = import_module("lpips")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"LPIPS needs the package {error.name!r}",
            remedy=f"{extra_command('lpips')}, or leave LPIPS out",
        ) from error
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise MissingExtraError(
            f"the package 'lpips' cannot be loaded: {error}",
            remedy=f"{extra_command('lpips')}, or leave LPIPS out",
        ) from error
    # Built without weights of a backbone: torchvision would download them, and unpickle what it finds.
    network = lpips.LPIPS(net=backbone, version="0.1", verbose=False, pnet_rand=True)
    _fill(network.net, _read_backbone(backbone))
    return network


def _read_backbone(backbone: str) -> Mapping[str, Any]:
    """Read torchvision's weights of a backbone.

    Raises:
        MissingExtraError: they are not there; it says where they belong.
        WeightsError: they are not torchvision's, or damaged.
    """
    name, checksum = BACKBONES[backbone]
    path = Path(torch.hub.get_dir(), "checkpoints", name)
    if not path.exists():
        raise MissingExtraError(
            f"the weights of LPIPS's backbone {backbone!r} are not there",
            path=path,
            remedy=f"put https://download.pytorch.org/models/{name} there, or leave LPIPS out",
        )
    content = read_input(path, error=WeightsError)
    found = hashlib.sha256(content).hexdigest()
    if found != checksum:
        raise WeightsError(
            f"is not torchvision's file: its checksum is {found[:12]}… instead of {checksum[:12]}…",
            path=path,
            remedy="remove it, and fetch it again",
        )
    return parse_pickle(content, path)[0]


def _fill(network: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Copy weights that torchvision numbers through into slices that keep its numbers."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(state[re.sub(r"^slice\d+\.", "features.", name)])


def _alexnet(pretrained: bool = False) -> SimpleNamespace:
    """Build the features of AlexNet (one weird trick, 2014) as torchvision numbers them; random weights."""
    pool, relu = partial(nn.MaxPool2d, 3, 2), partial(nn.ReLU, inplace=True)
    layers = (
        nn.Conv2d(3, 64, 11, 4, 2), relu(), pool(),
        nn.Conv2d(64, 192, 5, padding=2), relu(), pool(),
        nn.Conv2d(192, 384, 3, padding=1), relu(),
        nn.Conv2d(384, 256, 3, padding=1), relu(),
        nn.Conv2d(256, 256, 3, padding=1), relu(), pool(),
    )  # fmt: skip
    return SimpleNamespace(features=nn.Sequential(*layers))


def _vgg16(pretrained: bool = False) -> SimpleNamespace:
    """Build the features of VGG-16 as torchvision numbers them; random weights."""
    layers: list[nn.Module] = []
    last = 3
    for convolutions, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(convolutions):
            layers += [nn.Conv2d(last, channels, 3, padding=1), nn.ReLU(inplace=True)]
            last = channels
        layers.append(nn.MaxPool2d(2, 2))
    return SimpleNamespace(features=nn.Sequential(*layers))

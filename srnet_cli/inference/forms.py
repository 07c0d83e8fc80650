"""The table of fast forms: the same functions as the networks with other kernels, made from trained weights.

BatchNorms are folded, MPR-SA's branches merged, pixel shuffle turned into copies of whole rows, and maps
kept in channels_last memory. The result equals the training form up to rounding; the last convolution and
the sums that make the picture are float32 in every type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from srnet_cli.inference.lite import InferenceLite
from srnet_cli.inference.plain import PlainInference
from srnet_cli.inference.raw import InferenceRaw
from srnet_cli.inference.srnet import InferenceSRNet
from srnet_cli.network.lite import SRNetLite
from srnet_cli.network.raw import SRNetRaw
from srnet_cli.network.srnet import SRNet

#: a network that is not in it runs as it is
FAST_FORMS: dict[type[nn.Module], Callable[[Any, torch.dtype, torch.device], nn.Module]] = {
    SRNet: InferenceSRNet,
    SRNetLite: InferenceLite,
    SRNetRaw: InferenceRaw,
}


def to_inference(
    network: nn.Module, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> nn.Module:
    """Make the inference form of ``network`` on ``device``: ``forward(lr, residual=False) -> NetworkOutput``.

    ``lr`` is N×3×S×S float32, 0..255; so are the output's pictures, N×3×sS×sS, in channels_last memory.
    ``dtype`` (float32, bfloat16 or float16) is the type in which features are computed. A network with a fast
    form is copied; any other is wrapped and itself put into eval mode, channels_last and on the device.

    Raises:
        ValueError: for another ``dtype``.
    """
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"the inference form computes in float32, bfloat16 or float16, not {dtype}")
    # The type itself, not a base of it: a subclass may compute something else.
    form = FAST_FORMS.get(type(network), PlainInference)
    return form(network, dtype, torch.device(device)).eval()

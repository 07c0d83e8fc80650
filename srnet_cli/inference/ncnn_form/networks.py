"""The released networks as layers: what is linear is folded as in the fast forms of torch.

The mean colour is taken off before the network and put back after it, and pixels are put in order, by whoever
runs the layers: in float32, whatever the card computes in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from srnet_cli.compute.vulkan import Program
from srnet_cli.errors import DeviceError
from srnet_cli.inference.folding import fold_last_shuffle
from srnet_cli.inference.fused import weights
from srnet_cli.inference.ncnn_form.layers import Activation, Layers
from srnet_cli.network.attention import ChannelAttention, GateForm, MixedAttention
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock, Upsampler
from srnet_cli.network.lite import SRNetLite
from srnet_cli.network.srnet import SRNet, Stream

#: the names by which input and results are known
SHIFTED, PICTURE, RESIDUAL = "shifted", "picture", "residual"
#: maps of features that are on the card at once with the work space of their convolutions: of a body, and of
#: the last stage of an upsampler
MAPS, TAIL_MAPS = 14, 8


class NotWrittenError(Exception):
    """A network, or a part of it, that is not written for ncnn."""


@dataclass(frozen=True)
class Written:
    """A network for ncnn, and what is done before and after it in float32."""

    program: Program
    scale: int
    #: of the pixel shuffle that is left to do
    factor: int
    #: whether the picture is LR repeated plus what the network gives; else the mean colour plus that
    adds_input: bool
    #: 1×3×1×1: what is added to the input; the mean colour taken negative
    shift: Tensor
    predicts_residual: bool
    radius: int | None
    #: bytes on the card for each pixel of a tile, in float32
    pixel_bytes: int

    def shifted(self, lr: Tensor) -> NDArray[np.float32]:
        """Prepare 1×3×H×W for the network: 3×H×W."""
        given: NDArray[np.float32] = (lr + self.shift)[0].contiguous().numpy()
        return given

    def output(self, lr: Tensor, picture: Tensor, residual: Tensor | None) -> NetworkOutput:
        """Make pictures, 1×3×sH×sW, of what the network gave, 1×3f²×…."""
        sr = self._shuffled(picture)
        if self.adds_input:
            sr += F.interpolate(lr, scale_factor=self.scale, mode="nearest")
        else:
            sr -= self.shift
        return NetworkOutput(sr, None if residual is None else self._shuffled(residual) - self.shift)

    def _shuffled(self, parts: Tensor) -> Tensor:
        return torch.pixel_shuffle(parts, self.factor).contiguous(memory_format=torch.channels_last)


def write_network(network: nn.Module) -> Written:
    """Write a network for ncnn.

    Raises:
        DeviceError: it is not one that can be.
    """
    # The type itself, not a base of it: a subclass may compute something else.
    writer = WRITERS.get(type(network))
    try:
        if writer is None:
            raise NotWrittenError
        return writer(network)
    except NotWrittenError:
        raise DeviceError(
            f"Vulkan and ncnn compute srnet's own networks, not a {type(network).__name__} like this one",
            remedy="use --device cpu, or --device auto",
        ) from None


def is_writable(network: nn.Module) -> bool:
    """Tell whether :func:`write_network` takes the network."""
    try:
        write_network(network)
    except DeviceError:
        return False
    return True


def lite_layers(network: SRNetLite) -> Written:
    """Write :class:`~srnet_cli.network.lite.SRNetLite`; its results are 3s²×H×W."""
    layers = Layers()
    shifted = layers.input(SHIFTED)
    features = _body(layers, network, shifted)
    layers.conv(features, *weights(network.tail), name=PICTURE)
    layers.conv(features, *weights(network.residual_tail), name=RESIDUAL)
    return Written(
        _program(layers, True),
        network.scale,
        network.scale,
        adds_input=True,
        shift=_shift(network),
        predicts_residual=True,
        radius=network.receptive_radius,
        pixel_bytes=MAPS * 4 * network.options.n_feats,
    )


def srnet_layers(network: SRNet) -> Written:
    """Write :class:`~srnet_cli.network.srnet.SRNet`; its results are 3f²×…, where f is the last shuffle's."""
    auxiliary, wide = network.model_ssl, network.options.n_feats * 4
    upsampler = cast(Upsampler, network.tail[0])
    factor = [layer.upscale_factor for layer in upsampler if isinstance(layer, nn.PixelShuffle)][-1]
    layers = Layers()
    features, label = _streams(layers, network, layers.input(SHIFTED))
    _upsampled(layers, network, features, PICTURE)
    if auxiliary is not None:
        _upsampled(layers, auxiliary, label, RESIDUAL)
    # The widest maps are those before the last shuffle: factor² times the channels at scale/factor.
    return Written(
        _program(layers, auxiliary is not None),
        network.scale,
        factor,
        adds_input=False,
        shift=_shift(network),
        predicts_residual=auxiliary is not None,
        radius=None,
        pixel_bytes=MAPS * wide + TAIL_MAPS * wide * network.scale**2,
    )


def _streams(layers: Layers, network: SRNet, shifted: str) -> tuple[str, str]:
    """Write both streams up to their upsamplers; where there is one, it is returned twice."""
    auxiliary = network.model_ssl
    if auxiliary is None:
        features = _body(layers, network, shifted)
        return features, features
    if network.options.wiring != "code":
        raise NotWrittenError
    rat_head = layers.conv(shifted, *weights(auxiliary.head[0]))
    rat_body = layers.combine("add", _blocks(layers, auxiliary, rat_head), rat_head)
    shallow = layers.conv(shifted, *weights(network.head[0]))
    used, channels = network.fusion_attention_used, network.options.n_feats
    head, tail = (network.CALayer_head, network.CALayer_tail) if used else (None, None)
    fused = _attention(layers, head, layers.combine("subtract", shallow, rat_body), channels)
    deep = layers.combine("add", _blocks(layers, network, fused), rat_head)
    return layers.combine("add", _attention(layers, tail, deep, channels), fused), rat_body


#: how the networks that are written for ncnn become layers
WRITERS: dict[type[nn.Module], Callable[[Any], Written]] = {SRNetLite: lite_layers, SRNet: srnet_layers}


def _program(layers: Layers, residual: bool) -> Program:
    return Program(layers.text(), layers.weights(), (SHIFTED, PICTURE, *([RESIDUAL] if residual else [])))


def _shift(network: SRNet | SRNetLite) -> Tensor:
    mean = network.sub_mean.bias if isinstance(network.sub_mean, MeanShift) else None
    return torch.zeros(1, 3, 1, 1) if mean is None else mean.detach().float().cpu().clone().view(1, -1, 1, 1)


def _body(layers: Layers, network: SRNetLite | Stream, shifted: str) -> str:
    shallow = layers.conv(shifted, *weights(network.head[0]))
    return layers.combine("add", _blocks(layers, network, shallow), shallow)


def _blocks(layers: Layers, network: SRNetLite | Stream, x: str) -> str:
    *blocks, last = network.body
    for block in blocks:
        x = _block(layers, cast(ResidualBlock, block), x)
    return layers.conv(x, *weights(last))


def _block(layers: Layers, block: ResidualBlock, x: str) -> str:
    first, _, second, *attention = block.body
    hidden = layers.conv(x, *weights(first), activation="relu")
    kernel, bias = weights(second)
    if not attention:
        return layers.combine("add", layers.conv(hidden, kernel * block.res_scale, bias * block.res_scale), x)
    branch = _attention(layers, attention[0], layers.conv(hidden, kernel, bias), len(kernel))
    if block.res_scale != 1:
        branch = layers.times(branch, block.res_scale)
    return layers.combine("add", branch, x)


def _attention(layers: Layers, attention: nn.Module | None, y: str, channels: int) -> str:
    if attention is None:
        return y
    spatial: nn.Module | None = attention
    if type(attention) is MixedAttention:
        y, spatial = _channel(layers, attention.attn1, y, channels), attention.attn2
    elif type(attention) is ChannelAttention:
        y, spatial = _channel(layers, attention, y, channels), None
    if spatial is None:
        return y
    # A class states the form itself; what it inherits could be that of other gates.
    if "gate_form" not in vars(type(spatial)):
        raise NotWrittenError
    return _gated(layers, cast(Any, spatial).gate_form(), y, channels)


def _channel(layers: Layers, attention: ChannelAttention, y: str, channels: int) -> str:
    squeeze, _, excite, _ = attention.conv_du
    kernel, bias = weights(squeeze)
    hidden = layers.dense(layers.mean(y), kernel.flatten(1), bias, "relu")
    kernel, bias = weights(excite)
    gates = layers.dense(hidden, kernel.flatten(1), bias, "sigmoid")
    return layers.combine("multiply", y, layers.as_channels(gates, channels))


def _gated(layers: Layers, form: GateForm, y: str, channels: int) -> str:
    pool = torch.zeros(form.groups, channels, 1, 1)
    for group, members in enumerate(torch.arange(channels).chunk(form.groups)):
        pool[group, members] = form.groups / channels
    means = layers.conv(y, pool, torch.zeros(form.groups))
    if form.turns > 1:
        means = layers.concatenate([means, *(layers.quarter_turn(means, t) for t in range(1, form.turns))])
    gates = layers.conv(means, form.kernel, form.bias, "sigmoid")
    count = len(form.kernel)
    spread = torch.eye(count).repeat(channels // count, 1).view(channels, count, 1, 1)
    return layers.combine("multiply", y, layers.conv(gates, spread, torch.zeros(channels)))


def _upsampled(layers: Layers, stream: Stream, x: str, name: str) -> None:
    """Write the upsampler; the last shuffle is left to whoever puts the colours in order."""
    upsampler, last = cast(Upsampler, stream.tail[0]), stream.tail[1]
    relu = any(isinstance(layer, nn.ReLU) for layer in upsampler)
    convs = [weights(layer) for layer in upsampler if isinstance(layer, nn.Conv2d)]
    factors = [layer.upscale_factor for layer in upsampler if isinstance(layer, nn.PixelShuffle)]
    # A ReLU before a shuffle is the same as after it.
    activation: Activation | None = "relu" if relu else None
    for pair, factor in zip(convs[:-1], factors[:-1], strict=True):
        x = layers.shuffle(layers.conv(x, *pair, activation=activation), factor)
    kernel, bias = convs[-1]
    order = _pixel_major(len(kernel) // factors[-1] ** 2, factors[-1])
    x = layers.conv(x, kernel[order], bias[order], activation=activation)
    kernel, bias = weights(last)
    folded = fold_last_shuffle(kernel, factors[-1])
    layers.conv(x, _colour_major(folded), bias.repeat_interleave(factors[-1] ** 2), name=name)


def _pixel_major(channels: int, factor: int) -> Tensor:
    """List the outputs of a convolution before a shuffle as (row, column, channel)."""
    return torch.arange(channels * factor**2).view(channels, -1).t().flatten()


def _colour_major(kernel: Tensor) -> Tensor:
    """Put outputs that are ordered (pixel, colour) as ``pixel_shuffle`` takes them: (colour, pixel)."""
    return kernel.view(-1, 3, *kernel.shape[1:]).transpose(0, 1).flatten(0, 1)

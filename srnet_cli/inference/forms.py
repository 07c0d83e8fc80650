"""SRNet in the form that runs fastest: the same function with other kernels, built once from trained weights.

BatchNorms are folded, MPR-SA's branches merged, pixel shuffle turned into copies of whole rows, and maps
kept in channels_last memory. The result equals the training form up to rounding; the last convolution and
the sums that make the picture are float32 in every type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn

from srnet_cli.inference.folding import (
    TURNS,
    fold_batchnorm,
    fold_last_shuffle,
    group_columns,
    merge_gate_branches,
    split_subpixel_rows,
)
from srnet_cli.inference.fused import Activation, FusedConv, PreciseConv
from srnet_cli.network.attention import (
    FINEST,
    MPRSA,
    ChannelAttention,
    LocalAttention,
    MixedAttention,
    SpatialAttention,
)
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock, Upsampler
from srnet_cli.network.lite import SRNetLite
from srnet_cli.network.srnet import SRNet, Stream

Spatial = MPRSA | SpatialAttention | LocalAttention

#: pixels of the last upsampler stage's input that are computed at a time: to stay in the CPU's cache, or to
#: leave a GPU's memory to larger batches
STRIP_PIXELS, GPU_STRIP_PIXELS = 1 << 14, 1 << 19
#: channels that a gate convolution needs for a matrix unit to be busy
BUSY_CHANNELS = 32


def to_inference(
    network: nn.Module, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> nn.Module:
    """The inference form of ``network`` on ``device``: ``forward(lr, residual=False) -> NetworkOutput``.

    ``lr`` is N×3×S×S float32, 0..255; so are the output's pictures, N×3×sS×sS, in channels_last memory.
    ``dtype`` (float32, bfloat16 or float16) is what the features are computed in. SRNet and SRNetLite are
    copied; any other network is wrapped and itself put into eval mode, channels_last and on the device.

    Raises:
        ValueError: for another ``dtype``.
    """
    if dtype not in (torch.float32, torch.bfloat16, torch.float16):
        raise ValueError(f"the inference form computes in float32, bfloat16 or float16, not {dtype}")
    device = torch.device(device)
    if type(network) is SRNet:
        return InferenceSRNet(network, dtype, device).eval()
    if type(network) is SRNetLite:
        return InferenceLite(network, dtype, device).eval()
    return PlainInference(network, dtype, device).eval()


class PlainInference(nn.Module):
    """Any other network as it is, in eval mode and channels_last memory, under autocast below float32."""

    def __init__(self, network: nn.Module, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.network = network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dtype = dtype

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        lr = lr.contiguous(memory_format=torch.channels_last)
        with torch.autocast(lr.device.type, self.dtype, enabled=self.dtype != torch.float32):
            output = self.network(lr, residual)
        label = None if output.residual is None else output.residual.float()
        return NetworkOutput(output.sr.float(), label)


class InferenceSRNet(nn.Module):
    """:class:`~srnet_cli.network.srnet.SRNet` folded and fused; forward only, weights frozen."""

    def __init__(self, network: SRNet, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.scale = network.scale
        self.wiring = network.options.wiring
        self.main = InferenceStream(network, dtype, device)
        self.auxiliary: InferenceStream | None = None
        if network.model_ssl is not None:
            self.auxiliary = InferenceStream(network.model_ssl, dtype, device)
            used, channels = network.fusion_attention_used, network.options.n_feats
            self.attend_head = _attention_form(
                network.CALayer_head if used else None, channels, dtype, device
            )
            self.attend_tail = _attention_form(
                network.CALayer_tail if used else None, channels, dtype, device
            )

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return _one_by_one(self._run, lr, residual)

    def _run(self, lr: Tensor, residual: bool) -> NetworkOutput:
        main, auxiliary = self.main, self.auxiliary
        shifted = main.shifted(lr)
        guess = None
        if main.dtype != torch.float32 and main.shift is not None:
            guess = shifted.to(main.dtype)
        shallow = main.shallow(shifted)
        if auxiliary is None:
            return NetworkOutput(main.reconstruct(main.deep(shallow, add=shallow), guess))
        rat_head = auxiliary.shallow(auxiliary.shifted(lr))
        rat_body = auxiliary.deep(rat_head, add=rat_head)
        if self.wiring == "code":
            fused = self.attend_head(shallow.sub_(rat_body), None)
            features = self.attend_tail(main.deep(fused, add=rat_head), fused)
        else:
            fused = self.attend_head(shallow + rat_body, None)
            features = self.attend_tail(main.last(main.blocks(fused).add_(rat_head)), shallow)
        label = auxiliary.reconstruct(rat_body, None) if residual else None
        return NetworkOutput(main.reconstruct(features, guess), label)


def _one_by_one(run: Callable[[Tensor, bool], NetworkOutput], lr: Tensor, residual: bool) -> NetworkOutput:
    """On the CPU a batch's tiles are computed one by one.

    The maps of a single tile stay in cache, and the batch size cannot change the result.
    """
    if lr.device.type != "cpu" or len(lr) == 1:
        return run(lr, residual)
    outputs = [run(tile.unsqueeze(0), residual) for tile in lr.unbind()]
    labels = [output.residual for output in outputs if output.residual is not None]
    return NetworkOutput(torch.cat([output.sr for output in outputs]), torch.cat(labels) if labels else None)


class InferenceBody(nn.Module):
    """Head and blocks of a network or of one of its streams."""

    shift: Tensor | None

    def __init__(self, network: Stream | SRNetLite, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.dtype = dtype
        self.head = FusedConv(*_weights(network.head[0]), dtype=torch.float32, device=device)
        mean = network.sub_mean.bias if isinstance(network.sub_mean, MeanShift) else None
        self.register_buffer(
            "shift", None if mean is None else mean.detach().to(device).view(1, -1, 1, 1), persistent=False
        )
        *blocks, last = network.body
        self.blocks = nn.Sequential(*(InferenceBlock(cast(ResidualBlock, b), dtype, device) for b in blocks))
        self.last = FusedConv(*_weights(last), dtype=dtype, device=device)

    def shifted(self, lr: Tensor) -> Tensor:
        """The input less the mean colour."""
        shifted = lr if self.shift is None else lr + self.shift
        return shifted.contiguous(memory_format=torch.channels_last)

    def shallow(self, shifted: Tensor) -> Tensor:
        """Head features. Computed in float32: in bfloat16 the input alone would be half a level off."""
        features: Tensor = self.head(shifted)
        return features.to(self.dtype)

    def deep(self, features: Tensor, add: Tensor) -> Tensor:
        """The body with its last convolution, plus ``add``."""
        y: Tensor = self.last(self.blocks(features), add)
        return y


class InferenceStream(InferenceBody):
    """Head, blocks and upsampler of one stream."""

    def __init__(self, stream: Stream, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(stream, dtype, device)
        self.tail = InferenceTail(stream, dtype, device)

    def reconstruct(self, features: Tensor, guess: Tensor | None) -> Tensor:
        """Features to picture: N×C×H×W → N×3×sH×sW float32. ``guess`` as in :class:`InferenceTail`."""
        picture: Tensor = self.tail(features, guess)
        return picture


class InferenceLite(InferenceBody):
    """:class:`~srnet_cli.network.lite.SRNetLite` fused; forward only, weights frozen."""

    def __init__(self, network: SRNetLite, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(network, dtype, device)
        self.scale = network.scale
        self.receptive_radius = network.receptive_radius
        self.tail = self._tail(network.tail, dtype, device)
        self.residual_tail = self._tail(network.residual_tail, dtype, device)

    def _tail(self, tail: nn.Module, dtype: torch.dtype, device: torch.device) -> FusedConv:
        # Colours last: then what a pixel becomes lies together, and only rows are put in order.
        kernel, bias = _weights(tail)
        order = torch.arange(len(bias)).view(3, -1).t().flatten()
        return FusedConv(kernel[order], bias[order], dtype=dtype, device=device)

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return _one_by_one(self._run, lr, residual)

    def _run(self, lr: Tensor, residual: bool) -> NetworkOutput:
        shallow = self.shallow(self.shifted(lr))
        features = self.deep(shallow, add=shallow)
        sr = self._picture(self.tail(features), lr)
        if not residual:
            return NetworkOutput(sr)
        assert self.shift is not None
        return NetworkOutput(sr, self._picture(self.residual_tail(features), -self.shift.expand_as(lr)))

    def _picture(self, parts: Tensor, add: Tensor) -> Tensor:
        """N×(s²·3)×H×W, plus ``add`` (N×3×H×W) at each of its s² pixels: N×3×sH×sW float32."""
        n, _, height, width = parts.shape
        picture = parts.new_empty(n, height, self.scale, width, self.scale, 3, dtype=torch.float32)
        picture.copy_(_blocks(parts, self.scale))
        row = self.scale * width * 3
        rows = add.permute(0, 2, 3, 1).repeat(1, 1, 1, self.scale).reshape(n, height, 1, row)
        picture.view(n, height, self.scale, row).add_(rows)
        return picture.view(n, height * self.scale, width * self.scale, 3).permute(0, 3, 1, 2)


class InferenceBlock(nn.Module):
    """A residual block: two convolutions, the attention, and the addition."""

    def __init__(self, block: ResidualBlock, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        first, _, second, *attention = block.body
        kernel, bias = _weights(second)
        # Attention is not linear, but its gates are: a factor on the branch can only move behind them.
        factor = 1.0 if attention else block.res_scale
        self.first = FusedConv(*_weights(first), dtype=dtype, device=device, activation="relu")
        self.second = FusedConv(kernel * factor, bias * factor, dtype=dtype, device=device)
        self.attention: AttentionForm | None = None
        if attention:
            self.attention = AttentionForm(attention[0], len(kernel), dtype, device, block.res_scale)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        y: Tensor = (
            self.second(hidden, x) if self.attention is None else self.attention(self.second(hidden), x)
        )
        return y


class AttentionForm(nn.Module):
    """Any attention of the family as one multiplication: ``factor · attention(y) + skip``."""

    def __init__(
        self,
        attention: nn.Module,
        channels: int,
        dtype: torch.dtype,
        device: torch.device,
        factor: float = 1.0,
    ) -> None:
        super().__init__()
        channel, spatial = _parts(attention)
        self.factor = factor
        self.channel = None if channel is None else ChannelGate(channel, device)
        self.spatial = None if spatial is None else SpatialGate(spatial, channels, dtype, device)

    def forward(self, y: Tensor, skip: Tensor | None) -> Tensor:
        """Overwrites ``y``."""
        n, channels, height, width = y.shape
        pixels = y.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        scale = None if self.channel is None else self.channel(pixels).to(y.dtype)
        if self.spatial is None:
            assert scale is not None
            multiplier = (scale * self.factor).view(n, channels, 1, 1)
        else:
            gates = self.spatial(pixels, height, scale, self.factor)
            multiplier = gates.view(n, height, width, channels).permute(0, 3, 1, 2)
        return y.mul_(multiplier) if skip is None else torch.addcmul(skip, y, multiplier, out=y)


class ChannelGate(nn.Module):
    """The gates of channel attention: N×P×C pixels → N×C float32."""

    squeeze: Tensor
    squeeze_bias: Tensor
    excite: Tensor
    excite_bias: Tensor

    def __init__(self, attention: ChannelAttention, device: torch.device) -> None:
        super().__init__()
        squeeze, _, excite, _ = attention.conv_du
        for name, layer in (("squeeze", squeeze), ("excite", excite)):
            kernel, bias = _weights(layer)
            matrix = kernel.flatten(1).t().contiguous().to(device, torch.float32)
            self.register_buffer(name, matrix, persistent=False)
            self.register_buffer(f"{name}_bias", bias.to(device, torch.float32), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        # A sum over the leading axis runs at memory speed; a mean over the same axis, or one that returns
        # another type, first copies the map. The accumulator is float32 either way.
        sums = pixels.sum(dim=1) if pixels.dtype != torch.float16 else pixels.sum(dim=1, dtype=torch.float32)
        hidden = torch.addmm(self.squeeze_bias, sums.float(), self.squeeze, alpha=1 / pixels.shape[1]).relu_()
        return torch.addmm(self.excite_bias, hidden, self.excite).sigmoid_()


class SpatialGate(nn.Module):
    """The gates of a spatial attention, spread over the channels: N×P×C.

    Channel scales are not applied to the map first; they go into the weights of the two small matrix
    products that read and write all channels.
    """

    pool: Tensor
    spread: Tensor

    def __init__(self, attention: Spatial, channels: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        match attention:
            case MPRSA():
                kernel, bias = merge_gate_branches(attention)
                self.turns, self.groups = TURNS, FINEST
            case LocalAttention():
                kernel, bias = _weights(attention.conv)
                self.turns, self.groups = 1, FINEST
            case SpatialAttention():
                kernel, bias = fold_batchnorm(attention.spatial)
                self.turns, self.groups = 1, 1
        self.gates, maps = kernel.shape[:2]
        # One convolution for each number of columns taken together; the widest that divides the map is used.
        self.convs = nn.ModuleDict()
        columns = 1
        while columns * maps <= BUSY_CHANNELS:
            weights = group_columns(kernel, bias, columns)
            self.convs[str(columns)] = FusedConv(*weights, dtype=dtype, device=device, activation="sigmoid")
            columns *= 2
        size = channels // self.groups
        pool = torch.eye(self.groups).repeat_interleave(size, dim=0) / size
        self.register_buffer("pool", pool.to(device, dtype), persistent=False)
        spread = torch.eye(self.gates).repeat(1, channels // self.gates)
        self.register_buffer("spread", spread.to(device, dtype), persistent=False)

    def forward(self, pixels: Tensor, height: int, scale: Tensor | None, factor: float) -> Tensor:
        n, count, _ = pixels.shape
        width = count // height
        if self.turns > 1 and height != width:
            raise ValueError(
                f"MPR-SA compares a map with its quarter turns and needs a square, not {height}×{width}"
            )
        pool = self.pool.expand(n, -1, -1) if scale is None else self.pool * scale.unsqueeze(2)
        means = torch.bmm(pixels, pool)
        if self.turns > 1:
            means = _stack_turns(means, height)
        gates = self._gates(means.view(n, height, width, self.groups * self.turns))
        spread = self.spread.expand(n, -1, -1) if scale is None else self.spread * scale.unsqueeze(1)
        return torch.bmm(gates, spread if factor == 1.0 else spread * factor)

    def _gates(self, stack: Tensor) -> Tensor:
        """N×H×W×k turned means → N×HW×g gates."""
        n, height, width, maps = stack.shape
        columns = max(int(name) for name in self.convs if width % int(name) == 0)
        grouped = stack.view(n, height, width // columns, maps * columns).permute(0, 3, 1, 2)
        gates: Tensor = self.convs[str(columns)](grouped)
        return gates.permute(0, 2, 3, 1).reshape(n, height * width, self.gates)


def _stack_turns(means: Tensor, size: int) -> Tensor:
    """N×P×4 means of a square map → N×P×16: the four quarter turns beside each other."""
    n, count, groups = means.shape
    index = _turned_index(size, means.device)
    if means.device.type != "cpu" or n > 1:
        return means.index_select(1, index).view(n, count, TURNS * groups)
    # On the CPU, in one dimension, the four means of a pixel move fastest as one number of their total size.
    whole = means.view(torch.complex128 if means.dtype == torch.float32 else torch.float64).flatten()
    return whole.index_select(0, index).view(means.dtype).view(n, count, TURNS * groups)


@lru_cache(maxsize=8)
def _turned_index(size: int, device: torch.device) -> Tensor:
    """For every pixel of a square map, which pixel each quarter turn puts there: 4·size² indices."""
    index = torch.arange(size * size, device=device, dtype=torch.int32).view(size, size)
    return torch.stack([torch.rot90(index, turn) for turn in range(TURNS)], dim=2).flatten()


class InferenceTail(nn.Module):
    """Upsampler and last convolution without a pixel shuffle of wide maps; the picture is float32.

    All stages but the last write their sub-pixel rows into place. After the last one nothing is moved: the
    last convolution's kernel is laid out for the map as it is, and only its three colours are put in order.
    """

    shift: Tensor

    def __init__(self, stream: Stream, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        upsampler, last = cast(Upsampler, stream.tail[0]), stream.tail[1]
        activation: Activation | None = (
            "relu" if any(isinstance(layer, nn.ReLU) for layer in upsampler) else None
        )
        convs = [_weights(layer) for layer in upsampler if isinstance(layer, nn.Conv2d)]
        self.factors = [layer.upscale_factor for layer in upsampler if isinstance(layer, nn.PixelShuffle)]
        rows = [split_subpixel_rows(*weights, f) for weights, f in zip(convs, self.factors, strict=True)]

        def stage(kernel: Tensor, bias: Tensor) -> FusedConv:
            # Rows of zeros above and below come with the input: strips of it need none of their own.
            return FusedConv(kernel, bias, dtype=dtype, device=device, padding=(0, 1), activation=activation)

        self.stages = nn.ModuleList(nn.ModuleList(stage(*row) for row in split) for split in rows[:-1])
        kernels, biases = zip(*rows[-1], strict=True)
        self.last_stage = stage(torch.cat(kernels), torch.cat(biases))
        kernel, bias = _weights(last)
        self.last = PreciseConv(fold_last_shuffle(kernel, self.factors[-1]), dtype=dtype, device=device)
        mean = stream.add_mean.bias if isinstance(stream.add_mean, MeanShift) else None
        shift = bias if mean is None else bias + mean.detach().double().cpu()
        self.register_buffer("shift", shift.to(device, torch.float32), persistent=False)

    def forward(self, x: Tensor, guess: Tensor | None) -> Tensor:
        """N×C×H×W features to the picture; ``guess`` is N×3×H×W, roughly the picture less its mean."""
        padded = _pad_rows(x)
        for stage, factor in zip(self.stages, self.factors[:-1], strict=True):
            padded = _shuffled(padded, cast(nn.ModuleList, stage), factor)
        n, _, height, width = padded.shape
        height, factor = height - 2, self.factors[-1]
        known = None if guess is None else self._repeated(guess, height, width)
        picture = x.new_empty(n, height, factor, width, factor, 3, dtype=torch.float32)
        strip = max(1, (STRIP_PIXELS if x.device.type == "cpu" else GPU_STRIP_PIXELS) // (n * width))
        for top in range(0, height, strip):
            bottom = min(top + strip, height)
            # The last convolution also reads one row above the strip and one below it.
            first, last = max(0, top - 1), min(height, bottom + 1)
            hidden = self.last_stage(padded[:, :, first : last + 2])
            parts = self.last(hidden, None if known is None else known[:, :, first:last])
            blocks = [_blocks(part[:, :, top - first : bottom - first], factor) for part in parts]
            rows = picture[:, top:bottom].copy_(blocks[0])
            for block in blocks[1:]:
                rows += block
        self._add_known(picture, guess, factor * width)
        return picture.view(n, height * factor, width * factor, 3).permute(0, 3, 1, 2)

    def _repeated(self, guess: Tensor, height: int, width: int) -> Tensor:
        """Each value of ``guess`` repeated over its block: N×(factor²·3)×H×W."""
        n, colours = guess.shape[:2]
        pixels = self.factors[-1] ** 2
        rows, columns = height // guess.shape[2], width // guess.shape[3]
        # Columns first: then whole rows are copied.
        wide = guess.permute(0, 2, 3, 1).repeat(1, 1, 1, pixels * columns).flatten(2)
        high = wide.unsqueeze(2).expand(-1, -1, rows, -1).reshape(n, height, width, colours * pixels)
        return high.permute(0, 3, 1, 2)

    def _add_known(self, picture: Tensor, guess: Tensor | None, width: int) -> None:
        """Add what the convolution left out: the mean colour and ``guess``."""
        if guess is None:
            picture.view(-1, width * 3).add_(self.shift.repeat(width))
            return
        n, _, low_height, low_width = guess.shape
        known = guess.permute(0, 2, 3, 1) + self.shift
        rows = known.repeat(1, 1, 1, width // low_width).view(n, low_height, 1, width * 3)
        picture.view(n, low_height, -1, width * 3).add_(rows)


def _blocks(part: Tensor, factor: int) -> Tensor:
    """N×(factor²·3)×H×W seen as the picture: N×H×factor×W×factor×3."""
    n, _, height, width = part.shape
    pixels = part.permute(0, 2, 3, 1).reshape(n, height, width, factor, factor, 3)
    return pixels.permute(0, 1, 3, 2, 4, 5)


def _shuffled(padded: Tensor, rows: nn.ModuleList, factor: int) -> Tensor:
    """One upsampler stage; input and output carry a row of zeros above and below."""
    n, channels, height, width = padded.shape
    height = (height - 2) * factor
    out = padded.new_empty(n, height + 2, width * factor, channels).permute(0, 3, 1, 2)
    out[:, :, 0].zero_()
    out[:, :, -1].zero_()
    for row, conv in enumerate(rows):
        out[:, :, 1 + row : 1 + height : factor] = _widen(conv(padded), factor)
    return out


def _widen(rows: Tensor, factor: int) -> Tensor:
    """N×(factor·C)×H×W with channels ordered (column, channel) seen as N×C×H×(factor·W), without a copy."""
    n, channels, height, width = rows.shape
    pixels = rows.permute(0, 2, 3, 1).reshape(n, height, width * factor, channels // factor)
    return pixels.permute(0, 3, 1, 2)


def _pad_rows(x: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    out = x.new_zeros(n, height + 2, width, channels).permute(0, 3, 1, 2)
    out[:, :, 1:-1] = x
    return out


def _parts(
    attention: nn.Module,
) -> tuple[ChannelAttention | None, Spatial | None]:
    """Channel and spatial part of an attention of the family."""
    match attention:
        case MixedAttention():
            return attention.attn1, cast(Spatial, attention.attn2)
        case ChannelAttention():
            return attention, None
        case MPRSA() | SpatialAttention() | LocalAttention():
            return None, attention
    raise TypeError(f"no inference form for attention {type(attention).__name__}")


class _Unattended(nn.Module):
    """No attention at a fusion point."""

    def forward(self, y: Tensor, skip: Tensor | None) -> Tensor:
        return y if skip is None else y.add_(skip)


def _attention_form(
    attention: nn.Module | None, channels: int, dtype: torch.dtype, device: torch.device
) -> nn.Module:
    return _Unattended() if attention is None else AttentionForm(attention, channels, dtype, device)


def _weights(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution in float64 on the CPU."""
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    return layer.weight.detach().double().cpu(), layer.bias.detach().double().cpu()

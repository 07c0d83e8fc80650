"""Upsampler and last convolution without a pixel shuffle of wide maps."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from srnet_cli.inference.folding import fold_last_shuffle, split_subpixel_rows
from srnet_cli.inference.fused import Activation, FusedConv, PreciseConv, weights
from srnet_cli.network.blocks import MeanShift, Upsampler
from srnet_cli.network.srnet import Stream

#: pixels of the last upsampler stage's input that are computed at a time: to stay in the CPU's cache, or to
#: leave a GPU's memory to larger batches
STRIP_PIXELS, GPU_STRIP_PIXELS = 1 << 14, 1 << 19


class InferenceTail(nn.Module):
    """The upsampler and the last convolution; the picture is float32.

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
        convs = [weights(layer) for layer in upsampler if isinstance(layer, nn.Conv2d)]
        self.factors = [layer.upscale_factor for layer in upsampler if isinstance(layer, nn.PixelShuffle)]
        rows = [split_subpixel_rows(*pair, f) for pair, f in zip(convs, self.factors, strict=True)]

        def stage(kernel: Tensor, bias: Tensor) -> FusedConv:
            # Rows of zeros above and below come with the input: strips of it need none of their own.
            return FusedConv(kernel, bias, dtype=dtype, device=device, padding=(0, 1), activation=activation)

        self.stages = nn.ModuleList(nn.ModuleList(stage(*row) for row in split) for split in rows[:-1])
        kernels, biases = zip(*rows[-1], strict=True)
        self.last_stage = stage(torch.cat(kernels), torch.cat(biases))
        kernel, bias = weights(last)
        self.last = PreciseConv(fold_last_shuffle(kernel, self.factors[-1]), dtype=dtype, device=device)
        mean = stream.add_mean.bias if isinstance(stream.add_mean, MeanShift) else None
        shift = bias if mean is None else bias + mean.detach().double().cpu()
        self.register_buffer("shift", shift.to(device, torch.float32), persistent=False)

    def forward(self, x: Tensor, guess: Tensor | None) -> Tensor:
        """Turn N×C×H×W features to the picture; ``guess`` is N×3×H×W, roughly the picture less its mean."""
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
            blocks = [as_picture(part[:, :, top - first : bottom - first], factor) for part in parts]
            rows = picture[:, top:bottom].copy_(blocks[0])
            for block in blocks[1:]:
                rows += block
        self._add_known(picture, guess, factor * width)
        return picture.view(n, height * factor, width * factor, 3).permute(0, 3, 1, 2)

    def _repeated(self, guess: Tensor, height: int, width: int) -> Tensor:
        """Repeat each value of ``guess`` over its block: N×(factor²·3)×H×W."""
        n, colours = guess.shape[:2]
        pixels = self.factors[-1] ** 2
        rows, columns = height // guess.shape[2], width // guess.shape[3]
        # Columns first: then whole rows are copied.
        wide = guess.permute(0, 2, 3, 1).repeat(1, 1, 1, pixels * columns).flatten(2)
        high = wide.unsqueeze(2).expand(-1, -1, rows, -1).reshape(n, height, width, colours * pixels)
        return high.permute(0, 3, 1, 2)

    def _add_known(self, picture: Tensor, guess: Tensor | None, width: int) -> None:
        """Add the parts that the convolution left out: the mean colour and ``guess``."""
        if guess is None:
            picture.view(-1, width * 3).add_(self.shift.repeat(width))
            return
        n, _, low_height, low_width = guess.shape
        known = guess.permute(0, 2, 3, 1) + self.shift
        rows = known.repeat(1, 1, 1, width // low_width).view(n, low_height, 1, width * 3)
        picture.view(n, low_height, -1, width * 3).add_(rows)


def as_picture(part: Tensor, factor: int) -> Tensor:
    """View N×(factor²·3)×H×W as the picture: N×H×factor×W×factor×3."""
    n, _, height, width = part.shape
    pixels = part.permute(0, 2, 3, 1).reshape(n, height, width, factor, factor, 3)
    return pixels.permute(0, 1, 3, 2, 4, 5)


def _shuffled(padded: Tensor, rows: nn.ModuleList, factor: int) -> Tensor:
    """Run one upsampler stage; input and output carry a row of zeros above and below."""
    n, channels, height, width = padded.shape
    height = (height - 2) * factor
    out = padded.new_empty(n, height + 2, width * factor, channels).permute(0, 3, 1, 2)
    out[:, :, 0].zero_()
    out[:, :, -1].zero_()
    for row, conv in enumerate(rows):
        out[:, :, 1 + row : 1 + height : factor] = _widen(conv(padded), factor)
    return out


def _widen(rows: Tensor, factor: int) -> Tensor:
    """View N×(factor·C)×H×W, channels ordered (column, channel), as N×C×H×(factor·W), without a copy."""
    n, channels, height, width = rows.shape
    pixels = rows.permute(0, 2, 3, 1).reshape(n, height, width * factor, channels // factor)
    return pixels.permute(0, 3, 1, 2)


def _pad_rows(x: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    out = x.new_zeros(n, height + 2, width, channels).permute(0, 3, 1, 2)
    out[:, :, 1:-1] = x
    return out

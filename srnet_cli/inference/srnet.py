"""The fast form of SRNet and its single-stream bases."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from srnet_cli.inference.attention import attention_form
from srnet_cli.inference.body import InferenceBody, one_by_one
from srnet_cli.inference.raw import InferencePlain
from srnet_cli.inference.tail import InferenceTail
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.raw import MIDDLE, extended
from srnet_cli.network.srnet import SRNet, Stream


class InferenceSRNet(nn.Module):
    """:class:`~srnet_cli.network.srnet.SRNet` folded and fused; forward only, weights frozen."""

    def __init__(self, network: SRNet, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.scale = network.scale
        self.wiring = network.options.wiring
        self.main = InferenceStream(network, dtype, device)
        self.auxiliary: InferenceStream | None = None
        self.plain: InferencePlain | None = None
        if network.plain is not None:
            self.plain = InferencePlain(network.plain, network.scale, device)
        if network.model_ssl is not None:
            self.auxiliary = InferenceStream(network.model_ssl, dtype, device)
            used, channels = network.fusion_attention_used, network.options.n_feats
            self.attend_head = attention_form(network.CALayer_head if used else None, channels, dtype, device)
            self.attend_tail = attention_form(network.CALayer_tail if used else None, channels, dtype, device)
        self.mix_head, self.mix_tail = (
            None if mix is None else copy.deepcopy(mix).to(device, dtype).requires_grad_(False)
            for mix in (network.fusion_head, network.fusion_tail)
        )

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return one_by_one(self._run if self.plain is None else self._added, lr, residual)

    def _added(self, lr: Tensor, residual: bool) -> NetworkOutput:
        """Add the main stream's picture to the interpolated mosaic."""
        assert self.plain is not None
        output = self._run(lr - MIDDLE, residual)
        interpolated = self.plain.picture(extended(lr))
        output.sr.permute(0, 2, 3, 1).view(interpolated.shape).add_(interpolated)
        return output

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
        if self.mix_head is not None and self.mix_tail is not None:
            fused = self.attend_head(self.mix_head.mix(shallow, rat_body), None)
            deep = main.last(main.blocks(fused))
            features = self.attend_tail(self.mix_tail.mix(deep, rat_head), fused)
        elif self.wiring == "code":
            fused = self.attend_head(shallow.sub_(rat_body), None)
            features = self.attend_tail(main.deep(fused, add=rat_head), fused)
        else:
            fused = self.attend_head(shallow + rat_body, None)
            features = self.attend_tail(main.last(main.blocks(fused).add_(rat_head)), shallow)
        label = auxiliary.reconstruct(rat_body, None) if residual else None
        return NetworkOutput(main.reconstruct(features, guess), label)


class InferenceStream(InferenceBody):
    """Head, blocks and upsampler of one stream."""

    def __init__(self, stream: Stream, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(stream, dtype, device)
        self.tail = InferenceTail(stream, dtype, device)

    def reconstruct(self, features: Tensor, guess: Tensor | None) -> Tensor:
        """Turn features to a picture: N×C×H×W → N×3×sH×sW float32. ``guess`` as the tail's."""
        picture: Tensor = self.tail(features, guess)
        return picture

"""SRNet, its single-stream base (EDSR and relatives), and every ablation between them.

Tensors are N×3×H×W, RGB, 0..255, on input and output; of a mosaic the input is N×4×H×W.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices, scale_of
from srnet_cli.network.attention import ATTENTIONS, build_attention, recognise_attention
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock, Upsampler, conv, shared_rows
from srnet_cli.network.raw import MIDDLE, PLANES, interpolate, interpolation

Wiring = Literal["code", "figure"]
FusionMix = Literal["fixed", "learned"]


@dataclass(frozen=True)
class SRNetOptions:
    """Everything in which the members of the SRNet family differ.

    Raises:
        ValueError: when ``wiring`` or ``fusion_mix`` is unknown, a learned mixture is to have another wiring
            than the code's or no second stream, or ``in_channels`` are those of no picture and no mosaic.
    """

    scale: int = 4
    #: feature channels
    n_feats: int = 64
    #: residual blocks in each stream
    n_resblocks: int = 16
    #: squeeze factor of channel attention in the blocks (the fusion points always use 16)
    reduction: int = 16
    #: factor on every residual branch
    res_scale: float = 1.0
    #: attention at the end of each residual branch
    attention: str = "ca+mpr-sa"
    #: attention at the two fusion points; None: the same as in the blocks
    fusion_attention: str | None = None
    #: with the residual-aware auxiliary stream (RAT)
    auxiliary: bool = True
    #: "code": the released code, which gave the published numbers; "figure": the blog's figure
    wiring: Wiring = "code"
    #: "fixed": the streams' features are subtracted and added, as published; "learned": a 1×1 convolution
    #: over both, which begins as that
    fusion_mix: FusionMix = "fixed"
    #: 3 for RGB; 4 for a packed mosaic, without mean shift. With two streams the picture is then the mosaic
    #: interpolated plainly plus what the main stream makes; a single stream makes all, as published
    in_channels: int = 3

    def __post_init__(self) -> None:
        if self.wiring not in ("code", "figure"):
            raise ValueError(f"wiring is 'code' or 'figure', not {self.wiring!r}")
        if self.fusion_mix not in ("fixed", "learned"):
            raise ValueError(f"fusion_mix is 'fixed' or 'learned', not {self.fusion_mix!r}")
        if self.fusion_mix == "learned" and not (self.auxiliary and self.wiring == "code"):
            raise ValueError("a learned fusion_mix needs the auxiliary stream, and the wiring of the code")
        if self.in_channels not in (3, len(PLANES)):
            raise ValueError(f"in_channels is 3 or {len(PLANES)}, not {self.in_channels}")

    @property
    def adds_to_mosaic(self) -> bool:
        """Whether the main stream's picture is added to a plain interpolation of a mosaic."""
        return self.auxiliary and self.in_channels == len(PLANES)

    @property
    def fusion(self) -> str:
        """The attention that is applied at the fusion points."""
        return (self.fusion_attention or self.attention) if self.auxiliary else "none"

    @property
    def fusion_built(self) -> str:
        """The attention that is there at the fusion points.

        Without attention the released network still owns two MPR-SA that it never applies; they are built so
        that its checkpoints load and its parameter count is the published one.
        """
        return "mpr-sa" if self.auxiliary and self.fusion == "none" else self.fusion


class Stream(nn.Module):
    """Head, residual blocks with a long skip, upsampler: one stream of SRNet, and EDSR by itself."""

    def __init__(self, options: SRNetOptions, relu_after_shuffle: bool) -> None:
        super().__init__()
        o = options
        if o.in_channels == 3:
            self.sub_mean: nn.Module = MeanShift(-1)
            self.add_mean: nn.Module = MeanShift(+1)
        else:
            self.sub_mean, self.add_mean = nn.Identity(), nn.Identity()
        self.head = nn.Sequential(conv(o.in_channels, o.n_feats))
        blocks: list[nn.Module] = [
            ResidualBlock(o.n_feats, build_attention(o.attention, o.n_feats, o.reduction), o.res_scale)
            for _ in range(o.n_resblocks)
        ]
        self.body = nn.Sequential(*blocks, conv(o.n_feats, o.n_feats))
        self.tail = nn.Sequential(Upsampler(o.scale, o.n_feats, relu_after_shuffle), conv(o.n_feats, 3))

    def shallow(self, lr: Tensor) -> Tensor:
        """Compute the features of the head: N×C×H×W."""
        features: Tensor = self.head(self.sub_mean(lr))
        return features

    def reconstruct(self, features: Tensor) -> Tensor:
        """Turn features to a picture: N×C×H×W → N×3×sH×sW."""
        picture: Tensor = self.add_mean(self.tail(features))
        return picture


class LearnedMix(nn.Conv2d):
    """A 1×1 convolution over two features, 2·C→C, that begins as their sum or difference."""

    def __init__(self, channels: int, sign: int) -> None:
        super().__init__(2 * channels, channels, 1)
        with torch.no_grad():
            one = torch.eye(channels)
            self.weight.copy_(torch.cat([one, sign * one], dim=1)[..., None, None])
            nn.init.zeros_(self.bias if self.bias is not None else torch.empty(0))

    def mix(self, first: Tensor, second: Tensor) -> Tensor:
        """Mix two N×C×H×W features."""
        mixed: Tensor = self(torch.cat([first, second], dim=1))
        return mixed


class SRNet(Stream):
    """The two-stream network, or with ``auxiliary=False`` its single-stream base.

    ``forward(lr, residual=False, share=1.0)`` takes N×3×S×S (square where MPR-SA is used) and returns a
    ``NetworkOutput``; the auxiliary stream's picture is computed only with ``residual=True``, and of the
    batch's first ⌈``share``·N⌉ elements. Of a mosaic, N×4×S×S, a pixel becomes ``scale``² just so.
    """

    plain: Tensor | None

    def __init__(self, options: SRNetOptions | None = None) -> None:
        o = options or SRNetOptions()
        # The ReLU after each shuffle is the two-stream networks' own; no single-stream network has it.
        super().__init__(o, relu_after_shuffle=o.auxiliary)
        self.options = o
        self.model_ssl: Stream | None = None
        if o.auxiliary:
            self.model_ssl = Stream(o, relu_after_shuffle=True)
            self.CALayer_head = build_attention(o.fusion_built, o.n_feats, 16)
            self.CALayer_tail = build_attention(o.fusion_built, o.n_feats, 16)
            self.fusion_attention_used = o.fusion != "none"
        self.fusion_head: LearnedMix | None = None
        self.fusion_tail: LearnedMix | None = None
        if o.fusion_mix == "learned":
            self.fusion_head = LearnedMix(o.n_feats, -1)
            self.fusion_tail = LearnedMix(o.n_feats, +1)
        # A constant, so it is in no file.
        plain = interpolation(o.scale) if o.adds_to_mosaic else None
        self.register_buffer("plain", plain, persistent=False)

    @property
    def scale(self) -> int:
        return self.options.scale

    @property
    def predicts_residual(self) -> bool:
        return self.model_ssl is not None

    def forward(self, lr: Tensor, residual: bool = False, share: float = 1.0) -> NetworkOutput:
        if self.model_ssl is None:
            shallow = self.shallow(lr)
            return NetworkOutput(self.reconstruct(self.body(shallow) + shallow))
        shifted = lr if self.plain is None else lr - MIDDLE
        rat_head, rat_body = self.auxiliary_features(shifted)
        sr = self.reconstruct(self.fused_features(shifted, rat_head, rat_body))
        if self.plain is not None:
            sr = sr + interpolate(lr, self.plain, self.scale)
        if not residual:
            return NetworkOutput(sr, None)
        return NetworkOutput(sr, self.model_ssl.reconstruct(rat_body[: shared_rows(len(lr), share)]))

    def auxiliary_features(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the shallow and deep features that the auxiliary stream lends to the main one."""
        assert self.model_ssl is not None
        rat_head = self.model_ssl.shallow(lr)
        return rat_head, self.model_ssl.body(rat_head) + rat_head

    def fused_features(self, lr: Tensor, rat_head: Tensor, rat_body: Tensor) -> Tensor:
        """Run the main stream up to its upsampler; deep feature in at the head, shallow one at the tail."""
        shallow = self.shallow(lr)
        if self.fusion_head is not None and self.fusion_tail is not None:
            fused = self._attend(self.CALayer_head, self.fusion_head.mix(shallow, rat_body))
            return self._attend(self.CALayer_tail, self.fusion_tail.mix(self.body(fused), rat_head)) + fused
        if self.options.wiring == "code":
            fused = self._attend(self.CALayer_head, shallow - rat_body)
            return self._attend(self.CALayer_tail, self.body(fused) + rat_head) + fused
        fused = self._attend(self.CALayer_head, shallow + rat_body)
        deep = self.body[:-1](fused)
        return self._attend(self.CALayer_tail, self.body[-1](deep + rat_head)) + shallow

    def _attend(self, attention: nn.Module | None, x: Tensor) -> Tensor:
        if attention is None or not self.fusion_attention_used:
            return x
        y: Tensor = attention(x)
        return y


def _single(attention: str, **defaults: Any) -> Variant:
    # wiring and fusion_attention say how two streams meet: with one stream they have no meaning
    fixed = {"attention": attention, "auxiliary": False, "wiring": "code", "fusion_attention": None}
    return Variant({**fixed, "fusion_mix": "fixed"}, defaults)


def _double(attention: str, wiring: Wiring = "code", fusion_attention: str | None = None) -> Variant:
    fixed = {"attention": attention, "fusion_attention": fusion_attention, "wiring": wiring}
    return Variant({**fixed, "auxiliary": True})


VARIANTS = {
    "srnet": Variant(),
    # as the blog's figure draws it: channel attention only in the blocks, features added at the head
    "srnet_figure": _double("ca", "figure", "ca+mpr-sa"),
    "edsr": _single("none"),
    "edsr_p": _single("none", n_resblocks=32, n_feats=256, res_scale=0.1),
    # The ablations R_a … R_i of the published table, in its order (R_j is srnet).
    "edsr_rat": _double("none"),
    "edsr_sa": _single("sa"),
    "edsr_msa": _single("mpr-sa"),
    "edsr_rat_sa": _double("sa"),
    "edsr_rat_msa": _double("mpr-sa"),
    "rcan_minus": _single("ca"),
    "rcan_minus_rat": _double("ca"),
    "rcan_minus_sa": _single("ca+sa"),
    "rcan_minus_msa": _single("ca+mpr-sa"),
    "rcan_minus_rat_sa": _double("ca+sa"),
}


def _read(shapes: Shapes) -> Recognised:
    n_feats, in_channels, *_ = shapes["head.0.weight"]
    auxiliary = any(name.startswith("model_ssl.") for name in shapes)
    attention = recognise_attention(shapes, "body.0.body.3")
    fusion = recognise_attention(shapes, "CALayer_head")
    sizes: dict[str, Any] = {
        "n_feats": n_feats,
        "n_resblocks": count_indices(shapes, r"body\.(\d+)\.body\.0\.weight"),
    }
    if in_channels != 3:
        sizes["in_channels"] = in_channels
    if "fusion_head.weight" in shapes:
        sizes["fusion_mix"] = "learned"
    squeeze = ATTENTIONS[attention].squeeze
    if squeeze is not None:
        sizes["reduction"] = n_feats // shapes[f"body.0.body.3.{squeeze}"][0]
    scale = scale_of(shapes, "tail.0")
    name = _variant(auxiliary, attention, fusion)
    if name is None:
        different = {"attention": attention, "fusion_attention": fusion, "auxiliary": auxiliary}
        return Recognised("srnet", scale, {**different, **sizes})
    if name == "edsr" and sizes == {"n_feats": 256, "n_resblocks": 32}:
        # The released runs scaled residual branches by 0.1 at ×4 and by 1 at ×8.
        return Recognised("edsr_p", scale, {**sizes, "res_scale": 1.0 if scale == 8 else 0.1})
    return Recognised(name, scale, sizes)


def _variant(auxiliary: bool, attention: str, fusion: str) -> str | None:
    for name, variant in VARIANTS.items():
        options = SRNetOptions(**variant.fixed)
        if (options.auxiliary, options.attention, options.fusion_built) == (auxiliary, attention, fusion):
            return name
    return None


ARCHITECTURE = Architecture(
    SRNet, SRNetOptions, VARIANTS, traces=("body.0.body.0.weight", "tail.0.0.weight"), read=_read
)

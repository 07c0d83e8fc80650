"""Which network a checkpoint belongs to, read from the names and shapes of its tensors.

Checkpoints of the authors are bare state dictionaries: name, scale and sizes must be inferred. What leaves no
trace in the tensors takes the value of the released configurations. Source: specification sections 4 and 12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Recognised:
    """Arguments of ``build_network``."""

    name: str
    scale: int
    #: every size that shows in the tensors, and the kind of attention where the name does not tell it
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} ×{self.scale}"


def recognise(shapes: Shapes) -> Recognised:
    """The network with these tensors.

    Raises:
        ValueError: when they belong to none that is known here.
    """
    for telltale, read in _READERS:
        if telltale in shapes:
            try:
                return read(shapes)
            except (IndexError, ZeroDivisionError):
                raise ValueError("its tensors have shapes of no network known here") from None
            except KeyError as error:
                raise ValueError(
                    f"the tensors look like a network known here, but {error} is missing"
                ) from None
    raise ValueError("the names of its tensors are those of no network known here")


def _count(shapes: Shapes, pattern: str) -> int:
    """How many different indices stand at the group of ``pattern``.

    Counted, not the largest taken: a forged name must not make a network of a billion blocks.
    """
    found = (re.fullmatch(pattern, name) for name in shapes)
    return len({match.group(1) for match in found if match})


def _shuffled_scale(shapes: Shapes, prefix: str, convolutions: int) -> int:
    """Scale of an upsampler whose first convolution is ``prefix.0``."""
    shape = shapes[f"{prefix}.0.weight"]
    return 3 if shape[0] == 9 * shape[1] else 2**convolutions


def _tail_scale(shapes: Shapes) -> int:
    return _shuffled_scale(shapes, "tail.0", _count(shapes, r"tail\.0\.(\d+)\.weight"))


def _attention_kind(shapes: Shapes, prefix: str) -> str:
    channel = any(f"{prefix}.{level}conv_du.0.weight" in shapes for level in ("", "attn1."))
    single = any(f"{prefix}.{level}spatial.conv.weight" in shapes for level in ("", "attn2."))
    multi = any(f"{prefix}.{level}spatial1.conv.weight" in shapes for level in ("", "attn2."))
    parts = [part for part, there in (("ca", channel), ("sa", single), ("mpr-sa", multi)) if there]
    return "+".join(parts) or "none"


#: (two streams, attention in the blocks, attention at the fusion points) to the network's name
_FAMILY = {
    (True, "ca+mpr-sa", "ca+mpr-sa"): "srnet",
    (True, "ca", "ca+mpr-sa"): "srnet_figure",
    (False, "none", "none"): "edsr",
    (False, "sa", "none"): "edsr_sa",
    (False, "mpr-sa", "none"): "edsr_msa",
    (False, "ca", "none"): "rcan_minus",
    (False, "ca+sa", "none"): "rcan_minus_sa",
    (False, "ca+mpr-sa", "none"): "rcan_minus_msa",
    # without attention in the blocks, the checkpoints still hold an MPR-SA that was never applied
    (True, "none", "mpr-sa"): "edsr_rat",
    (True, "sa", "sa"): "edsr_rat_sa",
    (True, "mpr-sa", "mpr-sa"): "edsr_rat_msa",
    (True, "ca", "ca"): "rcan_minus_rat",
    (True, "ca+sa", "ca+sa"): "rcan_minus_rat_sa",
}


def _read_family(shapes: Shapes) -> Recognised:
    n_feats, in_channels = shapes["head.0.weight"][0], shapes["head.0.weight"][1]
    scale = _tail_scale(shapes)
    auxiliary = any(name.startswith("model_ssl.") for name in shapes)
    attention, fusion = _attention_kind(shapes, "body.0.body.3"), _attention_kind(shapes, "CALayer_head")
    sizes: dict[str, Any] = {
        "n_feats": n_feats,
        "n_resblocks": _count(shapes, r"body\.(\d+)\.body\.0\.weight"),
    }
    if in_channels != 3:
        sizes["in_channels"] = in_channels
    for level in ("", "attn1."):
        squeeze = shapes.get(f"body.0.body.3.{level}conv_du.0.weight")
        if squeeze is not None:
            sizes["reduction"] = n_feats // squeeze[0]
    name = _FAMILY.get((auxiliary, attention, fusion))
    if name is None:
        different = {"attention": attention, "fusion_attention": fusion, "auxiliary": auxiliary}
        return Recognised("srnet", scale, {**different, **sizes})
    if name == "edsr" and sizes == {"n_feats": 256, "n_resblocks": 32}:
        # The released runs scaled residual branches by 0.1 at ×4 and by 1 at ×8.
        return Recognised("edsr_p", scale, {**sizes, "res_scale": 1.0 if scale == 8 else 0.1})
    return Recognised(name, scale, sizes)


def _read_srresnet(shapes: Shapes) -> Recognised:
    sizes = {
        "n_feats": shapes["conv_input.weight"][0],
        "n_resblocks": _count(shapes, r"residual\.(\d+)\.conv1\.weight"),
        "in_channels": shapes["conv_input.weight"][1],
    }
    scale = _shuffled_scale(shapes, "upscale", _count(shapes, r"upscale\.(\d+)\.weight"))
    return Recognised("srresnet", scale, sizes)


def _read_rdn(shapes: Shapes) -> Recognised:
    growth = shapes["RDBs.0.convs.0.conv.0.weight"][0]
    size = (
        _count(shapes, r"RDBs\.(\d+)\.LFF\.weight"),
        _count(shapes, r"RDBs\.0\.convs\.(\d+)\..*weight"),
        growth,
    )
    configurations = {(16, 8, 64): "B", (20, 6, 32): "A"}
    upsampling = _count(shapes, r"UPNet\.(\d+)\.weight") - 1
    scale = 3 if shapes["UPNet.0.weight"][0] == 9 * growth else 2**upsampling
    if size not in configurations:
        raise ValueError(f"an RDN of {size[0]} blocks, {size[1]} layers, growth {size[2]} is neither A nor B")
    return Recognised("rdn", scale, {"configuration": configurations[size]})


def _read_rcan(shapes: Shapes) -> Recognised:
    n_feats = shapes["head.0.weight"][0]
    sizes = {
        "n_resgroups": _count(shapes, r"body\.(\d+)\.body\.0\.body\.0\.weight"),
        "n_resblocks": _count(shapes, r"body\.0\.body\.(\d+)\.body\.0\.weight"),
        "n_feats": n_feats,
        "reduction": n_feats // shapes["body.0.body.0.body.3.conv_du.0.weight"][0],
    }
    return Recognised("rcan", _tail_scale(shapes), sizes)


def _read_san(shapes: Shapes) -> Recognised:
    n_feats = shapes["head.0.weight"][0]
    sizes = {
        "n_resgroups": _count(shapes, r"RG\.(\d+)\.conv_last\.weight"),
        "n_resblocks": _count(shapes, r"RG\.0\.rcab\.(\d+)\.conv_first\.0\.weight"),
        "n_feats": n_feats,
        "reduction": n_feats // shapes["RG.0.soca.conv_du.0.weight"][0],
    }
    return Recognised("san", _tail_scale(shapes), sizes)


def _read_vdsr(shapes: Shapes) -> Recognised:
    sizes = {
        "n_feats": shapes["head.0.weight"][0],
        "n_resblocks": _count(shapes, r"body\.(\d+)\.0\.weight") + 1,
    }
    return Recognised("vdsr", _tail_scale(shapes), sizes)


def _read_lapsrn(shapes: Shapes) -> Recognised:
    # The last of the indices is the transposed convolution's, which ends the level.
    sizes = {
        "n_feats": shapes["head.0.weight"][0],
        "n_layers": _count(shapes, r"levels\.0\.features\.(\d+)\.weight") - 1,
    }
    return Recognised("lapsrn", 2 ** _count(shapes, r"levels\.(\d+)\.residual\.weight"), sizes)


def _read_lite(shapes: Shapes) -> Recognised:
    sizes = {
        "n_feats": shapes["head.0.weight"][0],
        "n_resblocks": _count(shapes, r"body\.(\d+)\.body\.0\.weight"),
    }
    return Recognised("srnet_lite", isqrt(shapes["residual_tail.weight"][0] // 3), sizes)


#: a tensor that only this network has, and how the rest is read; the first that fits is taken
_READERS: tuple[tuple[str, Callable[[Shapes], Recognised]], ...] = (
    ("residual_tail.weight", _read_lite),
    ("conv_input.weight", _read_srresnet),
    ("SFENet1.weight", _read_rdn),
    ("RG.0.conv_last.weight", _read_san),
    ("body.0.body.0.body.0.weight", _read_rcan),
    ("levels.0.residual.weight", _read_lapsrn),
    ("body.0.0.weight", _read_vdsr),
    ("body.0.body.0.weight", _read_family),
)

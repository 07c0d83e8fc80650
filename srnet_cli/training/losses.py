"""The hybrid loss of the two streams, and the two relational losses. Source: specification section 6.

Pictures and residuals are N×3×H×W on the 0..255 scale; every loss is a scalar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.training.options import RelationalOrder

#: the scale of the pictures
RANGE = 255.0
#: side of the patches between which ``rnlloss`` takes relations
RELATION_PATCH = 16


class Losses(NamedTuple):
    """``total`` is minimised; ``sr`` and ``residual`` are the two L1 losses (0 without that stream)."""

    total: Tensor
    sr: Tensor
    residual: Tensor


@dataclass(frozen=True)
class HybridLoss:
    """Weighted sum of the L1 losses of both streams and of the relational losses."""

    sr_weight: float = 1.0
    residual_weight: float = 1.0
    rloss_weight: float = 0.0
    rnlloss_weight: float = 0.0
    rloss_order: RelationalOrder = "as_written"

    @property
    def needs_residual(self) -> bool:
        """Whether the auxiliary stream's picture and its target are needed."""
        return self.residual_weight + self.rloss_weight + self.rnlloss_weight > 0

    def __call__(self, output: NetworkOutput, hr: Tensor, residual: Tensor | None) -> Losses:
        """``residual`` is the true enhanced residual, shaped as ``hr``; not needed without auxiliary stream.

        Raises:
            ValueError: when a loss needs a residual that the network or the data does not give.
        """
        # Autocast hands out half precision, whose sums over a batch would be coarse.
        sr = output.sr.to(hr.dtype)
        sr_loss = F.l1_loss(sr, hr)
        total = self.sr_weight * sr_loss
        if output.residual is None:
            if self.rloss_weight + self.rnlloss_weight > 0:
                raise ValueError("the relational losses need the auxiliary stream's residual")
            return Losses(total, sr_loss, torch.zeros_like(sr_loss))
        if residual is None:
            raise ValueError("the auxiliary stream needs the true residual")
        predicted = output.residual.to(hr.dtype)
        residual_loss = F.l1_loss(predicted, residual)
        total = total + self.residual_weight * residual_loss
        if self.rloss_weight:
            total = total + self.rloss_weight * rloss(sr, hr, predicted, residual, self.rloss_order)
        if self.rnlloss_weight:
            total = total + self.rnlloss_weight * rnlloss(sr, hr, predicted, residual)
        return Losses(total, sr_loss, residual_loss)


def rloss(
    sr: Tensor, hr: Tensor, predicted: Tensor, residual: Tensor, order: RelationalOrder = "as_written"
) -> Tensor:
    """Pictures weighted by residuals must agree.

    ``as_written``: mean|SR·D − HR·D| + mean|SR·D̂ − HR·D|, each divided by 255. ``as_called``: the same with
    the arguments in the order that the released code passes, mean|HR·D̂ − SR·D̂| + mean|HR·D − SR·D̂|.
    """
    if order == "as_called":
        return (
            F.l1_loss(hr * predicted, sr * predicted) / RANGE
            + F.l1_loss(hr * residual, sr * predicted) / RANGE
        )
    return F.l1_loss(sr * residual, hr * residual) / RANGE + F.l1_loss(sr * predicted, hr * residual) / RANGE


def rnlloss(
    sr: Tensor, hr: Tensor, predicted: Tensor, residual: Tensor, patch: int = RELATION_PATCH
) -> Tensor:
    """Relations between the patches of picture and residual must agree: mean|V(SR)V(D̂)ᵀ − V(HR)V(D)ᵀ|.

    V cuts a picture (divided by 255) into patches of ``patch`` × ``patch`` and makes a row of each.

    Raises:
        ValueError: when H or W is not divisible by ``patch``.
    """
    made = _patch_rows(sr, patch) @ _patch_rows(predicted, patch).transpose(1, 2)
    true = _patch_rows(hr, patch) @ _patch_rows(residual, patch).transpose(1, 2)
    return F.l1_loss(made, true)


def _patch_rows(picture: Tensor, patch: int) -> Tensor:
    """N×3×H×W → N×(HW/patch²)×(3·patch²)."""
    height, width = picture.shape[2:]
    if height % patch or width % patch:
        raise ValueError(
            f"the relational loss cuts {patch}×{patch} patches; {height}×{width} is no multiple of it"
        )
    return F.unfold(picture / RANGE, patch, stride=patch).transpose(1, 2)

"""A trained network whose pictures are a second target: they hold less that cannot be known from the LR."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.errors import UsageError
from srnet_cli.inference.forms import to_inference
from srnet_cli.models.store import load_model
from srnet_cli.training.losses import Losses


class Teacher:
    """Adds ``weight`` times the mean absolute difference to what the teacher makes of the same LR.

    A large teacher takes longer than a small student's whole step: it may look at a ``share`` (0..1) of each
    batch's patches only, one at least.

    Raises:
        UsageError: when the model has another scale, or does not read pictures.
        WeightsError: when there is no such model.
    """

    def __init__(
        self,
        name_or_path: str,
        weight: float,
        share: float,
        scale: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        model = load_model(name_or_path)
        if model.card.scale != scale or model.card.input_space != "srgb":
            kind = f"×{model.card.scale} for {model.card.input_space} input"
            raise UsageError(f"--teacher {model.card.name} is {kind}; it must do what is trained: ×{scale}")
        self.weight, self.share = weight, share
        self._network = to_inference(model.network, dtype=dtype, device=device)

    def __call__(self, losses: Losses, sr: Tensor, lr: Tensor) -> Losses:
        """``losses`` with the teacher's share in ``total``; ``sr`` is what the student made of ``lr``."""
        seen = max(1, round(self.share * len(lr)))
        target: Tensor = self._network(lr[:seen].float()).sr
        # Gradients may not touch what was computed in inference mode; a copy is an ordinary tensor.
        difference = F.l1_loss(sr[:seen].to(lr.dtype), target.clone().to(lr.dtype))
        return losses._replace(total=losses.total + self.weight * difference)

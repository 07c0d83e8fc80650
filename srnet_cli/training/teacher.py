"""A trained network whose pictures are a second target: they hold less that cannot be known from the LR."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from srnet_cli.errors import UsageError
from srnet_cli.inference.forms import to_inference
from srnet_cli.models.store import load_model
from srnet_cli.training.losses import Sample, Setting


class Teacher:
    """The mean absolute difference to what a teacher makes of the same LR.

    A large teacher takes longer than a small student's whole step: it may look at a share (0..1) of each
    batch's patches only, one at least.

    Raises:
        UsageError: when the model has another scale, or does not read pictures.
        WeightsError: when there is no such model.
    """

    def __init__(self, setting: Setting, name_or_path: str) -> None:
        model, scale = load_model(name_or_path), setting.scale
        if model.card.scale != scale or model.card.input_space != "srgb":
            kind = f"×{model.card.scale} for {model.card.input_space} input"
            raise UsageError(f"--teacher {model.card.name} is {kind}; it must do what is trained: ×{scale}")
        self._share = setting.options.teacher_share
        self._network = to_inference(model.network, dtype=setting.dtype, device=setting.device)

    def __call__(self, sample: Sample) -> Tensor:
        """Compute the difference, with a gradient for ``sample.sr``."""
        seen = max(1, round(self._share * len(sample.lr)))
        target: Tensor = self._network(sample.lr[:seen].float()).sr
        # Gradients may not touch what was computed in inference mode; a copy is an ordinary tensor.
        return F.l1_loss(sample.sr[:seen].to(sample.lr.dtype), target.clone().to(sample.lr.dtype))

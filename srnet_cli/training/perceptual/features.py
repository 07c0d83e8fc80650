"""The feature distance as a loss."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from srnet_cli.metrics.features import FeatureNetwork, feature_distance, feature_terms
from srnet_cli.training.losses import Sample, Setting
from srnet_cli.training.step.stepper import Precision


class FeatureLoss:
    """The feature distance of a crop of the patches, 0 (equal) upwards.

    The crop lies elsewhere in every step, by seed and step: else the strides of the network and the lattice
    of pixel shuffle would lie on each other all the time, and the same pixels would always be seen best.

    Raises:
        MissingExtraError: the extra ``perceptual`` is not installed.
    """

    def __init__(self, setting: Setting) -> None:
        self._seed, self._scale = setting.options.seed, setting.scale
        self._crop = setting.options.feature_crop
        self._precision = Precision(setting.device, setting.dtype)
        self._network = FeatureNetwork().to(  # type: ignore[call-overload]
            setting.device, memory_format=torch.channels_last
        )

    def __call__(self, sample: Sample) -> Tensor:
        """Compute the distance, with a gradient for ``sample.sr``."""
        # A crop as large as the patch could not move.
        side = min(self._crop, sample.hr.shape[-1] - self._scale)
        place = random.Random(f"{self._seed} {sample.step}")
        top, left = (place.randint(0, sample.hr.shape[-1] - side) for _ in range(2))
        sr, hr = (x[:, :, top : top + side, left : left + side].float() for x in (sample.sr, sample.hr))
        with self._precision.autocast():
            terms = feature_terms(self._network, sr, hr)
        return feature_distance(terms).to(sample.sr.dtype)

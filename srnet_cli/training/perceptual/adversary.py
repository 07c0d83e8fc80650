"""The adversarial loss: a small network that learns to tell SR from HR, pixel by pixel."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from srnet_cli.compute.processes import average_between
from srnet_cli.training.losses import Learner, Sample, Setting
from srnet_cli.training.perceptual.bands import high_band
from srnet_cli.training.step.stepper import Precision

#: of the discriminator's Adam
RATE, BETAS = 2e-4, (0.5, 0.99)
#: grey levels of the high band that the discriminator sees as 1
_UNIT = 32.0
_SLOPE = 0.2


class Discriminator(nn.Module):
    """A U-Net with spectral norm and without BatchNorm: N×3×H×W to N×1×H×W, high where real.

    Each pixel is judged by itself at full resolution, so a weave or a grid does not pass; what lies around it
    is seen through three reductions (of Wang et al., Real-ESRGAN, ICCVW 2021, a small form).

    It is always in evaluation mode: ``settle`` takes the steps of the spectral norm, once for each of the
    optimiser's, so that they do not depend on how many parts a batch is computed in.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width, 4 * width)
        self.first = _conv(3, width)
        self.down = nn.ModuleList([spectral_norm(nn.Conv2d(i, o, 4, 2, 1)) for i, o in pairwise(widths)])
        self.up = nn.ModuleList([_conv(o, i) for i, o in reversed([*pairwise(widths)])])
        self.last = nn.Conv2d(width, 1, 3, 1, 1)
        self.eval()

    def forward(self, picture: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(picture), _SLOPE)
        passed = []
        for layer in self.down:
            passed.append(x)
            x = F.leaky_relu(layer(x), _SLOPE)
        for layer in self.up:
            beside = passed.pop()
            larger = F.interpolate(x, size=beside.shape[2:], mode="nearest")
            x = F.leaky_relu(layer(larger), _SLOPE) + beside
        judged: Tensor = self.last(x)
        return judged

    @torch.no_grad()
    def settle(self) -> None:
        """Take a step of the power iteration by which the spectral norm follows the weights."""
        self.train()
        for module in self.modules():
            if parametrize.is_parametrized(module):
                _ = module.weight
        self.eval()


def _conv(channels_in: int, channels_out: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(channels_in, channels_out, 3, 1, 1))


class Adversary(Learner):
    """The adversarial loss with hinge (Lim and Ye, 2017): minus the mean judgement on SR, about −1 to 1.

    A step of the network is followed by one of the discriminator, on the same patches. It sees the high band
    only: low frequencies belong to the pixel loss. float16, whose gradients it would lose, is float32 here.
    """

    def __init__(self, setting: Setting) -> None:
        self._scale, self._world = setting.scale, setting.world
        short = setting.dtype == torch.bfloat16
        self._precision = Precision(setting.device, torch.bfloat16 if short else torch.float32)
        with torch.random.fork_rng(devices=[]):
            # In every process the same, and other numbers than those of the network's first weights.
            torch.manual_seed(setting.options.seed + 1)
            self._discriminator = Discriminator(setting.options.discriminator_width)
        self._discriminator.to(setting.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = self._discriminator
        self._parameters = list(self.network.parameters())
        self.optimizer = torch.optim.Adam(self._parameters, RATE, BETAS)

    def __call__(self, sample: Sample) -> Tensor:
        """Compute the loss, with a gradient for ``sample.sr`` only."""
        self.network.requires_grad_(False)
        judged = self._judge(sample.sr)
        self.network.requires_grad_(True)
        return -judged.mean().to(sample.sr.dtype)

    def study(self, sample: Sample, weight: float) -> None:
        """Add the gradients of the hinge loss: mean max(0, 1 − D(HR)) + mean max(0, 1 + D(SR))."""
        real, made = self._judge(torch.cat([sample.hr, sample.sr.detach()])).chunk(2)
        loss = F.relu(1 - real).mean() + F.relu(1 + made).mean()
        (loss * weight).backward()  # type: ignore[no-untyped-call]

    def step(self) -> None:
        """Take a step by the gradients of all processes."""
        average_between([p.grad for p in self._parameters if p.grad is not None], self._world)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._discriminator.settle()

    def _judge(self, picture: Tensor) -> Tensor:
        seen = high_band(picture.to(self._parameters[0].dtype), self._scale) / _UNIT
        with parametrize.cached():
            # Norms are taken outside autocast, whose products are too coarse for them.
            for module in self.network.modules():
                if parametrize.is_parametrized(module):
                    _ = module.weight
            with self._precision.autocast():
                judged: Tensor = self.network(seen.contiguous(memory_format=torch.channels_last))
        return judged.to(self._parameters[0].dtype)

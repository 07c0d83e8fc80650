"""BatchNorm over the joint batch of all processes, so that many processes compute what one would."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srnet_cli.compute.processes import Processes, joint_sum


class JointBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d whose batch statistics are those of all processes' patches together, on any device.

    torch's own SyncBatchNorm does the same faster, on GPUs only.
    """

    def __init__(self, own: nn.BatchNorm2d, job: Processes) -> None:
        super().__init__(own.num_features, own.eps, own.momentum, own.affine, own.track_running_stats)
        self.job = job
        self._parameters, self._buffers = own._parameters, own._buffers

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        mean, variance, count = self._joint_moments(input if input.dtype == torch.float64 else input.float())
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return torch.addcmul(shift.view(1, -1, 1, 1), input, scale.view(1, -1, 1, 1)).to(input.dtype)

    def _joint_moments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and (biased) variance of each channel, and the number of values they are of."""
        variances, means = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        own = torch.stack([torch.full_like(means, x.numel() / x.shape[1]), means, variances])
        # Every process adds its figures in a row of its own: a gathering that has a gradient.
        rows = [own if rank == self.job.rank else torch.zeros_like(own) for rank in range(self.job.world)]
        counts, means, variances = joint_sum(torch.stack(rows, dim=1)).unbind()
        shares = counts / counts.sum(dim=0)
        mean = (shares * means).sum(dim=0)
        return mean, (shares * (variances + (means - mean) ** 2)).sum(dim=0), counts.detach().sum(dim=0)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)


def join_batchnorm(network: nn.Module, job: Processes) -> nn.Module:
    """Make every BatchNorm one over the joint batch; names and tensors stay."""
    if job.world == 1:
        return network
    if job.device.type == "cuda":
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, JointBatchNorm(child, job))
    return network

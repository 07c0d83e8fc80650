"""From options to what is trained: network, running average, optimiser, losses."""

from __future__ import annotations

import torch
from torch import nn

from srnet_cli.compute.device import check_precision
from srnet_cli.compute.processes import Processes
from srnet_cli.training.fields import flag
from srnet_cli.training.losses import HybridLoss, Setting
from srnet_cli.training.network import MOSAIC_CHANNELS, Say, build, start_from
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.run.checkpoint import Progress, State
from srnet_cli.training.schedule import Schedule
from srnet_cli.training.step.average import Average
from srnet_cli.training.step.batchnorm import join_batchnorm
from srnet_cli.training.step.muon import Muon
from srnet_cli.training.step.stepper import Precision, Stepper, freeze_unused, parallelise


def prepare(options: TrainOptions, scale: int, job: Processes, say: Say) -> State:
    """Make network, running average and optimiser, ready for the first step.

    Raises:
        UsageError: when the options fit no network, or the loss does not fit it.
        WeightsError: when the weights to start from do not fit.
    """
    network = build(options, scale)
    new_tail = options.init is not None and start_from(network, options.init, scale, say)
    _say_tail_only(options, new_tail, say)
    network = network.to(job.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    precision = Precision(job.device, check_precision(options.precision, job.device))
    has_residual = bool(getattr(network, "predicts_residual", False))
    # Before BatchNorm is joined: the average is evaluated only, and by each process for itself.
    average = Average(network, options.ema) if options.ema else None
    loss = HybridLoss(
        Setting(
            options,
            scale,
            has_residual,
            precision.device,
            precision.dtype,
            None if average is None else average.network,
            job.world,
        )
    )
    freeze_unused(network, loss, MOSAIC_CHANNELS if options.input == "raw" else 3)
    network = join_batchnorm(network, job)
    stepper = Stepper(
        network,
        parallelise(network, job, options.compile),
        _optimizer(network, options, precision),
        loss,
        precision,
        options.accumulate,
        options.clip,
    )
    return State(network, stepper, average, Progress(new_tail=new_tail))


def _say_tail_only(options: TrainOptions, new_tail: bool, say: Say) -> None:
    """Say it when a run ends before a new tail's warm-up does: the rest of the network stays as it is."""
    schedule = Schedule(options)
    total = schedule.total_steps
    if total is not None and schedule.trains_tail_only(total - 1, new_tail):
        say(f"only the tail will be trained: {total} steps end within {flag('warmup')} {options.warmup}")


def _optimizer(network: nn.Module, options: TrainOptions, precision: Precision) -> torch.optim.Optimizer:
    assert options.lr is not None
    parameters = [p for p in network.parameters() if p.requires_grad]
    betas = (options.beta1, options.beta2)
    if options.optimizer == "muon":
        # float16 has too small a range for products of whole kernels.
        short = precision.dtype == torch.bfloat16
        return Muon(parameters, options.lr, betas, torch.bfloat16 if short else torch.float32)
    return torch.optim.Adam(parameters, options.lr, betas, fused=precision.device.type == "cuda" or None)

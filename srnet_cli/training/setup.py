"""From options to what is trained: network, running average, optimiser, losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from srnet_cli.compute import cuda
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
from srnet_cli.training.step.recorded import RecordedStepper, repeat
from srnet_cli.training.step.regions import Regions
from srnet_cli.training.step.stepper import Precision, Stepper, freeze_unused, parallelise


def prepare(
    options: TrainOptions, scale: int, job: Processes, say: Say, on_card: bool | None = None
) -> State:
    """Make network, running average and optimiser, ready for the first step.

    ``on_card`` chooses the form for a card, with recorded steps; None: on CUDA.

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
    on_card = job.device.type == "cuda" if on_card is None else on_card
    recorded = on_card and _can_be_recorded(loss, precision, job, say)
    parts = (
        network,
        parallelise(network, job, options.compile),
        _optimizer(network, options, precision, recorded),
        loss,
        precision,
        options.accumulate,
        options.clip,
        average,
    )
    stepper = _recorded(parts, network, options, say) if recorded else Stepper(*parts)
    return State(network, stepper, average, Progress(new_tail=new_tail))


def _can_be_recorded(loss: HybridLoss, precision: Precision, job: Processes, say: Say) -> bool:
    reason = None
    if loss.unrepeatable:
        reason = f"not with --{loss.unrepeatable[0]}-weight"
    elif precision.needs_scaler:
        reason = "not in fp16, whose scale of the gradients is decided by the host"
    elif job.world > 1:
        reason = "not with several processes"
    if reason is not None:
        say(f"steps are launched kernel by kernel: recorded they are {reason}")
    return reason is None


def _recorded(parts: tuple[Any, ...], network: nn.Module, options: TrainOptions, say: Say) -> Stepper:
    on_cuda = next(network.parameters()).device.type == "cuda"
    regions = Regions(network) if on_cuda and not options.compile else None
    if regions:
        say("the first step compiles the network's blocks and records the step, which takes half a minute")
    return RecordedStepper(*parts, record=cuda.record if on_cuda else repeat, say=say, regions=regions)


def _say_tail_only(options: TrainOptions, new_tail: bool, say: Say) -> None:
    """Say it when a run ends before a new tail's warm-up does: the rest of the network stays as it is."""
    schedule = Schedule(options)
    total = schedule.total_steps
    if total is not None and schedule.trains_tail_only(total - 1, new_tail):
        say(f"only the tail will be trained: {total} steps end within {flag('warmup')} {options.warmup}")


def _optimizer(
    network: nn.Module, options: TrainOptions, precision: Precision, recorded: bool
) -> torch.optim.Optimizer:
    assert options.lr is not None
    parameters = [p for p in network.parameters() if p.requires_grad]
    betas = (options.beta1, options.beta2)
    on_cuda = precision.device.type == "cuda"
    rate: float | Tensor = options.lr
    how = {"fused": True} if on_cuda else {}
    if recorded:
        # Read by every replay, from where it lies.
        rate = torch.tensor(options.lr, device=precision.device)
        how = {"fused": True, "capturable": on_cuda}
    if options.optimizer == "muon":
        # float16 has too small a range for products of whole kernels.
        short = precision.dtype == torch.bfloat16
        return Muon(parameters, rate, betas, torch.bfloat16 if short else torch.float32, **how)
    return torch.optim.Adam(parameters, rate, betas, **how)

"""One optimiser step: forward, loss, backward, update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from srnet_cli.compute.processes import Processes, average_gradients, peers_explained
from srnet_cli.data import Batch
from srnet_cli.models.compiled import compiled
from srnet_cli.network.blocks import NetworkOutput, shared_rows
from srnet_cli.training.losses import HybridLoss, Sample
from srnet_cli.training.step.average import Average

#: modules in which networks of one architecture but of two scales differ
TAILS = frozenset({"tail", "residual_tail"})


@dataclass(frozen=True)
class Precision:
    """Arithmetic of forward and backward pass; weights and their updates are always float32 (or wider)."""

    device: torch.device
    dtype: torch.dtype

    @property
    def is_mixed(self) -> bool:
        return self.dtype in (torch.bfloat16, torch.float16)

    @property
    def needs_scaler(self) -> bool:
        """float16 loses small gradients unless they are scaled up."""
        return self.dtype == torch.float16

    def autocast(self) -> AbstractContextManager[Any]:
        if not self.is_mixed:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)


class Stepper:
    """Trains ``network`` in place.

    Args:
        parallel: what is called for the forward pass: the network itself, or wrapped (compiled, distributed).
        accumulate: parts in which a batch is computed, to save memory.
        clip: largest norm of the gradient, or None.
        average: what follows the weights after each step, or None.
    """

    def __init__(
        self,
        network: nn.Module,
        parallel: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: HybridLoss,
        precision: Precision,
        accumulate: int = 1,
        clip: float | None = None,
        average: Average | None = None,
    ) -> None:
        self.network = network
        self.parallel = parallel
        self.optimizer = optimizer
        self.loss = loss
        self.precision = precision
        self.accumulate = accumulate
        self.clip = clip
        self.average = average
        self.scaler = torch.GradScaler(precision.device.type, enabled=precision.needs_scaler)
        #: the parameters that learn
        self.trained = [p for p in network.parameters() if p.requires_grad]
        self._learners = list(loss.learners.values())
        self._before_tail = [p for name, p in network.named_parameters() if not _is_tail(name)]

    def __call__(self, batch: Batch, share: float = 1.0, tail_only: bool = False, number: int = 0) -> Tensor:
        """Take one step and return the mean losses, in the order of ``loss.names``, still on the device.

        ``share`` is the factor on this process's loss that makes the average over all processes the joint
        batch's mean. With ``tail_only`` the other parameters stay as they are; BatchNorm's statistics follow.
        ``number`` counts the steps before. Losses that learn take their step after the network's; the running
        average follows.
        Nothing here waits for the device, except with float16.

        Raises:
            PeerError: when another process of the job is gone.
            torch.OutOfMemoryError, RuntimeError: when memory is not enough.
        """
        losses = self.gradients(batch, share, number)
        if tail_only:
            for parameter in self._before_tail:
                parameter.grad = None  # which an optimiser passes over
        if self.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.trained, self.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        for learner in self._learners:
            learner.step()
        self._follow(number)
        return losses

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next step, without waiting for the device."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def records(self, batch: Batch, tail_only: bool = False) -> bool:
        """Return whether the next step records, while which no other thread may use the device."""
        return False

    def turned(self, batch: Batch, number: int) -> Batch:
        """Let other patches come first in each step, where only the first ones have a residual predicted.

        Mixed sources share a batch out in a fixed order; without this one of them could go without.
        """
        if self.loss.residual_share == 1:
            return batch
        by = -number * shared_rows(len(batch.lr), self.loss.residual_share)
        residual = None if batch.residual is None else batch.residual.roll(by, 0)
        return Batch(batch.lr.roll(by, 0), batch.hr.roll(by, 0), residual)

    def _follow(self, number: int) -> None:
        if self.average is not None:
            self.average.update(number + 1)

    def gradients(self, batch: Batch, share: float = 1.0, number: int = 0) -> Tensor:
        """Run forward and backward pass only: the gradients of the joint batch are left in the parameters."""
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros(len(self.loss.names), dtype=batch.hr.dtype, device=batch.hr.device)
        parts = list(_split(batch, self.accumulate))
        for place, part in enumerate(parts, 1):
            weight = share * len(part.lr) / len(batch.lr)
            with self._synchronised(place == len(parts)), peers_explained(collective=False):
                sample = self._sample(part, number)
                losses = self.loss.of(sample)
                self.scaler.scale(losses[0] * weight).backward()  # type: ignore[no-untyped-call]
            for learner in self._learners:
                learner.study(sample, weight)
            total += torch.stack(losses).detach() * (len(part.lr) / len(batch.lr))
        return total

    def _sample(self, batch: Batch, number: int) -> Sample:
        batch = replace(batch, lr=batch.lr.contiguous(memory_format=torch.channels_last))
        with self.precision.autocast():
            output: NetworkOutput = self.parallel(batch.lr, **self.loss.asked)
        return self.loss.sample(output, batch, number)

    def _synchronised(self, last: bool) -> AbstractContextManager[Any]:
        """Let gradients travel between processes with the last part only."""
        if last or not isinstance(self.parallel, DistributedDataParallel):
            return nullcontext()
        return self.parallel.no_sync()


def _is_tail(name: str) -> bool:
    """Return whether the parameter is of an upsampler, or of a convolution after it."""
    return not TAILS.isdisjoint(name.split("."))


def parallelise(network: nn.Module, job: Processes, compile: bool) -> nn.Module:
    """Wrap the network as it is called in training: compiled, distributed, both or neither.

    Raises:
        OutputError: there is no place for compiled code that is nobody else's.
    """
    called: nn.Module = compiled(network) if compile else network  # type: ignore[assignment]
    if job.world == 1:
        return called
    ids = [job.device.index] if job.device.type == "cuda" else None
    with peers_explained():
        # Running statistics are those of the joint batch, so they are the same everywhere as they are.
        parallel = DistributedDataParallel(
            called, device_ids=ids, gradient_as_bucket_view=True, broadcast_buffers=False
        )
    if job.device.type == "cpu":
        average_gradients(parallel, job.world)
    return parallel


def freeze_unused(network: nn.Module, loss: HybridLoss, in_channels: int, side: int = 16) -> list[str]:
    """Freeze the parameters that no gradient reaches, and return their names.

    Some released networks own modules that they never apply. An optimiser ignores them, but processes that
    exchange gradients would wait for theirs.
    """
    import copy

    probe = copy.deepcopy(network).train()
    lr = torch.rand(2, in_channels, side, side, device=next(probe.parameters()).device) * 255
    output: NetworkOutput = probe(lr, **loss.asked)
    hr, residual = (torch.rand_like(output.sr) * 255 for _ in range(2))
    loss(output, Batch(lr, hr, residual))[0].backward()  # type: ignore[no-untyped-call]
    unused = {name for name, p in probe.named_parameters() if p.requires_grad and p.grad is None}
    for name, parameter in network.named_parameters():
        if name in unused:
            parameter.requires_grad_(False)
    return sorted(unused)


def _split(batch: Batch, parts: int) -> Iterator[Batch]:
    if parts == 1:
        yield batch
        return
    residuals = batch.residual.chunk(parts) if batch.residual is not None else [None] * parts
    for lr, hr, residual in zip(batch.lr.chunk(parts), batch.hr.chunk(parts), residuals, strict=False):
        yield Batch(lr, hr, residual)

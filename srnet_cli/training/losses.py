"""The losses that a run can minimise: a table, an entry each.

An entry is all that a loss takes: the flag ``--NAME-weight``, the key ``NAME_weight`` of config.toml, its
term of the sum and its column in the log are made from it.

Pictures and residuals are N×3×H×W on the 0..255 scale; every loss is a scalar. torch is imported where it is
used, because the command line's options are made from the table.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from srnet_cli.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from srnet_cli.data import Batch
    from srnet_cli.network.blocks import NetworkOutput
    from srnet_cli.training.options import RelationalOrder, TrainOptions

#: the scale of the pictures
RANGE = 255.0
#: side of the patches between which ``rnlloss`` takes relations
RELATION_PATCH = 16


@dataclass(frozen=True)
class Sample:
    """The network's results for a batch, and what they should be."""

    lr: Tensor
    hr: Tensor
    sr: Tensor
    #: enhanced residuals, as the auxiliary stream gives them and the true ones, of all patches or of
    #: the first ones; None without that stream
    predicted: Tensor | None
    residual: Tensor | None
    #: steps that the run has taken
    step: int = 0

    @property
    def residuals(self) -> tuple[Tensor, Tensor]:
        """Predicted and true residual.

        Raises:
            ValueError: when the network or the data does not give it.
        """
        if self.predicted is None:
            raise ValueError("the loss needs the auxiliary stream's residual")
        if self.residual is None:
            raise ValueError("the auxiliary stream needs the true residual")
        return self.predicted, self.residual


@dataclass(frozen=True)
class Setting:
    """The run that a loss is made for."""

    options: TrainOptions
    #: of the network: HR pixels per pixel and side of its input
    scale: int
    #: whether the network has an auxiliary stream
    has_residual: bool
    device: torch.device
    #: of forward and backward pass
    dtype: torch.dtype
    #: the network of the running average, in evaluation mode; None without --ema
    average: nn.Module | None = None
    #: number of processes
    world: int = 1


Term = Callable[[Sample], "Tensor"]


class Learner(ABC):
    """A term with a network that learns beside the run's; its state is part of the run's."""

    network: nn.Module
    optimizer: torch.optim.Optimizer

    @abstractmethod
    def __call__(self, sample: Sample) -> Tensor:
        """Compute the term."""

    @abstractmethod
    def study(self, sample: Sample, weight: float) -> None:
        """Add the gradients of what it learns from the sample, times ``weight``."""

    @abstractmethod
    def step(self) -> None:
        """Take a step by the gradients, which are averaged over all processes, and drop them."""


@dataclass(frozen=True)
class Loss:
    """An entry of the table."""

    #: of its weight's option
    help: str
    #: make the function that computes it
    make: Callable[[Setting], Term]
    #: unless the options say another
    weight: float = 0.0
    #: whether it is of the auxiliary stream; in a network without one it has no part
    needs_residual: bool = False
    #: whether it is logged at weight 0, too
    watched: bool = False
    #: whether a rise tells of a failed run; the loss of a game between two networks may rise
    settles: bool = True
    #: whether a recorded step can repeat it: nothing depends on the step's number or is done by the host
    replays: bool = False
    #: the option without which it has no part
    needs_option: str | None = None
    #: raise UsageError where it cannot be computed
    check: Callable[[Setting], None] = lambda setting: None


class HybridLoss:
    """The weighted sum of a run's losses.

    Raises:
        UsageError: when a loss cannot be computed, or the network has nothing to learn from them.
    """

    def __init__(self, setting: Setting) -> None:
        active = active_losses(setting.options)
        for loss in active.values():
            loss.check(setting)
        #: whether the auxiliary stream's picture and its target are needed
        self.needs_residual = setting.has_residual and any(loss.needs_residual for loss in active.values())
        #: of a batch, of whose first patches the auxiliary stream makes a picture
        self.residual_share = setting.options.residual_share if self.needs_residual else 1.0
        computed = {
            name: loss
            for name, loss in LOSSES.items()
            if (name in active or loss.watched) and (self.needs_residual or not loss.needs_residual)
        }
        if not computed.keys() & active.keys():
            raise UsageError(
                f"nothing to train: {setting.options.model} has no auxiliary stream, which the losses are of",
                remedy="give --sr-weight",
            )
        self._terms = {name: loss.make(setting) for name, loss in computed.items()}
        #: terms that a recorded step cannot repeat
        self.unrepeatable = tuple(name for name, loss in computed.items() if not loss.replays)
        self._weights = {name: setting.options.weights[name] for name in active.keys() & computed.keys()}

    @property
    def asked(self) -> dict[str, Any]:
        """What the network's ``forward`` is asked for, besides the picture."""
        share = self.residual_share
        return {"residual": self.needs_residual} | ({"share": share} if share < 1 else {})

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what a call returns."""
        return ("total", *self._terms)

    @property
    def learners(self) -> dict[str, Learner]:
        """The terms that learn themselves."""
        return {name: term for name, term in self._terms.items() if isinstance(term, Learner)}

    @property
    def unsettled(self) -> Mapping[str, float]:
        """The weights of terms that may rise in a run that goes well."""
        return {name: weight for name, weight in self._weights.items() if not LOSSES[name].settles}

    def __call__(self, output: NetworkOutput, batch: Batch) -> tuple[Tensor, ...]:
        """Return the sum, which is minimised, and its terms without their weights.

        Raises:
            ValueError: when a loss needs a residual that the network or the data does not give.
        """
        return self.of(self.sample(output, batch))

    def sample(self, output: NetworkOutput, batch: Batch, step: int = 0) -> Sample:
        """Collect what the terms are computed of."""
        # Autocast hands out half precision, whose sums over a batch would be coarse.
        dtype = batch.hr.dtype
        predicted = None if output.residual is None else output.residual.to(dtype)
        residual = batch.residual
        if predicted is not None and residual is not None:
            residual = residual[: len(predicted)]
        return Sample(batch.lr, batch.hr, output.sr.to(dtype), predicted, residual, step)

    def of(self, sample: Sample) -> tuple[Tensor, ...]:
        """Do the same of a sample."""
        terms = {name: term(sample) for name, term in self._terms.items()}
        weighted = [self._weights[name] * value for name, value in terms.items() if name in self._weights]
        return sum(weighted[1:], weighted[0]), *terms.values()


def active_losses(options: TrainOptions) -> dict[str, Loss]:
    """Return the losses with a part in what is minimised."""
    return {
        name: loss
        for name, loss in LOSSES.items()
        if options.weights[name] > 0
        and (loss.needs_option is None or getattr(options, loss.needs_option) is not None)
    }


def _difference(made: Tensor, true: Tensor) -> Tensor:
    from torch.nn.functional import l1_loss

    return l1_loss(made, true)


def rloss(
    sr: Tensor, hr: Tensor, predicted: Tensor, residual: Tensor, order: RelationalOrder = "as_written"
) -> Tensor:
    """Compare pictures weighted by residuals.

    ``as_written``: mean|SR·D − HR·D| + mean|SR·D̂ − HR·D|, each divided by 255. ``as_called``: the same with
    the arguments in the order that the released code passes, mean|HR·D̂ − SR·D̂| + mean|HR·D − SR·D̂|.
    """
    if order == "as_called":
        pairs = (hr * predicted, sr * predicted), (hr * residual, sr * predicted)
    else:
        pairs = (sr * residual, hr * residual), (sr * predicted, hr * residual)
    first, second = (_difference(*pair) / RANGE for pair in pairs)
    return first + second


def rnlloss(
    sr: Tensor, hr: Tensor, predicted: Tensor, residual: Tensor, patch: int = RELATION_PATCH
) -> Tensor:
    """Compare relations between the patches of picture and residual: mean|V(SR)V(D̂)ᵀ − V(HR)V(D)ᵀ|.

    V cuts a picture (divided by 255) into patches of ``patch`` × ``patch`` and makes a row of each.

    Raises:
        ValueError: when H or W is not divisible by ``patch``.
    """
    made = _patch_rows(sr, patch) @ _patch_rows(predicted, patch).transpose(1, 2)
    true = _patch_rows(hr, patch) @ _patch_rows(residual, patch).transpose(1, 2)
    return _difference(made, true)


def _patch_rows(picture: Tensor, patch: int) -> Tensor:
    """Cut N×3×H×W into rows: N×(HW/patch²)×(3·patch²)."""
    from torch.nn.functional import unfold

    height, width = picture.shape[2:]
    if height % patch or width % patch:
        raise ValueError(f"{height}×{width} cannot be cut into the relational loss's {patch}×{patch} patches")
    return unfold(picture / RANGE, patch, stride=patch).transpose(1, 2)


def _check_relational(setting: Setting) -> None:
    if not setting.has_residual:
        raise UsageError(
            f"the relational losses need an auxiliary stream, and {setting.options.model} has none"
        )


def _check_relational_patches(setting: Setting) -> None:
    from srnet_cli.training.options import patches

    _check_relational(setting)
    if any(patch * setting.scale % RELATION_PATCH for patch in patches(setting.options)):
        raise UsageError(f"--rnlloss-weight needs HR patches that are a multiple of {RELATION_PATCH} pixels")


def _teacher(setting: Setting) -> Term:
    from srnet_cli.training.teacher import Teacher

    assert setting.options.teacher is not None
    return Teacher(setting, setting.options.teacher)


def _perceptual(module: str, name: str) -> Callable[[Setting], Term]:
    """Name what makes a term of ``training.perceptual``, imported when a run has it."""
    return lambda setting: getattr(import_module(f"srnet_cli.training.perceptual.{module}"), name)(setting)


def _check_average(setting: Setting) -> None:
    if not setting.options.ema:
        reason = "--ldl-weight compares with the running average of the weights, and there is none"
        raise UsageError(reason, remedy="add --ema 0.999")


LOSSES: dict[str, Loss] = {
    "sr": Loss(
        "Weight of L1 on the picture.",
        lambda setting: lambda sample: _difference(sample.sr, sample.hr),
        weight=1.0,
        watched=True,
        replays=True,
    ),
    "residual": Loss(
        "Weight of L1 on the enhanced residual.",
        lambda setting: lambda sample: _difference(*sample.residuals),
        weight=1.0,
        needs_residual=True,
        watched=True,
        replays=True,
    ),
    "rloss": Loss(
        "Weight of the relational loss by pixel.",
        lambda setting: (
            lambda sample: rloss(sample.sr, sample.hr, *sample.residuals, setting.options.rloss_order)
        ),
        needs_residual=True,
        replays=True,
        check=_check_relational,
    ),
    "rnlloss": Loss(
        "Weight of the relational loss between patches.",
        lambda setting: lambda sample: rnlloss(sample.sr, sample.hr, *sample.residuals),
        needs_residual=True,
        replays=True,
        check=_check_relational_patches,
    ),
    "feature": Loss(
        "Weight of the feature distance, as eval measures it; extra 'perceptual'. Makes a grid if nothing "
        "forbids it.",
        _perceptual("features", "FeatureLoss"),
    ),
    "adversarial": Loss(
        "Weight of a discriminator's judgement, which learns beside the network.",
        _perceptual("adversary", "Adversary"),
        settles=False,
    ),
    "ldl": Loss(
        "Weight of L1 where the error is restless, against invented patterns; with --ema.",
        _perceptual("artefacts", "make_ldl"),
        check=_check_average,
    ),
    "grid": Loss(
        "Weight of the grid of pixel shuffle beyond that of HR.", _perceptual("artefacts", "make_grid")
    ),
    "sharpness": Loss(
        "Weight of windows that are less or more sharp than HR's; against softness.",
        _perceptual("sharpness", "make_sharpness"),
    ),
    "teacher": Loss(
        "L1 on the teacher's pictures.", _teacher, weight=1.0, replays=True, needs_option="teacher"
    ),
}

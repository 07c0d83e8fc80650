"""Options of a training run: one dataclass, filled from a TOML file and from flags, saved with the run.

Every field is a flag of ``srnet train`` (``n_feats`` is ``--n-feats``) and a key of the file, where
``phases``, being a table, exists only::

    # patches grow while the run goes on: cheap steps first, wide views last
    phases = [
        {until = 0.5, patch = 32, batch = 16},
        {until = 0.75, patch = 64, batch = 4},
        {until = 1.0, patch = 96, batch = 2},
    ]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from srnet_cli.errors import UsageError

#: an epoch of the published ×4 runs: 1300 images, 12 patches of each, 16 in a batch
PUBLISHED_EPOCH_STEPS = 975
#: side of the published HR patches
PUBLISHED_HR_PATCH = 256
#: networks too large for the published batch of 16
BATCH_OF_EIGHT = frozenset({"rcan", "rdn", "san"})
#: learning rates; Muon's is the one that the released models went on with
OWN_LR = {"adam": 1e-4, "muon": 1e-3}
#: side of a JPEG block: the simulated camera makes nothing sensible of less
SMALLEST_PATCH = 8

Schedule = Literal["milestones", "cosine"]
Optimizer = Literal["adam", "muon"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Input = Literal["rgb", "raw"]
Degradation = Literal["camera", "mixed", "bicubic"]
Split = Literal["scene", "published"]
LabelInterpolation = Literal["nearest", "bicubic"]
RelationalOrder = Literal["as_written", "as_called"]


_POSITIVE = (
    *("epochs", "steps", "hours", "epoch_steps", "batch_size", "patch_size", "accumulate", "lr", "clip"),
    *("n_feats", "n_resblocks", "workers", "validate_every", "validation_crop", "log_every"),
)
_NOT_NEGATIVE = (
    *("warmup", "checkpoint_minutes", "seed"),
    *("sr_weight", "residual_weight", "rloss_weight", "rnlloss_weight", "teacher_weight"),
)


@dataclass(frozen=True)
class Phase:
    """A part of the run with patches of its own.

    Raises:
        UsageError: when a value is impossible.
    """

    #: share of the run after which the next phase begins, 0..1
    until: float
    #: LR pixels a side
    patch: int
    #: patches of one optimiser step, all processes together
    batch: int

    def __post_init__(self) -> None:
        if not 0 < self.until <= 1 or self.patch < SMALLEST_PATCH or self.batch < 1:
            limits = f"until lies in 0..1, patch is at least {SMALLEST_PATCH} and batch at least 1"
            raise UsageError(f"phase {asdict(self)}: {limits}")


@dataclass(frozen=True)
class TrainOptions:
    """Everything a training run depends on. What is None follows the published recipe of its scale.

    Raises:
        UsageError: when values are impossible or contradict each other; the message names the flag.
    """

    #: what to train on
    data: Path | None = None
    #: folder of the run
    output: Path = Path("run")

    #: name of the network registry
    model: str = "srnet"
    #: HR pixels per LR pixel and side
    scale: int = 4
    #: attention in the residual blocks; None: the network's own
    attention: str | None = None
    #: with the residual-aware auxiliary stream, where the network can do without
    auxiliary: bool = True
    #: feature channels; None: the network's own
    n_feats: int | None = None
    #: residual blocks in a stream (or group); None: the network's own
    n_resblocks: int | None = None
    #: what the network reads: developed pictures, or the packed mosaic of RAW files
    input: Input = "rgb"
    #: a released model, or weights on disk, to start from; those of another scale fit but for the tail
    init: str | None = None

    #: length of the run, one of three; None: epochs of the published recipe
    epochs: float | None = None
    steps: int | None = None
    #: the schedule is stretched over this much time; such a run is not repeatable bit by bit
    hours: float | None = None
    #: optimiser steps that count as one epoch
    epoch_steps: int = PUBLISHED_EPOCH_STEPS
    #: patches of one optimiser step, all processes together
    batch_size: int | None = None
    #: LR pixels a side
    patch_size: int | None = None
    #: instead of one patch size and batch size for the whole run
    phases: tuple[Phase, ...] = ()
    #: parts that a process computes its share of the batch in, to save memory
    accumulate: int = 1

    #: adam: the published one; muon: Muon for convolutions, Adam for the rest
    optimizer: Optimizer = "adam"
    #: None: the optimiser's own
    lr: float | None = None
    schedule: Schedule = "milestones"
    #: epochs after which the learning rate is halved
    milestones: tuple[int, ...] | None = None
    #: steps over which the learning rate rises from nothing; a tail that ``init`` does not fit trains alone
    #: in them, then the whole network's rate rises over as many
    warmup: int = 0
    #: Adam's decay rates (of what is no kernel, with muon)
    beta1: float = 0.9
    beta2: float = 0.999
    #: largest norm of the gradient; None: any
    clip: float | None = None
    #: decay of the running average of the weights that is validated and exported; 0: none
    ema: float = 0.0

    #: weight of the L1 loss on the picture
    sr_weight: float = 1.0
    #: weight of the L1 loss on the enhanced residual
    residual_weight: float = 1.0
    #: weights of the two relational losses
    rloss_weight: float = 0.0
    rnlloss_weight: float = 0.0
    rloss_order: RelationalOrder = "as_written"
    #: a released model, or weights on disk, whose pictures are a second target
    teacher: str | None = None
    #: weight of the L1 loss on the teacher's pictures
    teacher_weight: float = 1.0
    #: share of each batch's patches that the teacher looks at
    teacher_share: float = 1.0
    #: how the LR picture is enlarged before its residual is taken
    interpolation: LabelInterpolation = "bicubic"

    #: how LR pictures are made of a folder of sharp photographs
    degradation: Degradation = "mixed"
    #: which items of real pairs are held out for validation
    split: Split = "scene"
    #: match exposure and white balance of real pairs
    match_colour: bool = False
    #: where prepared data is kept; None: the user's cache folder
    cache: Path | None = None
    #: threads that prepare batches ahead
    workers: int = 2

    #: steps between validations; None: an epoch
    validate_every: int | None = None
    #: HR pixels of the centre crop that is validated
    validation_crop: int = 512
    #: minutes between checkpoints
    checkpoint_minutes: float = 10.0
    #: steps between lines of the log
    log_every: int = 25

    device: str = "auto"
    precision: Precision = "auto"
    compile: bool = False
    seed: int = 1
    #: also write TensorBoard's event files
    tensorboard: bool = False

    def __post_init__(self) -> None:
        self._check_choices()
        self._check_lengths()
        self._check_ranges()
        self._check_phases()
        if self.input == "raw" and self.init is not None:
            raise UsageError("--init takes weights for RGB; they do not fit --input raw")
        if self.milestones is not None and self.schedule == "cosine":
            raise UsageError("--milestones have no meaning with --schedule cosine")

    def _check_choices(self) -> None:
        for name, hint in get_type_hints(TrainOptions).items():
            value = getattr(self, name)
            if get_origin(hint) is Literal and value not in get_args(hint):
                raise UsageError(f"{flag(name)} is one of {', '.join(get_args(hint))}, not {value!r}")

    def _check_lengths(self) -> None:
        given = [name for name in ("epochs", "steps", "hours") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} both say how long to train; give one")

    def _check_ranges(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{flag(name)} must be above 0, not {value}")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise UsageError(f"{flag(name)} must not be negative: {getattr(self, name)}")
        if not 0 < self.teacher_share <= 1:
            raise UsageError(f"--teacher-share lies in 0..1 (0 excluded), not {self.teacher_share}")
        for name in ("beta1", "beta2", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{flag(name)} lies in 0..1 (1 excluded), not {getattr(self, name)}")
        if not self.sr_weight + self.residual_weight + self.rloss_weight + self.rnlloss_weight > 0:
            raise UsageError("all weights of the loss are 0: there is nothing to train")
        if self.patch_size is not None and self.patch_size < SMALLEST_PATCH:
            raise UsageError(f"--patch-size must be at least {SMALLEST_PATCH}, not {self.patch_size}")
        if not 2 <= self.scale <= 16:
            raise UsageError(f"--scale lies in 2..16, not {self.scale}")

    def _check_phases(self) -> None:
        if not self.phases:
            return
        ends = [phase.until for phase in self.phases]
        if ends != sorted(set(ends)) or ends[-1] != 1:
            raise UsageError(
                f"phases end at {ends}; each must end later than the one before, the last at 1.0"
            )
        if self.batch_size is not None or self.patch_size is not None:
            raise UsageError("phases state patch and batch; leave out --patch-size and --batch-size")


def resolved(options: TrainOptions) -> TrainOptions:
    """The same options with the published recipe filled in where they are None (specification, section 6)."""
    epochs = options.epochs
    if options.steps is None and options.hours is None and epochs is None:
        epochs = 300.0 if options.scale == 8 else 200.0
    milestones = options.milestones
    if milestones is None and options.schedule == "milestones":
        milestones = (50, 100, 150, 200, 250) if options.scale == 8 else (100, 200, 300, 400)
    patch, batch = options.patch_size, options.batch_size
    if not options.phases:
        patch = patch or max(SMALLEST_PATCH, PUBLISHED_HR_PATCH // network_scale(options))
        batch = batch or (8 if options.model in BATCH_OF_EIGHT else 16)
    return replace(
        options,
        epochs=epochs,
        milestones=milestones,
        patch_size=patch,
        batch_size=batch,
        lr=options.lr or OWN_LR[options.optimizer],
        validate_every=options.validate_every or options.epoch_steps,
    )


def network_scale(options: TrainOptions) -> int:
    """HR pixels per pixel and side of what the network reads: a mosaic's are two of the picture's wide."""
    return options.scale * (2 if options.input == "raw" else 1)


def data_path(options: TrainOptions) -> Path:
    """What to train on.

    Raises:
        UsageError: when it was not said.
    """
    if options.data is None:
        raise UsageError("nothing to train on", remedy="name a folder with --data")
    return options.data


def flag(field: str) -> str:
    """The flag that sets a field."""
    return "--" + field.replace("_", "-")


def options_from(*layers: Mapping[str, Any]) -> TrainOptions:
    """Options of several layers, later ones over earlier ones; a None stands for "not given".

    A length (epochs, steps, hours), or a way to say patch and batch sizes, replaces the other ways to say it
    of earlier layers.

    Raises:
        UsageError: when they contradict each other.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        given = {name: value for name, value in layer.items() if value is not None}
        for group in (("epochs", "steps", "hours"), ("phases", "patch_size"), ("phases", "batch_size")):
            if any(name in given for name in group):
                merged = {name: value for name, value in merged.items() if name not in group}
        if given.get("schedule") == "cosine":
            merged.pop("milestones", None)
        merged.update(given)
    return TrainOptions(**merged)


def plain(options: TrainOptions) -> dict[str, Any]:
    """The options as numbers, text and lists: what a card or a checkpoint can hold. Paths are left out."""
    said = {name: value for name, value in asdict(options).items() if value is not None and name != "output"}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in said.items()
        if not isinstance(value, Path)
    }

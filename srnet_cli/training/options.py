"""Options of a training run: one dataclass, in which each field carries its help, panel and range.

From it the flags of ``srnet train`` (``n_feats`` is ``--n-feats``) and the keys of ``config.toml`` are made.
``phases``, being a table, exists in the file only::

    # patches grow while the run goes on: cheap steps first, wide views last
    phases = [
        {until = 0.5, patch = 32, batch = 16},
        {until = 0.75, patch = 64, batch = 4},
        {until = 1.0, patch = 96, batch = 2},
    ]

``data`` may be a list of folders there: ``data = ["photos", "pairs"]`` with ``shares = [0.8, 0.2]``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_type_hints

from srnet_cli.data.choices import DegradationName, LabelInterpolation, LabelName, Pairing, Protocol, Split
from srnet_cli.errors import UsageError
from srnet_cli.training.fields import (
    COMPUTE,
    DATA,
    DECAY,
    FEATURE_CROPS,
    KEEPING,
    LENGTH,
    LOSS,
    NETWORK,
    NOT_NEGATIVE,
    OPTIMISER,
    POSITIVE,
    SCALES,
    SHARE,
    Key,
    Option,
    Range,
    option,
)
from srnet_cli.training.losses import LOSSES, active_losses

#: an epoch of the published ×4 runs: 1300 images, 12 patches of each, 16 in a batch
PUBLISHED_EPOCH_STEPS = 975
#: side of a JPEG block: the simulated camera makes nothing sensible of less
SMALLEST_PATCH = 8
#: the options of a run, in its folder
CONFIG_FILE = "config.toml"

PATCHES = Range(lambda value: value >= SMALLEST_PATCH, f"must be at least {SMALLEST_PATCH}")

Schedule = Literal["milestones", "cosine"]
Optimizer = Literal["adam", "muon"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Input = Literal["rgb", "raw"]
RelationalOrder = Literal["as_written", "as_called"]


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

    protocol: Protocol | None = option(
        None, DATA, "As the published runs: pairs, held-out items, residual, recipe. Flags go before it."
    )
    data: tuple[Path, ...] = option(
        (),
        DATA,
        "SR-RAW or other sequences, LR/ with HR/, or a folder of sharp photographs; several are mixed.",
        metavar="FOLDER",
    )
    shares: tuple[float, ...] | None = option(
        None, DATA, "Share of each --data in a batch, in their order.", shown="equal", metavar="S,S,…"
    )
    input: Input = option("rgb", DATA, "Pictures, or the RAW mosaic.")
    degradation: DegradationName = option(
        "mixed", DATA, "How photographs are made small; mixed: most by the camera."
    )
    pairing: Pairing = option("ratio", DATA, "How shots are paired: by focal ratio, or as the authors did.")
    split: Split = option("scene", DATA, "Held out of real pairs: whole scenes, or the published items.")
    match_colour: bool = option(False, DATA, "Match exposure and white balance of real pairs.")
    cache: Path | None = option(None, DATA, "Where prepared data is kept.", shown="the user's cache folder")

    model: str = option("srnet", NETWORK, "A network of the registry.")
    scale: int = option(4, NETWORK, "2, 3, 4 or 8.", SCALES, flags=("--scale", "-s"))
    attention: str | None = option(
        None,
        NETWORK,
        "In the residual blocks.",
        shown="the network's own",
        metavar="none | ca | sa | mpr-sa | ca+sa | ca+mpr-sa",
    )
    auxiliary: bool = option(True, NETWORK, "With the stream that predicts the residual.")
    n_feats: int | None = option(None, NETWORK, "Feature channels.", POSITIVE, "the network's own")
    n_resblocks: int | None = option(None, NETWORK, "Residual blocks.", POSITIVE, "the network's own")
    network_option: tuple[str, ...] = option(
        (),
        NETWORK,
        "Any other option of the network, as res_scale=0.1 or wiring=figure. Repeatable.",
        metavar="KEY=VALUE",
    )
    init: str | None = option(
        None,
        NETWORK,
        "Start from a released model or weights on disk; another scale's fit but for the tail.",
        metavar="NAME|PATH",
    )

    # The length of the run is one of three; all None: epochs of the published recipe.
    epochs: float | None = option(None, LENGTH, "Times --epoch-steps steps.", POSITIVE, "200; 300 at scale 8")
    steps: int | None = option(None, LENGTH, "Optimiser steps, in place of epochs.", POSITIVE)
    hours: float | None = option(
        None,
        LENGTH,
        "Stretch the schedule over so many hours, in place of epochs; not repeatable bit by bit.",
        POSITIVE,
    )
    epoch_steps: int = option(PUBLISHED_EPOCH_STEPS, LENGTH, "Steps that count as an epoch.", POSITIVE)
    batch_size: int | None = option(
        None, LENGTH, "Patches of a step, all processes together.", POSITIVE, "16; 8 for rcan, rdn, san"
    )
    patch_size: int | None = option(None, LENGTH, "LR pixels a side.", PATCHES, "256 / scale")
    #: instead of one patch size and batch size for the whole run
    phases: tuple[Phase, ...] = ()
    accumulate: int = option(1, LENGTH, "Compute a batch in this many parts, to save memory.", POSITIVE)

    optimizer: Optimizer = option(
        "adam",
        OPTIMISER,
        "adam is the published one; with muon the released models were finished in less time.",
    )
    lr: float | None = option(None, OPTIMISER, "Learning rate.", POSITIVE, "1e-4; with muon 1e-3")
    schedule: Schedule = option("milestones", OPTIMISER)
    milestones: tuple[int, ...] | None = option(
        None,
        OPTIMISER,
        "Epochs after which the rate is halved.",
        shown="100,200,300,400; every 50 at scale 8",
        metavar="E,E,…",
    )
    warmup: int = option(
        0,
        OPTIMISER,
        "Steps in which the rate rises from 0; after --init from another scale the new tail learns alone "
        "in them.",
        NOT_NEGATIVE,
    )
    beta1: float = option(0.9, OPTIMISER, "Adam's decay of the mean gradient.", DECAY)
    beta2: float = option(0.999, OPTIMISER, "Adam's decay of its square.", DECAY)
    clip: float | None = option(None, OPTIMISER, "Largest norm of the gradient.", POSITIVE, "any")
    ema: float = option(
        0.0,
        OPTIMISER,
        "Decay of a running average of the weights; if given, the average is measured and exported.",
        DECAY,
        "0: none",
    )

    #: weights of the losses in the table, by name; on the command line and in the file an option each
    weights: Mapping[str, float] = field(default_factory=dict)
    rloss_order: RelationalOrder = option(
        "as_written", LOSS, "Relational loss by pixel as it is defined, or as the released code calls it."
    )
    feature_crop: int = option(
        96, LOSS, "Side of the part of a patch whose features are compared, HR pixels.", FEATURE_CROPS
    )
    discriminator_width: int = option(16, LOSS, "Channels of the discriminator at full resolution.", POSITIVE)
    teacher: str | None = option(
        None, LOSS, "A model whose pictures are a second target.", metavar="NAME|PATH"
    )
    teacher_share: float = option(1.0, LOSS, "Share of a batch that the teacher sees.", SHARE)
    label: LabelName = option(
        "residual",
        LOSS,
        "What the auxiliary stream is taught: enhanced residual, edges of HR, slope of the residual.",
    )
    interpolation: LabelInterpolation = option(
        "bicubic", LOSS, "How LR is enlarged before its residual is taken."
    )
    residual_share: float = option(
        1.0,
        LOSS,
        "Share of a batch whose residual is predicted and compared; less saves time.",
        SHARE,
    )

    output: Path = option(Path("run"), KEEPING, "Folder of the run.", flags=("--output", "-o"))
    checkpoint_minutes: float = option(10.0, KEEPING, "Minutes between checkpoints.", NOT_NEGATIVE)
    validate_every: int | None = option(None, KEEPING, "Steps between validations.", POSITIVE, "an epoch")
    validation_crop: int = option(
        512, KEEPING, "Side of the centre square that is measured, HR pixels.", POSITIVE
    )
    log_every: int = option(25, KEEPING, "Steps between lines of the log.", POSITIVE)
    tensorboard: bool = option(False, KEEPING, "Also write event files.", flags=("--tensorboard",))

    device: str = option("auto", COMPUTE, "Where to compute.", metavar="auto | cpu | cuda | xpu | mps")
    precision: Precision = option("auto", COMPUTE, "Of forward and backward.")
    compile: bool = option(False, COMPUTE, "Compile the network with torch.compile.")
    workers: int = option(2, COMPUTE, "Threads that prepare batches.", POSITIVE)
    seed: int = option(1, COMPUTE, "Of first weights and of patches.", NOT_NEGATIVE)

    def __post_init__(self) -> None:
        for name in self.weights.keys() - LOSSES.keys():
            raise UsageError(f"there is no loss {name!r}", remedy=f"one of {', '.join(LOSSES)}")
        weights = {name: self.weights.get(name, loss.weight) for name, loss in LOSSES.items()}
        object.__setattr__(self, "weights", weights)
        table = option_table()
        for name, value in flat(self).items():
            table[name].check(name, value)
        self._check_data()
        self._check_contradictions()
        if not active_losses(self):
            raise UsageError("all weights of the loss are 0: there is nothing to train")

    def _check_data(self) -> None:
        if len({path.resolve() for path in self.data}) < len(self.data):
            raise UsageError("--data names a folder twice", remedy="--shares says how much of each is taken")
        shares, count = self.shares or (), len(self.data)
        listed = ",".join(f"{share:g}" for share in shares)
        if not all(0 < share < math.inf for share in shares):
            raise UsageError(f"--shares are numbers above 0, not {listed}")
        if count and self.shares is not None and len(shares) != count:
            raise UsageError(f"--shares {listed} has {len(shares)} shares for {count} --data")

    def _check_contradictions(self) -> None:
        given = [name for name in ("epochs", "steps", "hours") if getattr(self, name) is not None]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} both say how long to train; give one")
        if self.milestones is not None and self.schedule == "cosine":
            raise UsageError("--milestones have no meaning with --schedule cosine")
        relational = [name for name in ("rloss", "rnlloss") if self.weights[name] > 0]
        if relational and self.residual_share < 1:
            raise UsageError(f"--{relational[0]}-weight compares whole batches; leave out --residual-share")
        ends = [phase.until for phase in self.phases]
        if ends and (ends != sorted(set(ends)) or ends[-1] != 1):
            raise UsageError(
                f"phases end at {ends}; each must end later than the one before, the last at 1.0"
            )
        if ends and (self.batch_size is not None or self.patch_size is not None):
            raise UsageError("phases state patch and batch; leave out --patch-size and --batch-size")


def option_table() -> dict[str, Key]:
    """Return all options in the order of the help: the fields, with the losses' weights in place."""
    return dict(_keys())


def _keys() -> Iterator[tuple[str, Key]]:
    hints = _hints()
    for f in fields(TrainOptions):
        if f.name == "weights":
            yield from _weights_beside(None)
            continue
        yield f.name, Key(hints[f.name], f.default, f.metadata.get("option"))
        yield from _weights_beside(f.name)


def _weights_beside(option: str | None) -> Iterator[tuple[str, Key]]:
    for name, loss in LOSSES.items():
        if loss.needs_option == option:
            yield weight_key(name), Key(float, loss.weight, Option(LOSS, loss.help, NOT_NEGATIVE))


@cache
def _hints() -> dict[str, Any]:
    return get_type_hints(TrainOptions)


def network_scale(options: TrainOptions) -> int:
    """Return HR pixels per pixel and side of what the network reads: two of the picture's are a mosaic's."""
    return options.scale * (2 if options.input == "raw" else 1)


def patches(options: TrainOptions) -> list[int]:
    """Return the patch sizes of resolved options, LR pixels a side."""
    return [phase.patch for phase in options.phases] or [options.patch_size or 1]


def data_paths(options: TrainOptions) -> tuple[Path, ...]:
    """Return the paths of what to train on.

    Raises:
        UsageError: when none was said.
    """
    if not options.data:
        raise UsageError("nothing to train on", remedy="name a folder with --data")
    return options.data


def weight_key(loss: str) -> str:
    """Return the option that holds the weight of a loss."""
    return f"{loss}_weight"


def flat(options: TrainOptions) -> dict[str, Any]:
    """Return all options by the names that they have in the file, in the order of the help."""
    weights = {weight_key(name): weight for name, weight in options.weights.items()}
    return {name: weights[name] if name in weights else getattr(options, name) for name in option_table()}


def plain(options: TrainOptions) -> dict[str, Any]:
    """Return what a TOML file can hold of the options: text, numbers, lists. What is None is left out."""
    return {
        name: _plain(value[0] if name == "data" and len(value) == 1 else value)
        for name, value in flat(options).items()
        if value is not None and (name, value) not in (("phases", ()), ("data", ()), ("network_option", ()))
    }


def _plain(value: Any) -> Any:
    match value:
        case tuple():
            return [_plain(item) for item in value]
        case Phase():
            return asdict(value)
        case Path():
            return str(value)
    return value

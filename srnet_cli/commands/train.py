"""``srnet train``: parse, call, report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from srnet_cli.training.options import TrainOptions

EXAMPLES = """
[bold]Examples[/]

  srnet train --data SR-RAW/                      SRNet ×4 by the published recipe

  srnet train --data photos/ --scale 2 --hours 8 --schedule cosine --ema 0.999

  srnet train --data SR-RAW/ --scale 8 --init srnet-x4 -o x8

  srnet train --config recipe.toml -o again       phases of growing patches are a table of the file

  srnet train -o again --resume                   go on after Ctrl-C, SIGTERM or a power cut

  torchrun --nproc-per-node 8 -m srnet_cli train --data SR-RAW/ --resume

A run keeps config.toml, log.jsonl, curves.png, panels/, last.pt and best.pt in its folder, and the model
itself: [bold]srnet zoom photo.jpg --model run/[/]. Checkpoints are written every few minutes, at Ctrl-C and
at SIGTERM.
"""

_DATA = "What to train on"
_NETWORK = "The network"
_LENGTH = "How long, how much at once"
_OPTIMISER = "Optimiser"
_LOSS = "Loss"
_KEEPING = "Measuring and keeping"
_COMPUTE = "How it is computed"


def train(
    data: Annotated[
        Path | None,
        typer.Option(
            help="SR-RAW or other sequences, LR/ with HR/, or a folder of sharp photographs.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file with any of these options; flags go before it.", rich_help_panel=_DATA),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="rgb|raw",
            help="Pictures, or the RAW mosaic.",
            show_default="rgb",
            rich_help_panel=_DATA,
        ),
    ] = None,
    degradation: Annotated[
        str | None,
        typer.Option(
            metavar="camera|mixed|bicubic",
            help="How photographs are made small; mixed: most by the camera.",
            show_default="mixed",
            rich_help_panel=_DATA,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="scene|published",
            help="Held out of real pairs: whole scenes, or the published items.",
            show_default="scene",
            rich_help_panel=_DATA,
        ),
    ] = None,
    match_colour: Annotated[
        bool | None,
        typer.Option(
            "--match-colour/--no-match-colour",
            help="Match exposure and white balance of real pairs.",
            show_default="no",
            rich_help_panel=_DATA,
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Where prepared data is kept.", show_default="the user's cache folder", rich_help_panel=_DATA
        ),
    ] = None,
    prepare_only: Annotated[
        bool, typer.Option("--prepare-only", help="Prepare the data and stop.", rich_help_panel=_DATA)
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(help="A network of the registry.", show_default="srnet", rich_help_panel=_NETWORK),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option("--scale", "-s", help="2, 3, 4 or 8.", show_default="4", rich_help_panel=_NETWORK),
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="none|ca|sa|mpr-sa|ca+sa|ca+mpr-sa",
            help="In the residual blocks.",
            show_default="the network's own",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    auxiliary: Annotated[
        bool | None,
        typer.Option(
            "--auxiliary/--no-auxiliary",
            help="With the stream that predicts the residual.",
            show_default="yes",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    n_feats: Annotated[
        int | None,
        typer.Option(help="Feature channels.", show_default="the network's own", rich_help_panel=_NETWORK),
    ] = None,
    n_resblocks: Annotated[
        int | None,
        typer.Option(help="Residual blocks.", show_default="the network's own", rich_help_panel=_NETWORK),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Start from a released model or weights on disk; another scale's fit but for the tail.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            help="Times --epoch-steps steps.", show_default="200; 300 at scale 8", rich_help_panel=_LENGTH
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Optimiser steps, in place of epochs.", rich_help_panel=_LENGTH)
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            help="Stretch the schedule over so many hours, in place of epochs; not repeatable bit by bit.",
            rich_help_panel=_LENGTH,
        ),
    ] = None,
    epoch_steps: Annotated[
        int | None,
        typer.Option(help="Steps that count as an epoch.", show_default="975", rich_help_panel=_LENGTH),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Patches of a step, all processes together.",
            show_default="16; 8 for rcan, rdn, san",
            rich_help_panel=_LENGTH,
        ),
    ] = None,
    patch_size: Annotated[
        int | None,
        typer.Option(help="LR pixels a side.", show_default="256 / scale", rich_help_panel=_LENGTH),
    ] = None,
    accumulate: Annotated[
        int | None,
        typer.Option(
            help="Compute a batch in this many parts, to save memory.",
            show_default="1",
            rich_help_panel=_LENGTH,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="adam|muon",
            help="adam is the published one; with muon the released models were finished in less time.",
            show_default="adam",
            rich_help_panel=_OPTIMISER,
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate.", show_default="1e-4; with muon 1e-3", rich_help_panel=_OPTIMISER),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(metavar="milestones|cosine", show_default="milestones", rich_help_panel=_OPTIMISER),
    ] = None,
    milestones: Annotated[
        str | None,
        typer.Option(
            metavar="E,E,…",
            help="Epochs after which the rate is halved.",
            show_default="100,200,300,400; every 50 at scale 8",
            rich_help_panel=_OPTIMISER,
        ),
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option(
            help="Steps in which the rate rises from 0; after --init from another scale the new tail learns "
            "alone in them.",
            show_default="0",
            rich_help_panel=_OPTIMISER,
        ),
    ] = None,
    beta1: Annotated[
        float | None,
        typer.Option(
            help="Adam's decay of the mean gradient.", show_default="0.9", rich_help_panel=_OPTIMISER
        ),
    ] = None,
    beta2: Annotated[
        float | None,
        typer.Option(help="Adam's decay of its square.", show_default="0.999", rich_help_panel=_OPTIMISER),
    ] = None,
    clip: Annotated[
        float | None,
        typer.Option(help="Largest norm of the gradient.", show_default="any", rich_help_panel=_OPTIMISER),
    ] = None,
    ema: Annotated[
        float | None,
        typer.Option(
            help="Decay of a running average of the weights; if given, the average is measured and exported.",
            show_default="0: none",
            rich_help_panel=_OPTIMISER,
        ),
    ] = None,
    sr_weight: Annotated[
        float | None,
        typer.Option(help="Weight of L1 on the picture.", show_default="1", rich_help_panel=_LOSS),
    ] = None,
    residual_weight: Annotated[
        float | None,
        typer.Option(help="Weight of L1 on the enhanced residual.", show_default="1", rich_help_panel=_LOSS),
    ] = None,
    rloss_weight: Annotated[
        float | None,
        typer.Option(help="Weight of the relational loss by pixel.", show_default="0", rich_help_panel=_LOSS),
    ] = None,
    rnlloss_weight: Annotated[
        float | None,
        typer.Option(
            help="Weight of the relational loss between patches.", show_default="0", rich_help_panel=_LOSS
        ),
    ] = None,
    rloss_order: Annotated[
        str | None,
        typer.Option(
            metavar="as_written|as_called",
            help="Relational loss by pixel as it is defined, or as the released code calls it.",
            show_default="as_written",
            rich_help_panel=_LOSS,
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="A model whose pictures are a second target.",
            rich_help_panel=_LOSS,
        ),
    ] = None,
    teacher_weight: Annotated[
        float | None,
        typer.Option(help="L1 on the teacher's pictures.", show_default="1", rich_help_panel=_LOSS),
    ] = None,
    teacher_share: Annotated[
        float | None,
        typer.Option(help="Share of a batch that the teacher sees.", show_default="1", rich_help_panel=_LOSS),
    ] = None,
    interpolation: Annotated[
        str | None,
        typer.Option(
            metavar="bicubic|nearest",
            help="How LR is enlarged before its residual is taken.",
            show_default="bicubic",
            rich_help_panel=_LOSS,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the run.", show_default="run", rich_help_panel=_KEEPING
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the run's last checkpoint, with its options; start where there is none.",
            rich_help_panel=_KEEPING,
        ),
    ] = False,
    checkpoint_minutes: Annotated[
        float | None,
        typer.Option(help="Minutes between checkpoints.", show_default="10", rich_help_panel=_KEEPING),
    ] = None,
    validate_every: Annotated[
        int | None,
        typer.Option(help="Steps between validations.", show_default="an epoch", rich_help_panel=_KEEPING),
    ] = None,
    validation_crop: Annotated[
        int | None,
        typer.Option(
            help="Side of the centre square that is measured, HR pixels.",
            show_default="512",
            rich_help_panel=_KEEPING,
        ),
    ] = None,
    log_every: Annotated[
        int | None,
        typer.Option(help="Steps between lines of the log.", show_default="25", rich_help_panel=_KEEPING),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option("--tensorboard", help="Also write event files.", rich_help_panel=_KEEPING),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="auto|cpu|cuda|mps",
            help="Where to compute.",
            show_default="auto",
            rich_help_panel=_COMPUTE,
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="auto|fp32|bf16|fp16",
            help="Of forward and backward.",
            show_default="auto",
            rich_help_panel=_COMPUTE,
        ),
    ] = None,
    compile_: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Compile the network with torch.compile.",
            show_default="no",
            rich_help_panel=_COMPUTE,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Threads that prepare batches.", show_default="2", rich_help_panel=_COMPUTE),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Of first weights and of patches.", show_default="1", rich_help_panel=_COMPUTE),
    ] = None,
) -> None:
    """Train SRNet, or a network that it is compared with, on real or simulated zoom."""
    flags: dict[str, Any] = dict(locals())
    for name in ("config", "resume", "prepare_only"):
        flags.pop(name)
    flags["input"], flags["compile"] = flags.pop("input_"), flags.pop("compile_")
    flags["milestones"] = _numbers(milestones)
    options = _options(flags, config, resume)

    from srnet_cli.training.run import prepare_data, run_training

    if prepare_only:
        prepare_data(options)
        return
    outcome = run_training(options, resume)
    if outcome.stopped_by:
        from rich.markup import escape

        from srnet_cli.console import people, printable

        people().print(
            f"[yellow]interrupted[/] after step {outcome.step}; the checkpoint is written, "
            f"srnet train --output {escape(printable(str(options.output)))} --resume goes on",
        )
        raise typer.Exit(128 + outcome.stopped_by)


def _options(flags: Mapping[str, Any], config: Path | None, resume: bool) -> TrainOptions:
    """Flags over the file over, when a run goes on, what it began with."""
    from srnet_cli.config_file import read_options
    from srnet_cli.training.options import options_from, resolved

    layers = [read_options(config)] if config is not None else []
    folder = options_from(*({"output": layer.get("output")} for layer in [*layers, flags])).output
    kept = folder / "config.toml"
    if resume and kept.is_file():
        layers.insert(0, {**read_options(kept), "output": folder})
    return resolved(options_from(*layers, flags))


def _numbers(text: str | None) -> tuple[int, ...] | None:
    """Whole numbers separated by commas.

    Raises:
        UsageError: when they are not.
    """
    if text is None:
        return None
    from srnet_cli.errors import UsageError

    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(f"--milestones takes whole numbers separated by commas, not {text!r}") from None

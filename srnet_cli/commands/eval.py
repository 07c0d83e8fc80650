"""``srnet eval``: parse, call, print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from srnet_cli.commands.shell.completion import complete_model

EXAMPLES = """
  srnet eval --data Set5                                     released models, literature's bicubic reduction
  srnet eval --data photos/ --degradation camera -o results  simulated camera zoom; tables, panels, report
  srnet eval --data SR-RAW --protocol published              the authors' pairs, items and 512×512 crop
  srnet eval --data Set5 --data Set14 --model srnet-x4 --model run/best --peer RLFN_x4.pth
  torchrun --nproc-per-node 4 -m srnet_cli eval --data Urban100 --json > results.json
"""

#: HR pixels a side
PUBLISHED_CROP = 512

_DATA = "What to measure on"
_METHODS = "What to compare"
_MEASURES = "What is measured besides"
_RESULT = "The result"
_COMPUTE = "How it is computed"


class DegradationChoice(StrEnum):
    BICUBIC = "bicubic"
    CAMERA = "camera"


class CropChoice(StrEnum):
    NONE = "none"
    CENTER = "center"


class SplitChoice(StrEnum):
    AUTO = "auto"
    SCENE = "scene"
    PUBLISHED = "published"
    ALL = "all"


class PairingChoice(StrEnum):
    RATIO = "ratio"
    PUBLISHED = "published"


class ProtocolChoice(StrEnum):
    PUBLISHED = "published"


class BaselineChoice(StrEnum):
    ALL = "all"
    BICUBIC = "bicubic"


def evaluate(
    data: Annotated[
        list[Path],
        typer.Option(
            "--data",
            help="SR-RAW, LR/ with HR/, a prepared set such as Set5, or sharp pictures. Repeatable.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ],
    scale: Annotated[
        list[int] | None,
        typer.Option(
            "--scale",
            "-s",
            min=2,
            max=16,
            help="HR over LR. Repeatable. Without it, that of the named models, else 4.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ] = None,
    degradation: Annotated[
        list[DegradationChoice] | None,
        typer.Option(
            help="How sharp pictures are reduced: bicubic (MATLAB's, the literature's) or the model of a "
            "camera, seeded by each picture's name. Repeatable. Without it bicubic.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ] = None,
    protocol: Annotated[
        ProtocolChoice | None,
        typer.Option(
            help="As the published runs were measured: --pairing published, --split published, "
            "--crop center, and networks --untiled. Each can be given in another way beside it.",
            show_default=False,
            rich_help_panel=_DATA,
        ),
    ] = None,
    crop: Annotated[
        CropChoice | None,
        typer.Option(help="Whole pictures, or their centre.", show_default="none", rich_help_panel=_DATA),
    ] = None,
    crop_size: Annotated[
        int | None,
        typer.Option(min=32, help="HR pixels of the centre crop.", show_default="512", rich_help_panel=_DATA),
    ] = None,
    split: Annotated[
        SplitChoice | None,
        typer.Option(
            metavar=" | ".join(SplitChoice),
            help="Which real zoom pairs: the data's test part, else held-out scenes (auto); held-out "
            "scenes; the items of the published runs; all.",
            show_default="auto",
            rich_help_panel=_DATA,
        ),
    ] = None,
    pairing: Annotated[
        PairingChoice | None,
        typer.Option(
            help="How shots are paired: by focal ratio, or as the authors did.",
            show_default="ratio",
            rich_help_panel=_DATA,
        ),
    ] = None,
    match_colour: Annotated[
        bool,
        typer.Option(
            "--match-colour", help="Give HR its LR shot's exposure and white balance.", rich_help_panel=_DATA
        ),
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where prepared zoom pairs are kept.", show_default=False, rich_help_panel=_DATA),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="Only the first pictures of each set.", show_default=False, rich_help_panel=_DATA
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME|FILE",
            autocompletion=complete_model,
            help="A released model, a model folder or one of several, a weights file, or an interpolation. "
            "Repeatable. Without it, every released model of the scale.",
            show_default=False,
            rich_help_panel=_METHODS,
        ),
    ] = None,
    crisp: Annotated[
        list[float] | None,
        typer.Option(
            "--crisp",
            min=0,
            max=1,
            help="Mixture of a model's two sets of weights, 0 faithful to 1 crisp. Repeatable. Without it 0.",
            show_default=False,
            rich_help_panel=_METHODS,
        ),
    ] = None,
    peer: Annotated[
        list[Path] | None,
        typer.Option(
            "--peer",
            metavar="FILE",
            help="Another project's checkpoint, through the extra 'peers'. Repeatable.",
            show_default=False,
            rich_help_panel=_METHODS,
        ),
    ] = None,
    baselines: Annotated[
        BaselineChoice,
        typer.Option(
            help="Nearest, bilinear, bicubic and Lanczos, or bicubic alone.", rich_help_panel=_METHODS
        ),
    ] = BaselineChoice.ALL,
    lpips: Annotated[
        bool | None,
        typer.Option(
            "--lpips/--no-lpips",
            help="Demand or leave out LPIPS. Without it, measured where it is installed.",
            show_default=False,
            rich_help_panel=_MEASURES,
        ),
    ] = None,
    features: Annotated[
        bool | None,
        typer.Option(
            "--feature-distance/--no-feature-distance",
            help="Demand or leave out the feature distance, through the extra 'perceptual'. Without it, "
            "measured where that is installed. The second table has it, with sharpness, noise, halos and "
            "grids beside HR's.",
            show_default=False,
            rich_help_panel=_MEASURES,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for CSV, JSON, Markdown, plots, panels and the HTML report.",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    panels: Annotated[
        int, typer.Option(min=0, help="Pictures of each set that are shown.", rich_help_panel=_RESULT)
    ] = 8,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="The detail of the panels, HR pixels of the centre crop where there is one, marked in the "
            "whole LR picture. Without it, where bicubic loses most.",
            show_default=False,
            rich_help_panel=_RESULT,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace earlier results.", rich_help_panel=_RESULT)
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.", rich_help_panel=_RESULT)
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="auto | cpu | cuda | xpu | mps | vulkan",
            help="Where to compute.",
            rich_help_panel=_COMPUTE,
        ),
    ] = "auto",
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto | fp32 | bf16 | fp16",
            help="Arithmetic of networks: fp32 unless asked otherwise, so that comparisons hold on every "
            "device; auto takes what this one is fast at, as srnet zoom does.",
            rich_help_panel=_COMPUTE,
        ),
    ] = "fp32",
    tile: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=2048,
            help="Side of a tile in LR pixels. Without it, the model's own.",
            show_default=False,
            rich_help_panel=_COMPUTE,
        ),
    ] = None,
    untiled: Annotated[
        bool,
        typer.Option(
            "--untiled", help="Whole pictures in one piece, as published.", rich_help_panel=_COMPUTE
        ),
    ] = False,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Average eight flipped views.", rich_help_panel=_COMPUTE)
    ] = False,
) -> None:
    """Compare models with each other and with interpolation: quality, time, memory."""
    from srnet_cli.errors import UsageError

    published = protocol is not None
    crop = crop or (CropChoice.CENTER if published else CropChoice.NONE)
    split = split or (SplitChoice.PUBLISHED if published else SplitChoice.AUTO)
    pairing = pairing or (PairingChoice.PUBLISHED if published else PairingChoice.RATIO)
    if tile is not None and untiled:
        raise UsageError("--tile and --untiled exclude each other")
    if crop_size is not None and crop is CropChoice.NONE:
        raise UsageError("--crop-size says how large --crop center is", remedy="add --crop center")

    from srnet_cli.console import emit_json
    from srnet_cli.evaluation.measurement import EvaluationRequest
    from srnet_cli.evaluation.methods import MethodOptions
    from srnet_cli.evaluation.run import run_evaluation
    from srnet_cli.evaluation.test_sets import DataOptions
    from srnet_cli.imaging.boxes import parse_box
    from srnet_cli.imaging.resize import INTERPOLATIONS
    from srnet_cli.zooming.engine import EngineOptions

    request = EvaluationRequest(
        data=tuple(data),
        methods=MethodOptions(
            models=tuple(model or ()),
            peers=tuple(peer or ()),
            crisp=tuple(crisp or (0.0,)),
            interpolations=INTERPOLATIONS if baselines is BaselineChoice.ALL else ("bicubic",),
            engine=EngineOptions(device, precision, tile, ensemble),
            untiled=untiled or (published and tile is None),
        ),
        scales=tuple(scale or ()),
        source=DataOptions(split=split.value, pairing=pairing.value, match_colour=match_colour, cache=cache),
        degradations=tuple(dict.fromkeys(choice.value for choice in degradation or ()))
        or (DegradationChoice.BICUBIC.value,),
        crop=(crop_size or PUBLISHED_CROP) if crop is CropChoice.CENTER else None,
        limit=limit,
        lpips=lpips,
        features=features,
        shown=panels if output is not None else 0,
        box=None if box is None else parse_box(box, "--box"),
    )
    outcome = run_evaluation(request, output, overwrite)
    if outcome is None:
        return  # another process of the same torchrun reports
    if json:
        emit_json(outcome.document)
    if outcome.failures:
        raise typer.Exit(1)

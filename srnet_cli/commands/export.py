"""``srnet export``: parse, call, say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from srnet_cli.commands.shell.completion import complete_model

EXAMPLES = """
  srnet export srnet-lite-x4 -o lite.onnx          any height and width
  srnet export runs/x4/srnet -o srnet.onnx --tile 96
"""


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            autocompletion=complete_model,
            help="A released model, a model folder, or a weights file.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file.", show_default="MODEL.onnx"),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            min=8,
            max=2048,
            help="Side of the input in LR pixels. Without it any size, or the model's own tile where the "
            "network takes squares only.",
            show_default=False,
        ),
    ] = None,
    crisp: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Mixture of the two sets of weights.", show_default="the model's"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a model as ONNX: pictures N×3×H×W, RGB, 0..255, in and out; tiles are the caller's affair."""
    from srnet_cli.console import printable, say
    from srnet_cli.files import refuse_replacing
    from srnet_cli.models.card import CARD_FILE
    from srnet_cli.models.crisp import CRISP_FILE
    from srnet_cli.models.onnx_export import export_apart
    from srnet_cli.models.peers import load_any_model
    from srnet_cli.names import plain_name

    found = load_any_model(model, crisp)
    # The name is the card's, and nobody vouches for that.
    target = output or Path(f"{plain_name(found.card.name)}.onnx")
    refuse_replacing([found.path, *map(found.path.with_name, (CARD_FILE, CRISP_FILE))], (target,))
    side = export_apart(model, crisp, target, tile, overwrite)
    size = "any height and width" if side is None else f"{side}×{side} LR pixels"
    say(f"×{found.card.scale} of {size}, written to {printable(str(target))}")

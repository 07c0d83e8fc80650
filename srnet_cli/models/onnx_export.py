"""A model as an ONNX file, for programs that run networks without torch."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from srnet_cli.errors import MissingExtraError, ProcessDiedError, UsageError, WeightsError
from srnet_cli.files import atomic_path
from srnet_cli.models.apart import run_apart
from srnet_cli.models.compiled import code_kept_nowhere
from srnet_cli.models.fused import fused
from srnet_cli.models.peers import load_any_model
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.attention import MPRSA
from srnet_cli.version import extra_command

#: names of what goes in and comes out: N×3×H×W and N×3×sH×sW, RGB, float32, 0..255
INPUT, OUTPUT = "lr", "sr"
#: of 2021, which everything reads
OPSET = 18
#: side of the example that a network of any size is traced with
_SIDE = 48


class _PictureAlone(nn.Module):
    """A network's picture without its residual."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, lr: Tensor) -> Tensor:
        picture: Tensor = self.network(lr).sr
        return picture


def takes_any_size(network: nn.Module) -> bool:
    """Tell whether a network takes pictures that are not square; MPR-SA does not, and depends on the tile."""
    return not any(isinstance(module, MPRSA) for module in network.modules())


def export_apart(
    name_or_path: str | Path,
    crisp: float | None,
    path: Path,
    tile: int | None = None,
    overwrite: bool = False,
) -> int | None:
    """Load and export a model as :func:`export_onnx` does, in a process of its own.

    torch's exporter may take the process with it.

    Raises:
        UsageError, MissingExtraError, WeightsError, OutputError: as :func:`export_onnx` and
            :func:`load_any_model`; also when that process died.
    """
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            return run_apart(_load_and_write, name_or_path, crisp, temporary, tile)
        except ProcessDiedError as error:
            raise WeightsError(
                f"this network cannot be exported: with torch's exporter {error.reason}",
                path=name_or_path,
                remedy="more memory, or another version of torch; srnet itself runs the network as it is",
            ) from error


def _load_and_write(
    name_or_path: str | Path, crisp: float | None, target: Path, tile: int | None
) -> int | None:
    program, side = _exported(load_any_model(name_or_path, crisp), tile)
    program.save(str(target))
    return side


def export_onnx(
    model: LoadedModel, path: Path, tile: int | None = None, overwrite: bool = False
) -> int | None:
    """Write a model as ONNX: ``lr`` N×3×H×W to ``sr``, both RGB, float32, 0..255, not clipped.

    Args:
        model: what to write.
        path: the file.
        tile: side of the input; None leaves it open where the network takes any size, else takes the card's.
        overwrite: replace an existing file.

    Returns:
        The side of the input, or None where it is open.

    Raises:
        UsageError: for a tile that is too small.
        MissingExtraError: the package ``onnx`` is not installed.
        WeightsError: the network cannot be exported.
        OutputError: the file cannot be written.
    """
    program, side = _exported(model, tile)
    with atomic_path(path, overwrite=overwrite) as temporary:
        program.save(str(temporary))
    return side


@code_kept_nowhere()
def _exported(model: LoadedModel, tile: int | None) -> tuple[Any, int | None]:
    """Return a model as torch's ONNX program, and the side of its input."""
    try:
        import onnx  # noqa: F401  # torch's exporter needs it, and fails late without
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"ONNX needs the package {error.name!r}", remedy=extra_command("onnx")
        ) from error
    if tile is not None and tile < 8:
        raise UsageError(f"--tile of {tile} pixels is too small", remedy="8 or more")
    if model.card.input_space != "srgb":
        raise WeightsError("takes mosaics, and only networks for pictures are exported", path=model.path)
    side = tile or (None if takes_any_size(model.network) else model.card.tile)
    network = _PictureAlone(model.network).eval()
    example = torch.zeros(1, 3, side or _SIDE, side or _SIDE)
    open_sides = {2: torch.export.Dim("height", min=8), 3: torch.export.Dim("width", min=8)}
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            fused(network, example),
        ):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes=None if side else {"lr": open_sides},
                verbose=False,
            )
    except Exception as error:  # the exporter's own, of a dozen kinds
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"this network cannot be exported: {reason}",
            path=model.path,
            remedy=None if side else "--tile 64, as many networks can be for one size of input alone",
        ) from error
    assert program is not None
    card = model.card
    program.model.metadata_props.update(
        {
            "srnet": json.dumps(
                {
                    "name": card.name,
                    "architecture": card.architecture,
                    "scale": card.scale,
                    "tile": side,
                    "overlap": card.overlap,
                    "range": "RGB 0..255, float32; clip the result",
                }
            )
        }
    )
    return program, side

"""Anyone's network as one of ours: checkpoints that spandrel recognises, behind our interface."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from srnet_cli.errors import MissingExtraError, UnknownNetworkError, WeightsError
from srnet_cli.models.card import MAX_SCALE, Card
from srnet_cli.models.stand_in import torchvision_or
from srnet_cli.models.store import LoadedModel, load_model
from srnet_cli.models.tensors import parse_pickle, parse_safetensors
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.reading import check_input, read_input
from srnet_cli.version import extra_command

#: how the architecture of another project's network begins in its card
PEER_PREFIX = "peer:"
#: tile and overlap in LR pixels; attention windows of other networks divide it
_TILE, _OVERLAP = 192, 32
#: the module of torchvision and the names in it that spandrel imports
_TRANSFORMS = "torchvision.transforms.functional"
_TAKEN = ("InterpolationMode", "normalize", "rotate")


class PeerNetwork(nn.Module):
    """A network on the scale 0..1 as one on 0..255."""

    def __init__(self, network: nn.Module, call: Any, scale: int) -> None:
        super().__init__()
        self.network = network
        self.scale = scale
        # Kept out of the module's own attributes: it pads to the sizes that the network needs.
        self._call = (call,)

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return NetworkOutput(self._call[0](lr / 255) * 255)


def load_any_model(name_or_path: str | Path, crisp: float | None = 0.0) -> LoadedModel:
    """Load a model as :func:`load_model` does, or a file of another project's network.

    Raises:
        UsageError, WeightsError: as :func:`load_model`; also when nobody knows the network.
        MissingExtraError: the network is not ours, and the package that knows others is not installed.
    """
    try:
        return load_model(name_or_path, crisp)
    except UnknownNetworkError as error:
        try:
            return load_peer(Path(name_or_path))
        except MissingExtraError as missing:
            raise MissingExtraError(
                f"{error.reason}; {missing.reason}", path=error.path, remedy=missing.remedy
            ) from error


def load_peer(path: Path) -> LoadedModel:
    """Load a super-resolution checkpoint of another project.

    Raises:
        MissingExtraError: the package that knows them is not installed.
        WeightsError: the file cannot be read safely, or holds no RGB super-resolution network.
    """
    check_input(path, WeightsError)
    spandrel = _spandrel(path)
    tensors = _read_state(path)
    try:
        state = spandrel.canonicalize_state_dict(tensors)
        found = spandrel.ModelLoader(device="cpu").load_from_state_dict(state)
    except Exception as error:  # it indexes tensors by the shapes that it expects
        why = _line(error)
        raise WeightsError(f"no network that spandrel knows{why and f': {why}'}", path=path) from error
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.purpose not in ("SR", "Restoration"):
        raise WeightsError(f"{found.architecture.name} does not enlarge pictures", path=path)
    if (found.input_channels, found.output_channels) != (3, 3) or not 2 <= found.scale <= MAX_SCALE:
        raise WeightsError(f"{found.architecture.name} is not an enlarger of RGB pictures", path=path)
    found.eval()
    card = Card(
        path.stem, f"{PEER_PREFIX}{found.architecture.name}", found.scale, tile=_TILE, overlap=_OVERLAP
    )
    return LoadedModel(PeerNetwork(found.model, found, found.scale).eval(), card, path)


def _spandrel(path: Path) -> Any:
    """Import spandrel, also without torchvision or beside one that was built for another torch.

    Networks that fill holes and mend faces take functions from it, those that enlarge pictures nothing.

    Raises:
        MissingExtraError: it is not installed, or cannot be imported.
    """
    remedy = extra_command("peers")
    try:
        with torchvision_or(_TRANSFORMS, dict.fromkeys(_TAKEN)):
            return import_module("spandrel")
    except ModuleNotFoundError as error:
        reason = f"other projects' networks need the package {error.name!r}"
        raise MissingExtraError(reason, path=path, remedy=remedy) from error
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        reason = f"the package 'spandrel' cannot be loaded: {_line(error)}"
        raise MissingExtraError(reason, path=path, remedy=remedy) from error


def _read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, without running anything in it."""
    content = read_input(path, error=WeightsError)
    if path.suffix.lower() == ".safetensors":
        return parse_safetensors(content, path)
    return parse_pickle(content, path)[0]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]

"""Models on disk: released ones, this project's own, and the authors' checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as format_safetensors
from torch import Tensor, nn

from srnet_cli.errors import WeightsError
from srnet_cli.files import atomic_path, make_folder
from srnet_cli.models.card import CARD_FILE, Card, card_text, read_card
from srnet_cli.models.tensors import (
    State,
    differences,
    is_mean_shift,
    load_checkpoint_into,
    parse_pickle,
    parse_safetensors,
    refuse,
)
from srnet_cli.network.recognise import recognise
from srnet_cli.network.registry import build_network, network_names

__all__ = [
    "Card",
    "LoadedModel",
    "automatic_models",
    "find_model",
    "load_checkpoint_into",
    "load_model",
    "models_folder",
    "parameter_count",
    "read_card",
    "released_models",
    "save_model",
    "write_card",
]

WEIGHTS_FILE = "weights.safetensors"
PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".ckpt"})
#: options that say how many parts a network has
DEPTHS = ("n_resblocks", "n_resgroups", "n_layers")


@dataclass(frozen=True)
class LoadedModel:
    """A network ready for use: float32, in evaluation mode, on the CPU."""

    network: nn.Module
    card: Card
    #: the weights file
    path: Path


# --- released models ----------------------------------------------------------------------------------------


def models_folder() -> Path:
    """Where the released models lie: inside the installed package, else beside it in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def released_models() -> tuple[Card, ...]:
    """The cards of all released models, smallest scale first.

    Raises:
        WeightsError: when a card is damaged.
    """
    cards = [read_card(file) for file in sorted(models_folder().glob(f"*/{CARD_FILE}"))]
    for card in cards:
        if not (models_folder() / card.name).is_dir():
            raise WeightsError(
                f"the card of {card.name} lies in a folder of another name", path=models_folder()
            )
    return tuple(sorted(cards, key=lambda card: (card.scale, card.architecture != "srnet", card.name)))


def automatic_models(*, light: bool = False) -> tuple[Card, ...]:
    """The released models that may be taken without being named, smallest scale first.

    Those are the light ones or, without ``light``, the others.
    """
    return tuple(card for card in released_models() if card.light == light and not card.named_only)


def find_model(scale: float, *, light: bool = False) -> str:
    """Name of the smallest of the automatic models that reaches ``scale``, or of the largest when none does.

    Raises:
        WeightsError: when no model of that kind is released.
    """
    fitting = automatic_models(light=light)
    if not fitting:
        kind = "light model" if light else "model"
        raise WeightsError(f"no {kind} is released", path=models_folder(), remedy="name one with --model")
    reaching = [card for card in fitting if card.scale >= scale]
    if reaching:
        return reaching[0].name
    largest = max(card.scale for card in fitting)
    return next(card.name for card in fitting if card.scale == largest)


# --- reading ------------------------------------------------------------------------------------------------


def load_model(name_or_path: str | Path) -> LoadedModel:
    """A model by the name of a released one, or from disk.

    On disk it is a folder with ``card.toml`` and ``weights.safetensors`` (or that weights file itself),
    another ``.safetensors`` file, or a ``.pt``/``.pth``/``.ckpt`` of the authors or of this project. Without
    a card, architecture and scale are inferred from the tensors.

    Raises:
        WeightsError: when there is no such model, it is damaged, its checksum is wrong, or it does not fit
            the network it claims to be.
    """
    path = _locate(name_or_path)
    if path.is_dir():
        path = path / WEIGHTS_FILE
    content = _read_bytes(path)
    if path.suffix.lower() in PICKLE_SUFFIXES:
        state, stated = parse_pickle(content, path)
        return _assemble(state, _stated_card(stated, path) or _inferred_card(state, path), path)
    if path.suffix.lower() != ".safetensors":
        raise WeightsError("neither a model folder, nor .safetensors, nor .pt", path=path)
    state = parse_safetensors(content, path)
    beside = path.parent / CARD_FILE
    if path.name != WEIGHTS_FILE or not beside.is_file():
        return _assemble(state, _inferred_card(state, path), path)
    card = read_card(beside)
    _check_sum(content, card, path)
    return _assemble(state, card, path)


def _locate(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.name == name_or_path:
        released = models_folder() / name_or_path
        if (released / CARD_FILE).is_file():
            return released
    if path.is_dir() and not (path / CARD_FILE).is_file():
        raise WeightsError(f"a model folder needs a {CARD_FILE}", path=path)
    if not path.exists():
        names = ", ".join(card.name for card in released_models()) or "none"
        raise WeightsError(
            "no released model and no file of that name", path=path, remedy=f"released: {names}"
        )
    return path


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot be read: {error.strerror}", path=path) from error


def _check_sum(content: bytes, card: Card, path: Path) -> None:
    if not card.sha256:
        raise WeightsError("its card states no sha256", path=path)
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise WeightsError(
            f"the checksum does not match its card: {found[:12]}… instead of {card.sha256[:12]}…",
            path=path,
            remedy="the file is damaged or belongs to another card; fetch both again",
        )


def _stated_card(stated: Any, path: Path) -> Card | None:
    if stated is None:
        return None
    try:
        return Card(**stated)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the card in it says something impossible: {error}", path=path) from error


def _inferred_card(state: State, path: Path) -> Card:
    try:
        found = recognise({name: tuple(tensor.shape) for name, tensor in state.items()})
        # The released evaluation ran on 128×128 LR crops, at ×8 on 64×64.
        tile = 64 if found.scale == 8 else 128
        return Card(path.stem, found.name, found.scale, found.options, tile=tile, overlap=tile // 8)
    except ValueError as error:
        raise WeightsError(str(error), path=path) from error


def _assemble(state: State, card: Card, path: Path) -> LoadedModel:
    try:
        _check_claim(state, card)
        network = build_network(card.architecture, card.scale, **card.options)
        load_checkpoint_into(network, state)
    except ValueError as error:
        raise WeightsError(str(error), path=path) from error
    except WeightsError as error:
        raise WeightsError(error.reason, path=path, remedy=error.remedy) from error
    return LoadedModel(network.eval(), card, path)


def _check_claim(state: State, card: Card) -> None:
    """Refuse a card of other weights, before anything of the card's size is built.

    Raises:
        WeightsError: naming what the card claims and what the tensors are.
        ValueError: when the card claims a network that does not exist, or the tensors are of none.
    """
    found = recognise({name: tuple(tensor.shape) for name, tensor in state.items()})
    contradiction = WeightsError(
        f"the card says {card.architecture} ×{card.scale} {_options_text(card.options)}, "
        f"but the weights are those of {found} {_options_text(found.options)}"
    )
    # Depth is compared first because even a network without memory takes time to build, block by block.
    if any(card.options.get(depth, found.options.get(depth)) != found.options.get(depth) for depth in DEPTHS):
        raise contradiction
    try:
        with torch.device("meta"):
            claimed = build_network(card.architecture, card.scale, **card.options)
    except ValueError as error:
        # Where the options are those of another network, that it is another one says more.
        is_other = card.architecture in network_names() and card.architecture != found.name
        raise (contradiction if is_other else error) from None
    except (RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(f"the card's options make no network: {error}") from error
    found_different = differences(claimed, state)
    if found_different and (card.architecture, card.scale) != (found.name, found.scale):
        raise contradiction
    refuse(list(found_different.values()))


def _options_text(options: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{key} {value}" for key, value in options.items()) + ")"


# --- writing ------------------------------------------------------------------------------------------------


def save_model(folder: Path, network: nn.Module, card: Card, half: bool = True) -> Card:
    """Write ``weights.safetensors`` and ``card.toml`` into ``folder``, which is made when missing.

    With ``half`` the weights are stored as float16, except BatchNorm statistics and mean colours, whose
    float16 rounding would be seen in pictures. Both files are written before either takes its name.
    What was there is replaced.

    Returns:
        The card with the checksum filled in.

    Raises:
        WeightsError: when a weight is not finite, in float16 too.
        OutputError: when the folder cannot be written.
    """
    state = {name: _stored(name, tensor, half) for name, tensor in network.state_dict().items()}
    content = format_safetensors(state)
    card = replace(card, sha256=hashlib.sha256(content).hexdigest())
    make_folder(folder)
    with (
        atomic_path(folder / CARD_FILE, overwrite=True) as card_file,
        atomic_path(folder / WEIGHTS_FILE, overwrite=True) as weights_file,
    ):
        weights_file.write_bytes(content)
        card_file.write_text(card_text(card), encoding="utf-8")
    return card


def write_card(path: Path, card: Card) -> None:
    """Write a card to ``path``, replacing what is there.

    Raises:
        OutputError: when it cannot be written.
    """
    with atomic_path(path, overwrite=True) as file:
        file.write_text(card_text(card), encoding="utf-8")


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if half and tensor.is_floating_point() and not is_mean_shift(name) and ".running_" not in name:
        tensor = tensor.half()
    elif tensor.is_floating_point():
        tensor = tensor.float()
    if not bool(torch.isfinite(tensor).all()):
        raise WeightsError(f"{name} holds NaN, infinity, or a value beyond float16: not saved")
    return tensor


def parameter_count(network: nn.Module) -> int:
    """Trainable values; the frozen mean colours and BatchNorm statistics are none."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)

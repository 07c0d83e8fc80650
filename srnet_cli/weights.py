"""Models on disk: released ones, this project's own, the authors' checkpoints. Nothing in them is executed."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from safetensors.torch import save as format_safetensors
from torch import Tensor, nn

from srnet_cli.cards import CARD_FILE, Card, card_text, read_card
from srnet_cli.errors import OutputError, WeightsError
from srnet_cli.network.recognise import recognise
from srnet_cli.network.registry import build_network

__all__ = [
    "Card",
    "LoadedModel",
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
#: how far a checkpoint's mean colour may lie from the network's own, on the 0..255 scale
MEAN_SHIFT_TOLERANCE = 1e-3
#: where a training checkpoint keeps the network among its other state
STATE_KEYS = ("network", "model", "state_dict")
#: options that say how many parts a network has
DEPTHS = ("n_resblocks", "n_resgroups")
#: tensors named in one error before it says "and N more"
NAMED_IN_ERROR = 20

State = Mapping[str, Tensor]


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
    package = Path(__file__).resolve().parent
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def released_models() -> tuple[Card, ...]:
    """The cards of all released models, smallest scale first.

    Raises:
        WeightsError: when a card is damaged.
    """
    cards = [read_card(file) for file in sorted(models_folder().glob(f"*/{CARD_FILE}"))]
    return tuple(sorted(cards, key=lambda card: (card.scale, card.architecture != "srnet", card.name)))


def find_model(scale: float, *, light: bool = False) -> str:
    """Name of the smallest released model that reaches ``scale``, or of the largest when none does.

    Light models are taken only, and nothing else then, with ``light``.

    Raises:
        WeightsError: when no model of that kind is released.
    """
    fitting = [card for card in released_models() if card.light == light]
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
        state, stated = _parse_pickle(content, path)
        return _assemble(state, stated or _inferred_card(state, path), path)
    if path.suffix.lower() != ".safetensors":
        raise WeightsError("neither a model folder, nor .safetensors, nor .pt", path=path)
    state = _parse_safetensors(content, path)
    beside = path.parent / CARD_FILE
    if path.name != WEIGHTS_FILE or not beside.is_file():
        return _assemble(state, _inferred_card(state, path), path)
    card = read_card(beside)
    _check_sum(content, card, path)
    return _assemble(state, card, path)


def _locate(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, str):
        by_name = {card.name: card.name for card in released_models()}
        if name_or_path in by_name:
            return models_folder() / name_or_path
    path = Path(name_or_path)
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


def _parse_safetensors(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return parse_safetensors(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsError(f"no valid safetensors file: {error}", path=path) from error


def _parse_pickle(content: bytes, path: Path) -> tuple[dict[str, Tensor], Card | None]:
    """Tensors, and the card where the checkpoint is one of this project's."""
    _check_archive(content, path)
    try:
        document = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything at all; none of it is ours to tell apart
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"no checkpoint of plain tensors: {reason[:200]}", path=path) from error
    if not isinstance(document, Mapping):
        raise WeightsError("holds no dictionary of tensors", path=path)
    state: Any = next(
        (document[key] for key in STATE_KEYS if isinstance(document.get(key), Mapping)), document
    )
    if not state or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise WeightsError("holds no dictionary of tensors", path=path)
    if any(t.layout is not torch.strided or t.is_quantized for t in state.values()):
        raise WeightsError("holds sparse or quantised tensors", path=path)
    if sum(t.nbytes for t in state.values()) > len(content):
        raise WeightsError("its tensors claim more values than the file holds", path=path)
    return dict(state), _stated_card(document.get("card"), path)


def _check_archive(content: bytes, path: Path) -> None:
    """Refuse a compressed archive, which torch never writes: a small file could unpack to fill the memory."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise WeightsError(f"the checkpoint is damaged: {error}", path=path) from error
    if unpacked > len(content):
        raise WeightsError("the checkpoint unpacks to more than its size", path=path)


def _stated_card(stated: object, path: Path) -> Card | None:
    if stated is None:
        return None
    try:
        return Card(**stated) if isinstance(stated, dict) else None
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the card in it says something impossible: {error}", path=path) from error


def _inferred_card(state: State, path: Path) -> Card:
    try:
        found = recognise({name: tuple(tensor.shape) for name, tensor in state.items()})
    except ValueError as error:
        raise WeightsError(str(error), path=path) from error
    # The released evaluation ran on 128×128 LR crops, at ×8 on 64×64.
    tile = 64 if found.scale == 8 else 128
    return Card(path.stem, found.name, found.scale, found.options, tile=tile, overlap=tile // 8)


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
    except (RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(f"the card's options make no network: {error}") from error
    if _differences(claimed, state) and (card.architecture, card.scale) != (found.name, found.scale):
        raise contradiction


def _options_text(options: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{key} {value}" for key, value in options.items()) + ")"


def load_checkpoint_into(network: nn.Module, state: State, allow_tail_mismatch: bool = False) -> list[str]:
    """Copy the tensors of a checkpoint into a network; everything must match, or nothing is copied.

    Two things are forgiven: a missing ``num_batches_tracked`` becomes 0, and with ``allow_tail_mismatch``
    tensors whose name contains ``tail`` may differ in shape, be missing or be extra (to start ×8 from ×4);
    the network keeps its own there. The frozen mean colours are compared and kept. Source: specification section 12.

    Returns:
        One line for each tensor that was forgiven.

    Raises:
        WeightsError: naming what does not match.
    """
    differences = _differences(network, state)
    forgiven = {name for name in differences if allow_tail_mismatch and "tail" in name}
    refused = [text for name, text in differences.items() if name not in forgiven]
    if refused:
        more = f"; and {len(refused) - NAMED_IN_ERROR} more" if len(refused) > NAMED_IN_ERROR else ""
        raise WeightsError(
            f"the tensors do not match the network: {'; '.join(refused[:NAMED_IN_ERROR])}{more}"
        )
    own = network.state_dict()
    reports = [differences[name] for name in sorted(forgiven)]
    with torch.no_grad():
        for name, tensor in own.items():
            if name in state and name not in forgiven and not _is_mean_shift(name):
                tensor.copy_(state[name])
            elif name not in state and _is_counter(name):
                tensor.zero_()
                reports.append(f"{name} was missing and is 0")
    return reports


def _differences(network: nn.Module, state: State) -> dict[str, str]:
    """What keeps ``state`` from fitting, as one clause for each tensor's name."""
    own = network.state_dict()
    found = {name: f"{name} is unknown to the network" for name in state if name not in own}
    for name, tensor in own.items():
        if name not in state:
            if not _is_counter(name):
                found[name] = f"{name} is missing"
            continue
        clause = _difference(tensor, state[name], is_mean_shift=_is_mean_shift(name))
        if clause:
            found[name] = f"{name} {clause}"
    return found


def _difference(own: Tensor, given: Tensor, *, is_mean_shift: bool) -> str | None:
    if own.shape != given.shape:
        return f"is {_shape_text(given)} instead of {_shape_text(own)}"
    if own.is_floating_point() != given.is_floating_point() or given.is_complex():
        return f"is of type {given.dtype}"
    values = given.float()
    if not bool(torch.isfinite(values).all()):
        return "holds NaN or infinity"
    if is_mean_shift and not own.is_meta:
        off = float((values - own.cpu()).abs().max())
        if off > MEAN_SHIFT_TOLERANCE:
            return f"is off the mean colour by {off:.4g}"
    return None


def _shape_text(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a scalar"


def _is_mean_shift(name: str) -> bool:
    return "sub_mean." in name or "add_mean." in name


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")


# --- writing ------------------------------------------------------------------------------------------------


def save_model(folder: Path, network: nn.Module, card: Card, half: bool = True) -> Card:
    """Write ``weights.safetensors`` and ``card.toml`` into ``folder``, which is made when missing.

    With ``half`` the weights are stored as float16, except BatchNorm statistics and mean colours, whose
    float16 rounding would be seen in pictures. Both files are complete before either takes its name.

    Returns:
        The card with the checksum filled in.

    Raises:
        WeightsError: when a weight is not finite, in float16 too.
        OutputError: when the folder cannot be written.
    """
    state = {name: _stored(name, tensor, half) for name, tensor in network.state_dict().items()}
    content = format_safetensors(state)
    card = replace(card, sha256=hashlib.sha256(content).hexdigest())
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", path=folder) from error
    with _replacing(folder / CARD_FILE) as card_file, _replacing(folder / WEIGHTS_FILE) as weights_file:
        weights_file.write_bytes(content)
        card_file.write_text(card_text(card), encoding="utf-8")
    return card


def write_card(path: Path, card: Card) -> None:
    """Write a card to ``path``, replacing what is there.

    Raises:
        OutputError: when it cannot be written.
    """
    with _replacing(path) as file:
        file.write_text(card_text(card), encoding="utf-8")


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if half and tensor.is_floating_point() and not _is_mean_shift(name) and ".running_" not in name:
        tensor = tensor.half()
    elif tensor.is_floating_point():
        tensor = tensor.float()
    if not bool(torch.isfinite(tensor).all()):
        raise WeightsError(f"{name} holds NaN, infinity, or a value beyond float16: not saved")
    return tensor


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=target) from error
    finally:
        temporary.unlink(missing_ok=True)


def parameter_count(network: nn.Module) -> int:
    """Trainable values; the frozen mean colours and BatchNorm statistics are none."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)

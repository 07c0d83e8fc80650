"""Models read from disk and written to it: this project's own, and the authors' checkpoints."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as format_safetensors
from torch import Tensor, nn

from srnet_cli.errors import OutputError, UnknownNetworkError, UsageError, WeightsError
from srnet_cli.files import as_utf8, atomic_path, make_folder
from srnet_cli.models.card import CARD_FILE, Card, card_text, check_length, read_card
from srnet_cli.models.claims import check_claim
from srnet_cli.models.crisp import CRISP_FILE, check_crisp, check_share, mix
from srnet_cli.models.released import models_folder, near_names, released_models
from srnet_cli.models.tensors import (
    State,
    is_mean_shift,
    load_checkpoint_into,
    parse_pickle,
    parse_safetensors,
    without_wrapping,
)
from srnet_cli.network.registry import build_network, recognise
from srnet_cli.reading import read_input

WEIGHTS_FILE = "weights.safetensors"
PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".ckpt"})


@dataclass(frozen=True)
class LoadedModel:
    """A network ready for use: float32, in evaluation mode, on the CPU."""

    network: nn.Module
    card: Card
    #: the weights file
    path: Path
    #: how much of its crisp set was mixed in, 0..1
    crisp: float = 0.0
    #: what the user should know about it
    notes: tuple[str, ...] = ()


def load_model(name_or_path: str | Path, crisp: float | None = 0.0) -> LoadedModel:
    """Load a model by the name of a released one, or from disk.

    On disk it is a folder with ``card.toml`` and ``weights.safetensors`` (or that weights file itself),
    another ``.safetensors`` file, or a ``.pt``/``.pth``/``.ckpt`` of the authors or of this project. Without
    a card, architecture and scale are inferred from the tensors; what wrappers put
    ahead of all their names is taken off.

    Args:
        name_or_path: what to load.
        crisp: how much of the model's second set of weights is mixed in: 0, the faithful set alone, to 1, the
            crisp one alone. None takes what the card states, or the faithful set where the other is missing.

    Example:
        >>> load_model("srnet-x4").card.scale
        4

    Raises:
        UsageError: when ``crisp`` is above 0 and the model has no crisp set, or is not within 0..1.
        WeightsError: when there is no such model, it is damaged, its checksum is wrong, or it does not fit
            the network it claims to be.
    """
    if crisp is not None:
        check_share(crisp, "crisp")
    path = _locate(name_or_path)
    if path.is_dir():
        path = path / WEIGHTS_FILE
    content = read_input(path, error=WeightsError)
    if path.suffix.lower() in PICKLE_SUFFIXES:
        state, stated = parse_pickle(content, path)
        state = without_wrapping(state)
        card = _stated_card(stated, path) or _inferred_card(state, path)
        _refuse_crisp(crisp, path)
        return _assemble(state, card, path)
    if path.suffix.lower() != ".safetensors":
        raise WeightsError("neither a model folder, nor .safetensors, nor .pt", path=path)
    state = parse_safetensors(content, path)
    beside = path.parent / CARD_FILE
    if path.name != WEIGHTS_FILE or not beside.is_file():
        _refuse_crisp(crisp, path)
        state = without_wrapping(state)
        return _assemble(state, _inferred_card(state, path), path)
    card = read_card(beside)
    _check_sum(content, card.sha256, path)
    return _mixed(state, card, path, crisp)


def model_files(name_or_path: str | Path) -> tuple[Path, ...]:
    """List the files from which a model may be loaded; none where there is no such model."""
    try:
        path = _locate(name_or_path)
    except WeightsError:
        return ()
    if path.is_dir():
        path = path / WEIGHTS_FILE
    beside = (CARD_FILE, CRISP_FILE) if path.name == WEIGHTS_FILE else ()
    return (path, *map(path.with_name, beside))


def _refuse_crisp(crisp: float | None, path: Path) -> None:
    if crisp:
        raise UsageError(
            "has no crisp set of weights beside it",
            path=path,
            remedy="leave out --crisp, or name another model",
        )


def _mixed(state: State, card: Card, path: Path, crisp: float | None) -> LoadedModel:
    """Assemble a model from its faithful set and a share of its crisp one."""
    file = path.parent / CRISP_FILE
    share = card.default_crisp if crisp is None else crisp
    if not share:
        return _assemble(state, card, path)
    if not card.crisp or not file.is_file():
        _refuse_crisp(crisp, path)
        note = f"{CRISP_FILE} is missing: the faithful weights are taken instead of crisp {share:g}"
        return replace(_assemble(state, card, path), notes=(note,))
    content = read_input(file, error=WeightsError)
    _check_sum(content, card.crisp["sha256"], file)
    other = parse_safetensors(content, file)
    try:
        check_crisp(state, other)
        state = mix(state, other, share)
    except WeightsError as error:
        raise WeightsError(error.reason, path=file, remedy=error.remedy) from error
    return replace(_assemble(state, card, path), crisp=share)


def _locate(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.name == name_or_path:
        released = models_folder() / name_or_path
        if (released / CARD_FILE).is_file():
            return released
    if path.is_dir() and not (path / CARD_FILE).is_file():
        raise WeightsError(f"a model folder needs a {CARD_FILE}", path=path)
    if not path.exists():
        near = " or ".join(near_names(path.name))
        meant = f"did you mean {near}? " if near else ""
        names = ", ".join(card.name for card in released_models()) or "none"
        raise WeightsError(
            "no released model and no file of that name", path=path, remedy=f"{meant}released: {names}"
        )
    return path


def _check_sum(content: bytes, stated: str, path: Path) -> None:
    if not stated:
        raise WeightsError("its card states no sha256", path=path)
    found = hashlib.sha256(content).hexdigest()
    if found != stated:
        raise WeightsError(
            f"the checksum does not match its card: {found[:12]}… instead of {stated[:12]}…",
            path=path,
            remedy="the file is damaged or belongs to another card; fetch both again",
        )


def _stated_card(stated: Any, path: Path) -> Card | None:
    if stated is None:
        return None
    try:
        check_length(stated)
        return Card(**stated)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the card in it says something impossible: {error}", path=path) from error


def _inferred_card(state: State, path: Path) -> Card:
    try:
        found = recognise(state)
        # The released evaluation ran on 128×128 LR crops, at ×8 on 64×64.
        tile = 64 if found.scale == 8 else 128
        return Card(path.stem, found.name, found.scale, found.options, tile=tile, overlap=tile // 8)
    except ValueError as error:
        raise UnknownNetworkError(str(error), path=path) from error


def _assemble(state: State, card: Card, path: Path) -> LoadedModel:
    try:
        if path.parent.parent != models_folder():  # whose cards are the program's own
            check_claim(state, card)
        network = build_network(card.architecture, card.scale, **card.options)
        load_checkpoint_into(network, state)
    except ValueError as error:
        raise WeightsError(str(error), path=path) from error
    except WeightsError as error:
        raise WeightsError(error.reason, path=path, remedy=error.remedy) from error
    return LoadedModel(network.eval(), card, path)


def save_model(folder: Path, network: nn.Module, card: Card, half: bool = True) -> Card:
    """Write ``weights.safetensors`` and ``card.toml`` into ``folder``, which is made when missing.

    With ``half`` the weights are stored as float16, except BatchNorm statistics and mean colours, whose
    float16 rounding would be seen in pictures. Both files are written before either takes its name.
    What was there is replaced, but not under a crisp set that the card does not name.

    Returns:
        The card with the checksum filled in.

    Raises:
        WeightsError: when a weight is not finite, in float16 too.
        OutputError: when the folder cannot be written, or the weights of such a crisp set are in it.
    """
    content = _formatted(network, half)
    card = replace(card, sha256=hashlib.sha256(content).hexdigest())
    if not card.crisp and os.path.lexists(folder / CRISP_FILE):
        raise OutputError(
            f"belongs to other weights, so {WEIGHTS_FILE} beside it is not replaced",
            path=folder / CRISP_FILE,
            remedy="move it to another folder, with its weights and card",
        )
    _write(folder, WEIGHTS_FILE, content, card)
    return card


def save_crisp(
    folder: Path, network: nn.Module, facts: Mapping[str, Any], default: float = 0.0, half: bool = True
) -> Card:
    """Write ``crisp.safetensors`` beside a model's weights, and what its card says about it.

    Args:
        folder: the model's, with card and weights.
        network: the model's own, with the weights that were trained for the eye.
        facts: what ``[crisp]`` says besides the checksum: recipe, metrics.
        default: how much of it a zoom takes unasked, 0..1.
        half: as in :func:`save_model`.

    Returns:
        The card that was written.

    Raises:
        WeightsError: when the folder is not a whole model, the weights are not of its network, or not finite.
        OutputError: when the folder cannot be written.
    """
    path = folder / CRISP_FILE
    card, content = load_model(folder).card, _formatted(network, half)
    try:
        check_crisp(
            parse_safetensors(read_input(folder / WEIGHTS_FILE, error=WeightsError), path),
            network.state_dict(),
        )
        crisp = {"sha256": hashlib.sha256(content).hexdigest(), **facts}
        card = replace(card, crisp=crisp, default_crisp=default)
    except (WeightsError, ValueError) as error:
        reason = error.reason if isinstance(error, WeightsError) else str(error)
        raise WeightsError(reason, path=path) from error
    _write(folder, CRISP_FILE, content, card)
    return card


def _write(folder: Path, name: str, content: bytes, card: Card) -> None:
    """Write one set of weights and the card; both are complete before either takes its name."""
    make_folder(folder)
    with (
        atomic_path(folder / CARD_FILE, overwrite=True) as card_file,
        atomic_path(folder / name, overwrite=True) as weights_file,
    ):
        weights_file.write_bytes(content)
        card_file.write_bytes(as_utf8(card_text(card)))


def _formatted(network: nn.Module, half: bool) -> bytes:
    state = {name: _stored(name, tensor, half) for name, tensor in network.state_dict().items()}
    return format_safetensors(state)


def _stored(name: str, tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if half and tensor.is_floating_point() and not is_mean_shift(name) and ".running_" not in name:
        tensor = tensor.half()
    elif tensor.is_floating_point():
        tensor = tensor.float()
    if not bool(torch.isfinite(tensor).all()):
        raise WeightsError(f"{name} holds NaN, infinity, or a value beyond float16: not saved")
    return tensor

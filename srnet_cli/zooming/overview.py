"""The released models at a glance: what each is for, how large and how good it is, when it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from srnet_cli.models.card import Card
from srnet_cli.models.released import released_models
from srnet_cli.network.macs import parameter_count
from srnet_cli.network.registry import build_network
from srnet_cli.zooming.chain import Engines, ModelChoice, automatic_chain
from srnet_cli.zooming.forecast.pace import Pace, Paces
from srnet_cli.zooming.frame import MAX_SCALE

#: sets of a card's figures by which its model is judged: their names begin so. The first that it has counts.
FOR_CAMERA = ("City100_valid", "valid, LR by simulated camera")
FOR_SOFTWARE = ("Set5, LR by bicubic reduction",)


@dataclass(frozen=True)
class Gain:
    """PSNR RGB over bicubic in dB, mean over a set of pictures."""

    value: float
    pictures: str


@dataclass(frozen=True)
class Overview:
    """One released model."""

    name: str
    scale: int
    purpose: str
    parameters: int
    #: None where its card has no figures
    gain_over_bicubic: Gain | None
    #: whole scales for which zoom takes it by itself, and with ``--fast``
    taken_for: tuple[int, ...]
    taken_fast_for: tuple[int, ...]
    #: whether it has a second, crisp set of weights, and how much of it is taken unasked
    crisp: bool
    default_crisp: float
    #: on this machine, from zooms and forecasts before; None where it was not measured
    speed: Pace | None

    def document(self) -> dict[str, Any]:
        """Put it as JSON has it."""
        return asdict(self)


def overview() -> list[Overview]:
    """List the released models, smallest scale first.

    Raises:
        WeightsError: when a card is damaged.
    """
    cards = released_models()
    scales = range(2, int(MAX_SCALE) + 1)
    chains = {
        light: {scale: automatic_chain(scale, light=light) for scale in scales}
        for light in (False, True)
        if any(card.light == light and not card.named_only for card in cards)
    }
    paces = Paces.of_user()
    return [_of(card, chains, paces) for card in cards]


def purpose_of(card: Card) -> str:
    """Say in words what a model is for."""
    if card.reads_mosaics:
        return f"RAW files, from their mosaic{', fast' if card.light else ''}"
    pictures = "reduced by software" if _is_for_software(card) else "from cameras"
    return f"pictures {pictures}{', fast' if card.light else ''}"


def gain_of(card: Card) -> Gain | None:
    """Find the gain over bicubic that a card states, on pictures of the kind that its model is for."""
    for begin in FOR_SOFTWARE if _is_for_software(card) else FOR_CAMERA:
        for pictures, figures in card.metrics.items():
            value = figures.get("gain_over_bicubic") if isinstance(figures, Mapping) else None
            if pictures.startswith(begin) and isinstance(value, int | float):
                return Gain(float(value), pictures)
    return None


def _is_for_software(card: Card) -> bool:
    return card.recipe.get("degradation") == "bicubic"


def _of_raw(card: Card, light: bool) -> tuple[int, ...]:
    """List the scales at which RAW files go through a model for mosaics by themselves."""
    taken = Engines(ModelChoice(fast=light)).mosaic_model(asked=False) == card.name
    return tuple(range(2, card.enlarges + 1)) if taken else ()


def _of(card: Card, chains: Mapping[bool, Mapping[int, list[str]]], paces: Paces) -> Overview:
    with torch.device("meta"):
        parameters = parameter_count(build_network(card.architecture, card.scale, **card.options))
    taken, fast = (
        tuple(scale for scale, chain in chains.get(light, {}).items() if card.name in chain)
        if not card.reads_mosaics
        else _of_raw(card, light)
        for light in (False, True)
    )
    return Overview(
        card.name,
        card.enlarges,
        purpose_of(card),
        parameters,
        gain_of(card),
        taken,
        fast,
        bool(card.crisp),
        card.default_crisp,
        paces.known(card.sha256),
    )

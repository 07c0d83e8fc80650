"""Which chains of models are compared."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.scales import chains
from srnet_cli.models.card import Card
from srnet_cli.models.released import released_models


def test_chains_of_models_reach_a_scale_without_waste() -> None:
    def card(name: str, scale: int, *, light: bool = False, degradation: str = "camera") -> Card:
        options = {"scale": scale, "light": light, "recipe": {"degradation": degradation}}
        return replace(released_models()[0], name=name, **options)

    cards = [card("x2", 2), card("x4", 4), card("x8", 8), card("l4", 4, light=True)]
    cards.append(card("software", 8, degradation="bicubic"))
    names = {scale: {tuple(c.name for c in chain) for chain in chains(scale, cards)} for scale in (2, 6, 8)}
    assert names[2] == {("x2",), ("x4",), ("l4",)}
    assert names[6] == {("x8",), ("x4", "x2")}
    assert names[8] == {("x8",), ("x4", "x2"), ("x4", "x4"), ("x4", "l4"), ("l4", "l4")}

"""The models that come with the program."""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path

from srnet_cli.errors import WeightsError
from srnet_cli.models.card import CARD_FILE, Card, read_card


def models_folder() -> Path:
    """Return the released models' folder: inside the installed package, else beside it in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def released_models() -> tuple[Card, ...]:
    """Read the cards of all released models, smallest scale first.

    Raises:
        WeightsError: when a card is damaged.
    """
    files = sorted(models_folder().glob(f"*/{CARD_FILE}"))
    cards = [_card(file, file.stat().st_mtime_ns, file.stat().st_size) for file in files]
    for card in cards:
        if not (models_folder() / card.name).is_dir():
            raise WeightsError(
                f"the card of {card.name} lies in a folder of another name", path=models_folder()
            )
    return tuple(sorted(cards, key=lambda card: (card.enlarges, card.architecture != "srnet", card.name)))


@lru_cache(maxsize=64)
def _card(file: Path, changed: int, size: int) -> Card:
    """Read a card once; a zoom asks half a dozen times which there are."""
    return read_card(file)


def released_names() -> list[str]:
    """List the released models' names without reading their cards."""
    return sorted(file.parent.name for file in models_folder().glob(f"*/{CARD_FILE}"))


def near_names(name: str) -> list[str]:
    """List released models whose names are spelled nearly so, the nearest first."""
    spelled = name.lower().replace("_", "-")
    return difflib.get_close_matches(spelled, released_names(), n=3, cutoff=0.8)


def automatic_models(*, light: bool = False) -> tuple[Card, ...]:
    """Return the released models that may be taken without being named, smallest scale first.

    Those are the light ones or, without ``light``, the others; all of them take pictures.
    """
    return tuple(card for card in picture_models() if card.light == light and not card.named_only)


def picture_models() -> tuple[Card, ...]:
    """Return the released models that take pictures, smallest scale first."""
    return tuple(card for card in released_models() if card.input_space == "srgb")


def mosaic_models(*, light: bool | None) -> tuple[Card, ...]:
    """Return the released models for mosaics: all, or those that may be taken without being asked for.

    These are with ``light`` all that were measured to be better than light models on developed pictures, and
    without it the others, that are better than full ones. None takes any.
    """
    cards = [card for card in released_models() if card.reads_mosaics]
    return tuple(c for c in cards if light is None or (not c.named_only and c.light <= light))


def find_model(scale: float, *, light: bool = False) -> str:
    """Name the smallest of the automatic models that reaches ``scale``, or the largest when none does.

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


def light_sister(name: str) -> str | None:
    """Name the light model that does what the released model ``name`` does; None where there is none."""
    cards = released_models()
    own = next((card for card in cards if card.name == name and not card.light), None)
    light = [card for card in cards if card.light and not card.named_only]
    return next((card.name for card in light if own is not None and card.scale == own.scale), None)

"""The card of a model, ``card.toml`` beside its weights: its network, its making, its figures."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli_w

from srnet_cli.errors import WeightsError, brief
from srnet_cli.files import write_text
from srnet_cli.reading import every_part, read_input

CARD_FILE = "card.toml"
MAX_SCALE = 16
#: what networks read, and give:
#: "srgb": developed pictures, both;
#: "mosaic": a packed mosaic, linear and before white balance, of which they make sRGB, as for SR-RAW;
#: "camera": a packed mosaic in the encoding of ``imaging.colour.mosaic``, of which they make camera colours
INPUT_SPACES = ("srgb", "mosaic", "camera")
#: a card is a page of text; TOML of tens of kilobytes can take gigabytes to parse
MAX_CARD_BYTES = 16_384
#: pixels of the input that a tile may be wide: beyond it the features of one tile take gigabytes
MAX_TILE = 640
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Card:
    """The facts that travel with a model's weights.

    Raises:
        ValueError: when a field has the wrong type or an impossible value.
    """

    name: str
    #: a name of the network registry, with the options it was built with
    architecture: str
    scale: int
    options: dict[str, Any] = field(default_factory=dict)
    #: one of ``INPUT_SPACES``
    input_space: str = "srgb"
    #: side of the square tile, in input pixels, that the model was trained or measured with
    tile: int = 128
    #: input pixels that neighbouring tiles share
    overlap: int = 16
    #: largest side of a tile that was measured to be as good as ``tile``; 0: ``tile`` itself. Of a network
    #: that sees only so far, the side up to which its memory stays reasonable
    largest_tile: int = 0
    #: it was measured to leave a pattern of pixel shuffle, which the engine takes out of its results
    patterned: bool = False
    #: a small, fast model: chosen only when asked for
    light: bool = False
    #: chosen only by its name: for other pictures than a camera's, such as those reduced by software, or
    #: behind another model at its scale
    named_only: bool = False
    licence: str = "unknown"
    #: of the weights file, in hexadecimal; empty while it is not written
    sha256: str = ""
    #: how it was trained
    recipe: dict[str, Any] = field(default_factory=dict)
    #: what it was trained on
    data: dict[str, Any] = field(default_factory=dict)
    #: what it was measured to do
    metrics: dict[str, Any] = field(default_factory=dict)
    #: of the second set of weights, trained for the eye: its sha256, recipe and metrics; empty without one
    crisp: dict[str, Any] = field(default_factory=dict)
    #: how much of the second set a zoom takes unasked, 0..1
    default_crisp: float = 0.0

    def __post_init__(self) -> None:
        for f in fields(self):
            _check_type(f.name, getattr(self, f.name), str(f.type))
        if not self.name or not self.architecture:
            raise ValueError("name and architecture must not be empty")
        if not 1 <= self.scale <= MAX_SCALE:
            raise ValueError(f"scale {self.scale} is not within 1..{MAX_SCALE}")
        if self.input_space not in INPUT_SPACES:
            raise ValueError(f"input_space {brief(self.input_space)} is none of {', '.join(INPUT_SPACES)}")
        if not 8 <= self.tile <= MAX_TILE:
            raise ValueError(f"tile {self.tile} is not within 8..{MAX_TILE}")
        if self.largest_tile and not self.tile <= self.largest_tile <= MAX_TILE:
            raise ValueError(f"largest_tile {self.largest_tile} is not within {self.tile}..{MAX_TILE}")
        if not 0 <= self.overlap <= self.tile // 2:
            raise ValueError(f"overlap {self.overlap} is not within 0..{self.tile // 2}, half of the tile")
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise ValueError("sha256 is not 64 lower-case hexadecimal digits")
        if self.crisp and not _SHA256.fullmatch(str(self.crisp.get("sha256", ""))):
            raise ValueError("sha256 of [crisp] is not 64 lower-case hexadecimal digits")
        if not 0 <= self.default_crisp <= 1:
            raise ValueError(f"default_crisp {self.default_crisp:g} is not within 0..1")
        if self.default_crisp and not self.crisp:
            raise ValueError(f"default_crisp {self.default_crisp:g} without a table [crisp]")

    @property
    def reads_mosaics(self) -> bool:
        """Whether the network reads packed mosaics that were balanced, and gives camera colours."""
        return self.input_space == "camera"

    @property
    def enlarges(self) -> int:
        """Return output over picture: a packed mosaic's pixels are two of the sensor's wide."""
        return self.scale if self.input_space == "srgb" else self.scale // 2

    @property
    def largest_side(self) -> int:
        """The largest side of a tile, in input pixels."""
        return self.largest_tile or self.tile


def read_card(path: Path) -> Card:
    """Read the card in a file, or in ``card.toml`` of a folder.

    Raises:
        WeightsError: when it cannot be read, is not TOML, has unknown or missing keys, or impossible values.
    """
    file = path / CARD_FILE if path.is_dir() else path
    content = read_input(file, MAX_CARD_BYTES, WeightsError)
    try:
        values = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"the card is not valid TOML: {error}", path=file) from error
    known = {f.name for f in fields(Card)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise WeightsError(f"the card has unknown keys: {', '.join(map(repr, unknown))}", path=file)
    missing = [name for name in ("name", "architecture", "scale") if name not in values]
    if missing:
        raise WeightsError(f"the card lacks {', '.join(missing)}", path=file)
    try:
        return Card(**values)
    except ValueError as error:
        raise WeightsError(f"the card says something impossible: {error}", path=file) from error


def check_length(stated: object) -> None:
    """Refuse what a checkpoint has for a card where its text would be longer than the file may be.

    Raises:
        ValueError: it would.
    """
    length = 0
    for part in every_part(stated):
        length += len(part) if isinstance(part, str | bytes) else 1
        if length > MAX_CARD_BYTES:
            raise ValueError(f"its text is longer than {MAX_CARD_BYTES:,} letters")


def write_card(path: Path, card: Card) -> None:
    """Write a card to ``path``, replacing what is there.

    Raises:
        OutputError: when it cannot be written.
    """
    write_text(path, card_text(card), overwrite=True)


def card_text(card: Card) -> str:
    """Format the card as TOML.

    Raises:
        TypeError: when a table holds a value that TOML does not have, such as None.
    """
    values = {f.name: getattr(card, f.name) for f in fields(card)}
    for name in ("default_crisp", "largest_tile", "patterned"):
        if not values[name]:
            del values[name]
    return tomli_w.dumps({name: value for name, value in values.items() if value != {}})


#: by the annotation of a field: its types in TOML, and how they are called
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
}


def _check_type(name: str, value: object, annotation: str) -> None:
    kinds: tuple[type, ...]
    kinds, wanted = _KINDS.get(annotation, ((dict,), "a table"))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{name} must be {wanted}, not {brief(value)}")

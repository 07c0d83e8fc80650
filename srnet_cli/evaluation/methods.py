"""The methods that are compared: released models, any weights, other people's networks, interpolation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import nn

from srnet_cli.compute.device import check_precision, choose_device
from srnet_cli.errors import DeviceError, UsageError, WeightsError
from srnet_cli.evaluation.pairs import Pixels8
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.resize import INTERPOLATIONS, Interpolation, resize
from srnet_cli.metrics import quantise
from srnet_cli.models.card import CARD_FILE
from srnet_cli.models.crisp import check_share
from srnet_cli.models.peers import PEER_PREFIX, load_any_model, load_peer
from srnet_cli.models.released import picture_models, released_names
from srnet_cli.models.store import LoadedModel, model_files
from srnet_cli.network.macs import multiply_accumulates, parameter_count
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.tiles import Grid

#: the method that differences are taken to
REFERENCE = "bicubic"
#: side of the LR input of the published counts, whose "GFLOPs" are multiply-accumulates
PUBLISHED_SIDE = 64


class Method(Protocol):
    """Something that enlarges pictures."""

    @property
    def name(self) -> str:
        """Unique among the methods compared."""

    @property
    def parameters(self) -> int | None:
        """Trainable values; None where there is nothing to train."""

    @property
    def published_macs(self) -> int | None:
        """Multiply-accumulates for 64×64 LR pixels with all outputs; None where they cannot be counted."""

    def macs(self, height: int, width: int) -> int | None:
        """Count multiply-accumulates for a picture of that many LR pixels, overlaps of tiles included."""

    def run(self, lr: Pixels8) -> Pixels8:
        """Enlarge h×w×3 to sh×sw×3."""

    def warm_up(self) -> None:
        """Do once what only the first call has to do, so that it is not measured."""


@dataclass(frozen=True)
class InterpolationMethod:
    """Pillow's filters, the usual way to enlarge pictures."""

    name: Interpolation
    scale: int
    parameters: None = None
    published_macs: None = None

    def macs(self, height: int, width: int) -> int | None:
        return None

    def run(self, lr: Pixels8) -> Pixels8:
        return resize(lr, lr.shape[0] * self.scale, lr.shape[1] * self.scale, self.name)

    def warm_up(self) -> None:
        """Do nothing: every call costs the same."""


class WholePictureEngine(Engine):
    """The whole picture as one tile, without context from beyond its border: the published evaluation.

    A picture that is not a square is made one by reflection, because MPR-SA takes nothing else.
    """

    def grid(self, region: Box) -> Grid:
        side = max(region.height, region.width)
        return Grid(region, side, side, 0)

    def smaller(self, grid: Grid, error: Exception) -> Grid:
        """Refuse: there are no tiles.

        Raises:
            DeviceError: always.
        """
        raise DeviceError(
            f"a whole picture as one tile of {grid.height} pixels does not fit the memory",
            remedy="leave out --untiled",
        ) from error


@dataclass
class NetworkMethod:
    """A model through the engine that ``srnet zoom`` uses."""

    name: str
    model: LoadedModel
    engine: Engine
    _counted: dict[int, int | None] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """True where pictures are taken in one piece."""
        return isinstance(self.engine, WholePictureEngine)

    @property
    def parameters(self) -> int | None:
        return parameter_count(self.model.network)

    @property
    def published_macs(self) -> int | None:
        return count_macs(self.model.network, PUBLISHED_SIDE, published=True)

    def macs(self, height: int, width: int) -> int | None:
        grid = self.engine.grid(Box(0, 0, height, width))
        # Counted for a square; a light network's tiles need not be squares, and cost as much as their area.
        side = PUBLISHED_SIDE if self.engine.radius is not None else grid.height
        if side not in self._counted:
            self._counted[side] = count_macs(self.model.network, side, published=False)
        each = self._counted[side]
        return None if each is None else round(each * self.engine.computed(grid) / side**2)

    def run(self, lr: Pixels8) -> Pixels8:
        region = Box(0, 0, *lr.shape[:2])
        return np.concatenate(
            [quantise(strip.sr.cpu().numpy()).astype(np.uint8) for strip in self.engine.strips(lr, region)]
        )

    def warm_up(self) -> None:
        side = self.engine.tile
        grey = np.full((side, side, 3), 128, np.uint8)
        for _ in self.engine.strips(grey, Box(0, 0, side // 2, side // 2)):
            pass


@dataclass(frozen=True)
class MethodOptions:
    """Methods that take part, and how networks compute."""

    #: names of released models, files or names of interpolations; empty: every released model of the scale
    models: tuple[str, ...] = ()
    #: other people's checkpoints
    peers: tuple[Path, ...] = ()
    #: mixtures of a model's two sets of weights to measure, 0 faithful to 1 crisp; a model without a crisp
    #: set is measured once
    crisp: tuple[float, ...] = (0.0,)
    #: all interpolations, or bicubic alone
    interpolations: tuple[Interpolation, ...] = INTERPOLATIONS
    #: float32 everywhere unless asked: methods are compared, not the rounding of a device
    engine: EngineOptions = field(default_factory=lambda: EngineOptions(precision="fp32"))
    #: whole pictures in one piece instead of tiles
    untiled: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Every model that was asked for, loaded once; methods are made of it for each scale."""

    models: tuple[tuple[str, LoadedModel], ...]
    options: MethodOptions

    @property
    def named(self) -> bool:
        """True where the models are what was asked for; else they are all released ones."""
        return bool(self.options.models or self.options.peers)

    @property
    def scales(self) -> tuple[int, ...]:
        """Scales of the models, ascending."""
        return tuple(sorted({model.card.scale for _, model in self.models}))

    def methods(self, scale: int) -> list[Method]:
        """List interpolation first, then the models of that scale in the order they were named."""
        options = self.options
        wanted = {*options.interpolations, *options.models, REFERENCE}
        kinds = [kind for kind in INTERPOLATIONS if kind in wanted]
        methods: list[Method] = [InterpolationMethod(kind, scale) for kind in kinds]
        engine = WholePictureEngine if options.untiled else Engine
        for name, model in self.models:
            if model.card.scale == scale:
                methods.append(NetworkMethod(name, model, engine(model, self._engine_options(model))))
        return methods

    def _engine_options(self, model: LoadedModel) -> EngineOptions:
        """Leave the published evaluation and other projects' networks alone: no colours are corrected."""
        bare = self.options.untiled or model.card.architecture.startswith(PEER_PREFIX)
        return replace(self.options.engine, keep_colours=False) if bare else self.options.engine


def load_catalogue(options: MethodOptions) -> Catalogue:
    """Load the models that ``options`` name.

    Raises:
        WeightsError, MissingExtraError: when one cannot be used.
        DeviceError: when the device is not there.
        UsageError: for an unknown precision; when crisp weights are wanted and none of the models has any, or
            not within 0..1.
    """
    check_precision(options.engine.precision, choose_device(options.engine.device, training=False))
    named = tuple(one for name in options.models if name not in INTERPOLATIONS for one in _members(name))
    if not options.models and not options.peers:
        named = tuple(card.name for card in picture_models())
    for share in options.crisp:
        check_share(share, "--crisp")
    loaded = [model for name in named for model in _mixtures(name, options.crisp)]
    if any(options.crisp) and not any(model.card.crisp for model in loaded):
        raise UsageError("--crisp: none of the models has a crisp set of weights", remedy="leave it out")
    loaded += [load_peer(path) for path in options.peers]
    return Catalogue(tuple(zip(_names(loaded), loaded, strict=True)), options)


def files_of_models(options: MethodOptions) -> tuple[Path, ...]:
    """List the files of the models that ``options`` name."""
    named = [one for name in options.models for one in _members(name)]
    return (*options.peers, *(file for name in named for file in model_files(name)))


def _members(name: str) -> list[str]:
    """Return the models of a folder of models, sorted, or the one that the name itself is.

    The name of a released model is that, whatever lies in the current folder.
    """
    folder = Path(name)
    if name in released_names():
        return [name]
    cards = sorted(folder.glob(f"*/{CARD_FILE}")) if folder.is_dir() else []
    return [name] if not cards or (folder / CARD_FILE).is_file() else [str(card.parent) for card in cards]


def _mixtures(name: str, shares: Sequence[float]) -> Iterator[LoadedModel]:
    faithful = load_any_model(name)
    if faithful.card.input_space != "srgb":
        raise WeightsError("takes mosaics, and eval measures on pictures", path=faithful.path)
    for share in dict.fromkeys(shares if faithful.card.crisp else (0.0,)):
        yield load_any_model(name, share) if share else faithful


def method_name(model: str, crisp: float) -> str:
    """Name a model with a share of its crisp set of weights.

    Example:
        >>> method_name("srnet-x4", 0), method_name("srnet-x4", 0.5)
        ('srnet-x4', 'srnet-x4 crisp 0.5')
    """
    return f"{model} crisp {crisp:g}" if crisp else model


def choose_scales(wanted: Sequence[int], catalogue: Catalogue) -> tuple[int, ...]:
    """Choose the scales to measure at: the wanted ones, else those of the named models, else 4.

    Raises:
        UsageError: when a named model has another scale.
    """
    if not wanted:
        return (catalogue.scales if catalogue.named else ()) or (4,)
    for name, model in catalogue.models:
        if catalogue.named and model.card.scale not in wanted:
            raise UsageError(f"{name} enlarges ×{model.card.scale}", remedy=f"--scale {model.card.scale}")
    return tuple(dict.fromkeys(wanted))


def count_macs(network: nn.Module, side: int, *, published: bool) -> int | None:
    """Count the multiply-accumulates of a network's convolutions; None where that is not all it does."""
    if any(isinstance(module, nn.Linear | nn.MultiheadAttention) for module in network.modules()):
        return None
    counter: Callable[..., int] = multiply_accumulates
    try:
        return counter(network, side, side, residual=published, transposed_by_output=published)
    except (RuntimeError, ValueError, NotImplementedError, TypeError):
        # Other people's networks may do what cannot be done without data.
        return None


def _names(models: Sequence[LoadedModel]) -> list[str]:
    """List the cards' names, told apart by their folder or by a number where two are the same."""
    names = [method_name(model.card.name, model.crisp) for model in models]
    taken: set[str] = set()
    result = []
    for name, model in zip(names, models, strict=True):
        own = (
            name
            if names.count(name) == 1 and name not in INTERPOLATIONS
            else f"{model.path.parent.name}/{name}"
        )
        unique, number = own, 2
        while unique in taken:
            unique, number = f"{own} ({number})", number + 1
        taken.add(unique)
        result.append(unique)
    return result

"""The models that a zoom passes through, one after the other: chosen, loaded once, mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from srnet_cli.compute.device import check_precision, choose_device
from srnet_cli.console import warn
from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.models.card import Card
from srnet_cli.models.peers import load_any_model
from srnet_cli.models.released import (
    automatic_models,
    find_model,
    light_sister,
    mosaic_models,
    released_models,
    released_names,
)
from srnet_cli.models.store import model_files
from srnet_cli.zooming.effort.texture import EFFORTS, Effort
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_passes


@dataclass(frozen=True)
class ModelChoice:
    """Choice of the models that zoom, and of how they compute."""

    #: "auto", the name of a released model, or a path
    model: str = "auto"
    #: let auto take light models
    fast: bool = False
    #: how much of a crisp set is mixed in, 0..1; None: what each model's card states
    crisp: float | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    #: which tiles the light model of the same scale computes: none (full), those in which there is nothing
    #: to find (auto), or all (light)
    effort: Effort = "full"

    def __post_init__(self) -> None:
        if self.effort not in EFFORTS:
            raise UsageError(f"effort {self.effort!r} is none of {', '.join(EFFORTS)}")


def automatic_chain(scale: float, *, light: bool = False) -> list[str]:
    """Name the released models that reach ``scale`` one after the other when none is named.

    Behind a full model light ones go on: what is to be found is found on the camera's own pixels, and a
    later pass works on many times as many (the table of scales in models/README.md).

    Raises:
        WeightsError: when none of that kind is released.
        UsageError: when no chain reaches the scale.
    """
    passes = _passes(scale, light=light)
    if light or len(passes) < 2:
        return [find_model(s, light=light) for s in passes]
    return [find_model(passes[0]), *_behind(scale / passes[0])]


def _behind(scale: float, *, light: bool = False) -> list[str]:
    """Name the models that go on behind another one: light ones, where there are any."""
    return automatic_chain(scale, light=light or bool(automatic_models(light=True)))


def usual_crisp(scale: float, *, light: bool = False) -> float | None:
    """Find how crisp a zoom is unasked, 0..1; None where no model of the chain has crisp weights.

    Raises:
        as :func:`automatic_chain`.
    """
    chain = automatic_chain(scale, light=light)
    shares = [card.default_crisp for card in released_models() if card.name in chain and card.crisp]
    return max(shares, default=None)


def files_of_models(model: str) -> tuple[Path, ...]:
    """List the files that a zoom by ``model`` may read: its own, and those of released ones beside it."""
    names = released_names() if model == "auto" else [model, *released_names()]
    return tuple(file for name in names for file in model_files(name))


def _passes(scale: float, *, light: bool) -> tuple[int, ...]:
    available = {card.scale for card in automatic_models(light=light)}
    if scale > 1 and not available:
        if light:
            raise WeightsError(
                "no light model is installed", remedy="leave out --fast, or name one with --model"
            )
        find_model(scale)  # says what is missing
    return plan_passes(scale, sorted(available))


class Engines:
    """The models that a choice needs, each loaded once, when it is first needed."""

    def __init__(self, choice: ModelChoice) -> None:
        self._choice = choice
        self._loaded: dict[str, Engine] = {}

    def mosaic_model(self, asked: bool) -> str | None:
        """Name the model for mosaics that this choice means, None where there is none.

        A released one is taken unasked where its card does not forbid it: it was measured to be truer than
        developing and enlarging. Where models for pictures would be crisp unasked, and it cannot be, they are
        what the eye prefers; with ``--crisp 0`` it is taken.

        Raises:
            WeightsError: when one is ``asked`` for and none is there.
        """
        choice = self._choice
        if choice.model != "auto":
            if self._engine(choice.model, choice.crisp).reads_mosaics:
                return choice.model
            if asked:
                raise WeightsError(
                    f"{choice.model} takes pictures, not mosaics", remedy="leave out --raw-engine mosaic"
                )
            return None
        cards = mosaic_models(light=None if asked else choice.fast)
        if asked and not cards:
            raise WeightsError("no model for mosaics is installed", remedy="leave out --raw-engine mosaic")
        if not cards or (not asked and self._is_crisp_unasked(cards[0])):
            return None
        return cards[0].name

    def _is_crisp_unasked(self, mosaic: Card) -> bool:
        """Tell whether pictures would be enlarged with crisp weights, which the model for mosaics lacks."""
        if self._choice.crisp is not None or mosaic.crisp:
            return False
        chain = automatic_chain(mosaic.enlarges, light=self._choice.fast)
        return any(card.default_crisp for card in released_models() if card.name in chain)

    def for_scale(self, scale: float, mosaic: str | None = None) -> list[Engine]:
        """List the engines to run one after the other; the first reads a mosaic where ``mosaic`` names it.

        Raises:
            WeightsError, DeviceError: as in loading.
            UsageError: when no chain reaches the scale, or crisp weights are wanted of models without any.
        """
        choice = self._choice
        if mosaic is not None and scale > 1:
            first = self._engine(mosaic, None)
            left = scale / first.scale
            rest = _behind(left, light=choice.fast)
            return [first, *(self._engine(name, None) for name in rest)]
        if choice.model == "auto":
            names = automatic_chain(scale, light=choice.fast)
            return [self._engine(name, share) for name, share in zip(names, self._shares(names), strict=True)]
        only = self._engine(choice.model, choice.crisp)
        return [only] * len(plan_passes(scale, [only.scale]))

    def predict_residual(self, scale: float) -> bool:
        """Tell whether the last of the engines for a scale predicts the residual.

        Raises:
            as :meth:`for_scale`.
        """
        return any(engine.predicts_residual for engine in self.for_scale(scale)[-1:])

    def check(self, scale: float) -> None:
        """Refuse at once what would fail with every picture.

        Raises:
            WeightsError: when no model of the wanted kind is installed, or the named one cannot be used.
            UsageError: for a device or precision that does not exist, a scale that no chain reaches, or crisp
                weights of models without any.
            DeviceError: when the device is not there.
        """
        choice = self._choice
        check_precision(choice.engine.precision, choose_device(choice.engine.device, training=False))
        if choice.model == "auto":
            names = automatic_chain(scale, light=choice.fast)
            self._shares(names)
            for name in names:
                self._sister(name)
        else:
            self._engine(choice.model, choice.crisp)

    def _shares(self, names: Sequence[str]) -> list[float | None]:
        """Choose how much of its crisp set each model of a chain takes; one of them must have one."""
        crisp = self._choice.crisp
        if not crisp or not names:
            return [crisp] * len(names)
        with_crisp = {card.name for card in released_models() if card.crisp}
        if with_crisp.isdisjoint(names):
            raise UsageError(
                f"--crisp {crisp:g}: no crisp set of weights in {', '.join(dict.fromkeys(names))}",
                remedy="leave out --crisp, or name another model",
            )
        return [crisp if name in with_crisp else 0.0 for name in names]

    def _engine(self, name: str, crisp: float | None) -> Engine:
        if name not in self._loaded:
            sister = self._sister(name)
            lighter = None
            if sister is not None:
                has_crisp = any(card.crisp for card in released_models() if card.name == sister)
                lighter = self._open(sister, crisp if has_crisp else 0.0)
            alone = lighter if self._choice.effort == "light" else None
            self._loaded[name] = alone or self._open(name, crisp, lighter)
        return self._loaded[name]

    def _sister(self, name: str) -> str | None:
        """Name the light model that does tiles of another one; None where all is left to that one."""
        choice = self._choice
        later = choice.model == "auto" and any(c.light for c in released_models() if c.name == name)
        if choice.effort == "full" or later:
            return None
        sister = light_sister(name)
        if sister is None:
            raise UsageError(
                f"--effort {choice.effort}: there is no light model beside {name}",
                remedy="leave out --effort, or name another model",
            )
        return sister

    def _open(self, name: str, crisp: float | None, lighter: Engine | None = None) -> Engine:
        model = load_any_model(name, crisp)
        for note in model.notes:
            warn(f"{model.card.name}: {note}")
        if self._choice.crisp and not crisp:
            warn(f"{model.card.name} has no crisp set of weights: its faithful ones are taken")
        return Engine(model, self._choice.engine, lighter)

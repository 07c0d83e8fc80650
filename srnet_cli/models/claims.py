"""The check of a card against the tensors beside it, before anything of the card's size is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from srnet_cli.errors import WeightsError
from srnet_cli.models.card import Card
from srnet_cli.models.tensors import State, differences, refuse
from srnet_cli.network.architecture import Recognised
from srnet_cli.network.registry import build_network, network_names, recognise

#: functions that make a network's tensors. Only these may fail: torch restores its modes by functions too.
FACTORIES = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.tensor, torch.eye}
)
#: tensors that may be made for each tensor of the file
MADE_FOR_EACH = 10
#: and for the constants of any network
MADE_FOR_ALL = 100
#: channels or parts that an option may state; even a number without tensors costs time and memory
MOST_OF_AN_OPTION = 4096


class _TooLargeError(Exception):
    """The network would have far more parts than the file has tensors."""


class _Limited(TorchFunctionMode):
    """At most so many tensors: even without memory a network takes time to build, part by part."""

    def __init__(self, tensors: int) -> None:
        super().__init__()
        self._left = tensors

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func in FACTORIES:
            self._left -= 1
            if self._left < 0:
                raise _TooLargeError
        return func(*args, **(kwargs or {}))


def check_claim(state: State, card: Card) -> None:
    """Refuse a card of other weights.

    The network that it claims is built without memory, and no further than the file has tensors. Tensors that
    fit it are enough; tensors that do not are named as the network that they are, where that is known.

    Raises:
        WeightsError: naming what the card claims and what the tensors are.
        ValueError: when the card claims a network that does not exist, or that cannot be made.
    """
    try:
        found = recognise(state)
    except ValueError:
        found = None
    if any(isinstance(value, int) and abs(value) > MOST_OF_AN_OPTION for value in card.options.values()):
        raise _contradiction(card, found)
    is_other = found is not None and (card.architecture, card.scale) != (found.name, found.scale)
    limit = MADE_FOR_ALL + MADE_FOR_EACH * len(state)
    try:
        with _Limited(limit), torch.device("meta"):
            claimed = build_network(card.architecture, card.scale, **card.options)
    except _TooLargeError:
        raise _contradiction(card, found) from None
    except ValueError as error:
        # Where the options are those of another network, that it is another one says more.
        raise (_contradiction(card, found) if is_other and _is_known(card) else error) from None
    except (RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(f"the card's options make no network: {error}") from error
    different = differences(claimed, state)
    if different and is_other:
        raise _contradiction(card, found)
    refuse(list(different.values()))


def _is_known(card: Card) -> bool:
    return card.architecture in network_names()


def _contradiction(card: Card, found: Recognised | None) -> WeightsError:
    weights = "of a smaller one" if found is None else f"those of {found} {_options_text(found.options)}"
    claim = f"{card.architecture} ×{card.scale} {_options_text(card.options)}"
    return WeightsError(f"the card says {claim}, but the weights are {weights}")


def _options_text(options: Mapping[str, Any]) -> str:
    return "(" + ", ".join(f"{key} {value}" for key, value in options.items()) + ")"

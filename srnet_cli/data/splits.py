"""Which pairs are trained on and which are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from srnet_cli.errors import DataError

T = TypeVar("T")

#: share of scenes held out, and how many at most
VALIDATION_SHARE, MOST_VALIDATION_SCENES = 0.04, 16

#: first and last item of training and of validation by scale, 1-based in sorted order (specification 6)
PUBLISHED_RANGES = {4: ((1, 1300), (1301, 1314)), 8: ((1, 482), (483, 497))}


def held_out_scenes(scenes: Iterable[str]) -> frozenset[str]:
    """A few scenes chosen by their names alone: the same on every machine and in every run, and mostly the
    same when scenes are added. None when there is only one scene.
    """
    names = sorted(set(scenes), key=_hash)
    if len(names) < 2:
        return frozenset()
    count = max(1, min(MOST_VALIDATION_SCENES, round(VALIDATION_SHARE * len(names))))
    return frozenset(names[:count])


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def published_split(items: Sequence[T], scale: int) -> tuple[list[T], list[T]]:
    """Training and validation items of the published runs; ``items`` sorted by name.

    Some validation items share a scene with training items (specification 9.8).

    Raises:
        DataError: when there is no published range for the scale, or there are too few items for it.
    """
    if scale not in PUBLISHED_RANGES:
        raise DataError(f"no published ranges for ×{scale}", remedy="split by scene")
    train, validation = PUBLISHED_RANGES[scale]
    if len(items) < validation[0]:
        raise DataError(
            f"{len(items)} items; the published validation items are {validation[0]}–{validation[1]}",
            remedy="split by scene",
        )
    return list(items[train[0] - 1 : train[1]]), list(items[validation[0] - 1 : validation[1]])

"""The choice of scenes that are held out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

#: share of scenes held out, and how many at most
VALIDATION_SHARE, MOST_VALIDATION_SCENES = 0.04, 16


def held_out_scenes(scenes: Iterable[str]) -> frozenset[str]:
    """Choose a few scenes by their names alone: the same on every machine and in every run, and mostly the
    same when scenes are added. None when there is only one scene.
    """
    names = sorted(set(scenes), key=_hash)
    if len(names) < 2:
        return frozenset()
    count = max(1, min(MOST_VALIDATION_SCENES, round(VALIDATION_SHARE * len(names))))
    return frozenset(names[:count])


def _hash(name: str) -> bytes:
    return hashlib.sha256(os.fsencode(name)).digest()

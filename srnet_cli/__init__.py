"""Digital zoom with SRNet. The library in three names: ``load_model``, ``zoom`` and ``residual``.

They are imported when first used, so that ``import srnet_cli`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from srnet_cli.library import residual, zoom
    from srnet_cli.models.store import load_model

__all__ = ["load_model", "residual", "zoom"]

_HOMES = {"load_model": "models.store", "residual": "library", "zoom": "library"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"srnet_cli.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

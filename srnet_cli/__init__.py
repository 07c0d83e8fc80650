"""Digital zoom with SRNet: ``zoom``, ``residual``, ``load_model``, and reading and writing pictures.

They are imported when first used, so that ``import srnet_cli`` costs nothing. With ``python -m srnet_cli``
Python looks for modules in the current folder until the program has its turn: none but what it has loaded
itself are imported here.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from srnet_cli.imaging import Picture, read_picture, write_picture
    from srnet_cli.library import residual, zoom
    from srnet_cli.models.store import load_model

__all__ = ["Picture", "load_model", "read_picture", "residual", "write_picture", "zoom"]

_HOMES = {
    "Picture": "imaging",
    "load_model": "models.store",
    "read_picture": "imaging",
    "residual": "library",
    "write_picture": "imaging",
    "zoom": "library",
}


def __getattr__(name: str) -> "Any":
    if name in _HOMES:
        return getattr(import_module(f"srnet_cli.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

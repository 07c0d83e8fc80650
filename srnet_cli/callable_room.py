"""Packages that are also functions.

``srnet_cli.zoom`` is a package and, in the library, a function. Python stores an imported package as an
attribute of its parent, over whatever stood there; so the package itself answers a call.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class CallableRoom(ModuleType):
    """A package that, called, calls the function of the same name in ``srnet_cli.library``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = getattr(import_module("srnet_cli.library"), self.__name__.rpartition(".")[2])
        return function(*args, **kwargs)


def make_callable(name: str) -> None:
    """Turn the package ``name``, which is being imported, into a ``CallableRoom``."""
    sys.modules[name].__class__ = CallableRoom

"""Something in torchvision's place while another package is imported that hardly needs it.

The wheel on PyPI is built for CUDA and cannot be imported beside a CPU build of torch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType


@contextmanager
def torchvision_or(module: str, contents: Mapping[str, object]) -> Iterator[None]:
    """Have ``contents`` importable from a module of torchvision's where that itself fails to be imported.

    Args:
        module: the whole name, ``torchvision.models``.
        contents: what the package that is imported within takes from it.
    """
    packages: list[str] = []
    try:
        import_module(module)
    except (ImportError, RuntimeError, OSError, AttributeError):
        parts = module.split(".")
        packages = [".".join(parts[: count + 1]) for count in range(len(parts))]
    before = {name: sys.modules[name] for name in packages if name in sys.modules}
    for name in packages:
        sys.modules[name] = ModuleType(name)
    for name in packages[1:]:
        outer, _, inner = name.rpartition(".")
        setattr(sys.modules[outer], inner, sys.modules[name])
    for name in packages[-1:]:
        vars(sys.modules[name]).update(contents)
    try:
        yield
    finally:
        for name in packages:
            sys.modules.pop(name, None)
        sys.modules.update(before)

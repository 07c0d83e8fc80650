"""Which srnet this is."""

from __future__ import annotations


def own_version() -> str:
    """The installed version; ``uninstalled checkout`` when run from one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("srnet-cli")
    except PackageNotFoundError:
        return "uninstalled checkout"

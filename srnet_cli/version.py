"""Which srnet this is."""

from __future__ import annotations

from pathlib import Path


def own_version() -> str:
    """The installed version; ``uninstalled checkout`` when run from one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("srnet-cli")
    except PackageNotFoundError:
        return "uninstalled checkout"


def extra_command(extra: str) -> str:
    """Return the command that installs the packages of an extra, wherever this program runs from.

    Example:
        >>> extra_command("lpips")
        "pip install 'srnet-cli[lpips]'"
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("srnet-cli")
    except PackageNotFoundError:
        # No index knows the name; pip takes the folder with pyproject.toml.
        return f"pip install -e '{Path(__file__).resolve().parent.parent}[{extra}]'"
    return f"pip install 'srnet-cli[{extra}]'"

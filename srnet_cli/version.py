"""The version of this srnet."""

from __future__ import annotations


def own_version() -> str:
    """Find the installed version; ``uninstalled checkout`` when run from one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("srnet-cli")
    except PackageNotFoundError:
        return "uninstalled checkout"


def extra_command(extra: str) -> str:
    """Say how the packages of an extra are installed: by their own names, as this one may be on no index.

    Example:
        >>> extra_command("lpips")
        'pip install "lpips>=0.1.4"'
    """
    from importlib.metadata import PackageNotFoundError, requires

    marks = {f"extra == {quote}{extra}{quote}" for quote in "'\""}
    try:
        listed = [line.partition(";") for line in requires("srnet-cli") or ()]
    except PackageNotFoundError:
        listed = []
    packages = [f'"{name.strip()}"' for name, _, mark in listed if mark.strip() in marks]
    return "pip install " + (" ".join(packages) or f'".[{extra}]" in the checkout')

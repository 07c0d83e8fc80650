"""The version of this srnet."""

from __future__ import annotations


def own_version() -> str:
    """Find the installed version; ``uninstalled checkout`` when run from one."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("srnet-cli")
    except PackageNotFoundError:
        return "uninstalled checkout"


#: extras whose packages depend on torch or torchvision
_WITH_TORCH = ("lpips", "peers", "perceptual")


def extra_command(extra: str) -> str:
    """Say how the packages of an extra are installed: by their own names, as this one may be on no index.

    Those that want torch name the one that is here: else pip would take the newest torchvision and with it
    another torch, of gigabytes where this one is built for CPUs.

    Example:
        >>> extra_command("tensorboard")
        'pip install "tensorboard>=2.16"'
    """
    from importlib.metadata import PackageNotFoundError, requires, version

    marks = {f"extra == {quote}{extra}{quote}" for quote in "'\""}
    try:
        listed = [line.partition(";") for line in requires("srnet-cli") or ()]
    except PackageNotFoundError:
        listed = []
    packages = [f'"{name.strip()}"' for name, _, mark in listed if mark.strip() in marks]
    if packages and extra in _WITH_TORCH:
        packages.append(f'"torch=={version("torch")}"')
    return "pip install " + (" ".join(packages) or f'".[{extra}]" in the checkout')

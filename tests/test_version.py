"""The version, and the command that installs an extra."""

from __future__ import annotations

import importlib.metadata

import pytest

from srnet_cli.version import extra_command, own_version


def test_an_extra_is_installed_by_the_names_of_its_packages() -> None:
    assert extra_command("tensorboard") == 'pip install "tensorboard>=2.16"'
    here = importlib.metadata.version("torch")
    assert extra_command("peers") == f'pip install "spandrel>=0.4" "torch=={here}"'


def test_an_uninstalled_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    for function in ("requires", "version"):
        monkeypatch.setattr(importlib.metadata, function, missing)
    assert extra_command("peers") == 'pip install ".[peers]" in the checkout'
    assert own_version() == "uninstalled checkout"

"""The version, and the command that installs an extra."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from srnet_cli.version import extra_command, own_version


def test_an_installed_program_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: None)
    assert extra_command("lpips") == "pip install 'srnet-cli[lpips]'"


def test_a_checkout_names_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    for function in ("distribution", "version"):
        monkeypatch.setattr(importlib.metadata, function, missing)
    command = extra_command("peers")
    folder = Path(command.partition("'")[2].partition("[")[0])
    assert (folder / "pyproject.toml").is_file() and command.endswith("[peers]'")
    assert own_version() == "uninstalled checkout"

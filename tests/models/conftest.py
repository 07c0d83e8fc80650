"""Models on disk, and released ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from srnet_cli.models import released, store
from srnet_cli.models.store import save_model
from tests.models.samples import CARD, tiny


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a model in it."""
    save_model(tmp_path / "tiny", tiny(), CARD)
    return tmp_path / "tiny"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds released models."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(released, "models_folder", lambda: folder)
    monkeypatch.setattr(store, "models_folder", lambda: folder)

    def add(name: str, scale: int, **fields: Any) -> None:
        save_model(folder / name, tiny(scale), replace(CARD, name=name, scale=scale, **fields))

    return add

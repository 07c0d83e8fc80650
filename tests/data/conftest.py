"""Generated zoom sequences that several tests read and none may change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenes import Shot, default_shots, write_sequence

FOUR_FOCALS = (150.0, 100.0, 35.0, 24.0)


@pytest.fixture(scope="session")
def srraw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SR-RAW in small: two training scenes and a test scene, each of four shots (150, 100, 35 and 24 mm)."""
    root = tmp_path_factory.mktemp("srraw")
    for name, scene in (("train/00001", 0), ("train/00002", 1), ("test/00001", 2)):
        write_sequence(root / name, four_shots(scene), 240, 320, scene)
    return root


def four_shots(seed: int) -> list[Shot]:
    return default_shots(seed, FOUR_FOCALS)

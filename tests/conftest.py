"""Fixtures and options that every test room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests that take over a minute")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = pytest.mark.skip(reason="takes over a minute; run with --slow")
    cuda = pytest.mark.skip(reason="no CUDA device")
    has_card = _has_card(items)
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(slow)
        if "cuda" in item.keywords and not has_card:
            item.add_marker(cuda)


def _has_card(items: list[pytest.Item]) -> bool:
    """Ask for a card only where a test wants to know: torch takes a while to load."""
    if not any("cuda" in item.keywords for item in items):
        return False
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photographs and fixtures that the project uses but does not ship."""
    folder = Path(os.environ.get("SRNET_SHARED", "../shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set SRNET_SHARED")
    return folder


@pytest.fixture(scope="session")
def parity(shared: Path) -> Path:
    """Fixtures computed with the authors' released modules."""
    return shared / "parity"

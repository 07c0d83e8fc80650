"""The examples in the docstrings of metrics and of small imaging modules hold."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = [
    "imaging.boxes",
    "names",
    "imaging.depth",
    "imaging.metadata.shown",
    "zooming.frame",
    "zooming.progress",
    "commands.zoom_report",
    "imaging.resize",
    "imaging.srgb",
    "metrics.information",
    "metrics.matching",
    "metrics.psnr",
    "metrics.ssim",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    module = import_module(f"srnet_cli.{name}")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0

from __future__ import annotations

from collections.abc import Iterator

import pytest

from srnet_cli.training.losses import LOSSES


@pytest.fixture(autouse=True, scope="module")
def _losses_as_they_were() -> Iterator[None]:
    """Take the pages' losses out of the table again."""
    before = dict(LOSSES)
    yield
    LOSSES.clear()
    LOSSES.update(before)

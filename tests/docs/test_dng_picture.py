"""The picture of a DNG: the details of a RAW and of its DNG are of one place, developed alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docs import dng
from tests.captures import write_dng


def test_details_of_both_lie_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LEFT": 20, "TOP": 16, "WIDTH": 40, "HEIGHT": 30, "AROUND": 8}.items():
        monkeypatch.setattr(dng, name, value)
    ramp = np.linspace(0.1, 0.6, 96)
    scene = np.stack([np.tile(ramp, (72, 1)), np.tile(ramp[::-1], (72, 1)), np.full((72, 96), 0.3)], axis=2)
    source = tmp_path / "photo.dng"
    write_dng(source, scene)
    dng.write_dng(source, tmp_path / "made.dng")
    found = dng.panels(source, tmp_path / "made.dng")
    assert {pixels.shape for pixels in found.values()} == {(60, 80, 3)}
    plain, made, darker, made_darker = (pixels.astype(float) for pixels in found.values())
    assert np.abs(plain - made).mean() < 2
    assert np.abs(darker - made_darker).mean() < 2
    # Half the light, more red and less blue.
    assert (darker[..., 1] < plain[..., 1] - 20).all()
    assert (darker[..., 2].mean() / plain[..., 2].mean()) < (darker[..., 0].mean() / plain[..., 0].mean())
    assert dng.compose(found).size == (2 * 80 + dng.GAP, 2 * (60 + dng.CAPTION))

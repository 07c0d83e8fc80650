"""An exported network gives what ours gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from srnet_cli.main import app
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel, load_model, save_model
from srnet_cli.network.registry import build_network


def saved(folder: Path, name: str, **options: int) -> LoadedModel:
    torch.manual_seed(3)
    network = build_network(name, 2, **options)
    save_model(folder, network, Card(folder.name, name, 2, dict(options), tile=24, overlap=4), half=False)
    return load_model(folder)


@pytest.mark.parametrize(
    ("name", "shapes", "side"),
    [("srnet", [(24, 24)], 24), ("srnet_lite", [(24, 40), (33, 20)], None), ("edsr", [(31, 48)], None)],
)
def test_onnx_gives_the_same_picture(
    tmp_path: Path, name: str, shapes: list[tuple[int, int]], side: int | None
) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="the extra 'onnx' and onnxruntime are not installed")
    import onnxruntime

    model = saved(tmp_path / "net", name, n_feats=16, n_resblocks=1)
    target = tmp_path / "net.onnx"
    result = CliRunner().invoke(app, ["export", str(tmp_path / "net"), "-o", str(target)])
    assert result.exit_code == 0, result.output
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    stated = json.loads(session.get_modelmeta().custom_metadata_map["srnet"])
    assert (stated["architecture"], stated["scale"], stated["tile"]) == (name, 2, side)
    for height, width in shapes:
        lr = np.random.default_rng(1).uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        (found,) = session.run(["sr"], {"lr": lr})
        with torch.no_grad():
            expected = model.network(torch.from_numpy(lr)).sr.numpy()
        assert found.shape == (1, 3, 2 * height, 2 * width)
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()

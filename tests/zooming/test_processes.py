"""A folder shared out between two processes, started by torchrun as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from srnet_cli.imaging import Picture, write_picture
from srnet_cli.models.card import Card
from srnet_cli.models.store import save_model
from srnet_cli.network.registry import build_network

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def zoom(*start: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    arguments = ["zoom", "photos", "--output", "out/", "--model", "tiny", "--scale", "2", "--json"]
    command = [sys.executable, *start, "-m", "srnet_cli", *arguments, "--device", "cpu"]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )


def prepare(folder: Path) -> None:
    torch.manual_seed(0)
    options = {"n_feats": 16, "n_resblocks": 1}
    network = build_network("srnet", 2, **options)
    save_model(folder / "tiny", network.eval(), Card("tiny", "srnet", 2, options, tile=16, overlap=4))
    (folder / "photos").mkdir()
    for number in range(3):
        pixels = np.full((16, 20, 3), 60 * number, np.uint8)
        write_picture(Picture(pixels), folder / "photos" / f"{number}.png")


def test_the_first_process_reports_for_both(tmp_path: Path) -> None:
    prepare(tmp_path)
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = zoom(*torchrun, folder=tmp_path, environment=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    results = results["results"] if isinstance(results, dict) else results
    assert sorted(Path(r["source"]).name for r in results) == ["0.png", "1.png", "2.png"]
    assert all(r["status"] == "written" and (tmp_path / r["target"]).exists() for r in results)
    # Nothing was done twice, and one process sums up.
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert done.stderr.count("3 pictures written in") == 1
    assert "pictures written" not in done.stderr.replace("3 pictures written in", "")


def test_half_an_environment_of_torchrun_is_one_line(tmp_path: Path) -> None:
    prepare(tmp_path)
    done = zoom(folder=tmp_path, environment={**ENVIRONMENT, "RANK": "1"})
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert "the environment has RANK, but not WORLD_SIZE" in " ".join(done.stderr.split())

"""The commands of docs/sr-raw.md, run one after another on a drawn set of SR-RAW's layout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.scenes import default_shots, write_sequence

ROOT = Path(__file__).parents[2]
SCENES = 40
#: millimetres, the widest not as wide as SR-RAW's
LENSES = (240.0, 150.0, 100.0, 70.0, 55.0, 40.0, 30.0)
#: the published items of 120 and of 40 pairs
RANGES = {4: ((1, 110), (111, 114)), 8: ((1, 36), (37, 40))}
#: the program, with shorter trainings of smaller networks, and smaller crops
PROGRAM = """#!{python}
import sys
from srnet_cli.data.sr_raw import pairing
from srnet_cli.main import run
from srnet_cli.network.registry import open_options

def shortened(words):
    if words[0] == "eval":
        return [*words, "--crop-size", "64", "--no-lpips", "--no-feature-distance", "--panels", "1"]
    if words[0] != "train" or "--prepare-only" in words:
        return words
    model = words[words.index("--model") + 1] if "--model" in words else "srnet"
    sizes = {{"n_feats": "16", "n_resblocks": "1"}}
    for name in sizes.keys() & open_options(model).keys():
        words = [*words, "--" + name.replace("_", "-"), sizes[name]]
    words = [*words, "--epoch-steps", "1", "--epochs", "2", "--batch-size", "1", "--patch-size", "16"]
    return [*words, "--validation-crop", "64", "--device", "cpu", "--workers", "1"]

if __name__ == "__main__":
    pairing.PUBLISHED_RANGES.update({ranges})
    sys.argv = ["srnet", *shortened(sys.argv[1:])]
    run()
"""


def commands() -> str:
    """The page's commands as a script."""
    page = (ROOT / "docs" / "sr-raw.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE))


def write_set(folder: Path, scenes: int) -> None:
    """Scenes of seven shots, small ones whose widest still leaves something of its field of view."""
    for scene in range(1, scenes + 1):
        shots = default_shots(scene, LENSES)
        write_sequence(folder / "train" / f"{scene:05d}", shots, 480, 640, scene, quick=True)


def run_page(folder: Path, ranges: dict[int, tuple[tuple[int, int], tuple[int, int]]]) -> str:
    """Run the page's commands in a folder that holds SR-RAW/; what they printed."""
    program = folder / "bin" / "srnet"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, ranges=ranges))
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    script = f"set -e\n{commands()}"
    ended = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_published_experiment_runs_as_the_page_says(tmp_path: Path) -> None:
    write_set(tmp_path / "SR-RAW", SCENES)
    said = " ".join(run_page(tmp_path, RANGES).split())
    assert "110 pairs ×4 from 37 scenes; 4 held out" in said
    assert "36 pairs ×8 from 36 scenes; 4 held out" in said
    rows = (tmp_path / "ablation.md").read_text(encoding="utf-8").splitlines()[2:]
    assert len(rows) == 12
    table = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    assert re.search(r"^\| srnet \|", table, re.MULTILINE)
    assert "SR-RAW ×4 PSNR Y authors" in table and "SR-RAW ×8 PSNR Y authors" in table
    for name in (
        "psnr-over-time", "psnr-over-parameters", "psnr-over-epochs", "motivation", "lost-information",
    ):  # fmt: skip
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 800
    assert len(list((tmp_path / "lost").glob("*.png"))) == 6
    assert list((tmp_path / "report-x4" / "panels").rglob("*.png"))
    assert list((tmp_path / "report-x4").glob("*-comparison.png"))

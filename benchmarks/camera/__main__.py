"""``python -m benchmarks.camera``: the simulated camera beside real ones.

``compare`` measures LR of both on the same scenes, and writes ``benchmarks/results/camera.json``, ``.md`` and
``docs/pictures/camera_fit.png``. The real pairs are those of ``$SRNET_SHARED/data`` (default ``../shared``):
``real_train``, to which the ranges were fitted, and ``testsets/City100_valid``, to which they were not.
``parts`` draws ``docs/pictures/camera_parts.jpg``. ``fit`` prints what parameters explain the real LR of
``real_train``.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.camera.comparison import compare, facts, table
from benchmarks.camera.figures import draw_figure
from benchmarks.camera.fitting import infer
from benchmarks.camera.parts import draw_parts
from benchmarks.quality import shared_folder
from benchmarks.record import as_json, record
from docs.markers import ROOT

FITTED, KEPT_ASIDE = "real_train", "testsets/City100_valid"
PICTURES = ROOT / "docs" / "pictures"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", default="compare", choices=("compare", "parts", "fit"))
    parser.add_argument("--draws", type=int, default=4, help="simulated cameras for each scene")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth pair")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.command == "parts":
        draw_parts(PICTURES / "camera_parts.jpg")
    elif options.command == "fit":
        print(as_json(infer(shared_folder() / FITTED, options.draws, options.every)), end="")
    else:
        sets = {
            name: compare(shared_folder() / name, options.draws, options.every)
            for name in (FITTED, KEPT_ASIDE)
        }
        record("camera", {**facts(), "every": options.every, "sets": sets}, table(sets))
        draw_figure(sets[FITTED], PICTURES / "camera_fit.png")


if __name__ == "__main__":
    main()

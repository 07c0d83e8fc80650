"""``python -m benchmarks.quality``: every released model measured by ``srnet eval`` on every test set.

One document for each scale, ``benchmarks/results/quality-xS.json``, is what ``srnet eval --json`` prints,
with the machine's facts. The pictures are those of ``$SRNET_SHARED/data`` (default ``../shared``);
docs/tables.py writes the tables for people.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import load_per_core, machine_facts
from srnet_cli.errors import DataError
from srnet_cli.evaluation.display import Display
from srnet_cli.evaluation.exports import document
from srnet_cli.evaluation.methods import MethodOptions
from srnet_cli.evaluation.opening import DataOptions
from srnet_cli.evaluation.ranks import join_ranks
from srnet_cli.evaluation.results import SetResult
from srnet_cli.evaluation.runner import EvaluationRequest, evaluate
from srnet_cli.version import own_version
from srnet_cli.weights import released_models

RESULTS = Path(__file__).parent / "results"
#: by scale: folder below data/ and how its sharp pictures are reduced. City100's shots are real ones.
_SIMULATED = (
    ("valid", "camera"),
    ("Set5", "camera"),
    ("Set14", "camera"),
    ("valid", "bicubic"),
    ("Set5", "bicubic"),
    ("Set14", "bicubic"),
)
CITY100 = ("testsets/City100_NikonD5500", "bicubic")


def _sets(scale: int) -> tuple[tuple[str, str], ...]:
    named = tuple(
        (name if name == "valid" else f"testsets/{name}", degradation) for name, degradation in _SIMULATED
    )
    return (*named, CITY100) if scale == 4 else named


SETS = {scale: _sets(scale) for scale in (2, 3, 4, 8)}


def shared_folder() -> Path:
    """Where the test pictures lie.

    Raises:
        DataError: when they are not there.
    """
    folder = Path(os.environ.get("SRNET_SHARED", "../shared")) / "data"
    if not folder.is_dir():
        raise DataError("does not hold the test pictures", path=folder, remedy="set SRNET_SHARED")
    return folder


def measure_scale(scale: int, models: tuple[str, ...], limit: int | None) -> dict[str, Any]:
    """All sets of a scale by bicubic, Lanczos and ``models``."""
    results: list[SetResult] = []
    for folder, degradation in SETS[scale]:
        request = EvaluationRequest(
            data=(shared_folder() / folder,),
            methods=MethodOptions(models=(*models, "lanczos"), interpolations=("bicubic",)),
            scales=(scale,),
            source=DataOptions(),
            degradations=(degradation,),
            limit=limit,
        )
        with join_ranks() as ranks, Display() as display:
            results += evaluate(request, ranks, display) or []
    machine = machine_facts(torch.device("cpu")) | {
        "threads": torch.get_num_threads(),
        "load_per_core": load_per_core(),
    }
    weights = {card.name: card.sha256 for card in released_models() if card.name in models}
    return document(results, {"srnet": own_version(), "machine": machine, "weights": weights})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, help="only the first pictures of each set, to try it out")
    parser.add_argument("--scale", type=int, action="append", help="only this scale; repeatable")
    arguments = parser.parse_args()
    cards = released_models()
    for scale in sorted({card.scale for card in cards} & set(arguments.scale or SETS)):
        names = tuple(card.name for card in cards if card.scale == scale)
        whole = measure_scale(scale, names, arguments.limit)
        target = RESULTS / f"quality-x{scale}.json"
        target.write_text(json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()

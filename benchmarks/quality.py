"""``python -m benchmarks.quality``: every released model measured by ``srnet eval`` on every test set.

A model with a crisp set of weights is measured at both ends; the table ``[crisp]`` of its card gets the
figures of the second.

For each scale, ``benchmarks/results/quality-xS.json`` is what ``srnet eval --json`` prints, with the
machine's facts, and ``quality-xS.md`` the same as tables; the models' cards get their figures from it. The
pictures are those of ``$SRNET_SHARED/data`` (default ``../shared``); docs/tables.py fills the READMEs.
City100's pairs are ×4; for ×2 their HR is halved by area.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import torch

from benchmarks.machine import load_per_core, machine_facts
from benchmarks.record import record
from srnet_cli.compute.processes import join_processes
from srnet_cli.errors import DataError
from srnet_cli.evaluation.measurement import EvaluationRequest, evaluate
from srnet_cli.evaluation.methods import MethodOptions, method_name
from srnet_cli.evaluation.outputs.display import Display
from srnet_cli.evaluation.outputs.exports import document, markdown
from srnet_cli.evaluation.results import SetResult
from srnet_cli.imaging import Picture, read_picture, write_picture
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.models.card import CARD_FILE, Card, write_card
from srnet_cli.models.released import models_folder, picture_models
from srnet_cli.version import own_version

#: folder below data/, and how its sharp pictures are reduced
_SIMULATED = (
    ("valid", "camera"),
    ("Set5", "camera"),
    ("Set14", "camera"),
    ("valid", "bicubic"),
    ("Set5", "bicubic"),
    ("Set14", "bicubic"),
)
#: real zoom pairs, which are not reduced: City100's of one camera, and those of two that models are chosen by
CITY100 = ("testsets/City100_NikonD5500", "bicubic")
CITY100_VALID = ("testsets/City100_valid", "bicubic")
#: the two ends that a model with a crisp set is measured at
ENDS = (0.0, 1.0)
#: metrics that a card has beside PSNR, where they were measured
CARD_METRICS = ("ssim_y", "feature_distance", "sharpness", "noise", "halo", "grid", "grid_2", "niqe")


def _sets(scale: int) -> tuple[tuple[str, str], ...]:
    named = tuple(
        (name if name == "valid" else f"testsets/{name}", degradation) for name, degradation in _SIMULATED
    )
    return {4: (*named, CITY100, CITY100_VALID), 2: (*named, CITY100_VALID)}.get(scale, named)


SETS = {scale: _sets(scale) for scale in (2, 3, 4, 8)}


def shared_folder() -> Path:
    """Find the test pictures.

    Raises:
        DataError: when they are not there.
    """
    folder = Path(os.environ.get("SRNET_SHARED", "../shared")) / "data"
    if not folder.is_dir():
        raise DataError("does not hold the test pictures", path=folder, remedy="set SRNET_SHARED")
    return folder


def measure_scale(
    scale: int,
    models: tuple[str, ...],
    limit: int | None,
    only: Sequence[str] = (),
    ends: tuple[float, ...] = ENDS,
) -> list[SetResult]:
    """Measure all sets of a scale by bicubic, Lanczos and ``models``, those with a crisp set at its ``ends``.

    ``only`` names folders of sets, with which the others are left out.
    """
    two_ends = {card.name for card in picture_models() if card.crisp}
    methods = MethodOptions(
        models=(*models, "lanczos"),
        crisp=ends if two_ends.intersection(models) else ENDS[:1],
        interpolations=("bicubic",),
    )
    sets = [(folder, degradation) for folder, degradation in SETS[scale] if not only or folder in only]
    found = (measure(folder, degradation, scale, methods, limit) for folder, degradation in sets)
    return [result for results in found for result in results]


def measure(
    folder: str, degradation: str, scale: int, methods: MethodOptions, limit: int | None = None
) -> list[SetResult]:
    """Measure one folder of test pictures, reduced by ``degradation``; nothing in processes but the first."""
    with ExitStack() as stack:
        data = shared_folder() / folder
        if scale == 2 and folder == CITY100_VALID[0]:
            data = halved(data, Path(stack.enter_context(TemporaryDirectory())))
        request = EvaluationRequest(
            data=(data,), methods=methods, scales=(scale,), degradations=(degradation,), limit=limit
        )
        processes = stack.enter_context(join_processes(methods.engine.device))
        return evaluate(request, processes, stack.enter_context(Display())) or []


def halved(pairs: Path, beside: Path) -> Path:
    """Make pairs ×2 of a set's pairs ×4: HR of half the side, by area, in a folder of the set's name."""
    folder = beside / pairs.name
    (folder / "HR").mkdir(parents=True)
    shutil.copytree(pairs / "LR", folder / "LR")
    for path in list_pictures(pairs / "HR"):
        hr = read_picture(path).pixels
        height, width = hr.shape[:2]
        half = cv2.resize(hr, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        write_picture(Picture(half), folder / "HR" / f"{path.stem}.png")
    return folder


def card_figures(results: list[SetResult], model: str) -> dict[str, Any]:
    """List what a card says about one end of its model: means over whole pictures, gain over bicubic."""
    figures: dict[str, Any] = {
        "command": "python -m benchmarks.quality",
        "unit": "dB; psnr and gain over RGB, psnr_y over Y without a border",
    }
    for result in results:
        summary = next((s for s in result.summaries if s.info.name == model), None)
        if summary is None:
            continue
        gain, pairs = summary.gains["psnr_rgb"], [p.measurements for p in result.measured]
        lost = sum(p[model].figures["psnr_rgb"] < p["bicubic"].figures["psnr_rgb"] for p in pairs)
        figures[f"{result.name}, {result.origin}"] = {
            "psnr": round(summary.means["psnr_rgb"].value, 3),
            "psnr_y": round(summary.means["psnr_y"].value, 3),
            **{key: round(summary.means[key].value, 4) for key in CARD_METRICS if key in summary.means},
            "gain_over_bicubic": round(gain.value, 3),
            "interval": [round(end, 3) for end in (gain.low, gain.high) if end is not None],
            "pictures": summary.pictures,
            "pictures_worse_than_bicubic": lost,
        }
    return figures


def save(scale: int, results: list[SetResult], cards: Sequence[Card]) -> None:
    """Write the results of a scale, and each model's figures into its card."""
    record(f"quality-x{scale}", document(results, circumstances(cards)), markdown(results))
    for card in cards:
        write_card(models_folder() / card.name / CARD_FILE, with_figures(card, results))


def with_figures(card: Card, results: list[SetResult]) -> Card:
    """Fill in what was measured, at both ends where there are two; figures of other sets stay."""
    card = replace(card, metrics={**card.metrics, **card_figures(results, card.name)})
    if not card.crisp:
        return card
    crisp = card_figures(results, method_name(card.name, ENDS[1]))
    return replace(card, crisp={**card.crisp, "metrics": {**card.crisp.get("metrics", {}), **crisp}})


def circumstances(cards: Sequence[Card]) -> dict[str, Any]:
    """List what figures of released models depend on: version, machine, and which weights they were."""
    machine = machine_facts(torch.device("cpu")) | {
        "threads": torch.get_num_threads(),
        "load_per_core": load_per_core(),
    }
    return {
        "srnet": own_version(),
        "machine": machine,
        "weights": {card.name: card.sha256 for card in cards},
        "crisp_weights": {card.name: card.crisp["sha256"] for card in cards if card.crisp},
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, help="only the first pictures of each set, to try it out")
    parser.add_argument("--scale", type=int, action="append", help="only this scale; repeatable")
    parser.add_argument("--model", action="append", help="only this model, and only its card; repeatable")
    parser.add_argument(
        "--set", action="append", default=[], help="only this folder below data/, and only cards; repeatable"
    )
    parser.add_argument(
        "--end",
        type=float,
        choices=ENDS,
        action="append",
        help="only faithful (0) or crisp (1), and only cards",
    )
    arguments = parser.parse_args()
    ends = tuple(sorted(set(arguments.end or ENDS)))
    known = {folder for sets in SETS.values() for folder, _ in sets}
    if unknown := set(arguments.set) - known:
        parser.error(f"--set {', '.join(sorted(unknown))}: one of {', '.join(sorted(known))}")
    cards = picture_models()
    for scale in sorted({card.scale for card in cards} & set(arguments.scale or SETS)):
        mine = [
            card for card in cards if card.scale == scale and card.name in (arguments.model or [card.name])
        ]
        if not mine:
            continue
        named = tuple(card.name for card in mine)
        results = measure_scale(scale, named, arguments.limit, arguments.set, ends)
        if arguments.model or arguments.set or arguments.end:
            # The file of a scale compares all its models on all its sets, so a part does not go into it.
            for card in mine:
                write_card(models_folder() / card.name / CARD_FILE, with_figures(card, results))
        else:
            save(scale, results, mine)


if __name__ == "__main__":
    main()

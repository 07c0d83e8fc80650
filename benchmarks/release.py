"""``python -m benchmarks.release RUN NAME --photographs LIST.tsv``: a finished training as a released model.

Writes ``models/NAME/`` from the run's last checkpoint: weights in half precision and the card. LIST.tsv has
the photographs with origin and licence in columns ``file``, ``sha256``, ``source``, ``licence`` and ``use``
(``train`` counts); ``models/photographs.tsv`` keeps them once for all models that were trained on them, and
a model of other photographs has a list of its own. What an earlier release under the same name was trained
is kept in the card as its history when the run started from it. Figures come later:
``python -m benchmarks.quality``.

``python -m benchmarks.release models/NAME --crisp FILE`` puts FILE, weights of the same network that were
trained for the eye (a run, a checkpoint or .safetensors), into a released model as its crisp set.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from srnet_cli.errors import DataError
from srnet_cli.files import atomic_path
from srnet_cli.models.card import CARD_FILE, Card, read_card
from srnet_cli.models.released import models_folder
from srnet_cli.models.store import load_model, save_crisp, save_model

LIST_FILE = "photographs.tsv"
COLUMNS = ("file", "sha256", "source", "licence")
LICENCE = "Apache-2.0; trained on photographs under the licences in photographs.tsv"
#: the light network gives the same picture in tiles of any size; large ones waste least on their rims
LIGHT_TILE = 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of the run, or one of its checkpoints")
    parser.add_argument("name", nargs="?", help="of the released model")
    parser.add_argument("--crisp", type=Path, metavar="FILE", help="crisp set for the model in folder RUN")
    parser.add_argument(
        "--default-crisp", type=float, default=0.0, help="how much of them zoom takes unasked, 0 to 1"
    )
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--hardware", required=True, help="what it was trained on, in words")
    parser.add_argument("--remark", default="", help="what the run's options do not tell")
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="of the run's weights; the rest are those of the released model, which it started from. "
        "Above 1, for a crisp set, as much farther from them",
    )
    parser.add_argument(
        "--named-only",
        action="store_true",
        help="zoom takes it by its name only, as it does every model for software-reduced pictures",
    )
    arguments = parser.parse_args()
    if arguments.crisp is not None:
        release_crisp(
            arguments.run,
            arguments.crisp,
            arguments.hardware,
            arguments.remark,
            arguments.default_crisp,
            arguments.share,
        )
        return
    if arguments.name is None or arguments.photographs is None:
        parser.error("a released model needs NAME and --photographs")
    release(
        arguments.run,
        arguments.name,
        arguments.photographs,
        arguments.hardware,
        arguments.remark,
        arguments.share,
        named_only=arguments.named_only,
    )


def release(
    run: Path,
    name: str,
    photographs: Path,
    hardware: str,
    remark: str = "",
    share: float = 1.0,
    *,
    named_only: bool = False,
) -> Card:
    """Write ``models/name`` and return its card. ``run``: a run's folder (its last weights) or checkpoint.

    With a ``share`` below 1, weights between the released model's and the run's, which started from them:
    a run on other pictures then costs less of what was learned before (Wortsman et al., "Robust fine-tuning
    of zero-shot models", CVPR 2022). A crisp set that is there stays, as do the card's largest tile, pattern,
    pairs and command.

    Raises:
        WeightsError: when the run's checkpoint, or the released model to mix it with, cannot be loaded.
        DataError: when the list names no photograph to train on.
        OutputError: when the folder cannot be written.
    """
    rows = training_rows(photographs)
    model, folder = load_model(run / "last.pt" if run.is_dir() else run), models_folder() / name
    if share < 1:
        mix_in(model.network, load_model(name).network, share)
        remark = "; ".join(filter(None, [remark, f"{share:g} of its weights, the rest those from before"]))
    trained, before = trained_recipe(model.card), _released(folder, model.card)
    reach: int | None = getattr(model.network, "receptive_radius", None)
    card = replace(
        model.card,
        name=name,
        tile=128 if reach is None else LIGHT_TILE,
        overlap=16 if reach is None else 2 * reach,
        light=reach is not None,
        named_only=named_only or trained.get("degradation") == "bicubic",
        licence=LICENCE,
        recipe={
            "command": before.recipe.get(
                "command", f"srnet train --config models/{name}/recipe.toml --data PHOTOGRAPHS --output run"
            ),
            "hardware": hardware,
            "note": before.recipe.get("note", "The command trains further from these weights."),
            "history": history(folder, trained, remark),
            **trained,
        },
        data={**before.data, "photographs": len(rows), "list": place_of_list(folder, rows)},
        metrics={},
        largest_tile=before.largest_tile,
        patterned=before.patterned,
        crisp=before.crisp,
        default_crisp=before.default_crisp,
    )
    saved = save_model(folder, model.network, card)
    write_list(folder / card.data["list"], rows)
    return saved


def release_crisp(
    folder: Path, weights: Path, hardware: str, remark: str = "", default: float = 0.0, share: float = 1.0
) -> Card:
    """Put the crisp set ``weights`` into a released model's folder and return its card, without figures.

    With a ``share`` of other than 1, what lies as far on the line from the faithful set through them.

    Raises:
        WeightsError: when either cannot be loaded, or they are not of one network.
        OutputError: when the folder cannot be written.
    """
    found = load_model(weights / "last.pt" if (weights / "last.pt").exists() else weights)
    if share != 1:
        mix_in(found.network, load_model(folder, 0.0).network, share)
        remark = "; ".join(
            filter(None, [remark, f"{share:g} of the way from the faithful set to its weights"])
        )
    trained = trained_recipe(found.card)
    line = history(folder, trained, remark)[-1:] if "trained_steps" in trained else [remark] if remark else []
    recipe = {"hardware": hardware, "history": line, **trained}
    return save_crisp(folder, found.network, {"recipe": recipe, "metrics": {}}, default)


def _released(folder: Path, card: Card) -> Card:
    """Read what was released in ``folder`` of the same network.

    Without such a release, ``card`` with nothing of its own.
    """
    if (folder / CARD_FILE).is_file():
        found = read_card(folder)
        if (found.architecture, found.options) == (card.architecture, card.options):
            return found
    return replace(card, recipe={}, data={}, largest_tile=0, crisp={}, default_crisp=0.0)


def trained_recipe(card: Card) -> dict[str, Any]:
    """Return how a run was trained, without folders of the machine that it ran on."""
    trained = dict(card.recipe)
    if "init" in trained:
        trained["init"] = Path(trained["init"]).name
    return trained


def place_of_list(folder: Path, rows: Sequence[Mapping[str, str]]) -> str:
    """Choose where a model's list lies, seen from its folder: the common one where that is the same."""
    common = folder.parent / LIST_FILE
    return f"../{LIST_FILE}" if not common.exists() or read_list(common) == rows else LIST_FILE


def read_list(path: Path) -> list[dict[str, str]]:
    """Read a list of photographs: a dictionary for each."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def write_list(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write a list of photographs.

    Raises:
        OutputError: when it cannot be written.
    """
    with atomic_path(path, overwrite=True) as file, file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def mix_in(network: nn.Module, other: nn.Module, share: float) -> None:
    """Move the weights of ``network`` towards those of ``other``, of which they keep ``share``.

    Above 1 they move away from them.
    """
    state, before = network.state_dict(), other.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            tensor.lerp_(before[key], 1 - share)


def training_rows(photographs: Path) -> list[dict[str, str]]:
    """List the photographs that are for training.

    Raises:
        DataError: when there are none.
    """
    rows = [row for row in read_list(photographs) if row["use"] == "train"]
    if not rows:
        raise DataError("names no photograph to train on", path=photographs)
    return [{**{key: row[key] for key in COLUMNS}, "file": Path(row["file"]).name} for row in rows]


def history(folder: Path, recipe: Mapping[str, Any], remark: str) -> list[str]:
    """Write a line for each training that led here, the latest last.

    Of those of an earlier release in ``folder`` only when the run started from it.
    """
    start = recipe.get("init", "random weights")
    earlier: list[str] = []
    if start == folder.name and (folder / CARD_FILE).is_file():
        earlier = list(read_card(folder).recipe.get("history", []))
    steps, hours = recipe["trained_steps"], recipe["trained_hours"]
    latest = f"{steps} steps in {hours} hours from {start}"
    return [*earlier, f"{latest}; {remark}" if remark else latest]


if __name__ == "__main__":
    main()

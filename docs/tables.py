"""The tables of README.md and models/README.md, from files alone.

``python -m docs.tables`` reads the models' cards, what the benchmarks ``quality``, ``ablation``, ``today``,
``scales``, ``jobs`` and ``zoom`` wrote to benchmarks/results/, and docs/published.toml. It measures nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from benchmarks.record import RESULTS
from docs.jobs import jobs_note, jobs_table
from docs.markers import ROOT, fill
from docs.raw import dng_note, dng_table, raw_note, raw_table
from srnet_cli.evaluation.methods import method_name
from srnet_cli.evaluation.outputs.tables import count, significant
from srnet_cli.models.card import Card
from srnet_cli.models.released import picture_models
from srnet_cli.training.options import Optimizer
from srnet_cli.zooming.chain import automatic_chain

#: figures of two runs on the same picture that differ by more were not taken on the same picture
SAME_DB = 0.005
#: megapixels of a whole frame that a camera takes today
FRAME = 24
#: sets of the models' table: name, word of how LR came about, heading
COLUMNS = (
    ("valid", "camera", "simulated camera"),
    ("City100_valid", "supplied", "real zoom (City100, two cameras)"),
    ("City100_NikonD5500", "supplied", "real zoom (City100)"),
    ("Set5", "bicubic", "software-reduced (Set5)"),
)
#: figures for the eye: key, heading, digits, whether the least or the greatest is best (None: neither)
EYE = (
    ("psnr_rgb", "PSNR RGB", 2, max),
    ("ssim_y", "SSIM Y", 3, max),
    ("feature_distance", "feature distance", 3, min),
    ("sharpness", "sharpness", 2, None),
    ("noise", "noise", 2, None),
    ("halo", "halo", 1, min),
    ("grid", "grid, ×4", 1, None),
    ("grid_2", "grid, ×2", 1, None),
)
#: whole jobs of other programs, of small and of large pictures
RIVALS = ("rivals.md", "rivals-6.md")
#: the set that they are shown of
EYE_SET = ("City100_valid", "supplied")
#: how sets are called in the comparison with others, in the order of its columns
TITLES = {
    ("City100_valid", "supplied"): "City100 of two cameras, {} real zoom pairs",
    ("City100_NikonD5500", "supplied"): "City100, {} real zoom pairs",
    ("valid", "camera"): "{} photographs, simulated camera",
    ("Set5", "camera"): "Set5, simulated camera",
    ("Set5", "bicubic"): "Set5, reduced by software",
}

#: a line of a card's history
_RUN = re.compile(r"([\d,]+) steps(?: of [^;:]*?)? in ([\d.]+) (hours?|s)\b")

Document = dict[str, Any]


def write_tables() -> None:
    """Fill the markers of both files."""
    qualities = {scale: _load(f"quality-x{scale}.json") for scale in range(2, 17)}
    found = {scale: quality for scale, quality in qualities.items() if quality is not None}
    texts = {
        "table:speed": speed_table(),
        "table:published": published_table(),
        "table:quality": quality_tables(sorted(found)),
    }
    today = _load("today-x4.json")
    if today is not None and 4 in found:
        texts["table:today"] = today_table(today, found[4])
        texts["table:eye"] = eye_table(today, found[4])
    scales = _load("scales.json")
    if scales is not None:
        texts["table:scales"] = scales_table(scales)
    ablations = [_load(f"ablation-x4-{optimizer}.json") for optimizer in get_args(Optimizer)]
    if any(ablations):
        texts["table:ablation"] = "\n\n".join(ablation_table(found) for found in ablations if found)
    heads, *rows = jobs_table()
    if rows:
        texts["table:jobs"] = f"{_markdown(heads, rows)}\n\n{jobs_note()}"
    rivals = [RESULTS / name for name in RIVALS if (RESULTS / name).exists()]
    if rivals:
        lines = [line for path in rivals for line in path.read_text(encoding="utf-8").splitlines()]
        rows = dict.fromkeys(line for line in lines if line.startswith("|") and "left out" not in line)
        texts["table:rivals"] = "\n".join(rows)
    raw = _load("raw.json")
    if raw is not None:
        heads, *rows = raw_table(raw)
        fill(ROOT / "docs" / "raw.md", {"table:raw": f"{_markdown(heads, rows)}\n\n{raw_note(raw)}"})
    dng = _load("raw_dng.json")
    if dng is not None:
        heads, *rows = dng_table(dng)
        fill(ROOT / "docs" / "raw.md", {"table:raw-dng": f"{_markdown(heads, rows)}\n\n{dng_note(dng)}"})
    names = [
        f"ablation-outlook-{data}-x4-{o}.json" for data in ("simulated", "real") for o in get_args(Optimizer)
    ]
    outlooks = [each for each in map(_load, names) if each is not None]
    if outlooks:
        texts["table:outlook"] = "\n\n".join(map(ablation_table, outlooks))
    for folder in (ROOT, ROOT / "models"):
        links = "models/" if folder == ROOT else ""
        fill(folder / "README.md", {**texts, "table:models": models_table(found, links)})


def models_table(qualities: dict[int, Document], links: str) -> str:
    """A line for each released model: size, gain over bicubic on each kind of picture, speed.

    ``links`` leads from the file that the table is for to models/. Of a model that was trained further since
    the files of its scale were written, the gains are those of its card; its speed stays as it was.

    Raises:
        ValueError: when a model is no longer the one that was measured, in the card either.
    """
    heads = ["model", "scale", "parameters", "MACs/pixel", "file", "training"]
    # A set that was not measured yet has no column.
    measured = [(title, origin) for title, origin in _origins(qualities.values()) if origin[1]]
    heads += [*(title for title, _ in measured), "s/MP"]
    rows, origins = [], [origin for _, origin in measured]
    for card in picture_models():
        quality = qualities.get(card.scale, {"sets": [], "weights": {}})
        replaced = card.scale in qualities and quality["weights"].get(card.name) != card.sha256
        cells = _quality_cells(card.name, quality, origins, card.metrics if replaced else None)
        rows.append([*_card_cells(card, quality, links), *cells])
    notes = [
        "Columns of the kinds of pictures: mean gain in PSNR over bicubic in dB, with its 95 % interval; "
        "n.s.: these pictures do not show a difference. MACs (multiply-accumulates) are for a pixel of LR, "
        "seconds for a million.",
        *(f"×{scale}: {_machine(quality['machine'])}." for scale, quality in qualities.items()),
    ]
    return _markdown(heads, rows) + "\n\n" + " ".join(notes)


def _card_cells(card: Card, quality: Document, links: str) -> list[str]:
    megabytes = (ROOT / "models" / card.name / "weights.safetensors").stat().st_size / 1e6
    measured = (_method(found, card.name) for found in quality["sets"])
    method = next((method for method in measured if method is not None), {})
    macs = method.get("macs_64x64")
    return [
        f"[{card.name}]({links}{card.name}/card.toml)",
        f"×{card.scale}",
        count(method.get("parameters")),
        count(None if macs is None else macs / 64**2),
        f"{megabytes:.1f} MB",
        _training(card),
    ]


def _training(card: Card) -> str:
    """Steps and hours of all runs of the card's history, those of other models that it began with left out.

    Raises:
        ValueError: when a line of the history does not begin with them.
    """
    runs = [_RUN.match(line) for line in card.recipe.get("history", [])]
    if not runs:
        return "–"
    if not all(runs):
        raise ValueError(f"{card.name}: its history has a line without steps and hours")
    steps = sum(int(run[1].replace(",", "")) for run in runs if run)
    hours = sum(float(run[2]) / (3600 if run[3] == "s" else 1) for run in runs if run)
    return f"{steps:,} steps, {hours:.1f} h"


def _origins(qualities: Iterable[Document]) -> list[tuple[str, tuple[str, str]]]:
    """Find each column's title, its set, and how its LR came about: of several simulated cameras the newest.

    Figures behind an older one are left out until they are measured anew, as a column compares.
    """
    found = [s for quality in qualities for s in quality["sets"]]
    return [
        (title, (name, max((s["lr"] for s in found if s["name"] == name and word in s["lr"]), default="")))
        for name, word, title in COLUMNS
    ]


def _quality_cells(
    name: str, quality: Document, origins: Sequence[tuple[str, str]], own: Document | None = None
) -> list[str]:
    """Write gains and seconds of a model; with ``own``, figures of its card, the gains are these.

    Raises:
        ValueError: when the card does not have them.
    """
    cells, seconds = [], []
    for set_name, origin in origins:
        method = _method(_same_set(quality, set_name, origin), name)
        if method is None:
            cells.append("–")
            continue
        gain = method["minus_bicubic"]["psnr_rgb"]
        if own is not None:
            figures = own.get(f"{set_name}, {origin}")
            if figures is None or len(figures["interval"]) != 2:
                raise ValueError(f"{name} was replaced after it was measured: run benchmarks.quality")
            low, high = figures["interval"]
            gain = {"value": figures["gain_over_bicubic"], "low": low, "high": high}
        cells.append(_gain(gain))
        seconds.append(method["seconds_per_lr_megapixel"])
    return [*cells, significant(min(seconds)) if seconds else "–"]


def _gain(mean: dict[str, Any]) -> str:
    doubt = "" if mean["low"] * mean["high"] > 0 else " n.s."
    return f"{mean['value']:+.2f} [{mean['low']:+.2f}, {mean['high']:+.2f}]{doubt}"


def today_table(today: Document, quality: Document) -> str:
    """What people use today beside the released models, on the same pictures.

    Raises:
        ValueError: when the two files were not measured on the same pictures.
    """
    found_sets = [_set(today, *column) for column in TITLES]
    sets = [(s, _same_set(quality, s["name"], s["lr"])) for s in found_sets if s is not None]
    rows: dict[str, list[tuple[float, float] | None]] = {}
    for index, (others, ours) in enumerate(sets):
        if ours is None:
            raise ValueError(f"{others['name']} is missing in quality-x4.json: run benchmarks.quality")
        _check_same(others, ours)
        own = _card_means(f"{ours['name']}, {ours['lr']}")
        found = {**_means_of(others), **{name: (row["psnr_rgb"], row["ssim_y"]) for name, row in own.items()}}
        for name, figures in found.items():
            rows.setdefault(name, [None] * len(sets))[index] = figures
    filled = [[cell for cell in column if cell is not None] for column in zip(*rows.values(), strict=True)]
    best = [[max(cell[k] for cell in column) for k in range(2)] for column in filled]
    lines = [[name, *(_pair(cell, best[i]) for i, cell in enumerate(cells))] for name, cells in rows.items()]
    titles = [t.format(len(s["pictures"])) for t, s in zip(TITLES.values(), found_sets, strict=True) if s]
    heads = ["method", *titles]
    note = "PSNR RGB in dB / SSIM Y, means over whole pictures, best in bold."
    return _markdown(heads, lines) + "\n\n" + note


def eye_table(today: Document, quality: Document) -> str:
    """Show the measures for the eye on real zoom pairs, of others and of ours at both ends of ``--crisp``.

    Raises:
        ValueError: when the set is missing, or was not measured on the same pictures.
    """
    others = _set(today, *EYE_SET)
    ours = None if others is None else _same_set(quality, others["name"], others["lr"])
    if others is None or ours is None:
        raise ValueError(f"{EYE_SET[0]} is missing: run benchmarks.today and benchmarks.quality")
    _check_same(others, ours)
    rows = {name: _eye_means(others, name) for name in next(iter(others["pictures"].values()))}
    rows |= _card_means(f"{ours['name']}, {ours['lr']}")
    lines = []
    for name, means in rows.items():
        cells = [name]
        for key, _, digits, better in EYE:
            found = {other: round(row[key], digits) for other, row in rows.items() if key in row}
            best = better(found.values()) if better is not None and found else None
            text = f"{means[key]:.{digits}f}" if key in means else "–"
            cells.append(f"**{text}**" if best is not None and found.get(name) == best else text)
        lines.append(cells)
    note = (
        f"Means over {len(others['pictures'])} real zoom pairs, best in bold. Feature distance as the extra "
        "`perceptual` measures it, less is nearer; sharpness and noise against the long lens's own picture, "
        "1 is alike; halo in levels; grid in dB, below 2.5 is not seen. `crisp 1` is what `srnet zoom` "
        "makes by itself, the row without it `--crisp 0`."
    )
    return _markdown(["method", *(heading for _, heading, _, _ in EYE)], lines) + "\n\n" + note


def _eye_means(others: Document, name: str) -> dict[str, float]:
    """Average over the pictures that have what is measured, as ``srnet eval`` does."""
    pictures = [picture[name] for picture in others["pictures"].values()]
    found = {key: [figures[key] for figures in pictures if key in figures] for key, *_ in EYE}
    return {key: sum(values) / len(values) for key, values in found.items() if values}


def _pair(cell: tuple[float, float] | None, best: Sequence[float]) -> str:
    if cell is None:
        return "–"
    texts = [f"{cell[0]:.2f}", f"{cell[1]:.4f}"]
    marked = [f"**{t}**" if v == b else t for t, v, b in zip(texts, cell, best, strict=True)]
    return " / ".join(marked)


def _means_of(others: Document) -> dict[str, tuple[float, float]]:
    pictures = list(others["pictures"].values())

    def mean(name: str, key: str) -> float:
        return float(sum(p[name][key] for p in pictures) / len(pictures))

    return {name: (mean(name, "psnr_rgb"), mean(name, "ssim_y")) for name in pictures[0]}


def _card_means(measured: str) -> dict[str, dict[str, float]]:
    """Read what the cards of the models for ×4 say of a set, at both ends of those with a crisp set.

    The cards are newer than the file of the scale where a model was measured alone.
    """
    found = {}
    for card in picture_models():
        ends = {card.name: card.metrics, method_name(card.name, 1.0): card.crisp.get("metrics", {})}
        for name, metrics in ends.items():
            if card.scale == 4 and measured in metrics:
                found[name] = {**metrics[measured], "psnr_rgb": metrics[measured]["psnr"]}
    return found


def _check_same(others: Document, ours: Document) -> None:
    mine = {p["name"]: p["results"]["bicubic"]["figures"]["psnr_rgb"] for p in ours["pictures"]}
    theirs = {name: figures["bicubic (Pillow)"]["psnr_rgb"] for name, figures in others["pictures"].items()}
    if mine.keys() != theirs.keys() or any(abs(mine[n] - theirs[n]) > SAME_DB for n in mine):
        raise ValueError(
            f"{others['name']}: not the same pictures in today-x4.json and quality-x4.json; run both"
        )


def scales_table(found: Document) -> str:
    """Chains of models for each scale, the best first; what ``zoom`` takes by itself is in bold.

    Raises:
        ValueError: when a model is no longer the one that was measured.
    """
    if found["weights"] != {card.name: card.sha256 for card in picture_models()}:
        raise ValueError("a model was replaced after the scales were measured: run benchmarks.scales")
    rows = []
    for way in found["ways"]:
        names = ", then ".join(way["models"])
        reduced = f", reduced from ×{way['reached']}" if way["reached"] > way["scale"] else ""
        chosen = automatic_chain(way["scale"], light=way["light"]) == way["models"]
        rows.append(
            [
                f"×{way['scale']}",
                (f"**{names}**" if chosen else names) + reduced,
                _gain(way["gain"]),
                str(way["lost"]),
                significant(way["seconds_per_lr_megapixel"]),
            ]
        )
    pictures = found["ways"][0]["gain"]["count"]
    note = (
        f"Gain in PSNR RGB over bicubic in dB on the {pictures} photographs of `valid` behind the simulated "
        "camera, mean [95 %]; bold: what `srnet zoom` takes by itself, the light ones with `--fast`. "
        f"s/MP: {_machine(found['machine'])}."
    )
    return _markdown(["scale", "models", "over bicubic", "pictures lost", "s/MP"], rows) + "\n\n" + note


def speed_table() -> str:
    """A line for each machine that ``benchmarks.zoom`` was run on."""
    heads = ["machine", "as the authors wrote it", "srnet", "times as fast", f"{FRAME} MP frame ×4"]
    rows = []
    for path in sorted(RESULTS.glob("*.json")):
        whole = json.loads(path.read_text(encoding="utf-8"))
        forms = whole.get("forms")
        if not forms:
            continue
        authors, best = forms[0], min(forms, key=lambda form: form["seconds_per_mp"])
        rows.append(
            [
                f"[{_processor(whole['machine'])}](benchmarks/results/{path.stem}.md)",
                f"{significant(authors['seconds_per_mp'])} s/MP",
                f"{significant(best['seconds_per_mp'])} s/MP, {best['precision']}",
                f"{best['ratio_median']:.1f}",
                _whole_frame(whole),
            ]
        )
    return _markdown(heads, rows)


def _whole_frame(measured: Document) -> str:
    """How long the job of one frame took, from JPEG to file, where it was measured."""
    seconds = [job["total_s"] for job in measured.get("jobs", ()) if job["megapixels"] == FRAME]
    return _duration(seconds[0]) if seconds else "–"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{significant(seconds)} s"


def published_table() -> str:
    """What the architecture reached elsewhere, by its authors' account."""
    published = tomllib.loads((ROOT / "docs" / "published.toml").read_text(encoding="utf-8"))["srnet"]
    table = _markdown(published["columns"], published["rows"])
    return f"{table}\n\n{published['title']}; source: {published['source']}."


def ablation_table(found: Document) -> str:
    """What each arm of an ablation gains over bicubic, and over the arm that it differs from in one thing."""
    lines, seeds = found["lines"], len(found["seeds"])
    bases = [line for line in lines if line["over_base"] is None]
    over = "over its base" if len(bases) > 1 else "over the first"
    heads = ["network" if len(bases) > 1 else "trained with", "parameters", "s/step", "over bicubic", over]
    # Other work on the machine makes steps longer, and those of one arm more than those of another.
    busy = (found["machine"].get("load_per_core") or 0) > 0.5
    centres = f" (centres of {found['crop']}² pixels)" if "crop" in found else ""
    real = found.get("set", "valid") != "valid"
    pictures = (
        f"{found['pictures']} real pairs of `{found.get('set')}`"
        if real
        else f"{found['pictures']} photographs of `valid` behind the simulated camera"
    )
    rows = [
        [
            line["title"],
            count(line["parameters"]),
            "–" if busy else significant(line["seconds_per_step"]),
            _gain(line["over_bicubic"]),
            _gain(line["over_base"]) if line["over_base"] else "",
        ]
        for line in lines
    ]
    note = (
        f"Gain in PSNR RGB in dB on the {pictures}{centres}, "
        f"mean [95 %] over the pictures, of {'one training' if seeds == 1 else f'{seeds} trainings'} "
        f"each from scratch with {found['optimizer'].title()} (rate {found['lr']:g}): "
        f"{found['n_feats']} channels, {found['n_resblocks']} blocks, "
        f"{found['steps']:,} steps of {found['batch_size']} patches of {found['patch_size']}² LR pixels. "
    )
    if seeds == 1:
        note += "What another start would have changed is not in the intervals."
    else:
        spread = max(max(line["gains"]) - min(line["gains"]) for line in lines)
        note += f"Trainings of one network that differ in the start alone differ by up to {spread:.2f} dB."
    return f"{_markdown(heads, rows)}\n\n{note}"


def quality_tables(scales: Sequence[int]) -> str:
    """What ``benchmarks.quality`` printed, one level deeper."""
    return "\n\n".join((RESULTS / f"quality-x{s}.md").read_text(encoding="utf-8").strip() for s in scales)


def _load(name: str) -> Document | None:
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _set(quality: Document, name: str, origin: str) -> Document | None:
    return next((s for s in quality["sets"] if s["name"] == name and origin in s["lr"]), None)


def _same_set(quality: Document, name: str, lr: str) -> Document | None:
    return next((s for s in quality["sets"] if (s["name"], s["lr"]) == (name, lr)), None)


def _method(found: Document | None, name: str) -> Document | None:
    return None if found is None else next((m for m in found["methods"] if m["method"] == name), None)


def _processor(machine: Document) -> str:
    if "gpu" in machine:
        return str(machine["gpu"])
    name = str(machine["cpu"]).partition("(family")[0].replace("(R)", "").strip()
    sets = "AMX" if "amx_bf16" in machine["instruction_sets"] else "no AMX"
    threads = machine.get("threads", 1)
    return f"{name}, {sets}, {threads} thread{'s' if threads > 1 else ''}"


def _machine(machine: Document) -> str:
    busy = machine.get("load_per_core")
    load = f", with other work on it (load {busy} per core): read seconds as upper bounds" if busy else ""
    return f"seconds on {_processor(machine)}{load}"


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = [":--", *["--:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (heads, rules, *rows))


if __name__ == "__main__":
    write_tables()

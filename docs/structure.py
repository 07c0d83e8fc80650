"""The package's structure, read from its imports: its parts, their layers, and the drawing of both.

``python -m docs.structure`` writes docs/pictures/architecture.svg.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docs.markers import ROOT

PACKAGE = "srnet_cli"
DRAWING = ROOT / "docs" / "pictures" / "architecture.svg"

#: Layers from top to bottom: a part imports from the layers below its own, never from above or beside.
#: Of the lowest layers each line is a layer, too.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("main",),
    ("commands",),
    ("__init__", "library", "figures"),
    ("training", "evaluation", "page"),
    ("zooming",),
    ("residuals",),
    ("data", "metrics"),
    ("models",),
    ("inference",),
    ("network",),
    ("imaging",),
    ("compute",),
    ("config_file", "console", "kept", "names"),
    ("files",),
    ("reading",),
    ("temporaries",),
    ("errors", "interrupts", "lenient", "version"),
)
#: what the boxes of the drawing say
SUBJECTS = {
    "main": "the command line",
    "commands": "parse, call, print",
    "library": "zoom(), residual()",
    "figures": "of a paper",
    "zooming": "a picture in, a larger picture out",
    "training": "a batch to a step, a run on disk",
    "page": "srnet ui, in a browser",
    "evaluation": "methods, figures, report",
    "residuals": "what a zoom lost",
    "data": "folders to aligned patches",
    "metrics": "pure functions of two pictures",
    "models": "card, tensors, store",
    "inference": "the fast forms",
    "network": "torch and nothing of ours",
    "imaging": "pixels and files",
    "compute": "device, processes, threads",
    "config_file": "TOML",
    "console": "what people read",
    "kept": "tables from run to run",
    "names": "of all results",
    "files": "whole or not at all",
    "temporaries": "not finished yet",
    "reading": "regular files only",
    "errors": "every expected failure",
    "interrupts": "Ctrl-C",
    "lenient": "lost stderr",
    "version": "of this program",
}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module of the package as its dotted name below the package, and its file."""
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = file.relative_to(ROOT / PACKAGE).with_suffix("").parts
        yield ".".join(parts if parts == ("__init__",) or parts[-1] != "__init__" else parts[:-1]), file


def imports(file: Path, name: str) -> Iterator[str]:
    """Yield what a module imports of the package, as dotted names below it; lazy imports count, too.

    Imports under ``if TYPE_CHECKING`` do not: they do not exist when the program runs.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    folder = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = folder.split(".")[: len(folder.split(".")) - node.level + 1]
                base = ".".join(filter(None, [PACKAGE, *above, base]))
            if base == PACKAGE:
                yield from (alias.name for alias in node.names)
            elif base.startswith(PACKAGE + "."):
                yield base[len(PACKAGE) + 1 :]
        elif isinstance(node, ast.Import):
            yield from (
                alias.name[len(PACKAGE) + 1 :] for alias in node.names if alias.name.startswith(PACKAGE + ".")
            )


def part_of(name: str) -> str:
    """Return the part (a package or module right below ``srnet_cli``) that a dotted name belongs to."""
    return name.partition(".")[0]


def arrows() -> dict[str, list[str]]:
    """Find, for each part, the other parts that it imports, in alphabetical order."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, file in modules():
        found[part_of(name)] |= {part_of(imported) for imported in imports(file, name)} - {part_of(name)}
    return {part: sorted(targets) for part, targets in sorted(found.items())}


def layer_of(part: str) -> int:
    """Return the index of the layer that a part belongs to.

    Raises:
        ValueError: when the part is not in ``LAYERS``.
    """
    for index, parts in enumerate(LAYERS):
        if part in parts:
            return index
    raise ValueError(f"{part} is not in LAYERS of docs/structure.py")


def draw() -> str:
    """Draw the layers as rows of boxes, and each part's imports as lines downwards; an SVG document."""
    width, row, box, high = 900, 78, 215, 44
    centres: dict[str, tuple[float, float]] = {}
    shapes = []
    rows = [[part for part in parts if part in SUBJECTS] for parts in LAYERS]
    for index, parts in enumerate(filter(None, rows)):
        step = width / len(parts)
        # Rows with one box step aside in turn, so that lines between distant layers do not run through boxes.
        aside = (0, -190, 190)[index % 3] if len(parts) == 1 else 0
        for place, part in enumerate(parts):
            x, y = step * (place + 0.5) + aside, 20 + index * row + high / 2
            centres[part] = x, y
            shapes.append(
                f'<rect x="{x - box / 2:.0f}" y="{y - high / 2:.0f}" width="{box}" height="{high}" rx="6" '
                'fill="#f4f6fa" stroke="#456"/>'
                f'<text x="{x:.0f}" y="{y - 4:.0f}" text-anchor="middle" font-weight="bold">{part}</text>'
                f'<text x="{x:.0f}" y="{y + 13:.0f}" text-anchor="middle" font-size="12" fill="#345">'
                f"{escape(SUBJECTS[part])}</text>"
            )
    lines = []
    for part, targets in arrows().items():
        for target in targets:
            if part not in centres or target not in centres or target in LAYERS[-1]:
                continue  # everything imports errors; its lines would hide the others
            (x0, y0), (x1, y1) = centres[part], centres[target]
            lines.append(
                f'<path d="M{x0:.0f} {y0 + high / 2:.0f} C{x0:.0f} {y0 + 60:.0f} {x1:.0f} {y1 - 60:.0f} '
                f'{x1:.0f} {y1 - high / 2:.0f}"/>'
            )
    height = 20 + len(list(filter(None, rows))) * row
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="15">\n<rect width="100%" height="100%" fill="white"/>\n'
        '<g fill="none" stroke="#9ab" stroke-opacity="0.7" stroke-width="1.3">\n'
        + "\n".join(lines)
        + "\n</g>\n"
        "" + "\n".join(shapes) + "\n</svg>\n"
    )


if __name__ == "__main__":
    DRAWING.write_text(draw(), encoding="utf-8")

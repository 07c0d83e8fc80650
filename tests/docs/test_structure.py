"""The package's imports point one way, its files can be read at once, and the drawing is current."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from docs import structure
from docs.structure import imports, layer_of, modules, part_of

#: files side by side in one package, and lines of one file
MOST_FILES, MOST_LINES = 14, 350


def test_imports_point_one_way() -> None:
    against = [
        f"{name} imports {imported}"
        for name, file in modules()
        for imported in imports(file, name)
        if part_of(imported) != part_of(name) and layer_of(part_of(imported)) <= layer_of(part_of(name))
    ]
    assert against == []


def test_every_part_has_a_layer() -> None:
    assert {part_of(name) for name, _ in modules()} == {part for parts in structure.LAYERS for part in parts}


def test_networks_import_torch_and_nothing_of_ours_but_each_other() -> None:
    foreign = {
        f"{name}: {imported}"
        for name, file in modules()
        if part_of(name) == "network"
        for imported in imports(file, name)
        if part_of(imported) != "network"
    }
    assert foreign == set()


def test_no_import_goes_in_a_circle() -> None:
    graph = {
        name: {imported for imported in _named_modules(file, name) if imported != name}
        for name, file in modules()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for imported in graph.get(name, ()):
                visit(imported, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_files_and_packages_are_of_a_readable_size() -> None:
    long = [str(file) for _, file in modules() if len(file.read_text().splitlines()) > MOST_LINES]
    folders = {file.parent for _, file in modules()}
    crowded = [
        str(folder)
        for folder in folders
        if len([file for file in folder.glob("*.py") if file.name != "__init__.py"]) > MOST_FILES
    ]
    assert long == [] and crowded == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from srnet_cli.imaging.read import read_picture", ["imaging.read"]),
        ("from srnet_cli import errors", ["errors"]),
        ("import srnet_cli.files", ["files"]),
        ("def f():\n    from srnet_cli.data.prepared.cache import prepare", ["data.prepared.cache"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from srnet_cli.data import x", []),
        ("from .psnr import luma", ["metrics.psnr"]),
        ("from ..errors import DataError", ["errors"]),
    ],
)
def test_imports_are_found_in_every_form(tmp_path: Path, code: str, expected: list[str]) -> None:
    file = tmp_path / "ssim.py"
    file.write_text(code)
    assert list(imports(file, "metrics.ssim")) == expected


def test_the_drawing_is_of_the_present_imports() -> None:
    """``python -m docs.structure`` makes it again."""
    drawing = structure.draw()
    assert all(f">{part}<" in drawing for part in structure.SUBJECTS)
    assert structure.DRAWING.read_text() == drawing


def _named_modules(file: Path, name: str) -> set[str]:
    """The modules that are imported when this one is: lazy imports do not count."""
    known = {module for module, _ in modules()}
    top = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = "\n".join(ast.unparse(node) for node in top)
    found = set()
    for node in ast.walk(ast.parse(lines)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("srnet_cli."):
            base = (node.module or "").removeprefix("srnet_cli.")
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {inner if inner in known else base for inner in names}
    return found

"""What is there when ``--skip-existing`` is said stays as it is, whatever else is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from srnet_cli.zooming import batch
from tests.faults.pictures import encoded
from tests.faults.program import Program, disk

#: what a zoom of a.png writes by its options
WRITTEN = {
    (): ("a_x2.png",),
    ("--heatmap",): ("a_x2.png", "a_x2_residual.png", "a_x2_entropy.png"),
    ("--compare",): ("a_x2.png", "a_x2_compare.html"),
    ("--heatmap", "--compare"): (
        "a_x2.png",
        "a_x2_residual.png",
        "a_x2_entropy.png",
        "a_x2_compare.html",
    ),
    ("--preview",): ("a_x2_preview.png",),
}
CASES = [(options, name) for options, names in WRITTEN.items() for name in names]


@pytest.mark.parametrize("kind", ["file", "dangling"])
@pytest.mark.parametrize(("options", "name"), CASES)
def test_what_is_there_stays_and_the_rest_is_made(
    srnet: Program, model: Path, tmp_path: Path, options: tuple[str, ...], name: str, kind: str
) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    place = tmp_path / name
    if kind == "file":
        place.write_bytes(b"retouched for an hour")
    else:
        place.symlink_to(tmp_path / "not-mounted" / name)
    before = disk(tmp_path)
    arguments = ("zoom", tmp_path / "a.png", "-s", "2", "--model", model, "--skip-existing", *options)
    ended = srnet(*arguments)
    assert ended.code == 0, ended.err
    after = disk(tmp_path)
    assert {kept: after[kept] for kept in before} == before
    assert set(after) == {"a.png", *WRITTEN[options]}
    assert "nothing to do" in srnet(*arguments).err
    assert disk(tmp_path) == after


def test_a_page_about_a_result_that_stays_is_that_of_a_new_one(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    arguments = ("zoom", tmp_path / "a.png", "-s", "2", "--model", model, "--compare", "--heatmap")
    assert srnet(*arguments).code == 0
    before = disk(tmp_path)
    for name in ("a_x2_compare.html", "a_x2_entropy.png"):
        (tmp_path / name).unlink()
    assert srnet(*arguments, "--skip-existing").code == 0
    assert disk(tmp_path) == before


@pytest.mark.parametrize("writer", ["zoom_to_file", "write_heatmaps"])
def test_a_file_that_appears_during_the_work_stays(
    srnet: Program, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    """As that of a second process over the same folder."""
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    place = tmp_path / {"zoom_to_file": "a_x2.png", "write_heatmaps": "a_x2_entropy.png"}[writer]
    write = getattr(batch, writer)

    def late(*arguments: Any, **options: Any) -> Any:
        place.write_bytes(b"another's")
        return write(*arguments, **options)

    monkeypatch.setattr(batch, writer, late)
    ended = srnet(
        "zoom", tmp_path / "a.png", "-s", "2", "--model", model, "--skip-existing", "--heatmap", "--json"
    )
    assert ended.code == 0, ended.err
    assert place.read_bytes() == b"another's"
    (result,) = json.loads(ended.out)["results"]
    assert result["status"] == ("skipped" if writer == "zoom_to_file" else "written")

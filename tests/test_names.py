"""Names of results: all kinds of one picture differ, and say what was done."""

from __future__ import annotations

from pathlib import Path

from srnet_cli.names import heatmap_paths, residual_paths, zoom_path, zoom_tag

FOLDER = Path("out")


def test_a_result_is_named_after_its_picture_and_scale() -> None:
    assert zoom_path(FOLDER, Path("in/a.b.jpg"), zoom_tag(2.5), ".png") == FOLDER / "a.b_x2.5.png"
    kept = zoom_path(FOLDER, Path("in/a.b.jpg"), zoom_tag(4.0), ".png", keep_suffix=True)
    assert kept == FOLDER / "a_b_jpg_x4.png"


def test_everything_made_of_one_picture_has_a_name_of_its_own() -> None:
    result = zoom_path(FOLDER, Path("a.png"), "x4", ".png")
    drawn = residual_paths(FOLDER, "a", drawn=True)
    assert len({result, *heatmap_paths(result), *drawn.values()}) == 3 + 6


def test_what_is_drawn_is_named_only_when_it_is_drawn() -> None:
    assert set(residual_paths(FOLDER, "a", drawn=False)) == {"residual", "enhanced"}

"""Names of results: all kinds of one picture differ, and say what was done."""

from __future__ import annotations

from pathlib import Path

import pytest

from srnet_cli.files import Identities
from srnet_cli.names import (
    NamePattern,
    Subject,
    distinct_stems,
    heatmap_paths,
    is_part_of_a_picture,
    is_result_name,
    residual_paths,
    without_zoom,
    zoom_tag,
)

FOLDER = Path("out")


def zoom_path(folder: Path, stem: str, tag: str, suffix: str) -> Path:
    return folder / f"{NamePattern(tag).stem(Path(stem), stem, 1)}{suffix}"


def test_a_result_is_named_after_its_picture_and_what_was_done() -> None:
    assert zoom_path(FOLDER, "a.b", zoom_tag(2.5), ".png") == FOLDER / "a.b_x2.5.png"
    tags = [zoom_tag(4), zoom_tag(4, camera=True), zoom_tag(4, crop=(1, 2, 3, 4)), zoom_tag(4.0000001)]
    assert tags == ["x4", "x4_camera", "x4_crop-1-2-3-4", "x4.0000001"]
    assert is_result_name(zoom_path(FOLDER, "a", zoom_tag(1, clean=True, camera=True), ".png"))
    assert zoom_tag(1, clean=True, crop=(1, 2, 3, 4)) == "x1_clean_crop-1-2-3-4"
    assert without_zoom("a_x1_clean") == "a" and is_part_of_a_picture(Path("a_x1_clean_crop-1-2-3-4.png"))


def test_everything_made_of_one_picture_has_a_name_of_its_own() -> None:
    result = zoom_path(FOLDER, "a", "x4", ".png")
    drawn = residual_paths(FOLDER, "a", drawn=True)
    assert len({result, *heatmap_paths(result), *drawn.values()}) == 3 + 6
    assert all(is_result_name(path) for path in (result, *heatmap_paths(result), *drawn.values()))


@pytest.mark.parametrize("name", ["a.png", "x4.png", "fox1.png", "a_x4_final.png", "a_x4b.png", "a_crop.png"])
def test_names_of_other_pictures_are_no_results(name: str) -> None:
    assert not is_result_name(Path(name))


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["a.png", "a.jpg", "a_png.png"], ["in_a_png", "a_jpg", "a_png_png"]),
        (["a.jpg", "A.png"], ["a_jpg", "A_png"]),
        (["1/x.png", "2/x.png"], ["1_x_png", "2_x_png"]),
        (["1/d/x.png", "2/d/x.png", "3/d/x.png"], ["d_x_png-1", "d_x_png-2", "d_x_png-3"]),
        (["a.png", "A.png"], ["in_a_png-2", "in_A_png-1"]),
        (["e\u0301.png", "\u00e9.jpg"], ["e\u0301_png", "\u00e9_jpg"]),
    ],
)
def test_pictures_that_would_share_a_name_say_more(sources: list[str], expected: list[str]) -> None:
    def stems(paths: list[str]) -> list[str]:
        subjects = [Subject(Path("in", p), lambda stem: [FOLDER / f"{stem}_x4.png"]) for p in paths]
        return distinct_stems(subjects, Identities())

    assert stems(sources) == expected
    assert stems(sources[::-1]) == expected[::-1]


def test_a_heatmap_and_a_result_of_one_name_are_told_apart() -> None:
    def files(stem: str) -> list[Path]:
        result = zoom_path(FOLDER, stem, "x4", ".png")
        return [result, *heatmap_paths(result)]

    # The heatmap of a.png would be called what a result is called.
    odd = Subject(Path("in/odd.png"), lambda stem: [FOLDER / "a_x4_entropy.png"] if stem == "odd" else [])
    stems = distinct_stems([Subject(Path("in/a.png"), files), odd], Identities())
    assert stems == ["a_png", "odd_png"]


def test_what_is_drawn_is_named_only_when_it_is_drawn() -> None:
    assert set(residual_paths(FOLDER, "a", drawn=False)) == {"residual", "enhanced"}

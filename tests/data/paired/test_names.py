"""Names that belong together, and names that only look so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from srnet_cli.data.paired.names import Matches, are_tagged, match_folders, match_tagged


def paths(folder: str, names: Sequence[str]) -> list[Path]:
    return [Path(folder) / name for name in names]


def folders(lr: Sequence[str], hr: Sequence[str], scale: int = 2) -> Matches:
    return match_folders(paths("LR", lr), paths("HR", hr), scale)


def named(found: Matches) -> dict[str, tuple[str, str]]:
    return {name: (lr.name, hr.name) for name, (lr, hr) in found.pairs.items()}


@pytest.mark.parametrize(
    "names",
    [("fox0.png", "fox1.png", "fox2.png"), ("matrix4.png", "box2.png"), ("lynx.png", "hr.png", "a_hr.png")],
)
def test_equal_names_are_pairs_whatever_they_end_in(names: tuple[str, ...]) -> None:
    found = folders(names, names)
    assert named(found) == {Path(name).stem: (name, name) for name in names}
    assert found.problems == []


@pytest.mark.parametrize(("whole", "cut"), [("pix2", "pi"), ("box_x2", "box"), ("deluxex2", "deluxe")])
def test_a_name_is_not_cut_while_an_equal_one_is_there(whole: str, cut: str) -> None:
    names = [f"{whole}.png", f"{cut}.png"]
    assert named(folders(names, names)) == {whole: (names[0],) * 2, cut: (names[1],) * 2}


@pytest.mark.parametrize(
    ("lr", "hr"),
    [
        ("ax2", "a"),
        ("a_x2", "a"),
        ("a_LR2", "a_HR"),
        ("a-lr", "a-hr"),
        ("a_LR", "a"),
        ("a", "a_HR"),
        ("aLRx2", "a"),
        ("a_LR_x2", "a_HR"),
    ],
)
def test_endings_of_the_scale_and_the_role_are_taken_off(lr: str, hr: str) -> None:
    assert list(folders([f"{lr}.png"], [f"{hr}.jpg"]).pairs) == ["a"]


@pytest.mark.parametrize(("lr", "hr"), [("ax4", "a"), ("a_LR3", "a_HR"), ("mylr", "my"), ("a", "fuhr")])
def test_other_endings_are_not(lr: str, hr: str) -> None:
    found = folders([f"{lr}.png"], [f"{hr}.png"])
    assert found.pairs == {}
    assert [problem.name for problem in found.problems] == [lr, hr]
    assert f"{lr}.png has no picture in HR/; give both the same name" in found.problems[0].reason


@pytest.mark.parametrize(
    ("lr", "hr", "file"),
    [
        (["a.png", "a.jpg"], ["a.png"], "LR/a.jpg"),
        (["a.png"], ["a.png", "a.tif"], "HR/a.tif"),
        (["ax2.png", "a_x2.png"], ["a.png"], "LR/a_x2.png"),
    ],
)
def test_two_pictures_for_one_place_are_refused_by_name(lr: list[str], hr: list[str], file: str) -> None:
    found = folders([*lr, "b.png"], [*hr, "b.png"])
    assert list(found.pairs) == ["b"]
    (problem,) = found.problems
    assert problem.name == "a"
    assert file in problem.reason


def test_an_equal_name_goes_before_an_ending() -> None:
    found = folders(["a.png", "a_x2.png"], ["a.png"])
    assert named(found) == {"a": ("a.png", "a.png")}
    assert [problem.name for problem in found.problems] == ["a_x2"]


# One folder.

REALSR = [f"Canon_00{i}_{tag}.png" for i in (1, 2) for tag in ("HR", "LR4")]
CITY100 = [f"00{i}{tag}.PNG" for i in (1, 2, 3) for tag in "HL"]


@pytest.mark.parametrize(("names", "first", "count"), [(REALSR, "Canon_001", 2), (CITY100, "001", 3)])
def test_published_names_in_one_folder(names: list[str], first: str, count: int) -> None:
    pictures = paths("set", names)
    assert are_tagged(pictures)
    found = match_tagged(pictures, 4)
    assert len(found.pairs) == count and found.problems == []
    assert min(found.pairs) == first
    assert [path.name for path in found.pairs[first]] == [names[1], names[0]]


def test_pairs_of_another_scale_are_not_used() -> None:
    found = match_tagged(paths("set", [*REALSR, "Canon_001_LR2.png"]), 2)
    assert list(found.pairs) == ["Canon_001"]
    reasons = {problem.name: problem.reason for problem in found.problems}
    assert reasons["Canon_001_LR4"] == "Canon_001_LR4.png is an LR picture for ×4, not ×2"
    assert "has no LR picture" in reasons["Canon_002_HR"]


def test_a_stray_picture_among_tagged_ones_is_named() -> None:
    pictures = paths("set", [*REALSR, "cover.png"])
    assert are_tagged(pictures)
    assert [problem.name for problem in match_tagged(pictures, 4).problems] == ["cover"]


@pytest.mark.parametrize(
    "names", [["a.png", "b.png"], ["IMG_1H.png", "IMG_1L.png", "IMG_2.png"], ["color.png"], []]
)
def test_photographs_are_not_taken_for_pairs(names: list[str]) -> None:
    assert not are_tagged(paths("set", names))

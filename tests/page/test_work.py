"""What the page makes of pictures, without a browser."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.imaging import Picture, read_picture, write_picture
from srnet_cli.page.work import Wish, Work, upload_name
from tests.faults.pictures import scene


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("a photo (1).jpg", "a photo (1).jpg"),
        ("../../etc/été.png", "été.png"),
        ("C:\\\\x\\\\a.png", "a.png"),
        ("..", "picture"),
        ("a/", "picture"),
        ("a\0b\n.png", "a_b_.png"),
        ('"><script>{x:y}.png', "___script__x_y_.png"),
    ],
)
def test_names_of_uploads(stated: str, name: str) -> None:
    assert upload_name(stated) == name


@pytest.mark.parametrize(
    "stated", ["x" * 300 + ".png", "長" * 200 + ".png", "." + "y" * 400, "a." + "z" * 400]
)
def test_long_names_of_uploads_leave_room(tmp_path: Path, stated: str) -> None:
    name = upload_name(stated)
    assert 0 < len(os.fsencode(name)) <= 150
    assert not stated.endswith(".png") or name.endswith(".png")
    (tmp_path / name).touch()


def test_two_pictures_of_one_name_have_results_of_their_own(tmp_path: Path) -> None:
    work = Work(tmp_path / "made")
    made = []
    for value in (50, 200):
        source = tmp_path / str(value) / "photo.png"
        source.parent.mkdir()
        write_picture(Picture(np.full((24, 32, 3), value, np.uint8)), source)
        made.append(work.zoom(source, Wish(2.0, fast=True)))
    assert [int(read_picture(each.result).pixels.mean().round()) for each in made] == [50, 200]
    assert made[0].comparison != made[1].comparison


def test_a_second_zoom_of_a_picture_leaves_the_first(tmp_path: Path) -> None:
    """Both stay on the page, each with its own button; their titles tell them apart."""
    work, source = Work(tmp_path / "made"), tmp_path / "a.png"
    write_picture(Picture(scene(24, 32)), source)
    wishes = [Wish(4.0, fast=True), Wish(4.0, crisp=0.0), Wish(4.0, crisp=0.5)]
    made = [work.zoom(source, wish) for wish in wishes]
    assert {each.result.name for each in made} == {"a_x4.png"}
    assert len({each.result.read_bytes() for each in made}) == len({each.comparison for each in made}) == 3
    assert [each.title.partition("96")[2] for each in made] == [", fast", ", 0% crisp", ", 50% crisp"]

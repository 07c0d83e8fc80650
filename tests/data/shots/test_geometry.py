from __future__ import annotations

import numpy as np
import pytest

from srnet_cli.data.shots.geometry import centre_box, field_of_view_box, zoom_about_centres
from srnet_cli.imaging.affine import apply, compose, corners, inscribed_box, invert, scaling, translation
from srnet_cli.imaging.boxes import Box


def test_compose_applies_the_last_map_first() -> None:
    both = compose(translation(10, 0), scaling(2.0))
    assert apply(both, [(1.0, 1.0)]).tolist() == [[12.0, 2.0]]


def test_an_inverse_undoes_its_map() -> None:
    affine = np.array([[1.1, 0.02, 5.0], [-0.03, 0.9, -7.0]])
    points = np.array([[3.0, 4.0], [100.0, 50.0]])
    assert apply(invert(affine), apply(affine, points)) == pytest.approx(points)


def test_a_collapsing_map_has_no_inverse() -> None:
    with pytest.raises(ValueError, match="no inverse"):
        invert(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]))


def test_zoom_takes_centre_to_centre() -> None:
    zoom = zoom_about_centres((100, 200), (300, 500), 4.0)
    assert apply(zoom, [(99.5, 49.5)])[0] == pytest.approx([249.5, 149.5])
    assert apply(zoom, [(100.5, 49.5)])[0] == pytest.approx([253.5, 149.5])


def test_field_of_view_box_follows_the_formula() -> None:
    assert field_of_view_box(360, 480, 0.625) == Box(68, 90, 224, 300)
    assert field_of_view_box(7, 7, 0.5) == Box(2, 2, 3, 3)


def test_centre_box_truncates_its_corner_and_refuses_what_does_not_fit() -> None:
    assert centre_box(7, 8, 4, 4) == Box(1, 2, 4, 4)
    with pytest.raises(ValueError, match="does not fit"):
        centre_box(7, 8, 9, 4)


def test_inscribed_box_of_a_turned_frame_lies_within_it() -> None:
    angle = np.deg2rad(2)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0]])
    top, left, bottom, right = inscribed_box(apply(turn, corners(100, 200)))
    back = apply(invert(turn), [(left, top), (right, top), (left, bottom), (right, bottom)])
    assert back.min() >= -1e-9
    assert back[:, 0].max() <= 199 + 1e-9
    assert back[:, 1].max() <= 99 + 1e-9

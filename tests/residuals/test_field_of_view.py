"""What the focal lengths of two pictures say about their fields of view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import Picture, read_picture
from srnet_cli.imaging.metadata import software_mark
from srnet_cli.residuals.field_of_view import differing_views


def shot(
    path: Path,
    focal: float | None,
    full: int | None = None,
    size: tuple[int, int] = (30, 40),
    software: str | None = None,
) -> Picture:
    exif = Image.Exif()
    if software is not None:
        exif[ExifTags.Base.Software] = software
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    if focal is not None:
        inner[ExifTags.Base.FocalLength] = focal
    if full is not None:
        inner[ExifTags.Base.FocalLengthIn35mmFilm] = full
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path, exif=exif)
    return read_picture(path)


def test_millimetres_of_one_sensor(tmp_path: Path) -> None:
    wide, long = shot(tmp_path / "a.jpg", 50, 50), shot(tmp_path / "b.jpg", 240, 240)
    views = differing_views(wide, long)
    assert views is not None
    assert views.pixel_ratio == pytest.approx(4.8)
    assert str(views) == "LR was taken at 50 mm, HR at 240 mm"
    with pytest.raises(InputError, match="LR is the longer one"):
        differing_views(long, wide)


def test_phones_have_a_sensor_for_each_lens(tmp_path: Path) -> None:
    wide, long = shot(tmp_path / "a.jpg", 6.9, 24), shot(tmp_path / "b.jpg", 9.0, 77)
    views = differing_views(wide, long)
    assert views is not None
    assert (views.lr_focal, views.hr_focal) == (24, 77)
    smaller = differing_views(wide, shot(tmp_path / "c.jpg", 9.0, 77, size=(15, 20)))
    assert smaller is not None
    assert smaller.pixel_ratio == pytest.approx(77 / 24 / 2)


def test_nothing_is_cut_where_nothing_is_known_or_both_show_the_same(tmp_path: Path) -> None:
    wide = shot(tmp_path / "a.jpg", 50)
    assert differing_views(wide, shot(tmp_path / "b.jpg", None)) is None
    assert differing_views(wide, shot(tmp_path / "c.jpg", 51)) is None
    cut_before = shot(tmp_path / "d.jpg", 200, size=(120, 160))
    assert differing_views(wide, cut_before) is None


def test_what_we_zoomed_as_a_camera_does_counts_as_the_longer_lens(tmp_path: Path) -> None:
    long = shot(tmp_path / "tele.jpg", 200)
    mark = software_mark()
    assert differing_views(shot(tmp_path / "w_x4_camera.jpg", 50, software=mark), long) is None
    assert differing_views(shot(tmp_path / "w_x4_crop-1-2-3-4.jpg", 50, software=mark), long) is None
    whole = differing_views(shot(tmp_path / "w_x2.jpg", 50, size=(60, 80), software=mark), long)
    assert whole is not None
    assert whole.pixel_ratio == pytest.approx(2)
    assert differing_views(shot(tmp_path / "v_x4_camera.jpg", 50), long) is not None

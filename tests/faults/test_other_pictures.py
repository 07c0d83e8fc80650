"""What ``--skip-existing`` finds of another picture is not taken for a result, and stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.imaging import Picture, read_picture, write_picture
from srnet_cli.imaging.metadata.mark import exif_in_file, stated_origin
from srnet_cli.imaging.origin import is_of_another, origin_of
from tests.captures import Capture, write_arw, write_dng
from tests.faults.pictures import scene
from tests.faults.program import Program, disk

TAKEN = "2024:05:06 07:08:09"


def shoot(path: Path, shift: int = 0, taken: str | None = TAKEN, rating: int = 0) -> Path:
    """Write a photo; those with another rating have the same pixels behind another head."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[271], exif[18246] = "Maker" + "r" * rating, rating
    if taken is not None:
        exif.get_ifd(34665)[36867] = taken
    pixels = np.roll(scene(64, 80), shift, axis=1)
    # Its end, which is compared, has no more than pixels in it.
    Image.fromarray(pixels).resize((160, 128)).save(path, quality=95, subsampling=0, exif=exif)
    return path


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ((), "IMG_1_x2.jpg"),
        (("--format", "png"), "IMG_1_x2.png"),
        (("--format", "webp"), "IMG_1_x2.webp"),
        (("--name", "{number:03}"), "001.jpg"),
        (("--preview",), "IMG_1_x2_preview.png"),
        (("--compare",), "IMG_1_x2.jpg"),
        (("--strength", "0"), "IMG_1_x2.jpg"),
    ],
)
def test_a_result_of_another_picture_is_in_the_way(
    srnet: Program, model: Path, tmp_path: Path, options: tuple[str, ...], place: str
) -> None:
    monday, tuesday = shoot(tmp_path / "mon/IMG_1.jpg"), shoot(tmp_path / "tue/IMG_1.jpg", 9)
    new = shoot(tmp_path / "tue/new.jpg", 5)
    out = tmp_path / "out"
    command = ("--model", model, "-s", "2", "-o", f"{out}/", "--skip-existing", "--json", *options)
    assert srnet("zoom", monday, *command).code == 0
    before = disk(out)
    assert place in before
    assert srnet("zoom", monday, *command).code == 0
    ended = srnet("zoom", tuesday, new, *command)
    assert ended.code == 1
    reason = f"is not of {tuesday}, but of another picture, or of this one before it was edited"
    assert ended.errors == [f"error {out / place}: {reason}  → name another output, or --overwrite"]
    assert [each["status"] for each in json.loads(ended.out)["results"]] == ["failed", "written"]
    after = disk(out)
    assert {name: after[name] for name in before} == before and len(after) == 2 * len(before)


def test_a_plan_says_so_too(srnet: Program, model: Path, tmp_path: Path) -> None:
    command = ("-s", "2", "--model", model, "-o", f"{tmp_path}/", "--skip-existing")
    assert srnet("zoom", shoot(tmp_path / "mon/a.jpg"), *command).code == 0
    ended = srnet("zoom", shoot(tmp_path / "tue/a.jpg", 9), *command, "--dry-run", "--json")
    assert ended.code == 1 and "of another picture" in ended.out


def test_heatmaps_of_another_picture_are_not_put_beside_a_result(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    command = ("-s", "2", "--model", model, "-o", f"{tmp_path}/", "--heatmap")
    assert srnet("zoom", shoot(tmp_path / "mon/a.jpg"), *command).code == 0
    (tmp_path / "a_x2.jpg").unlink()
    before = disk(tmp_path)
    ended = srnet("zoom", shoot(tmp_path / "mon/a.jpg", 9), *command, "--skip-existing")
    assert ended.code == 1 and "a_x2_residual.png: is not of" in ended.errors[0]
    assert set(disk(tmp_path)) == set(before)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, 0),
        ({"rating": 4}, 0),
        ({"rating": 4, "shift": 9}, 1),
        # Nothing tells that it is the same exposure.
        ({"rating": 4, "taken": None}, 1),
        ({"taken": "2024:05:06 07:08:10"}, 1),
    ],
)
def test_a_picture_is_the_same_with_another_rating_but_not_with_other_pixels(
    srnet: Program, model: Path, tmp_path: Path, changed: dict[str, int | str | None], code: int
) -> None:
    command = ("-s", "2", "--model", model, "-o", f"{tmp_path}/", "--skip-existing")
    assert srnet("zoom", shoot(tmp_path / "in/a.jpg"), *command).code == 0
    before = disk(tmp_path)["a_x2.jpg"]
    assert srnet("zoom", shoot(tmp_path / "in/a.jpg", **changed), *command).code == code  # type: ignore[arg-type]
    assert disk(tmp_path)["a_x2.jpg"] == before


@pytest.mark.parametrize("write", [write_dng, write_arw])
@pytest.mark.parametrize(("taken", "other"), [(Capture().date, False), (TAKEN, True)])
def test_a_raw_file_that_is_written_anew_is_the_same_exposure(
    tmp_path: Path, write: Callable[[Path, NDArray[np.floating], Capture], None], taken: str, other: bool
) -> None:
    source = tmp_path / ("a.dng" if write is write_dng else "a.ARW")
    write(source, scene(64, 96) / 255, Capture())
    picture = read_picture(source)
    metadata = replace(picture.metadata, origin=str(origin_of(source)))
    write_picture(replace(picture, metadata=metadata), tmp_path / "a_x2.tif")
    assert not is_of_another(tmp_path / "a_x2.tif", source)
    write(source, scene(64, 96)[::-1] / 255, Capture(date=taken))
    assert is_of_another(tmp_path / "a_x2.tif", source) is other


def test_a_raw_file_whose_exif_no_other_program_finds_is_the_same_exposure(
    shared: Path, tmp_path: Path
) -> None:
    """Canon's CRW is no TIFF: time and camera are LibRaw's."""
    source = tmp_path / "a.CRW"
    whole = (shared / "data/raw/canon_powershot_3mp.CRW").read_bytes()
    source.write_bytes(whole)
    picture = read_picture(source)
    metadata = replace(picture.metadata, origin=str(origin_of(source)))
    small = Picture(picture.pixels[:20, :20].copy(), metadata=metadata)
    write_picture(small, tmp_path / "a_x2.jpg")
    assert b"Firmware" in whole
    source.write_bytes(whole.replace(b"Firmware", b"firmware"))
    assert str(origin_of(source)) != metadata.origin
    assert not is_of_another(tmp_path / "a_x2.jpg", source)


def test_results_that_say_nothing_of_their_picture_are_results(
    srnet: Program, model: Path, tmp_path: Path
) -> None:
    """As those of earlier versions."""
    source = shoot(tmp_path / "in/a.jpg")
    exif = Image.Exif()
    exif[305] = "srnet 0.1.0 (srnet-x4 crisp 0.5)"
    Image.fromarray(scene(20, 20)).save(tmp_path / "a_x2.jpg", exif=exif)
    ended = srnet("zoom", source, "-s", "2", "--model", model, "-o", f"{tmp_path}/", "--skip-existing")
    assert ended.code == 0 and "nothing to do" in ended.err


def test_a_result_says_nothing_of_where_its_picture_lay(srnet: Program, model: Path, tmp_path: Path) -> None:
    source = shoot(tmp_path / "private folder/secret name.jpg")
    for options in ((), ("--format", "png"), ("--preview",)):
        ended = srnet("zoom", source, "-s", "2", "--model", model, "-o", tmp_path / "out/", *options)
        assert ended.code == 0, ended.err
    for result in (tmp_path / "out").iterdir():
        assert not re.search(rb"private|secret", result.read_bytes())
        assert stated_origin(exif_in_file(result)) == str(origin_of(source))


def test_scans_that_begin_and_end_alike_are_told_apart(tmp_path: Path) -> None:
    """Without compression they have one size, and the same white around them."""
    digests = set()
    for value in (10, 20):
        page = np.full((600, 400, 3), 255, np.uint8)
        page[100:500, 50:350] = value
        Image.fromarray(page).save(tmp_path / f"{value}.bmp")
        digests.add(str(origin_of(tmp_path / f"{value}.bmp")))
    (tmp_path / "short").write_bytes(b"x")
    digests.add(str(origin_of(tmp_path / "short")))
    assert len(digests) == 3
    assert origin_of(tmp_path / "missing") is None and origin_of(tmp_path) is None

"""DNG written from RAW: the sensor's values, what other programs make of it, refusals."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError, OutputError
from srnet_cli.imaging import (
    Picture,
    RawOptions,
    WriteOptions,
    check_output,
    read_picture,
    write_picture,
)
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.metadata import is_own_result
from srnet_cli.imaging.orientation import upright
from srnet_cli.zooming.batch import ZoomRequest, run_batch
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture, zoom_to_file
from tests.captures import SONY_MATRIX, SRGB_TO_XYZ, Capture, mosaic, write_arw, write_dng, write_dng_mosaic
from tests.imaging.raw.test_dng import LINEAR, XTRANS, flat_mosaic, write
from tests.zooming.models import nearest_model

rawpy = pytest.importorskip("rawpy")

#: linear sRGB of the patches: neutral, saturated, a colour outside of sRGB, brighter than white
PATCHES = (
    (0.18, 0.18, 0.18),
    (0.6, 0.1, 0.1),
    (-0.05, 0.4, 0.5),
    (1.9, 0.8, 0.7),
    (0.02, 0.02, 0.03),
    (0, 0, 0.6),
)
SIDE = 64


def patches() -> NDArray[np.float64]:
    rows = [np.concatenate([np.full((SIDE, SIDE, 3), c) for c in PATCHES[i : i + 3]], axis=1) for i in (0, 3)]
    whole = np.concatenate(rows)
    # Where nothing is saturated, LibRaw takes the brightest value of an ARW for saturated.
    whole[0, 0] = 5
    return whole


def middles(pixels: NDArray[Any], side: int = SIDE) -> NDArray[np.float64]:
    """The mean of each patch without its border, 6×3."""
    centres = [(row + 0.5, column + 0.5) for row in range(2) for column in range(3)]
    half = side // 4
    parts = [
        pixels[round(y * side) - half :, round(x * side) - half :][: 2 * half, : 2 * half] for y, x in centres
    ]
    return np.array([part.reshape(-1, part.shape[-1]).mean(axis=0) for part in parts])


def converted(source: Path, target: Path, **options: Any) -> Path:
    write_picture(read_picture(source, RawOptions(**options), camera_colours=True), target)
    return target


def developed(path: Path, **options: Any) -> NDArray[np.uint8]:
    """What LibRaw by itself makes of a file."""
    with rawpy.imread(str(path)) as raw:
        return np.asarray(raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=8, **options))


def stored(path: Path) -> NDArray[np.float64]:
    """The sensor's values, 0..1, as LibRaw reads them."""
    with rawpy.imread(str(path)) as raw:
        assert raw.black_level_per_channel[:3] == [0, 0, 0]
        return np.asarray(raw.raw_image_visible[..., :3] / raw.white_level)


def sensor(colours: Any, capture: Capture) -> NDArray[np.float64]:
    """What the sensor sees of linear sRGB, before white balance, 0..1."""
    to_camera = SONY_MATRIX @ SRGB_TO_XYZ
    to_camera /= to_camera.sum(axis=1, keepdims=True)
    return np.asarray((np.array(colours) @ to_camera.T / np.array(capture.white_balance)).clip(0, 1))


def tags_of(path: Path) -> ifd.Directory:
    structure = ifd.parse(path.read_bytes())
    assert structure is not None
    return structure.directories[0]


@pytest.mark.parametrize("writer", [write_dng, write_arw])
def test_it_holds_what_the_sensor_saw(tmp_path: Path, writer: Any) -> None:
    capture = Capture()
    source = tmp_path / ("a.dng" if writer is write_dng else "a.arw")
    writer(source, patches(), capture)
    target = converted(source, tmp_path / "b.dng")
    expected = sensor(PATCHES, capture)
    assert expected.max() < 1 < (expected * capture.white_balance).max()  # brighter than white, not saturated
    np.testing.assert_allclose(middles(stored(target)), expected, atol=4e-4)
    assert is_own_result(target)


@pytest.mark.parametrize("writer", [write_dng, write_arw])
@pytest.mark.parametrize("orientation", [1, 6, 3])
def test_others_develop_it_as_they_develop_the_original(
    tmp_path: Path, writer: Any, orientation: int
) -> None:
    source = tmp_path / ("a.dng" if writer is write_dng else "a.arw")
    inverse = {6: 8}.get(orientation, orientation)
    writer(source, upright(patches().clip(0), inverse), Capture(orientation=orientation))
    target = converted(source, tmp_path / "b.dng")
    assert middles(developed(target)) == pytest.approx(middles(developed(source)), abs=1)
    assert tags_of(target).integer(274, 0) == 1


def test_what_networks_are_shown_is_the_developed_picture(tmp_path: Path) -> None:
    source = tmp_path / "a.arw"
    write_arw(source, patches().clip(0, 0.45))
    shown = read_picture(source, camera_colours=True)
    # Below the shoulder the two are alike.
    assert middles(shown.pixels / 257) == pytest.approx(middles(read_picture(source).pixels / 257), abs=1)


def test_a_zoom_keeps_the_colours(tmp_path: Path) -> None:
    capture = Capture()
    write_dng(tmp_path / "a.dng", patches(), capture)
    picture = read_picture(tmp_path / "a.dng", camera_colours=True)
    engines = [Engine(nearest_model(2), EngineOptions(device="cpu", precision="fp32"))]
    frame = plan_frame(picture.height, picture.width, 2)
    zoom_to_file(picture, frame, engines, tmp_path / "b.dng", WriteOptions())
    values = stored(tmp_path / "b.dng")
    assert values.shape == (SIDE * 4, SIDE * 6, 3)
    np.testing.assert_allclose(middles(values, 2 * SIDE), sensor(PATCHES, capture), atol=1.5e-3)
    in_memory = zoom_picture(picture, frame, engines)
    write_picture(in_memory, tmp_path / "c.dng")
    assert np.array_equal(stored(tmp_path / "c.dng"), values)


def test_a_part_and_a_fraction(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", patches())
    picture = read_picture(tmp_path / "a.dng", camera_colours=True)
    engines = [Engine(nearest_model(2), EngineOptions(device="cpu", precision="fp32"))]
    frame = plan_frame(picture.height, picture.width, 1.5, "camera")
    zoom_to_file(picture, frame, engines, tmp_path / "b.dng", WriteOptions())
    values = stored(tmp_path / "b.dng")
    assert values.shape == (SIDE * 2, SIDE * 3, 3)
    # The fifth patch fills the middle of the lower half.
    expected = sensor(PATCHES[4], Capture())
    np.testing.assert_allclose(values[-SIDE // 2, SIDE * 3 // 2], expected, atol=1.5e-3)


def test_xtrans_and_linear_and_monochrome(tmp_path: Path) -> None:
    light = 0.3
    values = np.rint(flat_mosaic(XTRANS, light, 96, 120) * 16383).astype(np.uint16)
    three = np.tile(np.rint(light / np.array((2.2, 1.0, 1.6)) * 16383).astype(np.uint16), (96, 120, 1))
    three[:2] = 100
    write(tmp_path / "x.dng", values, pattern=XTRANS)
    write(tmp_path / "l.dng", three, LINEAR)
    write(tmp_path / "m.dng", np.ascontiguousarray(three[..., 1]), LINEAR)
    for name in "xlm":
        source, target = (
            tmp_path / f"{name}.dng",
            converted(tmp_path / f"{name}.dng", tmp_path / f"{name}2.dng"),
        )
        one, other = (
            read_picture(path).pixels[30:60, 30:90].mean(axis=(0, 1)) / 257 for path in (source, target)
        )
        assert other == pytest.approx(one, abs=1), name
    assert read_picture(tmp_path / "m2.dng").grey


def test_white_balance_and_exposure_are_stated_and_not_applied(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", patches())
    plain = converted(tmp_path / "a.dng", tmp_path / "b.dng")
    other = converted(
        tmp_path / "a.dng", tmp_path / "c.dng", white_balance=(2.0, 1.0, 1.25, 1.0), exposure=1.5
    )
    assert middles(stored(other)) == pytest.approx(middles(stored(plain)), abs=1e-3)
    assert tags_of(plain).numbers(50728) == pytest.approx((1 / 2.2, 1, 1 / 1.6), abs=1e-4)
    assert tags_of(other).numbers(50728) == pytest.approx((0.5, 1, 0.8), abs=1e-4)
    assert (tags_of(plain).number(50730), tags_of(other).number(50730)) == (0, 1.5)
    noted = read_picture(tmp_path / "a.dng", RawOptions(highlights="blend"), camera_colours=True)
    assert "--highlights" in noted.metadata.notes[0]


def test_an_estimated_white_balance(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", patches().clip(0))
    target = converted(tmp_path / "a.dng", tmp_path / "b.dng", white_balance="auto")
    neutral = np.array(tags_of(target).numbers(50728))
    assert neutral.max() == 1 and 0.2 < neutral.min() < 0.9
    assert not np.allclose(neutral, (1 / 2.2, 1, 1 / 1.6), atol=0.01)


def test_what_it_says_of_camera_and_shot(tmp_path: Path) -> None:
    write_arw(tmp_path / "a.arw", patches())
    top = tags_of(converted(tmp_path / "a.arw", tmp_path / "b.dng"))
    assert top.entries[50708].text() == "SONY ILCE-7RM2"
    assert top.numbers(50721) == pytest.approx(SONY_MATRIX.ravel(), abs=1e-6)
    exif = top.child(ifd.EXIF_POINTER)
    assert exif.number(34855) == 100 and exif.number(33434) == pytest.approx(1 / 125)
    assert ifd.MAKER_NOTE not in exif.entries and 40961 not in exif.entries
    below = top.children[ifd.SUB_DIRECTORIES][0]
    assert below.integer(262, 0) == LINEAR and below.integer(254, 9) == 0


def test_the_preview_is_the_developed_picture(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", patches())
    path = converted(tmp_path / "a.dng", tmp_path / "b.dng")
    (start,), (length,) = tags_of(path).pieces()
    preview = np.asarray(Image.open(io.BytesIO(path.read_bytes()[start : start + length])))
    assert preview.shape == (2 * SIDE, 3 * SIDE, 3)
    assert middles(preview) == pytest.approx(middles(read_picture(path).pixels / 257), abs=3)


def test_a_large_one_has_a_small_preview(tmp_path: Path) -> None:
    linear = np.repeat(np.linspace(0.05, 0.4, 1600)[None, :, None], 40, axis=0).repeat(3, axis=2)
    write_dng(tmp_path / "a.dng", linear)
    top = tags_of(converted(tmp_path / "a.dng", tmp_path / "b.dng"))
    assert (top.integer(256, 0), top.integer(257, 0)) == (800, 20)


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.png"])
def test_a_finished_picture_does_not_become_a_dng(tmp_path: Path, name: str) -> None:
    picture = Picture(np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3))
    write_picture(picture, tmp_path / name)
    with pytest.raises(InputError, match="finished picture"):
        read_picture(tmp_path / name, camera_colours=True)
    with pytest.raises(OutputError, match="finished picture"):
        write_picture(picture, tmp_path / "b.dng")
    assert not (tmp_path / "b.dng").exists()


def test_in_a_batch(tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    inputs.mkdir()
    write_dng(inputs / "a.dng", patches())
    write_picture(Picture(np.arange(768, dtype=np.uint8).reshape(16, 16, 3)), inputs / "b.jpg")
    results = run_batch([inputs], tmp_path / "out", ZoomRequest(scale=1, write=WriteOptions("dng"))) or []
    assert [(r.source.name, r.status) for r in results] == [("a.dng", "written"), ("b.jpg", "failed")]
    assert "finished picture" in (results[1].error or "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a_x1.dng"]
    # Without a format it is a developed TIFF, whatever the RAW file is called.
    (result,) = run_batch([inputs / "a.dng"], None, ZoomRequest(scale=1)) or []
    assert result.target is not None and result.target.name == "a_x1.tif"
    # What was written is no input of a later run, and can be zoomed where it is named.
    assert len(run_batch([tmp_path / "out"], tmp_path / "o2", ZoomRequest(scale=1)) or []) == 0
    (again,) = run_batch([tmp_path / "out" / "a_x1.dng"], tmp_path / "o2", ZoomRequest(scale=1)) or []
    assert again.status == "written"


def test_refusals(tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng", patches())
    picture = read_picture(tmp_path / "a.dng", camera_colours=True)
    with pytest.raises(OutputError, match="camera colours"):
        write_picture(picture, tmp_path / "b.png")
    with pytest.raises(OutputError, match="8 bits"):
        write_picture(picture, tmp_path / "b.dng", WriteOptions(bit_depth=8))
    with pytest.raises(OutputError, match="at most"):
        check_output(tmp_path / "b.dng", 27_000, 27_000, source_depth=16)
    assert check_output(tmp_path / "b.dng", 24_000, 24_000, source_depth=16) == ()


def test_exiftool_finds_nothing_wrong(tmp_path: Path) -> None:
    exiftool = shutil.which("exiftool")
    if exiftool is None:
        pytest.skip("exiftool is not installed")
    write_arw(tmp_path / "a.arw", patches())
    target = converted(tmp_path / "a.arw", tmp_path / "b.dng")
    said = subprocess.run(
        [exiftool, "-validate", "-warning", "-error", "-a", str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["Validate", ":", "OK"]


@pytest.mark.slow
@pytest.mark.parametrize("program", ["darktable-cli", "rawtherapee-cli"])
def test_programs_that_people_use_develop_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    write_dng(tmp_path / "a.dng", patches().clip(0, 0.8).repeat(4, axis=0).repeat(4, axis=1))
    results = []
    for source in (tmp_path / "a.dng", converted(tmp_path / "a.dng", tmp_path / "b.dng")):
        target = source.with_suffix(".png")
        kept = ["--library", ":memory:", "--configdir", str(tmp_path / "c"), "--disable-opencl"]
        plainly = ["--conf", "plugins/darkroom/workflow=none"]
        command = {
            "darktable-cli": [str(source), str(target), "--core", *kept, *plainly],
            "rawtherapee-cli": ["-Y", "-o", str(target), "-b8", "-n", "-c", str(source)],
        }
        subprocess.run([program, *command[program]], capture_output=True, check=True, timeout=300)
        results.append(middles(cv2.imread(str(target)), 4 * SIDE))
    assert results[1] == pytest.approx(results[0], abs=2)


def test_it_holds_no_more_than_the_sensor_did(tmp_path: Path) -> None:
    capture = Capture(white_level=16_383)
    values = mosaic(patches().clip(0), capture)
    # Saturated below the white level that the file states, as many sensors are.
    write_dng_mosaic(tmp_path / "a.dng", np.minimum(values, 16_000), capture)
    saturated = (16_000 - 512) / (16_383 - 512)
    picture = read_picture(tmp_path / "a.dng", camera_colours=True)
    assert picture.light is not None
    zoom_to_file(
        picture,
        plan_frame(picture.height, picture.width, 2),
        [Engine(nearest_model(2), EngineOptions(device="cpu"))],
        tmp_path / "b.dng",
        WriteOptions("dng"),
    )
    assert stored(tmp_path / "b.dng").max() == pytest.approx(saturated, abs=1e-4)

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from srnet_cli.errors import OutputError
from srnet_cli.imaging import Picture, WriteOptions, read_picture
from srnet_cli.imaging.picture import Metadata
from srnet_cli.imaging.resize import resize
from srnet_cli.zooming import pipeline
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import tile_count, zoom_picture, zoom_to_file, zoom_unwritten

from .models import nearest_model, noise, single_stream_model


def engine(scale: int) -> Engine:
    return Engine(nearest_model(scale), EngineOptions(device="cpu", precision="fp32"))


def test_a_scale_below_the_models_is_its_area_reduction() -> None:
    picture = Picture(noise(40, 60))
    result = zoom_picture(picture, plan_frame(40, 60, 3), [engine(4)])
    assert result.pixels.shape == (120, 180, 3)
    fourfold = picture.pixels.repeat(4, axis=0).repeat(4, axis=1).astype(np.float32)
    expected = cv2.resize(fourfold, (180, 120), interpolation=cv2.INTER_AREA)
    assert np.abs(result.pixels - expected).max() <= 0.51


def test_models_are_chained() -> None:
    picture = Picture(noise(11, 13))
    result = zoom_picture(picture, plan_frame(11, 13, 8), [engine(4), engine(2)])
    assert np.array_equal(result.pixels, picture.pixels.repeat(8, axis=0).repeat(8, axis=1))


def test_the_camera_frame_is_the_centre_of_the_whole_zoom() -> None:
    picture = Picture(noise(40, 64))
    whole = zoom_picture(picture, plan_frame(40, 64, 4), [engine(4)]).pixels
    camera = zoom_picture(picture, plan_frame(40, 64, 4, "camera"), [engine(4)]).pixels
    assert np.array_equal(camera, whole[60:100, 96:160])


def test_a_scale_of_one_is_the_picture_itself() -> None:
    picture = Picture(noise(9, 8, dtype=np.uint16))
    assert np.array_equal(zoom_picture(picture, plan_frame(9, 8, 1), []).pixels, picture.pixels)


def test_alpha_is_a_plain_resize_and_grey_stays_grey(tmp_path: Path) -> None:
    grey = noise(20, 30)[..., :1].repeat(3, axis=2)
    alpha = np.maximum(noise(20, 30, seed=1)[..., 0], 16)  # nothing is hidden, or nearly so
    picture = Picture(grey, alpha=alpha, grey=True)
    target = tmp_path / "out.png"
    zoom_to_file(picture, plan_frame(20, 30, 2), [engine(2)], target, WriteOptions())
    result = read_picture(target)
    assert result.grey
    assert result.alpha is not None
    assert np.array_equal(result.alpha, resize(alpha, 40, 60, "bicubic"))
    assert np.array_equal(result.pixels, grey.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_and_the_focal_length_reach_the_file(tmp_path: Path, suffix: str) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[271] = "Maker"
    exif.get_ifd(0x8769)[37386] = 35.0
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    picture = Picture(noise(50, 30, dtype=np.uint16), metadata=Metadata(exif=body))
    target = tmp_path / f"out{suffix}"
    zoom_to_file(picture, plan_frame(50, 30, 2), [engine(2)], target, WriteOptions())
    result = read_picture(target)
    assert result.bit_depth == 16
    assert np.array_equal(result.pixels, picture.pixels.repeat(2, axis=0).repeat(2, axis=1))
    assert result.metadata.focal_length == 35


def test_the_residual_of_a_large_output_is_kept_at_the_inputs_resolution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, frame = Picture(noise(40, 50)), plan_frame(40, 50, 2)
    monkeypatch.setattr(pipeline, "LARGEST_RESIDUAL", 100)
    zoomed = zoom_to_file(picture, frame, [engine(2)], tmp_path / "o.png", WriteOptions(), want_residual=True)
    assert zoomed.residual is not None
    assert np.allclose(zoomed.residual, 255.0 - picture.pixels, atol=1e-3)


def test_a_failing_encoder_stops_the_zoom_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, rows: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("srnet_cli.imaging.write.StripWriter.write_rows", refuse)
    picture = Picture(noise(200, 50))
    with pytest.raises(OutputError, match="disk is full"):
        zoom_to_file(picture, plan_frame(200, 50, 2), [engine(2)], tmp_path / "o.png", WriteOptions())
    assert list(tmp_path.iterdir()) == []


def test_the_announced_number_of_tiles_is_computed() -> None:
    done: list[None] = []
    frame, engines = plan_frame(40, 60, 8), [engine(4), engine(2)]
    zoom_picture(Picture(noise(40, 60)), frame, engines, on_tile=lambda: done.append(None))
    assert len(done) == tile_count(frame, engines)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("edsr", {"n_feats": 8, "n_resblocks": 1}),
        ("rcan", {"n_feats": 8, "n_resgroups": 1, "n_resblocks": 1, "reduction": 4}),
    ],
)
def test_a_network_without_auxiliary_stream_zooms_and_leaves_no_residual(
    architecture: str, options: dict[str, int], tmp_path: Path
) -> None:
    single = Engine(single_stream_model(architecture, options), EngineOptions(device="cpu", precision="fp32"))
    picture, frame = Picture(noise(40, 50)), plan_frame(40, 50, 2)
    target = tmp_path / "out.png"
    zoomed = zoom_to_file(picture, frame, [single], target, WriteOptions(), want_residual=True)
    assert zoomed.residual is None
    assert zoom_unwritten(picture, frame, [single], want_residual=True).residual is None
    assert np.array_equal(read_picture(target).pixels, zoom_picture(picture, frame, [single]).pixels)


@pytest.mark.parametrize(
    ("crisp", "strength", "expected"),
    [
        (0.0, 1.0, "nearest-x2"),
        (0.5, 1.0, "nearest-x2 crisp 0.5"),
        (1.0, 0.25, "nearest-x2 crisp 1, strength 0.25"),
        (0.5, 0.0, "bicubic"),
    ],
)
def test_a_result_says_what_it_was_made_with(crisp: float, strength: float, expected: str) -> None:
    model = replace(nearest_model(2), crisp=crisp)
    engines = [Engine(model, EngineOptions(device="cpu", precision="fp32"))]
    result = zoom_picture(Picture(noise(20, 30)), plan_frame(20, 30, 2), engines, strength=strength)
    assert result.metadata.made_with == expected

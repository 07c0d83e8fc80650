"""The library in three names."""

from __future__ import annotations

import doctest
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import srnet_cli
from srnet_cli.errors import InputError, UsageError
from srnet_cli.imaging import Picture, write_picture
from srnet_cli.imaging.resize import resize
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel, load_model, save_model
from srnet_cli.network.registry import build_network

SIZES = {"n_feats": 16, "n_resblocks": 1}
CARD = Card("tiny", "edsr", 2, SIZES, tile=32, overlap=8)


@pytest.fixture
def model() -> LoadedModel:
    torch.manual_seed(0)
    return LoadedModel(build_network("edsr", 2, **SIZES).eval(), CARD, Path("tiny"))


def scene(height: int = 40, width: int = 50) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_load_model() -> None:
    assert srnet_cli.load_model is load_model


def test_zoom_a_picture_and_a_file(model: LoadedModel, tmp_path: Path) -> None:
    picture = Picture(scene())
    enlarged = srnet_cli.zoom(picture, 2, model=model)
    assert enlarged.pixels.shape == (80, 100, 3) and enlarged.pixels.dtype == np.uint8
    write_picture(picture, tmp_path / "a.png")
    save_model(tmp_path / "tiny", model.network, CARD, half=False)
    again = srnet_cli.zoom(tmp_path / "a.png", 2, model=str(tmp_path / "tiny"))
    assert np.array_equal(again.pixels, enlarged.pixels)


def test_clean_is_the_way_through_the_network_and_back(model: LoadedModel) -> None:
    picture = Picture(scene())
    assert np.array_equal(srnet_cli.zoom(picture, 1, model=model).pixels, picture.pixels)
    cleaned = srnet_cli.zoom(picture, 1, model=model, clean=True).pixels
    assert cleaned.shape == picture.pixels.shape and (cleaned != picture.pixels).any()
    with pytest.raises(UsageError, match="scale of 1"):
        srnet_cli.zoom(picture, 2, model=model, clean=True)


def test_zoom_frames_and_other_scales(model: LoadedModel) -> None:
    picture = Picture(scene().astype(np.uint16) * 257)
    assert srnet_cli.zoom(picture, 2, model=model, frame="camera").pixels.shape == (40, 50, 3)
    three = srnet_cli.zoom(picture, 3, model=model)
    assert three.pixels.shape == (120, 150, 3) and three.bit_depth == 16


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1), (40, 50, 2), (40, 50, 3), (40, 50, 4)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_an_array_gives_an_array_of_its_kind(model: LoadedModel, shape: tuple[int, ...], dtype: str) -> None:
    values = np.random.default_rng(0).random(shape)
    kind = np.dtype(dtype)
    array = (values * np.iinfo(kind).max).astype(kind) if kind.kind == "u" else values.astype(kind)
    enlarged = srnet_cli.zoom(array, 2, model=model)
    assert enlarged.dtype == kind and enlarged.shape == (80, 100, *shape[2:])
    if kind.kind == "f":
        assert enlarged.min() >= 0 and enlarged.max() <= 1


def test_arrays_and_pictures_are_zoomed_alike(model: LoadedModel) -> None:
    deep = scene().astype(np.uint16) * 257
    expected = srnet_cli.zoom(Picture(deep), 2, model=model).pixels
    assert np.array_equal(srnet_cli.zoom(deep, 2, model=model), expected)
    assert np.allclose(srnet_cli.zoom(deep / 65535, 2, model=model), expected / 65535)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 5, 6), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((4, 5, 3), np.int64),
        np.full((4, 5, 3), 1.5),
        np.full((4, 5, 3), np.nan),
    ],
)
def test_arrays_that_are_no_pictures(model: LoadedModel, array: Any) -> None:
    with pytest.raises(InputError, match="array"):
        srnet_cli.zoom(array, 2, model=model)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_an_image_of_pillow_gives_one(model: LoadedModel, mode: str) -> None:
    image = Image.fromarray(scene()[..., 0].astype(np.uint16) * 200) if mode == "I;16" else None
    image = image or Image.fromarray(scene()).convert(mode)
    image.info["dpi"] = (300, 300)
    enlarged = srnet_cli.zoom(image, 2, model=model)
    assert (enlarged.mode, enlarged.size, enlarged.info["dpi"]) == (mode, (100, 80), (300, 300))


def test_palettes_become_colours_and_cmyk_is_refused(model: LoadedModel) -> None:
    assert srnet_cli.zoom(Image.fromarray(scene()).convert("P"), 2, model=model).mode == "RGB"
    with pytest.raises(InputError, match="CMYK"):
        srnet_cli.zoom(Image.new("CMYK", (9, 9)), 2, model=model)


def test_the_examples_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, side in (("photo.jpg", (48, 72)), ("lr.png", (24, 36)), ("hr.png", (48, 72))):
        write_picture(Picture(np.full((*side, 3), 128, np.uint8) + scene(*side) // 16), tmp_path / name)
    library = import_module("srnet_cli.library")
    result = doctest.testmod(library)
    assert result.attempted > 6 and result.failed == 0


def test_residual_of_arrays_and_files(tmp_path: Path) -> None:
    large = scene(32, 48)
    small = resize(large, 16, 24, "bicubic")
    result = srnet_cli.residual(Picture(small), Picture(large))
    expected = np.abs(large.astype(int) - resize(small, 32, 48, "bicubic"))
    assert np.array_equal(result.plain, expected)
    for name, pixels in (("lr.png", small), ("hr.png", large)):
        write_picture(Picture(pixels), tmp_path / name)
    assert srnet_cli.residual(str(tmp_path / "lr.png"), str(tmp_path / "hr.png")).figures == result.figures
    with pytest.raises(InputError):
        srnet_cli.residual(tmp_path / "none.png", tmp_path / "hr.png")


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = srnet_cli.nothing


@pytest.mark.parametrize("first", ["", "import srnet_cli.zooming.engine, srnet_cli.data.labels"])
def test_the_names_are_functions_whatever_was_imported_first(first: str) -> None:
    code = f"""
{first}
from srnet_cli import residual, zoom
import srnet_cli.zooming.tiles as tiles
assert callable(zoom) and callable(residual) and tiles.Grid
try:
    zoom("/nowhere.png")
except Exception as error:
    assert type(error).__name__ == "InputError", error
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)


def test_the_package_alone_imports_nothing_heavy() -> None:
    code = "import sys, srnet_cli; assert not {'torch', 'numpy', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)

"""A batch of damaged pictures and a few good ones: each failure named, the rest done, nothing else left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.faults.pictures import (
    empty_dng,
    encoded,
    encoded_arw,
    encoded_dng,
    encoded_tiff,
    jpeg_that_claims,
    png_that_claims,
    scene,
    with_a_hole,
)
from tests.faults.program import Disk, Ended, Program, assert_civil, disk, finish, start


def damaged() -> dict[str, tuple[bytes, str]]:
    """File name → what is in it, and what the program must say about it."""
    jpeg, png = encoded("JPEG", scene(120, 160), quality=95), encoded("PNG")
    progressive = encoded("JPEG", scene(120, 160), quality=95, progressive=True)
    webp, tiff = encoded("WEBP"), encoded("TIFF")
    deep = encoded_tiff(scene(dtype="uint16"), photometric="rgb")
    dng, arw = encoded_dng(), encoded_arw()
    real = scene().astype(np.float32) / 255
    nan, infinite = real.copy(), real.copy()
    nan[3, 4, 1], infinite[5, 6, 0] = np.nan, np.inf
    return {
        "zero-byte.png": (b"", "is empty"),
        "zero-byte.ARW": (b"", "is empty"),
        "text.png": (b"Dear diary,\nno picture today.\n", "not a picture in a supported format"),
        "short.jpg": (jpeg[: len(jpeg) // 2], "is cut short"),
        "short-progressive.jpg": (progressive[: len(progressive) // 2], "is cut short"),
        "short-with-an-end.jpg": (jpeg[: len(jpeg) // 2] + b"\xff\xd9", "premature end of data"),
        "hole.jpg": (with_a_hole(jpeg), "bytes of its pixels are lost"),
        "hole-of-ones.jpg": (with_a_hole(jpeg, b"\xff"), "is damaged"),
        "hole-progressive.jpg": (with_a_hole(progressive, b"\x5a"), "is damaged"),
        "short.png": (png[: len(png) // 2], "is cut short"),
        "hole.png": (with_a_hole(png), "a checksum does not match"),
        "short.webp": (webp[: len(webp) // 2], "is cut short"),
        "short.tif": (tiff[: len(tiff) // 2], "is cut short"),
        "short-deep.tif": (deep[: len(deep) // 2], "is cut short"),
        "short.ARW": (arw[: len(arw) // 2], "is cut short"),
        "short.dng": (dng[: len(dng) // 2], "is cut short"),
        "without-pixels.dng": (empty_dng(), "all its RAW values are 0"),
        "unknown-kind.cr3": (bytes(range(256)) * 64, "not a RAW file that LibRaw knows"),
        "huge.png": (png_that_claims(60_000, 60_000), "has 60000×60000 pixels, more than the limit"),
        "huge.jpg": (jpeg_that_claims(60_000, 60_000), "has 60000×60000 pixels, more than the limit"),
        "nan.tif": (encoded_tiff(nan, photometric="rgb"), "has NaN or infinite values"),
        "infinite.tif": (encoded_tiff(infinite, photometric="rgb"), "has NaN or infinite values"),
    }


DAMAGED = damaged()
GOOD = {"a-good.png": encoded("PNG"), "z-good.jpg": encoded("JPEG"), "z-good.dng": encoded_dng()}
RESULTS = {"a-good_x2.png", "z-good_x2.jpg", "z-good_x2.tif"}


@dataclass(frozen=True)
class Batch:
    ended: Ended
    inputs_before: Disk
    inputs_after: Disk
    folder: Path
    output: Path

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        return {Path(r["source"]).name: r for r in json.loads(self.ended.out)["results"]}


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Batch:
    """All of them in one run of a process of its own."""
    folder = tmp_path_factory.mktemp("damaged")
    inputs, output = folder / "in", folder / "out"
    inputs.mkdir()
    for name, (content, _) in DAMAGED.items():
        (inputs / name).write_bytes(content)
    for name, content in GOOD.items():
        (inputs / name).write_bytes(content)
    before = disk(inputs)
    ended = finish(start("zoom", "in", "-s", "2", "--model", model, "-o", "out", "--json", folder=folder))
    return Batch(ended, before, disk(inputs), inputs, output)


def test_the_batch_fails_and_says_how_often(batch: Batch) -> None:
    assert_civil(batch.ended)
    assert batch.ended.code == 1
    assert len(batch.ended.errors) == len(DAMAGED), batch.ended.err
    assert batch.inputs_after == batch.inputs_before


def test_the_libraries_own_lines_are_not_shown(batch: Batch) -> None:
    """One line for each failure and each result, and not one more."""
    # A line for each, and the table with its heading and its sum.
    assert len(batch.ended.err.splitlines()) == 2 * (len(DAMAGED) + len(GOOD)) + 2, batch.ended.err


def test_the_rest_is_done(batch: Batch) -> None:
    assert set(disk(batch.output)) == RESULTS
    for name in ("a-good_x2.png", "z-good_x2.jpg"):
        with Image.open(batch.output / name) as image:
            image.load()
            assert image.size == (72, 48)
    developed = tifffile.imread(batch.output / "z-good_x2.tif")
    assert (developed.shape, developed.dtype) == ((48, 72, 3), np.uint16)


@pytest.mark.parametrize("name", DAMAGED)
def test_each_failure_is_named(batch: Batch, name: str) -> None:
    reason = DAMAGED[name][1]
    (line,) = [line for line in batch.ended.errors if line.startswith(f"error in/{name}: ")]
    assert reason in line
    result = batch.results[name]
    assert result["status"] == "failed"
    assert reason in result["error"]
    assert not list(batch.output.glob(f"{Path(name).stem}_x2.*"))


def test_the_limit_of_pixels_can_be_moved(srnet: Program, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    arguments = ("zoom", tmp_path / "a.png", "-s", "2", "--model", model)
    before = disk(tmp_path)
    refused = srnet(*arguments, "--max-pixels", "863")
    assert refused.code == 1
    assert "has 36×24 pixels, more than the limit of 863" in refused.err
    assert "--max-pixels raises the limit" in refused.err
    assert disk(tmp_path) == before
    assert srnet(*arguments, "--max-pixels", "864").code == 0
    assert set(disk(tmp_path)) == {"a.png", "a_x2.png"}


def test_what_is_not_there(srnet: Program, model: Path, tmp_path: Path) -> None:
    ended = srnet("zoom", tmp_path / "none.png", tmp_path, "--model", model)
    assert ended.code == 1
    assert f"error {tmp_path}/none.png: there is no such file or folder" in ended.err
    assert f"error {tmp_path}: no picture in this folder" in ended.err
    assert disk(tmp_path) == {}


def test_residual_names_the_damaged_picture(srnet: Program, tmp_path: Path) -> None:
    (tmp_path / "lr.png").write_bytes(encoded("PNG"))
    (tmp_path / "hr.png").write_bytes(encoded("PNG")[:-30])
    before = disk(tmp_path)
    ended = srnet("residual", tmp_path / "lr.png", tmp_path / "hr.png", "-o", tmp_path / "out")
    assert ended.code == 1
    assert "hr.png: is cut short" in ended.err
    assert disk(tmp_path) == before

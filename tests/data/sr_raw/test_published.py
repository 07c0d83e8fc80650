"""The authors' pipeline against fixtures made with their code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.data.shots.geometry import field_of_view_box
from srnet_cli.data.sr_raw.alignment import align_sequence
from srnet_cli.data.sr_raw.pairing import Focals, PublishedPair, align_target, build_pair
from srnet_cli.data.sr_raw.transforms import (
    TransformFile,
    format_transforms,
    parse_transforms,
    read_transforms,
)
from srnet_cli.data.sr_raw.white_balance import format_gains, measure_gains, parse_gains, read_gains
from srnet_cli.errors import DataError
from srnet_cli.imaging.affine import apply
from srnet_cli.imaging.raw.mosaic import pack_mosaic
from tests.captures import Capture, write_arw
from tests.scenes import Shot, develop, render

PAIRS = [(4, 5, 1), (4, 6, 2), (8, 6, 1)]


@pytest.fixture(scope="module")
def pipeline(parity: Path) -> dict[str, NDArray[Any]]:
    with np.load(parity / "pipeline" / "pipeline.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def transforms(parity: Path) -> TransformFile:
    return read_transforms(parity / "pipeline" / "tform.txt")


def build(
    parity: Path, arrays: dict[str, NDArray[Any]], transforms: TransformFile, pair: Any
) -> PublishedPair:
    scale, lr, hr = pair
    focal = json.loads((parity / "pipeline" / "pipeline.json").read_text())["focal_mm"]
    return build_pair(
        arrays[f"jpg_{lr:05d}"],
        arrays[f"jpg_{hr:05d}"],
        pack_mosaic(arrays[f"bayer_{lr:05d}"]),
        Focals(focal["1"], focal[str(lr)], focal[str(hr)]),
        transforms.maps[lr],
        transforms.maps[hr],
        scale,
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_equal_the_authors(
    parity: Path, pipeline: dict[str, NDArray[Any]], transforms: TransformFile, pair: Any
) -> None:
    built = build(parity, pipeline, transforms, pair)
    key = f"x{pair[0]}_lr{pair[1]:05d}_hr{pair[2]:05d}"
    assert np.array_equal(built.lr, pipeline[f"{key}/lr"])
    assert built.mosaic is not None
    assert np.array_equal(built.mosaic, pipeline[f"{key}/raw"])
    expected = pipeline[f"{key}/hr"].astype(int)
    assert built.hr.shape == expected.shape
    assert np.abs(built.hr - expected).max() <= 2


def test_field_of_view_crop_equals_the_authors(pipeline: dict[str, NDArray[Any]]) -> None:
    frame = pipeline["jpg_00002"]
    box = field_of_view_box(frame.shape[0], frame.shape[1], 150 / 240)
    assert np.array_equal(frame[box.slices], pipeline["crop_fov_240_150"])


@pytest.mark.parametrize(
    ("key", "hr", "lr"), [("align_00001_to_00006", 1, 6), ("align_jpg00001_as_00002_to_00005", 2, 5)]
)
def test_warped_frames_equal_the_authors(
    pipeline: dict[str, NDArray[Any]], transforms: TransformFile, key: str, hr: int, lr: int
) -> None:
    warped = align_target(pipeline["jpg_00001"], 1.0, transforms.maps[lr], transforms.maps[hr])
    assert np.abs(warped.astype(int) - pipeline[key]).max() <= 2


def test_a_pair_without_common_view_is_refused() -> None:
    frame = np.zeros((120, 160, 3), np.uint8)
    maps = np.array([[1.0, 0, 0], [0, 1, 0]])
    with pytest.raises(DataError, match="leaves no picture"):
        build_pair(frame, frame, None, Focals(240, 24, 100), maps, maps, 4)


def test_transforms_are_read(transforms: TransformFile) -> None:
    assert sorted(transforms.maps) == [1, 2, 3, 4, 5, 6]
    assert transforms.maps[2].tolist() == [[0.9979, -0.0021, 2.0674], [-0.0044, 1.0019, 0.3578]]
    assert transforms.corner == (7, 345, 6, 470)


def test_transforms_survive_writing_and_reading(parity: Path, transforms: TransformFile) -> None:
    original = (parity / "pipeline" / "tform.txt").read_text()
    assert format_transforms(transforms, decimals=4).split() == original.split()
    again = parse_transforms(format_transforms(transforms))
    assert again.corner == transforms.corner
    assert all(np.array_equal(again.maps[k], transforms.maps[k]) for k in transforms.maps)


def test_transforms_that_are_cut_anywhere_are_refused(transforms: TransformFile) -> None:
    """A number that lost its last digits is a number, and the frames that are left have maps."""
    whole = format_transforms(transforms, decimals=4)
    for length in range(whole.index("corner:")):
        with pytest.raises(DataError):
            parse_transforms(whole[:length])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no transforms"),
        ("00001-00002:\n1 0 0\n0 1 0\n", "cut short"),
        ("00001-00002:\n1 0 0\n0 1 0\ncorner:\n", "line 5: expected 4 numbers"),
        ("00001-00002:\n1 0 0\n0 1\n", "line 3: expected 3 numbers"),
        ("00001-00002:\n1 0 0\n", "line 3: expected 3 numbers"),
        ("00001-00002:\n1 0 x\n0 1 0\n", "line 2: expected 3 numbers"),
        ("hello\n", "line 1: expected"),
        ("1" * 5000 + "-00002:\n1 0 0\n0 1 0\n", "line 1: expected"),
        ("00001-" + "2" * 5000 + ":\n1 0 0\n0 1 0\n", "line 1: expected"),
        ("00001-00002:\n1 1 0\n1 1 0\n", "frame 00002 cannot be inverted"),
        ("00001-00002:\nnan 0 0\n0 1 0\n", "frame 00002 cannot be inverted"),
    ],
)
def test_damaged_transforms_are_refused_with_the_line(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        parse_transforms(text)


def test_white_balance_file(parity: Path) -> None:
    gains = read_gains(parity / "pipeline" / "wb.txt")
    assert gains == {5: (2.1034, 1.0, 1.0, 1.6521), 6: (1.9871, 1.0, 1.0, 1.7712)}
    text = format_gains({"seq/00005": gains[5], "seq/00006": gains[6]})
    assert text.split() == (parity / "pipeline" / "wb.txt").read_text().split()
    with pytest.raises(DataError, match="line 3: expected four gains"):
        parse_gains("WB\nseq/00001:\n1 2 3\n")


def test_white_balance_is_measured(tmp_path: Path) -> None:
    linear = np.random.default_rng(0).uniform(0.05, 0.4, (64, 96, 3))
    write_arw(tmp_path / "a.ARW", linear, Capture(white_balance=(2.2, 1.0, 1.6)))
    assert measure_gains(tmp_path / "a.ARW") == pytest.approx((2.2, 1.0, 1.0, 1.6), rel=0.01)


def test_sequence_alignment_finds_the_shift_between_frames() -> None:
    shots = [Shot(240.0), Shot(150.0, shift=(3.0, -2.0)), Shot(100.0, shift=(-4.0, 1.0))]
    frames = [render(shot) for shot in shots]
    pictures = [
        (k, develop(f, seed=k), s.focal) for k, (f, s) in enumerate(zip(frames, shots, strict=True), 1)
    ]
    found = align_sequence(pictures)
    assert sorted(found.maps) == [1, 2, 3]
    for number, shot in zip((2, 3), shots[1:], strict=True):
        # A shift of the frame is enlarged with it to the reference's field of view.
        expected = np.array(shot.shift) * 240.0 / shot.focal
        middle = apply(found.maps[number], [(239.5, 179.5)])[0] - (239.5, 179.5)
        assert np.abs(middle - expected).max() < 1.5  # an eighth of the resolution, as the authors do it
    assert found.corner is not None
    assert found.corner[0] < found.corner[1] <= 360


def test_a_flat_frame_is_left_out_of_the_transforms() -> None:
    frames = [render(Shot(240.0)), render(Shot(150.0))]
    flat = np.full((360, 480, 3), 90, np.uint8)
    pictures = [(1, develop(frames[0]), 240.0), (2, flat, 200.0), (3, develop(frames[1]), 150.0)]
    assert sorted(align_sequence(pictures).maps) == [1, 3]

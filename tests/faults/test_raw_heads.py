"""A stretch of a RAW file that is lost ahead of its pixels and goes on into them, or lies in their middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import entry
from srnet_cli.imaging.raw.layout.leftover import check_needed
from tests.captures import Capture, write_dng, write_dng_mosaic
from tests.faults.dngs import HEIGHT, WIDTH, dng_of, lossless, short, tiles_of, values
from tests.faults.pictures import encoded_arw, scene
from tests.faults.test_raw_layout import packed

TILE = 32


def _with_lost_head(pieces: list[bytes], share: float, fill: bytes) -> list[bytes]:
    """Pieces whose first bytes, in the order of the file, hold one value."""
    whole = b"".join(pieces)
    lost = int(len(whole) * share) // 512 * 512 + 77
    left, found = fill * lost + whole[lost:], []
    for piece in pieces:
        found.append(left[: len(piece)])
        left = left[len(piece) :]
    return found


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("share", [0.12, 0.31, 0.57])
@pytest.mark.parametrize("kind", ["strip", "strips", "tiles", "packed"])
def test_a_lost_head_of_a_mosaic(tmp_path: Path, kind: str, share: float, fill: bytes) -> None:
    path, light = tmp_path / "a.dng", values().astype("<u2")
    tags = {278: short(30 if kind == "strips" else HEIGHT)}
    if kind == "tiles":
        pieces, tags = [tile.tobytes() for tile in tiles_of(light, TILE, TILE)], _TILED
    elif kind == "packed":
        pieces = [packed(light >> 2, 12)]
        tags = {**tags, 258: short(12), 50714: short(128, 128, 128, 128), 50717: entry(ifd.LONG, 4095)}
    else:
        rows = 30 if kind == "strips" else HEIGHT
        pieces = [light[top : top + rows].tobytes() for top in range(0, HEIGHT, rows)]
    path.write_bytes(dng_of(pieces, tags, kind == "tiles"))
    assert read_picture(path).height == HEIGHT
    path.write_bytes(dng_of(_with_lost_head(pieces, share, fill), tags, kind == "tiles"))
    with pytest.raises(InputError, match=r"damaged|incomplete"):
        read_picture(path)


_TILED = {322: short(TILE), 323: short(TILE)}


@pytest.mark.parametrize(("fill", "said"), [(b"\0", "first 16 of 64"), (b"\xff", "damaged RAW")])
def test_a_lost_head_of_a_camera_s_own_file(tmp_path: Path, fill: bytes, said: str) -> None:
    path, whole = tmp_path / "a.ARW", encoded_arw(Capture(read_noise=4.0))
    start = len(whole) - 64 * 96 * 2
    path.write_bytes(whole[:start] + fill * 3111 + whole[start + 3111 :])
    with pytest.raises(InputError, match=said):
        read_picture(path)


def test_whole_rows_of_zeros_above_are_lost_below_a_black_level(tmp_path: Path) -> None:
    """A sensor with a black level has noise around it, in its darkest places too."""
    path, light = tmp_path / "a.dng", values()
    light[:20] = 0
    write_dng_mosaic(path, light)
    with pytest.raises(InputError, match="first 20 of 100 rows hold no data"):
        read_picture(path)


@pytest.mark.parametrize("level", [0.0, 2.0])
@pytest.mark.parametrize("noise", [None, 4.0])
def test_dark_and_overexposed_skies_pass(tmp_path: Path, level: float, noise: float | None) -> None:
    light = scene(HEIGHT, WIDTH) / 255 * 0.7 + 0.02
    light[:40] = level
    path = tmp_path / "a.dng"
    write_dng(path, light, Capture(read_noise=noise))
    assert read_picture(path).height == HEIGHT


@pytest.mark.parametrize("black", [0, 512])
def test_an_empty_border_above_a_demosaicked_picture_passes(tmp_path: Path, black: int) -> None:
    path = tmp_path / "a.dng"
    light = (scene(HEIGHT, WIDTH).astype(np.uint16) * 60 + black).clip(1).astype("<u2")
    light[:30] = 0
    tags = {
        258: short(16, 16, 16),
        262: short(34892),
        277: short(3),
        278: short(HEIGHT),
        284: short(1),
        50713: short(1, 1),
        50714: short(black, black, black),
        50717: short(16383, 16383, 16383),
    }
    path.write_bytes(dng_of([light.tobytes()], tags))
    assert read_picture(path).height == HEIGHT


def _dark(black: int) -> NDArray[np.uint16]:
    """Values of a sensor with few different ones in its dark parts."""
    generator = np.random.default_rng(5)
    light = generator.integers(0, 3, (160, 240)) * 4 + black
    light[40:120, 60:180] += generator.integers(0, 3000, (80, 120))
    return np.asarray(light, np.uint16)


@pytest.mark.parametrize("black", [0, 512])
def test_a_stretch_of_zeros_in_the_dark(tmp_path: Path, black: int) -> None:
    """It begins where little of its row is left, which is dark."""
    path, light = tmp_path / "a.dng", _dark(black)
    write_dng_mosaic(path, light, Capture(black_level=black))
    assert read_picture(path).height == 160
    light.reshape(-1)[50 * 240 + 225 : 70 * 240 + 40] = 0
    write_dng_mosaic(path, light, Capture(black_level=black))
    with pytest.raises(InputError, match=r"(19|20) of 160 rows hold no data"):
        read_picture(path)


def test_a_stretch_in_the_middle_of_tiles(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    pieces = [tile.astype("<u2").tobytes() for tile in tiles_of(values(), TILE, TILE)]
    whole = bytearray(b"".join(pieces))
    whole[9 * 2048 + 77 : 12 * 2048 + 333] = bytes(3 * 2048 + 256)
    lost = [bytes(whole[at : at + 2048]) for at in range(0, len(whole), 2048)]
    path.write_bytes(dng_of(lost, _TILED, True))
    with pytest.raises(InputError, match=r"rows hold no data"):
        read_picture(path)


def _half_flat() -> NDArray[np.uint16]:
    """Samples of 64×1024, as those of a tile at the border: the most frequent difference is none."""
    generator = np.random.default_rng(7)
    samples = np.full((64, 1024), 9000, np.uint16)
    samples[:, :300] += generator.integers(0, 3000, (64, 300)).astype(np.uint16)
    return samples


@pytest.mark.parametrize("place", [0.1, 0.4, 0.7])
@pytest.mark.parametrize("length", [96, 512, 4096])
def test_zeros_in_lossless_jpeg_that_stand_for_no_difference(
    tmp_path: Path, place: float, length: int
) -> None:
    """They are more pixels than what they took the place of, so that others are left over."""
    path, whole = tmp_path / "a", lossless(_half_flat())
    check_needed(path, 1, whole)
    start = whole.find(b"\xff\xda") + 10
    at = start + int((len(whole) - start - length) * place)
    with pytest.raises(InputError, match="piece 1 of its pixels has more codes than pixels"):
        check_needed(path, 1, whole[:at] + bytes(length) + whole[at + length :])


def test_flat_tiles_of_lossless_jpeg_pass(tmp_path: Path) -> None:
    flat = lossless(np.full((256, 256), 700, np.uint16))
    assert bytes(64) in flat
    check_needed(tmp_path / "a", 1, flat)
    upper = np.concatenate([_half_flat(), np.full((64, 1024), 9000, np.uint16)])
    for samples in (upper, upper[::-1]):
        check_needed(tmp_path / "a", 1, lossless(np.ascontiguousarray(samples)))

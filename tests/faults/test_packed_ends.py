"""Zeros at the very end of LZW, fewer than a coder might write somewhere else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded_tiff, scene

_TALL, _WIDE = 61, 83


def _refuse_ends(path: Path, whole: bytes, fill: bytes, lengths: range) -> None:
    path.write_bytes(whole)
    assert read_picture(path).height == _TALL
    for length in lengths:
        path.write_bytes(whole[:-length] + fill * length)
        with pytest.raises(InputError, match=r"is (damaged|incomplete)"):
            read_picture(path)


def _of_pieces(pieces: list[bytes], picture: NDArray[Any], **options: Any) -> bytes:
    """A TIFF with the data of its pieces as the last thing in it."""
    file = io.BytesIO()
    shape = {"shape": picture.shape, "dtype": picture.dtype}
    tifffile.imwrite(file, iter(pieces), photometric="rgb", **shape, **options)  # type: ignore[call-overload]
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 8}, {}, {"tile": (48, 80)}])
def test_zeros_in_the_place_of_the_end_of_lzw_are_refused(
    tmp_path: Path, dtype: str, predictor: bool, layout: dict[str, Any]
) -> None:
    """Each is a code for a zero, of which as many pixels as are missing may come."""
    picture = scene(_TALL, _WIDE, dtype)
    whole = encoded_tiff(picture, photometric="rgb", compression="lzw", predictor=predictor, **layout)
    _refuse_ends(tmp_path / "a.tif", whole, b"\0", range(7, 64, 3))


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_lzw_without_a_code_for_its_end_passes(tmp_path: Path, padding: int) -> None:
    """Of writers that leave it out, of pictures that end in zeros and of others."""
    for end in (0, 1, 200):
        picture = scene(_TALL, _WIDE).copy()
        picture[-1, -end:] = 0
        pieces = [_without_end(picture[row : row + 16].tobytes()) for row in range(0, _TALL, 16)]
        whole = _of_pieces(
            [piece + bytes(padding) for piece in pieces], picture, compression="lzw", rowsperstrip=16
        )
        (tmp_path / "a.tif").write_bytes(whole)
        assert np.array_equal(read_picture(tmp_path / "a.tif").pixels, picture)


def _without_end(pixels: bytes) -> bytes:
    """LZW with zeros in the place of its last code, 257, and of the bits behind it."""
    coded = imagecodecs.lzw_encode(pixels)
    number = int.from_bytes(coded, "big")
    lowest = number & -number
    return (number - lowest * 257).to_bytes(len(coded), "big")


@pytest.mark.parametrize("padding", [1, 2, 70])
def test_zeros_behind_the_end_of_lzw_pass(tmp_path: Path, padding: int) -> None:
    """Strips that are padded to whole words, and by more; of 64 zeros it is another promise."""
    picture = scene(_TALL, _WIDE)
    pieces = [imagecodecs.lzw_encode(picture[row : row + 9].tobytes()) for row in range(0, _TALL, 9)]
    path = tmp_path / "a.tif"
    path.write_bytes(
        _of_pieces([piece + bytes(padding) for piece in pieces], picture, compression="lzw", rowsperstrip=9)
    )
    if padding < 64:
        assert np.array_equal(read_picture(path).pixels, picture)
    else:
        with pytest.raises(InputError, match="piece 1 of its pixels holds no data"):
            read_picture(path)

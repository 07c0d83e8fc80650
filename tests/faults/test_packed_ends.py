"""Zeros and ones at the very end of LZW and PackBits, fewer than a coder might write somewhere else."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, encoded_tiff, scene

needs_libtiff = pytest.mark.skipif(not features.check("libtiff"), reason="Pillow without libtiff")

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


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 8}, {}, {"tile": (48, 80)}])
def test_an_end_of_packed_rows_is_refused(
    tmp_path: Path, fill: bytes, dtype: str, layout: dict[str, Any]
) -> None:
    """Bytes that are stored as they are, of which none are missing then."""
    whole = encoded_tiff(scene(_TALL, _WIDE, dtype), photometric="rgb", compression="packbits", **layout)
    _refuse_ends(tmp_path / "a.tif", whole, fill, range(10, 80, 3))


@needs_libtiff
@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_an_end_of_libtiff_s_packed_rows_is_refused(tmp_path: Path, fill: bytes) -> None:
    """The last rows are long stored ones, or many short packets."""
    for steps in (1, 32):
        picture = scene(_TALL, _WIDE) // steps * steps
        written = encoded("TIFF", picture, compression="packbits")
        with tifffile.TiffFile(io.BytesIO(written)) as file:
            page: Any = file.pages[0]
            pieces = [
                data for data, _ in file.filehandle.read_segments(page.dataoffsets, page.databytecounts)
            ]
            rows = page.rowsperstrip
        whole = _of_pieces(pieces, picture, compression="packbits", rowsperstrip=rows)
        _refuse_ends(tmp_path / "a.tif", whole, fill, range(10, 80, 3))


@pytest.mark.parametrize("edge", [[0], [255, 255], [255], [0, 0]])
@pytest.mark.parametrize("channels", [1, 3])
def test_rows_that_begin_as_they_end_pass(tmp_path: Path, edge: list[int], channels: int) -> None:
    """Packets of one byte, or of two, at the end of a row and at the beginning of the next one."""
    row = np.array([*edge, *[7] * 40, *edge], np.uint8)
    picture = np.tile(row[None, :, None], (40, 1, channels))
    kind = "rgb" if channels == 3 else "minisblack"
    data = encoded_tiff(picture.squeeze(), photometric=kind, compression="packbits")
    (tmp_path / "a.tif").write_bytes(data)
    assert (read_picture(tmp_path / "a.tif").pixels == picture).all()

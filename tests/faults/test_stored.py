"""What packings store as it is, where they find nothing to pack: padding and frames of noise are no holes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.proof.page.stored import coded_parts, stored_parts
from tests.faults.pictures import encoded_tiff

TALL, WIDE = 300, 300
#: of a piece, the zeros in a part that is stored
RUN = 100


def _noise(dtype: str, channels: int) -> NDArray[Any]:
    top = np.iinfo(dtype).max
    noise = np.random.default_rng(5).integers(1, top, (TALL, WIDE, channels), endpoint=True)
    return noise.astype(dtype).squeeze()


@pytest.mark.parametrize("level", [1, 3, 9])
@pytest.mark.parametrize(("dtype", "channels"), [("uint16", 1), ("uint16", 3), ("uint8", 3)])
@pytest.mark.parametrize("compression", ["zstd", "lzma", "adobe_deflate"])
def test_noise_in_padded_tiles_is_read(
    tmp_path: Path, compression: str, dtype: str, channels: int, level: int
) -> None:
    picture, path = _noise(dtype, channels), tmp_path / "a.tif"
    for tile in (256, 272):
        kind = "rgb" if channels == 3 else "minisblack"
        options = {"compression": compression, "compressionargs": {"level": level}, "tile": (tile, tile)}
        path.write_bytes(encoded_tiff(picture, photometric=kind, **options))
        assert read_picture(path).width == WIDE


def _pieces(data: bytes) -> list[tuple[int, bytes]]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        places = zip(page.dataoffsets, page.databytecounts, strict=True)
        return [(start, data[start : start + length]) for start, length in places]


@pytest.mark.parametrize("compression", ["zstd", "lzma"])
def test_a_short_run_passes_where_bytes_are_stored_and_a_sector_does_not(
    tmp_path: Path, compression: str
) -> None:
    path = tmp_path / "a.tif"
    picture = _noise("uint16", 1)
    picture[100, 10 : 10 + RUN // 2] = 0
    whole = encoded_tiff(picture, photometric="minisblack", compression=compression)
    ((start, piece),) = _pieces(whole)
    parts = stored_parts(piece)
    assert sum(end - first for first, end in parts) > 0.9 * len(piece)
    assert sum(map(len, coded_parts(piece))) + sum(b - a for a, b in parts) == len(piece)
    assert bytes(RUN) in piece
    path.write_bytes(whole)
    assert read_picture(path).width == WIDE
    at = start + parts[0][0] + 20_001
    for fill in (b"\0", b"\xff"):
        path.write_bytes(whole[:at] + fill * 512 + whole[at + 512 :])
        with pytest.raises(InputError, match=r"damaged|incomplete"):
            read_picture(path)


def test_other_data_has_no_stored_parts() -> None:
    for data in (b"", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd" + bytes(40), bytes(100)):
        assert b"".join(coded_parts(data)) == data


@pytest.mark.parametrize("tile", [256, 272])
def test_rows_of_zeros_in_noise_that_are_stored_pass(tmp_path: Path, tile: int) -> None:
    """A padded row, or a black line, is less than Zstandard has to gain before it packs a block at all."""
    path = tmp_path / "a.tif"
    picture = _noise("uint8", 3)[: 2 * tile - 1]
    line = picture.copy()
    line[40, :tile] = 0
    for pixels in (picture, line):
        path.write_bytes(encoded_tiff(pixels, photometric="rgb", compression="zstd", tile=(tile, tile)))
        stored = [piece for _, piece in _pieces(path.read_bytes()) if bytes(512) in piece]
        assert stored or pixels is picture
        assert (read_picture(path).pixels == pixels).all()

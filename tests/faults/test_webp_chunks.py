"""Chunks of a WebP that are not where they should be: a picture ahead of them lost bytes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.pictures import encoded, passes_unsaid, scene

HEIGHT, WIDTH = 240, 320
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b" " * 400 + b"</x:xmpmeta>"


def _webp(animated: bool, lossless: bool = True, maker: str = "Maker", xmp: bytes = b"") -> bytes:
    """A file with metadata behind its picture, or pictures."""
    exif = Image.Exif()
    exif[271], exif[272] = maker, "Model"
    options: dict[str, Any] = {"lossless": lossless, "exif": exif.tobytes(), "xmp": xmp}
    if animated:
        more = [Image.fromarray(scene(HEIGHT, WIDTH)[::-1].copy())]
        options |= {"save_all": True, "append_images": more}
    return encoded("WEBP", scene(HEIGHT, WIDTH), **options)


def _stating_its_length(data: bytes) -> bytes:
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("animated", [False, True])
def test_lost_bytes_are_noticed_where_zeros_fill_up(
    tmp_path: Path, animated: bool, lossless: bool, sector: int
) -> None:
    path, whole = tmp_path / "a.webp", _webp(animated, lossless)
    assert passes_unsaid(path, whole + bytes(-len(whole) % sector))
    for start in (len(whole) // 3, whole.rindex(b"VP8") + 9000):
        for count in range(1, 9):
            shorter = whole[:start] + whole[start + count :]
            path.write_bytes(shorter + bytes(-len(shorter) % sector))
            with pytest.raises(InputError, match=r"damaged|incomplete|cut short"):
                read_picture(path)


@pytest.mark.parametrize("head", [b"EX\0F" + bytes(4), b"EX\x80F" + bytes(4), b"EXIF\1\0\0\0"])
@pytest.mark.parametrize("animated", [False, True])
def test_what_is_no_chunk_is_refused_in_the_place_of_one(tmp_path: Path, animated: bool, head: bytes) -> None:
    """At the end of the file, and of its first frame."""
    path, whole = tmp_path / "a.webp", _webp(animated)
    files = [(_stating_its_length(whole + head), len(whole))]
    if animated:
        frame = whole.index(b"ANMF") + 4
        (size,) = struct.unpack_from("<I", whole, frame)
        end = frame + 4 + size
        longer = whole[:frame] + struct.pack("<I", size + 8) + whole[frame + 4 : end] + head + whole[end:]
        files.append((_stating_its_length(longer), end))
    for data, place in files:
        path.write_bytes(data)
        with pytest.raises(InputError, match=f"at byte {place:,} there is no part of it"):
            read_picture(path)


@pytest.mark.parametrize("animated", [False, True])
def test_metadata_of_any_length_behind_a_picture_passes(tmp_path: Path, animated: bool) -> None:
    for more in range(4):
        whole = _webp(animated, maker="x" * (90 + more), xmp=XMP[: 200 + more])
        for behind in (b"", bytes(3000)):
            assert passes_unsaid(tmp_path / "a.webp", whole + behind)

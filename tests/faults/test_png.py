"""What a PNG says twice, and pixels of colours that its palette does not have; all checksums right."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.faults.hostile import png_chunk
from tests.faults.pictures import encoded, encoded_png16, scene

HEIGHT, WIDTH = 60, 80
Chunk = tuple[bytes, bytes]


def _kinds() -> dict[str, bytes]:
    photo = Image.fromarray(scene(HEIGHT, WIDTH))
    return {
        "rgb": encoded("PNG", photo),
        "palette": encoded("PNG", photo.quantize(200)),
        "few": encoded("PNG", photo.quantize(7)),
        "two": encoded("PNG", photo.convert("1")),
        "deep": encoded_png16(scene(HEIGHT, WIDTH, "uint16")),
    }


def _chunks(data: bytes) -> list[Chunk]:
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _joined(chunks: Sequence[Chunk]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*one) for one in chunks)


@pytest.mark.parametrize("name", _kinds())
def test_a_second_header_is_refused(tmp_path: Path, name: str) -> None:
    """The first was counted, and the last decoded: its lower half was black."""
    path, chunks = tmp_path / "a.png", _chunks(_kinds()[name])
    header = chunks[0][1]
    other = b"IHDR", struct.pack(">II", WIDTH, HEIGHT // 2) + header[8:]
    for changed in ([other, *chunks], [chunks[0], other, *chunks[1:]], [*chunks[:-1], other, chunks[-1]]):
        path.write_bytes(_joined(changed))
        with pytest.raises(InputError, match="IHDR twice"):
            read_picture(path)


@pytest.mark.parametrize("name", ["palette", "few"])
def test_a_palette_that_lacks_colours_or_is_there_twice_is_refused(tmp_path: Path, name: str) -> None:
    path, chunks = tmp_path / "a.png", _chunks(_kinds()[name])
    path.write_bytes(_joined(chunks))
    whole = read_picture(path).pixels
    at = next(index for index, (kind, _) in enumerate(chunks) if kind == b"PLTE")
    palette = chunks[at][1]
    for place, changed in (
        (at, [(b"PLTE", palette[:-3])]),
        (at, [(b"PLTE", palette[:3])]),
        (at, [(b"PLTE", palette[::-1]), chunks[at]]),
        (len(chunks) - 1, [(b"PLTE", palette[::-1]), chunks[-1]]),
    ):
        path.write_bytes(_joined([*chunks[:place], *changed, *chunks[place + 1 :]]))
        with pytest.raises(InputError, match=r"palette of|PLTE twice"):
            read_picture(path)
    path.write_bytes(_joined([*chunks[:at], (b"PLTE", palette + bytes(3)), *chunks[at + 1 :]]))
    assert np.array_equal(read_picture(path).pixels, whole)


@pytest.mark.parametrize("name", ["rgb", "deep", "two"])
def test_pixels_apart_are_put_together(tmp_path: Path, name: str) -> None:
    """What stands between them belongs elsewhere, and is left out."""
    path, chunks = tmp_path / "a.png", _chunks(_kinds()[name])
    path.write_bytes(_joined(chunks))
    whole = read_picture(path).pixels
    pixels = b"".join(body for kind, body in chunks if kind == b"IDAT")
    half = len(pixels) // 2
    apart = [(b"IDAT", pixels[:half]), (b"tEXt", b"a\0b"), (b"PLTE", bytes(30)), (b"IDAT", pixels[half:])]
    rest = [one for one in chunks if one[0] != b"IDAT"]
    path.write_bytes(_joined([*rest[:-1], *apart, rest[-1]]))
    assert np.array_equal(read_picture(path).pixels, whole)

"""Little files that ask for a lot of work, in pieces, texts, chunks, frames: bounded before it is done."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.proof.items import check_frames
from tests.faults.hostile import TALL, noisy, png_chunk, png_of_rows, retagged
from tests.faults.pictures import encoded, encoded_tiff, scene
from tests.faults.program import PATIENCE, ROOT, environment
from tests.faults.test_budgets import LIMIT, SCRIPT

CODECS = ("jpeg", "webp", "jpeg2000", "png", "jpegxl")


def page_of(piece: bytes, compression: int, side: int) -> bytes:
    """A TIFF of side×side RGB pixels in one strip, which is this picture."""
    tags = {
        256: ifd.entry(ifd.LONG, side),
        257: ifd.entry(ifd.LONG, side),
        258: ifd.entry(ifd.SHORT, 8, 8, 8),
        259: ifd.entry(ifd.SHORT, compression),
        262: ifd.entry(ifd.SHORT, 2),
        273: ifd.entry(ifd.LONG, 0),
        277: ifd.entry(ifd.SHORT, 3),
        278: ifd.entry(ifd.LONG, side),
        279: ifd.entry(ifd.LONG, len(piece)),
    }
    start = len(ifd.pack_file(ifd.Directory(tags)))
    return ifd.pack_file(ifd.Directory({**tags, 273: ifd.entry(ifd.LONG, start)})) + piece


def jpeg_that_claims(height: int, width: int) -> bytes:
    data = encoded("JPEG", noisy())
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def webp_that_claims(height: int, width: int) -> bytes:
    data = encoded("WEBP", noisy())
    at = data.index(b"\x9d\x01\x2a") + 3
    return data[:at] + struct.pack("<HH", width, height) + data[at + 4 :]


def texts(kind: bytes, head: Callable[[int], bytes], count: int) -> bytes:
    """A PNG with so many chunks that hold 16 MB each, of zeros."""
    png, packed = png_of_rows(TALL), zlib.compress(bytes(16_000_000), 9)
    chunks = b"".join(png_chunk(kind, head(n) + packed) for n in range(count))
    return png[:33] + chunks + png[33:]


BOMBS: dict[str, Callable[[], bytes]] = {
    "jpeg.tif": lambda: page_of(jpeg_that_claims(65_000, 65_000), 7, 64),
    "webp.tif": lambda: page_of(webp_that_claims(16_000, 16_000), 50_001, 64),
    "profiles.png": lambda: texts(b"zTXt", lambda n: b"Raw profile type %d\0\0" % n, 200),
    "xmp.png": lambda: texts(b"iTXt", lambda n: b"XML:com.adobe.xmp\0\1\0\0\0", 200),
    "icc.png": lambda: texts(b"iCCP", lambda n: b"a\0\0", 200),
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by means of Linux")
def test_they_are_read_or_refused_within_a_limit_of_memory(tmp_path: Path) -> None:
    for name, content in BOMBS.items():
        (tmp_path / name).write_bytes(content())
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(LIMIT), *(str(tmp_path / name) for name in BOMBS)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    lines = dict(line.split() for line in ended.stdout.splitlines())
    assert lines == {name: "refused" if name.endswith(".tif") else "read" for name in BOMBS}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("options", [{"rowsperstrip": 40}, {"tile": (48, 64)}, {}])
def test_pieces_of_their_own_size_are_read(tmp_path: Path, codec: str, options: dict[str, object]) -> None:
    """Strips of which the last is lower, tiles that stick out, and one piece for all."""
    path = tmp_path / "a.tif"
    path.write_bytes(encoded_tiff(scene(101, 157), photometric="rgb", compression=codec, **options))
    assert read_picture(path).pixels.shape == (101, 157, 3)


@pytest.mark.parametrize("codec", CODECS)
def test_a_piece_that_does_not_fill_its_place_is_refused(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.tif"
    small = encoded_tiff(noisy(), photometric="rgb", compression=codec)
    for tag, value in ((257, 2 * TALL), (256, 200)):
        claimed = retagged(small, tag, 4, 1, value)
        path.write_bytes(retagged(claimed, 278, 4, 1, value) if tag == 257 else claimed)
        with pytest.raises(InputError, match="in the place of one of"):
            read_picture(path)


def test_more_strips_than_there_is_time_for_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    whole = encoded_tiff(noisy(), photometric="rgb", rowsperstrip=1)
    path.write_bytes(whole)
    assert read_picture(path).height == TALL
    path.write_bytes(retagged(retagged(whole, 257, 4, 1, 600_000), 256, 4, 1, 1))
    with pytest.raises(InputError, match="in 600,000 pieces"):
        read_picture(path)


def test_more_chunks_than_there_is_time_for_are_refused(tmp_path: Path) -> None:
    path, png, chunk = tmp_path / "a.png", png_of_rows(TALL), png_chunk(b"abCd", b"")
    path.write_bytes(png[:33] + chunk * 1000 + png[33:])
    assert np.array_equal(read_picture(path).pixels, noisy())
    path.write_bytes(png[:33] + chunk * 1_000_000 + png[33:])
    with pytest.raises(InputError, match="more than 1,000,000 chunks"):
        read_picture(path)


def test_a_still_picture_of_many_frames_is_refused(tmp_path: Path) -> None:
    """Frames that are not shown, and of which each costs a pass over all pixels."""
    frame, delimiter = bytes([6 << 3 | 2, 4]) + b"1234", bytes([2 << 3 | 2, 0])
    check_frames(tmp_path, delimiter + frame * 8, [(0, 1000)])
    for kind in (3, 6):
        many = delimiter + (bytes([kind << 3 | 2, 4]) + b"1234") * 1000
        with pytest.raises(InputError, match="more frames"):
            check_frames(tmp_path, many, [(0, len(many))])

"""Little files that ask for a lot of work, in pieces, texts, chunks, frames: bounded before it is done."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.codecs.proof.boxed.av1 import check_frames
from srnet_cli.imaging.codecs.proof.jpeg import check_start
from srnet_cli.imaging.metadata.xmp import xmp_for_output
from tests.faults.hostile import TALL, noisy, png_chunk, png_of_rows, retagged
from tests.faults.pictures import encoded, encoded_tiff, scene
from tests.faults.program import PATIENCE, ROOT, environment, promptly
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
    check_frames(tmp_path, delimiter + frame * 8)
    for kind in (3, 6):
        many = delimiter + (bytes([kind << 3 | 2, 4]) + b"1234") * 1000
        with pytest.raises(InputError, match="more frames"):
            check_frames(tmp_path, many)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def avif(changes: Callable[[bytes, bytes], bytes] = lambda kind, body: body) -> bytes:
    """A picture of 64×64 pixels; ``changes`` gives each of the boxes inside of ``meta`` another content."""
    out = b""
    for kind, body in boxes(bytes(imagecodecs.avif_encode(noisy()[:64, :64], speed=10))):
        if kind == b"meta":
            body = body[:4] + b"".join(box(each, changes(each, inner)) for each, inner in boxes(body[4:]))
        out += box(kind, body)
    return out


def places(pieces: Sequence[Sequence[tuple[int, int]]]) -> bytes:
    """The box of places: for each item the start and length of its pieces."""
    listed = b"".join(
        struct.pack(">HHH", item, 0, len(each)) + b"".join(struct.pack(">II", *piece) for piece in each)
        for item, each in enumerate(pieces, 1)
    )
    return bytes([0, 0, 0, 0, 0x44, 0]) + struct.pack(">H", len(pieces)) + listed


def test_frames_count_over_all_pieces_of_a_picture(tmp_path: Path) -> None:
    path, frames = tmp_path / "a.avif", bytes([6 << 3 | 2, 4]) + b"1234"
    path.write_bytes(avif())
    assert read_picture(path).pixels.shape == (64, 64, 3)
    start = len(path.read_bytes())

    def scattered(kind: bytes, body: bytes) -> bytes:
        return places([[(start + 4000, len(frames))] * 40]) if kind == b"iloc" else body

    path.write_bytes(avif(scattered) + bytes(range(1, 251)) * 20)
    path.write_bytes(path.read_bytes()[: start + 4000] + frames + b"end")
    with pytest.raises(InputError, match="more frames"):
        read_picture(path)


def test_pieces_that_cost_nothing_in_the_file_are_refused(tmp_path: Path) -> None:
    """Twenty kilobytes that list millions of pieces, which a decoder goes through one by one."""
    path = tmp_path / "a.avif"
    none = bytes(6) + struct.pack(">H", 60) + b"".join(struct.pack(">HHH", n, 0, 65_535) for n in range(60))
    path.write_bytes(avif(lambda kind, body: none if kind == b"iloc" else body))
    with pytest.raises(InputError, match="more pieces"):
        read_picture(path)
    whole = places([[(0, 500)] * 100])
    path.write_bytes(avif(lambda kind, body: whole if kind == b"iloc" else body))
    with pytest.raises(InputError, match="overlap"):
        read_picture(path)


@pytest.mark.parametrize("side", [16, 15_000])
def test_a_picture_of_another_size_than_its_data_is_refused(tmp_path: Path, side: int) -> None:
    """Decoders stretch what there is: 64 pixels to fifteen thousand, or four thousand to sixteen."""

    def claimed(kind: bytes, body: bytes) -> bytes:
        at = body.find(b"ispe") + 8
        return body if kind != b"iprp" else body[:at] + struct.pack(">II", side, side) + body[at + 8 :]

    path = tmp_path / "a.avif"
    path.write_bytes(avif(claimed))
    with pytest.raises(InputError, match="its data 64×64"):
        read_picture(path)


def test_of_an_animation_the_first_frame_alone_is_decoded(tmp_path: Path) -> None:
    """Ten thousand frames in a few bytes each would be as many pictures in memory."""
    path = tmp_path / "a.jxl"
    frames = np.stack([np.full((300, 400, 3), value, np.uint8) for value in range(40)])
    path.write_bytes(imagecodecs.jpegxl_encode(frames, effort=1))
    decoded: list[Any] = []
    real = imagecodecs.jpegxl_decode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imagecodecs, "jpegxl_decode", lambda *a, **k: decoded.append(r := real(*a, **k)) or r)
        picture = read_picture(path)
    assert decoded[0].shape == picture.pixels.shape == (300, 400, 3) and not picture.pixels.any()
    assert any("first frame" in note for note in picture.metadata.notes)


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        (np.zeros((64, 600, 60), np.uint8), {"photometric": "gray", "planar": True}, "channels besides"),
        (np.zeros((60, 40, 3), np.float32), {}, "floating-point"),
    ],
)
def test_what_takes_more_than_a_picture_does_is_refused_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: Any, options: dict[str, Any], said: str
) -> None:
    path = tmp_path / "a.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(values, effort=1, **options))
    monkeypatch.setattr(imagecodecs, "jpegxl_decode", lambda *a, **k: pytest.fail("was decoded"))
    with pytest.raises(InputError, match=said):
        read_picture(path)


def webp_animation(height: int, width: int, frame: Image.Image, left: int = 0, top: int = 0) -> bytes:
    """Two equal frames of a canvas of any size, of which they cover a part."""
    stored = io.BytesIO()
    frame.save(stored, "WEBP", lossless=True)
    chunk = stored.getvalue()[12:]
    if chunk.startswith(b"VP8X"):
        chunk = chunk[18:]
    sides = (left // 2, top // 2, frame.width - 1, frame.height - 1, 10)
    head = b"".join(value.to_bytes(3, "little") for value in sides) + b"\0"
    shown = b"ANMF" + struct.pack("<I", 16 + len(chunk)) + head + chunk
    canvas = bytes([2 | (16 if frame.mode == "RGBA" else 0), 0, 0, 0])
    canvas += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + b"ANIM" + struct.pack("<IIH", 6, 0xFF00FF80, 0)
    return b"RIFF" + struct.pack("<I", len(body + shown * 2)) + body + shown * 2


@pytest.mark.parametrize("alpha", [False, True])
def test_a_first_frame_that_covers_a_part_stands_where_it_belongs(tmp_path: Path, alpha: bool) -> None:
    frame = Image.fromarray(noisy()[:24, :32])
    if alpha:
        frame.putalpha(Image.fromarray(noisy()[:24, :32, 1]))
    path = tmp_path / "a.webp"
    path.write_bytes(webp_animation(80, 100, frame, 20, 10))
    picture = read_picture(path)
    with Image.open(path) as image:
        right = np.asarray(image)
    assert np.array_equal(picture.pixels, right[..., :3])
    assert (picture.alpha is None) != alpha and right[..., 0].any() and not right[:10].any()


def test_a_large_webp_takes_its_pixels_memory(tmp_path: Path) -> None:
    """Two hundred bytes of a canvas of 150 megapixels: half a gigabyte, and not two and a half."""
    path = tmp_path / "a.webp"
    path.write_bytes(webp_animation(10_000, 15_000, Image.new("RGB", (16, 16), "red")))
    # In a process of its own: what this one has freed and kept would be used again, and not be seen.
    code = (
        "import sys, torch\nfrom pathlib import Path\nfrom srnet_cli.evaluation.resources import measured\n"
        "from srnet_cli.imaging import read_picture\n"
        "with measured(torch.device('cpu')) as cost:\n"
        "    assert read_picture(Path(sys.argv[1])).width == 15_000\n"
        "print(cost.memory)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    if told.stdout.strip() == "None":
        pytest.skip("the system does not tell the memory of a process")
    assert 400e6 < int(told.stdout) < 1.2e9


def test_a_packet_of_blanks_takes_no_time() -> None:
    """XMP is padded with them, so that programs can add to it in place."""
    packet = b"<x:xmpmeta xmpNote:HasExtendedXMP='A1'" + b" " * 1_000_000 + b"/>"
    with promptly():
        assert xmp_for_output(packet, 2, 3)[0] == packet.replace(b" xmpNote:HasExtendedXMP='A1'", b"")


def test_frames_and_starts_by_the_thousand_take_no_time(tmp_path: Path) -> None:
    """Ahead of a frame that follows torn bytes starts of others are looked for, once, some of them."""
    whole = encoded("JPEG", noisy())
    at = whole.index(b"\xff\xc0")
    frame = whole[at : at + 19]
    text = b"\xff\xfe\xff\xfe"
    for starts, frames in (
        (b"\xff\xd8\xff\xd9", 9000),
        (b"\xff\xd8\xff\xfe\0\x04", 1),
        (b"\xff\xd8" + b"\xff" * 60, 1),
    ):
        comments = (text + (starts * 16_384)[:65_531] + b"\0") * 20
        with promptly():
            check_start(
                tmp_path, whole[:2] + b"A" + comments + whole[2:at] + frame * frames + whole[at + 19 :]
            )

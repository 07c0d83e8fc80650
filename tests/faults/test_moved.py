"""AVIF and HEIF whose parts moved, are missing, or are not what their boxes say."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from srnet_cli.imaging.codecs.further.boxes import box
from tests.faults.pictures import encoded, scene

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")

HEIGHT, WIDTH = 192, 256
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>\n" + b"\n".join([b" " * 99] * 20) + b"\n</x:xmpmeta>"
ALPHA, HEIF_ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"


def _exif() -> bytes:
    exif = Image.Exif()
    exif[271] = "a camera " * 100
    return exif.tobytes()


def _picture(mode: str = "RGB") -> Image.Image:
    image = Image.fromarray(scene(HEIGHT, WIDTH))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((WIDTH, HEIGHT)))
    return image


def _heic(mode: str = "RGB", thumbnail: bool = False, further: bool = False, **options: Any) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    file, stored = pillow_heif.from_pillow(_picture(mode)), io.BytesIO()
    file.info["thumbnails"] = [64] if thumbnail else []
    if further:
        file.add_from_pillow(_picture().resize((WIDTH // 2, HEIGHT // 2)))
    file.save(stored, quality=80, **options)
    return stored.getvalue()


def _avif(mode: str = "RGB", **options: Any) -> bytes:
    return encoded("AVIF", _picture(mode), speed=10, **options)


def _open(whole: bytes) -> bytes:
    """The same file whose last box goes on to its end, whatever that is."""
    last = whole.index(b"mdat") - 4
    return whole[:last] + bytes(4) + whole[last + 4 :]


WHOLE: dict[str, Callable[[], bytes]] = {
    "xmp.heic": lambda: _heic(xmp=XMP),
    "exif.heic": lambda: _heic(exif=_exif()),
    "both.heic": lambda: _heic(exif=_exif(), xmp=XMP),
    "thumbnail.heic": lambda: _heic(thumbnail=True),
    "further.heic": lambda: _heic(further=True),
    "alpha.heic": lambda: _heic("RGBA", xmp=XMP),
    "xmp.avif": lambda: _avif(xmp=XMP),
    "alpha.avif": lambda: _avif("RGBA", exif=_exif(), xmp=XMP),
    "samsung.heic": lambda: _heic(chroma=444) + box(b"sefd", bytes(40) + b"\0\0SEFT"),
    "motion.heic": lambda: _heic(chroma=444) + box(b"mpvd", box(b"ftyp", b"mp42") + box(b"mdat", b"code")),
    "video.heic": lambda: _heic(chroma=444) + box(b"ftyp", b"mp42") + box(b"mdat", b"code") + b"LIVE_1",
    "open.heic": lambda: _open(_heic(chroma=444)),
    "open.avif": lambda: _open(_avif(xmp=XMP)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_that_are_lost_or_put_in_are_noticed(tmp_path: Path, name: str) -> None:
    """They move metadata, thumbnails and further pictures, which tell where they are."""
    path, whole = tmp_path / name, WHOLE[name]()
    path.write_bytes(whole)
    assert read_picture(path).width == WIDTH
    first = whole.index(b"mdat") + 4
    for share in (0.1, 0.3, 0.5):
        at = first + int(share * (len(whole) - first))
        head, rest = whole[:at], whole[at:]
        twice, missing = whole[: at + 512] + rest, head + rest[512:]
        for damaged in (
            twice,
            missing,
            head + b"\x80" + rest,
            head + rest[1:],
            head + rest.replace(b"\n", b"\r\n"),
        ):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=r"damaged|incomplete|cut short"):
                read_picture(path)


def test_parts_that_moved_are_noticed_where_the_file_keeps_its_length(tmp_path: Path) -> None:
    """The end is lost, and with it what would lie behind all parts."""
    for name in ("thumbnail.heic", "further.heic", "exif.heic", "xmp.heic"):
        path, whole = tmp_path / name, WHOLE[name]()
        at = whole.index(b"mdat") + 2000
        path.write_bytes((whole[: at + 512] + whole[at:])[: len(whole)])
        with pytest.raises(InputError, match="not where its boxes say"):
            read_picture(path)


@pytest.mark.parametrize("text", [b"</rdf:RDF></x:xmpmeta>", b"a text\n", b"\x12\x34free"])
def test_text_behind_all_parts_is_the_end_of_something(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(_avif() + text)
    with pytest.raises(InputError, match=f"last {len(text)} bytes"):
        read_picture(path)


def test_what_phones_add_is_read(tmp_path: Path) -> None:
    video = struct.pack(">I4s4sI", 16, b"ftyp", b"mp42", 0) + struct.pack(">I4s4s", 12, b"mdat", b"code")
    samsung = b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + video + b"SEFH\x6b\0\0\0\0\0SEFT"
    path, whole = tmp_path / "a.avif", _avif()
    for behind in (video, samsung, b'vivo{"version":1}'):
        path.write_bytes(whole + behind)
        assert read_picture(path).width == WIDTH
    path.write_bytes(whole + (samsung[:24] + video)[:-1])
    with pytest.raises(InputError, match="last 51 bytes"):
        read_picture(path)


@pytest.mark.parametrize(
    "xmp", [b"\xef\xbb\xbf" + XMP, b" \n" + XMP, XMP.decode().encode("utf-16"), b" " * 200]
)
def test_metadata_of_other_writers_is_read(tmp_path: Path, xmp: bytes) -> None:
    path = tmp_path / "a.heic"
    for exif in (_exif(), b"Exif\0\0" + _exif().removeprefix(b"Exif\0\0")):
        path.write_bytes(_heic(thumbnail=True, further=True, exif=exif, xmp=xmp))
        assert read_picture(path).width == WIDTH


def test_a_unit_that_no_coder_writes_is_noticed(tmp_path: Path) -> None:
    """Three zeros on end are a mark between units in streams, so coders keep them out."""
    path, whole = tmp_path / "a.heic", _heic()
    at = (whole.index(b"mdat") + len(whole)) // 2
    path.write_bytes(whole[:at] + bytes(3) + whole[at + 3 :])
    with pytest.raises(InputError, match="not where its boxes say"):
        read_picture(path)


@pytest.mark.parametrize("options", [{}, {"xmp": XMP}, {"exif": _exif()}, {"exif": _exif(), "xmp": XMP}])
def test_other_values_are_noticed_whatever_metadata_there_is(tmp_path: Path, options: dict[str, Any]) -> None:
    """OpenCV takes no file whose metadata lies beyond the first 500 bytes, and its other boxes within."""
    path, whole = tmp_path / "a.avif", _avif("RGBA", **options)
    path.write_bytes(whole)
    assert read_picture(path).alpha is not None
    for at in range(whole.rindex(b"mdat") + 5000, len(whole) - 600, 3000):
        other = bytes(255 - value for value in whole[at : at + 64])
        path.write_bytes(whole[:at] + other + whole[at + 64 :])
        with pytest.raises(InputError, match="coded pixels do not end"):
            read_picture(path)


def _changed(data: bytes, mark: bytes, place: int, bit: int) -> bytes:
    """A file with one bit that is another, so many bytes behind where a mark begins."""
    at = data.index(mark) + place
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


#: a mark, a place from there and a bit: what tells of an alpha
FLIPS = {
    "name": (ALPHA, 40, 1),
    "property": (b"auxC", 3, 1),
    "reference": (b"auxl", 0, 2),
    "its start": (b"auxl", 5, 4),
    "its end": (b"auxl", 9, 4),
    "references": (b"iref", 1, 1),
    "entry": (b"infe\2\0\0\0\0\2", 1, 1),
    "number": (b"infe\2\0\0\0\0\2", 9, 8),
    "kind": (b"av01Alpha", 3, 2),
    "place": (b"iloc", 27, 4),
    "settings": (b"av1C\x81\x00\x1c", 0, 2),
    "version": (b"iref", 4, 32),
    "association": (b"ipma", 14, 4),
}


@pytest.mark.parametrize("what", FLIPS)
def test_an_alpha_is_not_lost_by_one_bit(tmp_path: Path, what: str) -> None:
    path, whole = tmp_path / "a.avif", _avif("RGBA")
    path.write_bytes(whole)
    assert read_picture(path).alpha is not None
    path.write_bytes(_changed(whole, *FLIPS[what]))
    with pytest.raises(InputError, match="damaged"):
        read_picture(path)


def test_whether_it_is_premultiplied_is_not_lost_by_one_bit(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.avif", _avif("RGBA", alpha_premultiplied=True)
    path.write_bytes(_changed(whole, b"prem", 2, 1))
    with pytest.raises(InputError, match="contradict"):
        read_picture(path)


@pytest.mark.parametrize(
    "name", [b"urn:mpeg:hevc:2015:auxid:2", b"urn:com:apple:photo:2020:aux:x", b"urn:com:apple:depth"]
)
def test_auxiliary_pictures_of_other_kinds_are_read(tmp_path: Path, name: bytes) -> None:
    """Depth, and what phones keep for their own ends."""
    path, whole = tmp_path / "a.heic", _heic("RGBA")
    stated = next(each for each in (ALPHA, HEIF_ALPHA) if each in whole)
    named = name[: len(stated)].ljust(len(stated), b"\0")
    path.write_bytes(whole.replace(stated, named))
    picture = read_picture(path)
    assert picture.alpha is None
    assert np.abs(picture.pixels.astype(float) - scene(HEIGHT, WIDTH)).mean() < 12

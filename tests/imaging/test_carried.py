"""What a file says besides its pixels arrives in every format that can hold it, or its loss is said."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, IptcImagePlugin, features
from PIL.PngImagePlugin import PngInfo

from srnet_cli.imaging import Metadata, Picture, read_picture, write_picture
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.formats import written_formats
from srnet_cli.imaging.metadata.iptc import as_resource, bare_iptc

ALL = [f"a{row.suffixes[0]}" for row in written_formats() if not row.holds_camera_colours]
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmp:Rating="4" tiff:Orientation="6" tiff:ImageWidth="999"><tiff:ImageLength>888</tiff:ImageLength>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
#: a caption, record 2, set 120
IPTC = b"\x1c\x02\x78" + struct.pack(">H", 8) + b"A harbor"


def pixels() -> Any:
    return np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)


def picture(**metadata: Any) -> Picture:
    return Picture(pixels(), metadata=Metadata(**metadata))


def written(tmp_path: Path, name: str, source: Picture) -> tuple[Path, tuple[str, ...]]:
    if name.endswith("avif") and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    notes = write_picture(source, tmp_path / name)
    return tmp_path / name, notes


def box_of(path: Path, wanted: bytes) -> bytes:
    """The content of a box of a JPEG XL file, which Pillow does not open."""
    data, place = path.read_bytes(), 0
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if kind == wanted:
            return data[place + 8 : place + size]
        place += size
    raise AssertionError(f"no box {wanted!r}")


def stored_exif(path: Path) -> Image.Exif:
    exif = Image.Exif()
    if path.suffix == ".jxl":
        exif.load(box_of(path, b"Exif")[4:])
        return exif
    with Image.open(path) as image:
        image.load()
        return image.getexif()


def stored_xmp(path: Path) -> bytes:
    if path.suffix == ".jxl":
        return box_of(path, b"xml ")
    with Image.open(path) as image:
        image.load()
        found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return found.encode() if isinstance(found, str) else found


@pytest.mark.parametrize("name", ALL)
def test_xmp(tmp_path: Path, name: str) -> None:
    path, notes = written(tmp_path, name, picture(xmp=XMP))
    assert notes == ()
    found = stored_xmp(path)
    assert b'xmp:Rating="4"' in found
    # The result has a size of its own.
    assert b'tiff:ImageWidth="60"' in found and b"<tiff:ImageLength>40<" in found
    # A TIFF always states its orientation, and what it states counts.
    expected = found.replace(b'Orientation="6"', b'Orientation="1"') if name == "a.tif" else found
    assert read_picture(path).metadata.xmp == expected


def test_xmp_of_a_jpeg_arrives(tmp_path: Path) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", xmp=XMP)
    assert read_picture(tmp_path / "a.jpg").metadata.xmp == XMP


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_orientation_in_xmp_goes_with_that_of_the_exif(tmp_path: Path, name: str, turned: bool) -> None:
    exif = Image.Exif()
    exif[274] = 6
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    more: dict[str, Any] = {"pnginfo": info} if name == "a.png" else {"xmp": XMP}
    if turned:
        more["exif"] = exif
    Image.fromarray(pixels()).save(tmp_path / name, **more)
    taken = read_picture(tmp_path / name)
    assert taken.pixels.shape == ((60, 40, 3) if turned else (40, 60, 3))
    assert taken.metadata.xmp is not None
    assert (b'tiff:Orientation="1"' in taken.metadata.xmp) == turned
    assert (b'tiff:Orientation="6"' in taken.metadata.xmp) != turned


def test_xmp_of_a_tiff_arrives(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", pixels(), photometric="rgb", extratags=[(700, 1, len(XMP), XMP, True)]
    )
    assert read_picture(tmp_path / "a.tif").metadata.xmp == XMP


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("claim", [b'hdrgm:Version="1.0"', b"<Container:Directory>"])
def test_xmp_of_further_pictures_is_left_out(tmp_path: Path, name: str, claim: bytes) -> None:
    path, notes = written(tmp_path, name, picture(xmp=XMP.replace(b'xmp:Rating="4"', claim)))
    assert len(notes) == 1 and "further pictures" in notes[0]
    assert not stored_xmp(path)


def test_xmp_too_long_for_a_segment(tmp_path: Path) -> None:
    long = XMP + b" " * 70_000
    _, notes = written(tmp_path, "a.jpg", picture(xmp=long))
    assert notes == ("its XMP is too long for JPEG and was left out",)
    path, notes = written(tmp_path, "a.png", picture(xmp=long))
    assert notes == () and len(stored_xmp(path)) > 70_000


@pytest.mark.parametrize("name", ALL)
def test_iptc(tmp_path: Path, name: str) -> None:
    path, notes = written(tmp_path, name, picture(iptc=IPTC))
    found = read_picture(path).metadata.iptc
    if name in ("a.webp", "a.avif", "a.jxl"):
        assert found is None and "holds no IPTC" in notes[0]
        return
    assert notes == () and found == IPTC
    if name != "a.png":
        with Image.open(path) as image:
            info = IptcImagePlugin.getiptcinfo(image)
        assert info is not None and info[(2, 120)] == b"A harbor"


def test_iptc_in_each_of_its_wrappings() -> None:
    resource = as_resource(IPTC)
    other = b"8BIM\x04\x22\0\0\0\0\0\x03abc\0"
    words = IPTC + bytes(-len(IPTC) % 4)
    swapped = struct.pack(f"<{len(words) // 4}I", *struct.unpack(f">{len(words) // 4}I", words))
    for data in (IPTC, resource, other + resource, b"Photoshop 3.0\0" + other + resource):
        assert bare_iptc(data) == IPTC
    assert bare_iptc(swapped) == words
    for data in (None, b"8BIM", b"8BIM\x04\x04\xff\0\0\0", other, b"nonsense"):
        assert bare_iptc(data) is None


@pytest.mark.parametrize("name", ALL)
def test_resolution(tmp_path: Path, name: str) -> None:
    path, _ = written(tmp_path, name, picture(resolution=(300.0, 240.0)))
    if name in ("a.jpg", "a.png", "a.tif"):
        with Image.open(path) as image:
            image.load()
            np.testing.assert_allclose([float(v) for v in image.info["dpi"]], (300, 240), atol=0.1)
    exif = stored_exif(path)
    assert (exif[282], exif[283], exif[296]) == (300, 240, 2)


def test_resolution_is_read(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.bmp"):
        Image.fromarray(pixels()).save(tmp_path / name, dpi=(300, 150))
        found = read_picture(tmp_path / name).metadata.resolution
        assert found is not None
        np.testing.assert_allclose(found, (300, 150), atol=0.1)
    # In centimetres.
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    data[13:18] = struct.pack(">BHH", 2, 100, 50)
    (tmp_path / "a.jpg").write_bytes(data)
    assert read_picture(tmp_path / "a.jpg").metadata.resolution == (254.0, 127.0)


def test_resolution_of_a_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels(), photometric="rgb", resolution=(118, 118), resolutionunit=3)
    path, _ = written(tmp_path, "b.tif", read_picture(tmp_path / "a.tif"))
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags  # type: ignore[union-attr]
        assert (tags[282].value, tags[296].value) == ((118, 1), 3)


TEXTS = (("Title", "Hafen, früh"), ("Copyright", "Jane Doe"), ("Comment", "雨"), ("parameters", "steps 3"))


def test_texts_from_png_to_png(tmp_path: Path) -> None:
    info = PngInfo()
    for keyword, text in (*TEXTS, ("Software", "Other program")):
        info.add_itxt(keyword, text)
    info.add_text("Author", "Grün")
    Image.fromarray(pixels()).save(tmp_path / "a.png", pnginfo=info)
    path, notes = written(tmp_path, "b.png", read_picture(tmp_path / "a.png"))
    assert notes == ()
    with Image.open(path) as image:
        image.load()
        assert image.text == dict((*TEXTS, ("Author", "Grün")))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name in ALL if name != "a.png"])
def test_texts_elsewhere(tmp_path: Path, name: str) -> None:
    path, notes = written(tmp_path, name, picture(texts=TEXTS))
    assert len(notes) == 1 and '"parameters"' in notes[0]
    exif = stored_exif(path)
    assert exif[270].encode("latin-1").decode() == "Hafen, früh" and exif[33432] == "Jane Doe"
    comment = exif.get_ifd(34665)[37510]
    assert comment.startswith(b"UNICODE\0") and "雨" in comment[8:].decode("utf-16-le")


def test_comment_of_a_jpeg(tmp_path: Path) -> None:
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", comment=b"a comment")
    path, _ = written(tmp_path, "b.png", read_picture(tmp_path / "a.jpg"))
    with Image.open(path) as image:
        image.load()
        assert image.text == {"Comment": "a comment"}  # type: ignore[attr-defined]


def test_what_the_exif_says_counts_before_texts(tmp_path: Path) -> None:
    exif = ifd.pack_file(ifd.Directory({270: ifd.ascii_entry("from EXIF")}))
    path, _ = written(tmp_path, "a.jpg", picture(exif=exif, texts=(("Title", "from text"),)))
    with Image.open(path) as image:
        assert image.getexif()[270] == "from EXIF"


def maker_exif(note: bytes, order: ifd.ByteOrder, ahead: int = 0) -> bytes:
    """EXIF of a camera whose maker note points to its last 8 bytes from the start of the EXIF.

    ``note`` has the offset left out as four question marks; ``ahead`` bytes lie before it.
    """
    entries = {
        37386: ifd.entry(ifd.RATIONAL, 50, 1),
        37121: ifd.Entry(ifd.UNDEFINED, ahead + 4, b"x" * (ahead + 4)),
        37500: ifd.Entry(ifd.UNDEFINED, len(note), note),
    }
    packed = ifd.pack_file(ifd.Directory({}, {ifd.EXIF_POINTER: [ifd.Directory(entries)]}), order)
    at = packed.index(note) + len(note) - 8
    return packed.replace(b"????", struct.pack(f"{order}I", at))


def pointed_at(exif: bytes) -> bytes:
    """The 8 bytes that the maker note in EXIF points at."""
    structure = ifd.parse(exif)
    assert structure is not None
    note = structure.directories[0].child(ifd.EXIF_POINTER).entries[37500].data
    (at,) = struct.unpack(f"{structure.order}I", note[4:8])
    return exif[at : at + 8]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("ahead", [0, 1, 5000])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.avif"])
@pytest.mark.parametrize("grown", [False, True])
def test_a_maker_note_finds_what_it_points_to(
    tmp_path: Path, name: str, ahead: int, order: Any, grown: bool
) -> None:
    source = tmp_path / "source.jpg"
    exif = b"Exif\0\0" + maker_exif(b"Mkr\0????" + b"target!!", order, ahead)
    Image.fromarray(pixels()).save(source, exif=exif)
    taken = read_picture(source)
    if grown:  # too much to lie ahead of the note
        taken = replace(taken, metadata=replace(taken.metadata, texts=(("Title", "t" * 2000),)))
    path, notes = written(tmp_path, name, taken)
    assert notes == () and taken.metadata.notes == ()
    with Image.open(path) as image:
        assert pointed_at(image.info["exif"].removeprefix(b"Exif\0\0")) == b"target!!"


def test_a_maker_note_that_cannot_stay_is_left_out_and_said(tmp_path: Path) -> None:
    source = tmp_path / "source.jpg"
    Image.fromarray(pixels()).save(source, exif=b"Exif\0\0" + maker_exif(b"Mkr\0????" + b"target!!", "<"))
    path, notes = written(tmp_path, "a.tif", read_picture(source))
    assert len(notes) == 1 and "maker note" in notes[0]
    with Image.open(path) as image:
        details = image.getexif().get_ifd(34665)
    assert 37500 not in details and details[37386] == 50


def test_a_maker_note_with_offsets_of_its_own_goes_anywhere(tmp_path: Path) -> None:
    note = b"Nikon\0\2\x10\0\0MM\0*\0\0\0\x08" + bytes(20)
    source = tmp_path / "source.jpg"
    Image.fromarray(pixels()).save(source, exif=b"Exif\0\0" + maker_exif(note + b"12345678", "<", 40_000))
    for name in ("a.jpg", "a.tif"):
        path, notes = written(tmp_path, name, read_picture(source))
        assert notes == ()
        with Image.open(path) as image:
            assert image.getexif().get_ifd(34665)[37500] == note + b"12345678"


def test_a_maker_note_of_a_tiff_stays_out(tmp_path: Path) -> None:
    exif = ifd.Directory(
        {37500: ifd.Entry(ifd.UNDEFINED, 9, b"Mkr\0abcde"), 37386: ifd.entry(ifd.RATIONAL, 5, 1)}
    )
    data = ifd.pack(
        ifd.Directory(
            {
                256: ifd.entry(ifd.LONG, 200),
                257: ifd.entry(ifd.LONG, 300),
                258: ifd.entry(ifd.SHORT, 8),
                262: ifd.entry(ifd.SHORT, 1),
                273: ifd.entry(ifd.LONG, 8),
                278: ifd.entry(ifd.LONG, 300),
                279: ifd.entry(ifd.LONG, 60_000),
            },
            {ifd.EXIF_POINTER: [exif]},
        ),
        60_008,
    )
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 60_008) + bytes(range(250)) * 240 + data)
    metadata = read_picture(path).metadata
    assert len(metadata.notes) == 1 and "maker note" in metadata.notes[0]
    assert metadata.focal_length == 5


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_orientation_0_is_upright(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    exif = Image.Exif()
    exif[274] = 0
    Image.fromarray(pixels()).save(path, exif=exif)
    taken = read_picture(path)
    assert taken.pixels.shape == (40, 60, 3) and taken.metadata.notes == ()

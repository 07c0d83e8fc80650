"""AVIF and HEIF as other writers and phones make them: what they add is read, and damage to it is noticed."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_8_bit, read_picture
from srnet_cli.imaging.codecs.further.boxes import box, boxes
from srnet_cli.imaging.codecs.proof.boxed.items import meta_of, places_of
from tests.faults.pictures import encoded, passes_unsaid, scene

pytestmark = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")

HEIGHT, WIDTH = 192, 256
TIFF = Image.Exif()
TIFF[271] = "a camera"
TIFF_BYTES = TIFF.tobytes().removeprefix(b"Exif\0\0")
VIDEO = box(b"ftyp", b"mp42\0\0\0\0") + box(b"mdat", b"code")
VIVO = b"\xff\xff\xff\xff\x1b*9HWfu\x84\x93\xa2\xb1"
ONEPLUS_ENTRY = b"watermark.device"
ONEPLUS_LIST = b'[{"name":"a","length":10,"offset":16},{"name":"b","length":6,"offset":6}]\0'
ONEPLUS = ONEPLUS_ENTRY + ONEPLUS_LIST + b"jxrs" + struct.pack("<I", len(ONEPLUS_LIST) + 8)
SAMSUNG_HEAD = b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data"
LETTERS = b"Exif\0\0"
SPACE, XMP = b"http://ns.adobe.com/xap/1.0/\0", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def _avif(**options: bytes) -> bytes:
    return encoded("AVIF", Image.fromarray(scene(HEIGHT, WIDTH)), speed=10, **options)


def _heic() -> bytes:
    """A picture alone, as its last part, whose last byte is none of padding."""
    pillow_heif = pytest.importorskip("pillow_heif")
    stored = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene(HEIGHT, WIDTH))).save(stored, quality=70)
    return stored.getvalue()


def _avif_with_alpha() -> bytes:
    image = Image.fromarray(scene(HEIGHT, WIDTH))
    image.putalpha(Image.linear_gradient("L").resize((WIDTH, HEIGHT)))
    return encoded("AVIF", image, speed=10)


def _rebuilt(
    data: bytes, changes: dict[bytes, list[bytes]], pixels_first: bool = False, mdat: bytes | None = None
) -> bytes:
    """The file with other boxes in place of some of its metadata's, its pixels ahead of them or behind.

    ``mdat`` is what their box begins with, if not as usual.
    """
    stored, meta = dict(boxes(data)), meta_of(data)
    first = min(start for _, method, start, _ in places_of(meta) if method == 0)

    def described(added: int) -> bytes:
        items = [
            struct.pack(">HHHH", item, method, 0, 1)
            + struct.pack(">II", start + added * (method == 0), length)
            for item, method, start, length in places_of(meta)
        ]
        iloc = b"\1\0\0\0\x44\0" + struct.pack(">H", len(items)) + b"".join(items)
        parts = {kind: [box(kind, body)] for kind, body in meta.items()}
        parts |= {b"iloc": [box(b"iloc", iloc)]} | changes
        return box(b"meta", stored[b"meta"][:4] + b"".join(b"".join(each) for each in parts.values()))

    usual = struct.pack(">I4s", 8 + len(stored[b"mdat"]), b"mdat")
    start = usual if mdat is None else mdat
    head, pixels = box(b"ftyp", stored[b"ftyp"]), start + stored[b"mdat"]
    place = len(head) + len(start) + (0 if pixels_first else len(described(0)))
    rest = described(place - first)
    return head + (pixels + rest if pixels_first else rest + pixels)


def _read(path: Path, data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    path.write_bytes(data)
    return read_picture(path).pixels


@pytest.mark.parametrize(
    "behind",
    [
        VIDEO + b"v2_f31              0:0                 LIVE_1034567        ",
        SAMSUNG_HEAD + VIDEO + b"\r\n",
        b'vivo{"version":1}' + VIVO,
        b'streamdata\1\2\3vivo{"version":1}' + VIVO,
        b"streamdata\1\2\3",
        ONEPLUS,
        bytes(9) + ONEPLUS,
        box(b"mpvd", VIDEO) + ONEPLUS,
        box(b"mpvd", VIDEO + box(b"free", bytes(600))),
        b"\r\n \t\n",
        box(b"free", bytes(600)),
        box(b"free", bytes(600)) + box(b"skip", bytes(99)),
    ],
)
def test_what_phones_and_programs_add_is_read(tmp_path: Path, behind: bytes) -> None:
    whole = _avif()
    expected = _read(tmp_path / "a.avif", whole)
    assert np.array_equal(_read(tmp_path / "b.avif", whole + behind), expected)


@pytest.mark.parametrize(
    "behind",
    [
        bytes(4) + b"\x80\x12\x34\x56 a part that moved",
        b"ftyp and more",
        box(b"ftyp", b"mp42\0\0\0\0") + b"no other box",
        b"vivo" + VIVO[:-1],
        ONEPLUS + b"1",
        b"MotionPhoto_Data" + VIDEO,
        bytes(600),
        box(b"free", bytes(600)) + bytes(64),
    ],
)
def test_what_none_adds_is_noticed(tmp_path: Path, behind: bytes) -> None:
    (tmp_path / "a.avif").write_bytes(_avif() + behind)
    with pytest.raises(InputError, match=r"its last \d+ bytes|its end holds"):
        read_picture(tmp_path / "a.avif")


@pytest.mark.parametrize("unused", [b"", b"\1unused", b"unused" * 99])
def test_a_last_box_may_have_a_long_size_and_unused_bytes(tmp_path: Path, unused: bytes) -> None:
    """Its 64 bits begin with four zeros, as a box does that has no size."""
    usual = _avif()
    size = 16 + len(dict(boxes(usual))[b"mdat"]) + len(unused)
    data = _rebuilt(usual, {}, mdat=struct.pack(">I4sQ", 1, b"mdat", size)) + unused
    assert np.array_equal(_read(tmp_path / "a.avif", data), _read(tmp_path / "usual.avif", usual))


def test_bytes_behind_the_parts_of_a_last_box_without_size_are_noticed(tmp_path: Path) -> None:
    data = _rebuilt(_avif(), {}, mdat=struct.pack(">I4s", 0, b"mdat"))
    _read(tmp_path / "a.avif", data)
    with pytest.raises(InputError, match="its last 7 bytes belong to none of its parts"):
        _read(tmp_path / "b.avif", data + b"\1unused")


#: behind a picture, and what it has taken in of it once it lost so many bytes
LOST = {
    b'vivo{"version":1}': (1, 2),
    SAMSUNG_HEAD + VIDEO + b"SEFH\x6b\0\0\0\0\0SEFT": (1, 2, 4, 8, 16, 24),
    box(b"mpvd", VIDEO): (1, 8, 16),
    box(b"sefd", SAMSUNG_HEAD + VIDEO): (1, 8, 9, 16),
    box(b"free", b" " * 40): (1, 8),
    b"\r\n": (1,),
    bytes(40): (1, 2, 39),
    b"\xff" * 40: (1, 2, 39),
}


@pytest.mark.parametrize("behind", LOST, ids=repr)
def test_a_heic_whose_picture_got_longer_or_shorter_is_noticed_whatever_is_behind(
    tmp_path: Path, behind: bytes
) -> None:
    """The picture is its last part, and its decoder says nothing."""
    path, whole = tmp_path / "a.heic", _heic()
    _read(path, whole + behind)
    place = len(whole) - 700
    damaged = [whole[:place] + put + whole[place:] for put in (b"x", b"xy", bytes(8), whole[:512])]
    damaged += [whole[:place] + whole[place + count :] for count in LOST[behind]]
    for data in damaged:
        assert not passes_unsaid(path, data + behind)


@pytest.mark.parametrize(
    ("behind", "lost"), [(b'vivo{"version":1}' + VIVO, 4), (b"streamdata" + VIVO, 8), (ONEPLUS, 16)]
)
def test_it_is_said_where_the_picture_may_have_moved_ahead_of_what_phones_add(
    tmp_path: Path, behind: bytes, lost: int
) -> None:
    """Not all phones may be known, which end so and begin otherwise."""
    path, whole = tmp_path / "a.heic", _heic()
    path.write_bytes(whole + behind)
    assert read_picture(path).metadata.notes == ()
    place = len(whole) - 700
    for head in (
        whole[:place] + b"x",
        whole[:place] + whole[place - 512 : place],
        whole[: place - 1],
        whole[: place - lost],
    ):
        path.write_bytes(head + whole[place:] + behind)
        (note,) = read_picture(path).metadata.notes
        assert "which may have moved" in note


def test_what_may_be_damaged_is_neither_measured_nor_trained_with(tmp_path: Path) -> None:
    """There nobody would see what is said of it."""
    path, whole = tmp_path / "a.heic", _heic()
    path.write_bytes(whole + ONEPLUS)
    assert read_8_bit(path).shape == (HEIGHT, WIDTH, 3)
    path.write_bytes(whole[:-700] + b"x" + whole[-700:] + ONEPLUS)
    with pytest.raises(InputError, match="may have moved"):
        read_8_bit(path)


def _heic_in(slack: bytes, further: bytes) -> bytes:
    """A HEIC whose box of pixels goes on behind them with unused bytes, or with an item of another kind."""
    data = _heic()
    meta, place = meta_of(data), data.index(b"mdat") - 4
    pixels = data[place + 8 :]
    if not further:
        return data[:place] + box(b"mdat", pixels + slack)
    entry = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 99, 0) + b"uri \0a:b\0")
    listed = meta[b"iinf"][:4] + struct.pack(">H", 2) + meta[b"iinf"][6:] + entry
    ((number, _, _, length),) = places_of(meta)
    plain = dict(boxes(data))[b"meta"][:4]

    def described(start: int) -> bytes:
        pieces = [(number, start, length), (99, start + length, len(further))]
        items = b"".join(struct.pack(">HHHHII", n, 0, 0, 1, at, size) for n, at, size in pieces)
        iloc = b"\1\0\0\0\x44\0" + struct.pack(">H", 2) + items
        parts = meta | {b"iinf": listed, b"iloc": iloc}
        return box(b"meta", plain + b"".join(box(kind, body) for kind, body in parts.items()))

    head = data[: data.index(b"meta") - 4]
    start = len(head) + len(described(0)) + 8
    return head + described(start) + box(b"mdat", pixels + further)


@pytest.mark.parametrize(
    ("slack", "further"),
    [
        (bytes(1), b""),
        (bytes(4), b""),
        (b"", b"text" + bytes(30)),
        (b"", b"text\0"),
        (b"", b"text" + bytes(4)),
        (b"", b"text" + b" \n" * 20),
    ],
)
def test_bytes_put_into_a_heic_are_noticed_where_other_things_lie_behind(
    tmp_path: Path, slack: bytes, further: bytes
) -> None:
    path, whole = tmp_path / "a.heic", _heic_in(slack, further)
    _read(path, whole)
    place = whole.index(b"mdat") + 20_000
    for count in {1, 2, 4, len(slack) or 8}:
        assert not passes_unsaid(path, whole[:place] + b"\x55" * count + whole[place:])
    # Padding behind the file says nothing of it.
    if not further:
        _read(path, whole + bytes(20))


@pytest.mark.parametrize(
    ("kind", "content", "put"),
    [
        (b"Exif", bytes(4) + TIFF_BYTES + bytes(2), b"xy"),
        (b"Exif", bytes(4) + TIFF_BYTES + bytes(6), b"Exif\0\0"),
        (b"mime", XMP + b"\n", b" "),
        (b"mime", XMP + b"\r\n", b"\r\n"),
    ],
)
def test_metadata_that_moved_by_a_little_is_noticed_by_its_end(
    tmp_path: Path, kind: bytes, content: bytes, put: bytes
) -> None:
    """There it could be as well, ahead of it and behind it."""
    data = _heic_with(kind, content)
    _read(tmp_path / "a.heic", data)
    place = data.rindex(content)
    assert not passes_unsaid(tmp_path / "a.heic", data[:place] + put + data[place:])


def test_padding_behind_metadata_that_may_begin_anywhere_is_read_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    for content in (b"\n" + XMP, XMP.decode().encode("utf-16")):
        path.write_bytes(_heic_with(b"mime", content) + bytes(40))
        assert "may have moved" in (read_picture(path).metadata.doubt or "")


@pytest.mark.parametrize("moved", [b"a", b"<", b"<\x01", b"<?x\xff", b"\xff<\x9b"])
def test_xmp_that_moved_is_noticed_whatever_is_ahead_of_it(tmp_path: Path, moved: bytes) -> None:
    data = _heic_with(b"mime", XMP)
    _read(tmp_path / "a.heic", data)
    place = data.rindex(XMP)
    with pytest.raises(InputError, match="not where its boxes say"):
        _read(tmp_path / "a.heic", data[:place] + moved + data[place : -len(moved)])


def test_metadata_behind_the_pixels_may_end_in_zeros(tmp_path: Path) -> None:
    data = _heic_with(b"Exif", struct.pack(">I", 6) + LETTERS + TIFF_BYTES + bytes(600))
    _read(tmp_path / "a.heic", data)


@pytest.mark.parametrize("behind", [b"\n", b" ", b"\x1a", b"\xff" * 9, b"\r\n", b"\0", bytes(40)])
def test_padding_behind_a_heic_may_be_its_end_but_for_zeros(tmp_path: Path, behind: bytes) -> None:
    """No picture ends in a zero; any other byte may be the last of one that got longer."""
    path = tmp_path / "a.heic"
    path.write_bytes(_heic() + behind)
    doubt = read_picture(path).metadata.doubt
    assert doubt is None if not behind.strip(b"\0") else doubt is not None and "may have moved" in doubt


@pytest.mark.parametrize("value", [b"\0", b"\xff"])
@pytest.mark.parametrize("lost", [8, 30, 63, 400])
def test_the_rest_of_a_last_sector_is_noticed_in_a_heic(tmp_path: Path, value: bytes, lost: int) -> None:
    with pytest.raises(InputError):
        _read(tmp_path / "a.heic", _heic()[:-lost] + value * lost)


def test_zeros_at_the_end_of_pixels_are_noticed_ahead_of_an_empty_box(tmp_path: Path) -> None:
    whole = _avif()
    (tmp_path / "a.avif").write_bytes(whole[:-100] + bytes(100) + box(b"free", bytes(600)))
    with pytest.raises(InputError, match="its end holds"):
        read_picture(tmp_path / "a.avif")


def test_properties_in_several_boxes_are_all_read(tmp_path: Path) -> None:
    """The alpha's stand in a box of their own, with wider numbers."""
    whole = _avif_with_alpha()
    stored = dict(boxes(meta_of(whole)[b"iprp"]))
    position, entries = 8, []
    for _ in range(2):
        item, count = struct.unpack_from(">HB", stored[b"ipma"], position)
        entries.append((item, stored[b"ipma"][position + 3 : position + 3 + count]))
        position += 3 + count
    narrow = bytes(4) + struct.pack(">IHB", 1, entries[0][0], len(entries[0][1])) + entries[0][1]
    wide = b"\1\0\0\1" + struct.pack(">IIB", 1, entries[1][0], len(entries[1][1]))
    wide += b"".join(struct.pack(">H", (value & 0x80) << 8 | value & 0x7F) for value in entries[1][1])
    for several in ((narrow, wide), (wide, narrow)):
        content = box(b"ipco", stored[b"ipco"]) + b"".join(box(b"ipma", each) for each in several)
        path = tmp_path / "a.avif"
        path.write_bytes(_rebuilt(whole, {b"iprp": [box(b"iprp", content)]}))
        assert read_picture(path).alpha is not None


@pytest.mark.parametrize("kind", [b"pred", b"auxr", b"thmb"])
def test_references_of_known_kinds_are_read(tmp_path: Path, kind: bytes) -> None:
    whole = _avif(exif=TIFF.tobytes())
    changed = whole.replace(b"cdsc", kind)
    assert changed != whole
    assert np.array_equal(_read(tmp_path / "b.avif", changed), _read(tmp_path / "a.avif", whole))


@pytest.mark.parametrize("kind", [b"prel", b"auxh"])
def test_references_that_are_nearly_an_alphas_are_noticed(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "a.avif").write_bytes(_avif(exif=TIFF.tobytes()).replace(b"cdsc", kind))
    with pytest.raises(InputError, match="contradict"):
        read_picture(tmp_path / "a.avif")


def _heic_with(kind: bytes, content: bytes) -> bytes:
    """A HEIC whose metadata of a kind is another."""
    pillow_heif = pytest.importorskip("pillow_heif")
    stored = io.BytesIO()
    options = {"exif": b"Exif\0\0" + TIFF_BYTES} if kind == b"Exif" else {"xmp": XMP}
    pillow_heif.from_pillow(Image.fromarray(scene(HEIGHT, WIDTH))).save(stored, quality=80, **options)
    data = stored.getvalue()
    meta = meta_of(data)
    _, _, start, length = max(places_of(meta), key=lambda place: place[2])
    iloc = meta[b"iloc"].replace(struct.pack(">I", length), struct.pack(">I", len(content)))
    changed = data[:start] + content + data[start + length :]
    mdat = changed.index(b"mdat") - 4
    changed = changed[:mdat] + struct.pack(">I", len(changed) - mdat) + changed[mdat + 4 :]
    return changed.replace(meta[b"iloc"], iloc)


MARKED = b"\xff\xe1\0\x80" + LETTERS


@pytest.mark.parametrize(
    ("content", "is_kept"),
    [
        (struct.pack(">I", 6) + LETTERS, False),
        (bytes(4) + LETTERS, False),
        (bytes(4) + MARKED + TIFF_BYTES, True),
        (struct.pack(">I", 6) + MARKED + TIFF_BYTES, True),
        (struct.pack(">I", 10) + b"abcd" + LETTERS + TIFF_BYTES, True),
    ],
)
def test_exif_behind_what_other_writers_put_ahead_is_read(
    tmp_path: Path, content: bytes, is_kept: bool
) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(_heic_with(b"Exif", content))
    exif = read_picture(path).metadata.exif
    assert (exif is not None and b"a camera" in exif) == is_kept


def test_exif_that_moved_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(_heic_with(b"Exif", b"\xff\xff\xff\xff" + b"x" * 9 + LETTERS + TIFF_BYTES))
    with pytest.raises(InputError, match="not where its boxes say"):
        read_picture(path)


def test_xmp_with_its_name_ahead_is_read_without_it(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(_heic_with(b"mime", SPACE + XMP))
    assert read_picture(path).metadata.xmp == XMP


def test_other_values_are_noticed_where_pixels_lie_ahead_of_the_boxes(tmp_path: Path) -> None:
    """OpenCV takes no such file as it is."""
    path, values = tmp_path / "a.avif", np.random.default_rng(1).bytes(512)
    whole = _rebuilt(_avif_with_alpha(), {}, pixels_first=True)
    assert whole.index(b"mdat") < whole.index(b"meta")
    path.write_bytes(whole)
    assert read_picture(path).alpha is not None
    for at in range(1000, whole.index(b"meta") - 1000, 3000):
        path.write_bytes(whole[:at] + values + whole[at + 512 :])
        with pytest.raises(InputError, match="damaged"):
            read_picture(path)


@pytest.mark.parametrize("values", [bytes(512), b"\xff" * 512])
def test_a_lost_sector_is_noticed_where_pixels_lie_in_the_metadata(tmp_path: Path, values: bytes) -> None:
    """In a box of its own (idat), from which places then count."""
    whole = _avif()
    meta = meta_of(whole)
    ((item, _, start, length),) = places_of(meta)
    iloc = b"\1\0\0\0\x44\0" + struct.pack(">HHHHHII", 1, item, 1, 0, 1, 0, length)
    inner = meta | {b"iloc": iloc, b"idat": whole[start : start + length]}
    head = box(b"ftyp", dict(boxes(whole))[b"ftyp"])
    moved = head + box(b"meta", bytes(4) + b"".join(box(kind, body) for kind, body in inner.items()))
    path = tmp_path / "a.avif"
    assert np.array_equal(_read(path, moved), _read(tmp_path / "b.avif", whole))
    at = moved.index(b"idat") + length // 2
    path.write_bytes(moved[:at] + values + moved[at + 512 :])
    with pytest.raises(InputError, match="of its pixels are lost"):
        read_picture(path)

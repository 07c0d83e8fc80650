"""AVIF: Pillow decodes it, and hides depth and colours, which stand in the boxes ahead of the pixels.

Format: ISO/IEC 14496-12 (boxes), 23008-12 (items and their properties).
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import behind_boxes, boxes
from srnet_cli.imaging.codecs.layout import Decoded, check_size
from srnet_cli.imaging.codecs.pillow_read import decode_image
from srnet_cli.imaging.codecs.proof.av1 import check_frames, stated_size
from srnet_cli.imaging.codecs.proof.coded import check_extents
from srnet_cli.imaging.codecs.proof.items import AV1, Item, coded_items, grid_size
from srnet_cli.imaging.codecs.proof.tails import ends_in_run
from srnet_cli.imaging.colour import colour_of_cicp
from srnet_cli.imaging.depth import from_bits
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import read_input

#: what libavif decodes by default
_LONGEST_SIDE, _MOST_PIXELS = 32_768, 16_384 * 16_384
_MOST_BOXES = 10_000
#: of an item that are looked at; pictures have about ten
_MOST_PROPERTIES = 32
#: properties of a picture in layers
_LAYERS = (b"a1op", b"a1lx", b"lsel")


@dataclass(frozen=True)
class AvifHeader:
    """Properties of the primary item; zeros where they say nothing."""

    width: int = 0
    height: int = 0
    bit_depth: int = 8
    #: codes of primaries and transfer in the sense of H.273
    cicp: tuple[int, int] | None = None
    #: number of the item
    item: int | None = None
    #: whether its frames are layers, of which one is shown
    layered: bool = False


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read an AVIF file of 8, 10 or 12 bits.

    Raises:
        InputError: it is damaged or too large.
    """
    data = read_input(path)
    items, header = check_pieces(path, data), read_header(data)
    if header.width and header.height:
        check_size(path, header.height, header.width, max_pixels)
    if max(header.height, header.width) > _LONGEST_SIDE or header.height * header.width > _MOST_PIXELS:
        raise InputError(
            f"is an AVIF of {header.width}×{header.height} pixels, more than its decoder takes",
            path=path,
            remedy=f"at most {_MOST_PIXELS:,} pixels, {_LONGEST_SIDE:,} a side; save it as PNG or TIFF",
        )
    _check_sizes(path, data, header, items)
    if not header.layered:
        _check_coded(path, data)
    deep = partial(_decode_deep, data, header.bit_depth) if header.bit_depth > 8 else None
    decoded = decode_image(path, data, max_pixels, ("AVIF",), deep=deep)
    return with_stated_colour(decoded, header.cicp)


def with_stated_colour(decoded: Decoded, cicp: tuple[int, int] | None) -> Decoded:
    """Return what was decoded with the colours that two codes of H.273 mean; a profile counts before them."""
    if cicp is None or decoded.icc is not None:
        return decoded
    stated = colour_of_cicp(*cicp)
    if stated is None:
        codes = ", ".join(map(str, cicp))
        note = f"its colours (CICP {codes}) are of a kind that is not known and were left as they are"
        return replace(decoded, colour_known=False, notes=(*decoded.notes, note))
    return replace(decoded, colour=stated)


def check_pieces(path: Path, data: bytes) -> dict[int, Item]:
    """Refuse a file of items, AVIF or HEIF, whose coded data has holes or breaks off, or takes too long.

    Returns its coded pictures.

    Raises:
        InputError: it does.
    """
    if ends_in_run(data):
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)
    items = coded_items(path, data, _meta(data))
    for item in items.values():
        check_extents(path, data, item.pieces)
        if item.kind == AV1:
            check_frames(path, item.data(data))
    rest = behind_boxes(data)
    ends = (start + length for item in items.values() for start, length in item.pieces)
    is_used = max(ends, default=0) > len(data) - len(rest)
    if not is_used and rest.strip(rest[:1]) and not _is_named(rest):
        raise InputError(
            f"is damaged: its last {len(rest):,} bytes belong to none of its parts, which may have moved",
            path=path,
        )
    return items


def _is_named(rest: bytes) -> bool:
    """Return whether what phones add behind a picture begins there: a box, or letters that say what it is."""
    return any(part.isascii() and part.decode("ascii").isprintable() for part in (rest[:4], rest[4:8]))


def _check_sizes(path: Path, data: bytes, primary: AvifHeader, items: dict[int, Item]) -> None:
    """Refuse pictures, and tiles of one, that are of another size than they say: decoders stretch or cut.

    Raises:
        InputError: naming both sizes.
    """
    meta = _meta(data)
    headers = _headers(meta)
    for number, item in items.items():
        if item.kind == AV1 and number in headers:
            _check_size(path, headers[number], stated_size(item.data(data)))
    if primary.item is not None:
        _check_size(path, primary, grid_size(data, meta, primary.item))


def _check_coded(path: Path, data: bytes) -> None:
    """Refuse coded pixels that are damaged in their middle, which Pillow's decoder does not look for.

    OpenCV brings another (libaom), which compares where the codes of each tile end with where they should.
    Its reasons cannot be asked for: a file whose header it takes and whose pixels it refuses is damaged.

    Raises:
        InputError: it is.
    """
    import cv2

    try:
        str(path).encode()  # other names end OpenCV
    except UnicodeEncodeError:
        return
    with quiet_opencv():
        if cv2.imcount(str(path)) > 0 and not _decodes(data) and not all(map(_decodes, _apart(data))):
            raise InputError("is damaged: its coded pixels do not end where they should", path=path)


def _decodes(data: bytes) -> bool:
    import cv2

    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None


def _apart(data: bytes) -> Iterator[bytes]:
    """Yield a file as one of its picture alone and of each that belongs to it: OpenCV has no grey with alpha.

    Where none belongs to it that is the file as it is.
    """
    meta = _meta(data)
    primary, references = meta.get(b"pitm", b""), meta.get(b"iref", b"")
    start, at = (data.find(kind + body) + 4 for kind, body in ((b"iref", references), (b"pitm", primary)))
    alone = bytearray(data)
    alone[start : start + len(references)] = references.replace(b"auxl", b"cdsc")  # no more than a remark
    yield bytes(alone)
    found = (body for kind, body in boxes(references[4:]) if kind == b"auxl")
    length = 4 if references[:1] == b"\1" else 2
    for body in itertools.islice(found, _MOST_PROPERTIES):
        number = int.from_bytes(body[:length], "big")
        alone[at : at + len(primary)] = primary[:4] + number.to_bytes(len(primary) - 4, "big")
        yield bytes(alone)


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing what it meets to the terminal."""
    from cv2.utils import logging

    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)


def _check_size(path: Path, header: AvifHeader, size: tuple[int, int] | None) -> None:
    if size is not None and header.width and not header.layered and size != (header.height, header.width):
        stated = f"{header.width}×{header.height}"
        raise InputError(f"is damaged: it says {stated} pixels, its data {size[1]}×{size[0]}", path=path)


def read_header(data: bytes) -> AvifHeader:
    """Read the properties of the primary item; what is missing or damaged keeps its default."""
    meta = _meta(data)
    try:
        primary = meta[b"pitm"]
        (item,) = struct.unpack(">I" if primary[0] else ">H", primary[4 : 8 if primary[0] else 6])
    except (KeyError, struct.error, IndexError):
        return AvifHeader()
    found = _headers(meta).get(item)
    return AvifHeader() if found is None else replace(found, item=item)


def _headers(meta: dict[bytes, bytes]) -> dict[int, AvifHeader]:
    """Read the properties of all items that have any."""
    try:
        properties = dict(boxes(meta[b"iprp"]))
        listed = list(boxes(properties[b"ipco"]))
        return {
            item: _described([listed[index - 1] for index in indices if 0 < index <= len(listed)])
            for item, indices in _associated(properties[b"ipma"])
        }
    except (KeyError, struct.error, IndexError):
        return {}


def _meta(data: bytes) -> dict[bytes, bytes]:
    """Return the boxes that describe the items; none where the file is damaged."""
    return dict(boxes(next((body for kind, body in boxes(data) if kind == b"meta"), b"")[4:]))


def _described(properties: list[tuple[bytes, bytes]]) -> AvifHeader:
    header = AvifHeader()
    for kind, body in properties:
        if kind == b"ispe" and len(body) >= 12:
            width, height = struct.unpack(">II", body[4:12])
            header = replace(header, width=width, height=height)
        elif kind == b"pixi" and len(body) >= 6:
            header = replace(header, bit_depth=body[5])
        elif kind == b"av1C" and len(body) >= 3 and body[2] & 0x40:
            header = replace(header, bit_depth=12 if body[2] & 0x20 else 10)
        elif kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
            header = replace(header, cicp=struct.unpack(">HH", body[4:8]))
        elif kind in _LAYERS:
            header = replace(header, layered=True)
    return header if header.bit_depth in (8, 10, 12) else replace(header, bit_depth=8)


def _associated(body: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each item, and the numbers of its first properties, from 1 on."""
    version, wide = body[0], body[3] & 1
    (count,) = struct.unpack(">I", body[4:8])
    position = 8
    for _ in range(min(count, _MOST_BOXES)):
        identity = struct.unpack_from(">I" if version else ">H", body, position)[0]
        position += 4 if version else 2
        number = body[position]
        layout = f">{number}{'H' if wide else 'B'}"
        found = struct.unpack_from(layout, body, position + 1)
        position += 1 + struct.calcsize(layout)
        yield identity, tuple(value & (0x7FFF if wide else 0x7F) for value in found[:_MOST_PROPERTIES])


def _decode_deep(data: bytes, bits: int, image: Image.Image) -> Pixels:
    """Decode more than 8 bits, which Pillow would cut off."""
    import imagecodecs

    values = np.atleast_3d(imagecodecs.avif_decode(data, index=0))
    # A decoder that gave 8 bits leaves nothing to scale.
    return from_bits(values, bits if values.dtype == np.uint16 else 8)

"""AVIF: Pillow decodes it, and hides depth and colours, which stand in the boxes ahead of the pixels.

Format: ISO/IEC 14496-12 (boxes), 23008-12 (items and their properties).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.layout import Decoded, check_size
from srnet_cli.imaging.codecs.pillow_read import decode_image
from srnet_cli.imaging.codecs.proof.boxed.av1 import stated_size
from srnet_cli.imaging.codecs.proof.boxed.items import AV1, Item, grid_size, meta_of
from srnet_cli.imaging.codecs.proof.boxed.parts import check_pieces
from srnet_cli.imaging.codecs.proof.boxed.properties import Properties, properties_of
from srnet_cli.imaging.codecs.proof.boxed.second import check_coded
from srnet_cli.imaging.colour import colour_of_cicp
from srnet_cli.imaging.depth import from_bits
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import read_input

#: what libavif decodes by default
_LONGEST_SIDE, _MOST_PIXELS = 32_768, 16_384 * 16_384
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
    items, header = check_pieces(path, data).items, read_header(data)
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
        check_coded(path, data)
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


def _check_sizes(path: Path, data: bytes, primary: AvifHeader, items: Mapping[int, Item]) -> None:
    """Refuse pictures, and tiles of one, that are of another size than they say: decoders stretch or cut.

    Raises:
        InputError: naming both sizes.
    """
    headers = _headers(meta_of(data))
    for number, item in items.items():
        if item.kind == AV1 and number in headers:
            _check_size(path, headers[number], stated_size(item.data(data)))
    if primary.item is not None and primary.item in items:
        _check_size(path, primary, grid_size(items[primary.item], data))


def _check_size(path: Path, header: AvifHeader, size: tuple[int, int] | None) -> None:
    if size is not None and header.width and not header.layered and size != (header.height, header.width):
        stated = f"{header.width}×{header.height}"
        raise InputError(f"is damaged: it says {stated} pixels, its data {size[1]}×{size[0]}", path=path)


def read_header(data: bytes) -> AvifHeader:
    """Read the properties of the primary item; what is missing or damaged keeps its default."""
    meta = meta_of(data)
    try:
        primary = meta[b"pitm"]
        (item,) = struct.unpack(">I" if primary[0] else ">H", primary[4 : 8 if primary[0] else 6])
    except (KeyError, struct.error, IndexError):
        return AvifHeader()
    found = _headers(meta).get(item)
    return AvifHeader() if found is None else replace(found, item=item)


def _headers(meta: Mapping[bytes, bytes]) -> dict[int, AvifHeader]:
    """Read the properties of all items that have any."""
    return {item: _described(found) for item, found in properties_of(meta).items()}


def _described(properties: Properties) -> AvifHeader:
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


def _decode_deep(data: bytes, bits: int, image: Image.Image) -> Pixels:
    """Decode more than 8 bits, which Pillow would cut off."""
    import imagecodecs

    values = np.atleast_3d(imagecodecs.avif_decode(data, index=0))
    # A decoder that gave 8 bits leaves nothing to scale.
    return from_bits(values, bits if values.dtype == np.uint16 else 8)

"""Whether an AVIF or HEIF has an alpha that its boxes name in part only: decoders then show it without.

Format: ISO/IEC 23008-12 (6.4.5 auxiliary pictures, 6.5.8 auxC), 14496-12 (8.11.12 iref).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.codecs.proof.boxed.items import AV1, CODED, listed_items, located_items
from srnet_cli.imaging.codecs.proof.boxed.properties import Properties

_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
#: as near to one of these as a flipped bit makes it, and no damage
_DEPTH = b"urn:mpeg:hevc:2015:auxid:2\0"
#: references from an alpha to its picture, from a premultiplied picture to it, from a picture to its tiles
_AUXILIARY, _TILES = b"auxl", b"dimg"
_PAIRS = (_AUXILIARY, b"prem")
#: known kinds of references that are as near to one of these: to predicted and auxiliary pictures and tracks
_OTHERS = frozenset({b"pred", b"auxr", b"auxv"})
#: other kinds of pictures: put together of others, coded by other means, or not coded
_PICTURES = CODED | {b"grid", b"iden", b"iovl", b"jpeg", b"j2k1", b"unci", b"mski", b"tmap"}
#: what a coded picture is not decoded without
_SETTINGS = {AV1: b"av1C", b"hvc1": b"hvcC", b"hev1": b"hvcC", b"avc1": b"avcC", b"vvc1": b"vvcC"}
#: bits in which a damaged name differs from what it was
_MOST_BITS = 4
_MOST_REFERENCES = 10_000


def check_alpha(path: Path, meta: Mapping[bytes, bytes], properties: Mapping[int, Properties]) -> None:
    """Refuse boxes of which some speak of an alpha, or another auxiliary picture, and others know of none.

    Raises:
        InputError: saying so.
    """
    listed, located = listed_items(meta), located_items(meta)
    kinds = {number: entry.kind for number, entry in listed.items()}
    references = list(_references(meta.get(b"iref", b"")))
    named = {number for number, found in properties.items() if any(map(_is_alpha, found))}
    auxiliary = {start for kind, start, _ in references if kind == _AUXILIARY}
    tiles = {end for kind, _, end in references if kind == _TILES}
    is_whole = (
        all(b"auxC" in _kinds(properties, number) for number in auxiliary)
        and named <= auxiliary | tiles
        and all(kinds.get(number) in _PICTURES for number in named)
        and all({start, end} <= kinds.keys() for kind, start, end in references if kind in _PAIRS)
        and all(number in located for number, kind in kinds.items() if kind in CODED)
        and all(_SETTINGS.get(kind, kind) in (kind, *_kinds(properties, n)) for n, kind in kinds.items())
        and not any(_is_nearly(kind, _PAIRS) for kind, _, _ in references if kind not in _OTHERS)
        and not any(_is_nearly_alpha(each) for found in properties.values() for each in found)
    )
    if not is_whole:
        raise InputError(
            "is damaged: its boxes contradict each other on its alpha or another picture", path=path
        )


def _kinds(properties: Mapping[int, Properties], number: int) -> frozenset[bytes]:
    return frozenset(kind for kind, _ in properties.get(number, []))


def _is_alpha(each: tuple[bytes, bytes]) -> bool:
    kind, body = each
    return kind == b"auxC" and body.startswith(_ALPHA, 4)


def _is_nearly_alpha(each: tuple[bytes, bytes]) -> bool:
    """Return whether a property is an alpha's but for some bits."""
    kind, body = each
    if kind != b"auxC":
        return body.startswith(_ALPHA, 4)
    return not body.startswith(_DEPTH, 4) and any(
        _is_nearly(body[4 : 4 + len(name)], (name,)) for name in _ALPHA
    )


def _is_nearly(value: bytes, names: tuple[bytes, ...]) -> bool:
    """Return whether it is none of the names, and one of them but for some bits."""
    return value not in names and any(
        len(value) == len(name)
        and (int.from_bytes(value, "big") ^ int.from_bytes(name, "big")).bit_count() <= _MOST_BITS
        for name in names
    )


def _references(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, the item that refers and the one that is referred to; what is damaged ends it."""
    letter = {b"\0": "H", b"\1": "I"}.get(body[:1])
    if letter is None:
        return
    size, left = struct.calcsize(letter), _MOST_REFERENCES
    for kind, content in boxes(body[4:]):
        if len(content) < size + 2:
            return
        start, count = struct.unpack_from(f">{letter}H", content)
        count = min(count, left, (len(content) - size - 2) // size)
        left -= count
        for end in struct.unpack_from(f">{count}{letter}", content, size + 2):
            yield kind, start, end

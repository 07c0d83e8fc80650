"""Mutations that know what they change: chunks, boxes, directories, strips, headers of tensors.

Blind ones (``tests/faults/fuzz``) mostly break a checksum or a magic number. These keep the file's own
rules and change one statement: a length, a count, an order, a size, a value that is left out.
"""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Callable, Mapping

#: numbers at which sizes, counts and offsets go wrong
LOADED = (0, 1, 2, 3, 7, 8, 255, 256, 0x7FFF, 0xFFFF, 0x10000, 1 << 24, 0x7FFFFFFF, 0xFFFFFFFF)
#: size, bits, compression, colours, strips, tiles; mosaic, exposure, date, levels and colours of RAW files
TAGS = (
    *(256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 322, 323, 324, 325, 330, 338, 339, 347),
    *(33421, 33422, 33434, 33437, 34665, 34855, 36867, 37386, 306),
    *(50706, 50710, 50711, 50713, 50714, 50717, 50718, 50719, 50720, 50721, 50728, 50730, 50778, 50829),
)
#: boxes that hold boxes, and the bytes ahead of these
CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0}
POINTERS = (330, 34665, 34853)
Mutation = Callable[[bytes, random.Random], bytes]


def _number(current: int, generator: random.Random) -> int:
    near = (current + 1, max(current - 1, 0), current * 2, current // 2)
    return generator.choice((*near, *LOADED)) & 0xFFFFFFFF


def png_chunks(data: bytes, generator: random.Random) -> bytes:
    """Drop, repeat, swap, cut or renumber chunks; checksums stay right."""
    chunks, position = [], 8
    while position + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        chunks.append((kind, data[position + 8 : position + 8 + length]))
        position += 12 + length
    at, other = generator.randrange(len(chunks)), generator.randrange(len(chunks))
    kind, body = chunks[at]
    match generator.randrange(7):
        case 0:
            del chunks[at]
        case 1:
            chunks.insert(other, chunks[at])
        case 2:
            chunks[at], chunks[other] = chunks[other], chunks[at]
        case 3:
            chunks[at] = (kind, body[: generator.randrange(len(body) + 1)])
        case 4:
            chunks[at] = (kind, _one_field(body, ">", generator))
        case 5 if kind == b"IDAT":
            chunks[at] = (kind, _recompressed(body, generator))
        case _:
            chunks[at] = (kind, body + bytes([generator.randrange(256)]) * generator.choice((1, 100, 70_000)))
    packed = (struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks)
    return data[:8] + b"".join(packed)


def _recompressed(body: bytes, generator: random.Random) -> bytes:
    """Pixels that end early, or go on, in a stream that is whole."""
    try:
        raw = zlib.decompress(body)
    except zlib.error:
        return body
    kept = raw[: generator.randrange(len(raw) + 1)]
    return zlib.compress(generator.choice((kept, raw + kept, bytes(len(raw)))))


def _one_field(body: bytes, order: str, generator: random.Random) -> bytes:
    if len(body) < 4:
        return body
    at = generator.randrange(len(body) - 3)
    (current,) = struct.unpack(f"{order}I", body[at : at + 4])
    return body[:at] + struct.pack(f"{order}I", _number(current, generator)) + body[at + 4 :]


def directory_entries(data: bytes, generator: random.Random) -> bytes:
    """Change tag, type, count or value of an entry of a TIFF structure, or of a table that one points to."""
    order = "<" if data[:2] == b"II" else ">"
    found = _directories(data, order)
    if not found:
        return data
    start, count = generator.choice(found)
    place = start + 2 + 12 * generator.randrange(count)
    tag, kind, number, value = struct.unpack(f"{order}HHII", data[place : place + 12])
    match generator.randrange(6):
        case 0:
            tag = generator.choice(TAGS)
        case 1:
            kind = generator.randrange(20)
        case 2:
            number = _number(number, generator)
        case 3:
            return _table(data, value, number, order, generator)
        case _:
            value = _number(value, generator)
    return data[:place] + struct.pack(f"{order}HHII", tag, kind, number, value) + data[place + 12 :]


def _directories(data: bytes, order: str) -> list[tuple[int, int]]:
    """Start and number of entries of each directory, those behind pointers as well."""
    found: list[tuple[int, int]] = []
    waiting = [struct.unpack(f"{order}I", data[4:8])[0]] if len(data) >= 8 else []
    while waiting and len(found) < 20:
        start = waiting.pop()
        if not 0 < start <= len(data) - 2 or any(start == known for known, _ in found):
            continue
        (count,) = struct.unpack(f"{order}H", data[start : start + 2])
        if not 0 < count < 500 or start + 6 + 12 * count > len(data):
            continue
        found.append((start, count))
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, _, number, value = struct.unpack(f"{order}HHII", data[place : place + 12])
            if tag in POINTERS and number == 1:
                waiting.append(value)
        waiting.append(struct.unpack(f"{order}I", data[start + 2 + 12 * count :][:4])[0])
    return found


def _table(data: bytes, at: int, count: int, order: str, generator: random.Random) -> bytes:
    place = at + 4 * generator.randrange(max(min(count, 1000), 1))
    if place + 4 > len(data):
        return data
    (current,) = struct.unpack(f"{order}I", data[place : place + 4])
    return data[:place] + struct.pack(f"{order}I", _number(current, generator)) + data[place + 4 :]


def lost_strip(data: bytes, generator: random.Random) -> bytes:
    """A hole or a tail of one value: what disks and interrupted copies leave."""
    start = generator.randrange(len(data))
    end = generator.choice((len(data), min(start + 512, len(data)), min(start + 4096, len(data))))
    return data[:start] + generator.choice((b"\0", b"\xff")) * (end - start) + data[end:]


def jpeg_segments(data: bytes, generator: random.Random) -> bytes:
    """Drop, repeat or change a segment before the scan."""
    segments, position = [], 2
    while position + 4 <= len(data) and data[position + 1] != 0xDA:
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        segments.append(data[position : position + 2 + length])
        position += 2 + length
    if not segments:
        return data
    at = generator.randrange(len(segments))
    match generator.randrange(3):
        case 0:
            del segments[at]
        case 1:
            segments.insert(at, segments[at])
        case _:
            segments[at] = segments[at][:4] + _one_field(segments[at][4:], ">", generator)
    return data[:2] + b"".join(segments) + data[position:]


def boxes(data: bytes, generator: random.Random) -> bytes:
    """Change the size or the name of a box of RIFF (WebP) or of ISO media (AVIF)."""
    riff = data.startswith(b"RIFF")
    places = _box_places(data, 12 if riff else 0, len(data), riff)
    if not places:
        return data
    at = generator.choice(places)
    if generator.random() < 0.3:
        return data[:at] + data[generator.choice(places) :]
    return data[:at] + _one_field(data[at : at + 40], "<" if riff else ">", generator) + data[at + 40 :]


def _box_places(data: bytes, position: int, end: int, riff: bool) -> list[int]:
    places = []
    while position + 8 <= end:
        places.append(position)
        first, second = data[position : position + 4], data[position + 4 : position + 8]
        size = struct.unpack("<I", second)[0] + 8 if riff else struct.unpack(">I", first)[0]
        if not riff and second in CONTAINERS:
            inside = position + 8 + CONTAINERS[second]
            places += _box_places(data, inside, min(position + size, end), riff)
        position += max(size + size % 2 * riff, 8)
    return places


def header_bytes(data: bytes, generator: random.Random) -> bytes:
    """One, two or four of the first bytes, where sizes and depths stand."""
    size = generator.choice((1, 2, 4))
    at = generator.randrange(min(len(data), 400))
    current = int.from_bytes(data[at : at + size], "big")
    number = _number(current, generator) if generator.random() < 0.5 else generator.getrandbits(8 * size)
    return data[:at] + (number & (1 << 8 * size) - 1).to_bytes(size, "big") + data[at + size :]


def tensor_header(data: bytes, generator: random.Random) -> bytes:
    """Change shape, type or place of a tensor in the header of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    entry = header[generator.choice(names)]
    match generator.randrange(4):
        case 0:
            entry["shape"] = [_number(size, generator) for size in entry["shape"]]
        case 1:
            entry["dtype"] = generator.choice(("F64", "F16", "BF16", "I8", "U64", "BOOL", "C64", "X"))
        case 2:
            entry["data_offsets"] = [_number(place, generator) for place in entry["data_offsets"]]
        case _:
            header[generator.choice((names[0], "x", ""))] = entry
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


#: what is done to each kind of file
MUTATIONS: Mapping[str, tuple[Mutation, ...]] = {
    "png": (png_chunks,),
    "jpeg": (jpeg_segments, lost_strip),
    "tiff": (directory_entries, lost_strip),
    "dng": (directory_entries, lost_strip),
    "arw": (directory_entries, lost_strip),
    "webp": (boxes, lost_strip),
    "avif": (boxes, lost_strip),
    "pieces": (directory_entries, lost_strip),
    "heif": (boxes, lost_strip, header_bytes),
    "jxl": (boxes, lost_strip, header_bytes),
    "jp2": (boxes, lost_strip, header_bytes),
    "gif": (header_bytes, lost_strip),
    "bmp": (header_bytes, lost_strip),
    "psd": (header_bytes, lost_strip),
    "safetensors": (tensor_header,),
}

"""Files that claim more than they hold, or hold less than they claim; made here, byte by byte."""

from __future__ import annotations

import io
import re
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs import ifd
from tests.faults.pictures import encoded, encoded_tiff, scene

TALL, WIDE = 96, 128


def with_tail(data: bytes, share: float, fill: bytes = b"\0") -> bytes:
    """What an interrupted copy leaves: the first ``share``, and the rest one value."""
    kept = int(len(data) * share)
    return data[:kept] + fill * (len(data) - kept)


def noisy(dtype: str = "uint8") -> NDArray[Any]:
    return scene(TALL, WIDE, dtype)


def tiff(dtype: str = "uint16", **options: Any) -> bytes:
    return encoded_tiff(noisy(dtype), photometric="rgb", rowsperstrip=16, **options)


def retagged(data: bytes, tag: int, kind: int, count: int, value: int) -> bytes:
    """A little-endian TIFF with another entry for a tag."""
    (at,) = struct.unpack("<I", data[4:8])
    (entries,) = struct.unpack("<H", data[at : at + 2])
    changed = bytearray(data)
    for place in range(at + 2, at + 2 + 12 * entries, 12):
        if struct.unpack("<H", data[place : place + 2])[0] == tag:
            changed[place : place + 12] = struct.pack("<HHII", tag, kind, count, value)
    return bytes(changed)


def fewer_strips(data: bytes) -> bytes:
    """Half of the strips are not listed."""
    for tag in (273, 279):
        (at,) = struct.unpack("<I", data[4:8])
        entry = next(
            data[place : place + 12]
            for place in range(at + 2, len(data), 12)
            if struct.unpack("<H", data[place : place + 2])[0] == tag
        )
        _, kind, count, value = struct.unpack("<HHII", entry)
        data = retagged(data, tag, kind, count // 2, value)
    return data


def last_strip(data: bytes) -> tuple[int, int]:
    """Start and length of the last strip."""
    structure = ifd.parse(data)
    assert structure is not None
    top = structure.directories[0]
    return top.integers(273)[-1], top.integers(279)[-1]


def strip_with_tail(data: bytes, fill: bytes = b"\0") -> bytes:
    """The second half of the last strip lost, all that follows it there."""
    start, length = last_strip(data)
    return data[:start] + with_tail(data[start : start + length], 0.5, fill) + data[start + length :]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_rows(rows: int, interlace: int = 0) -> bytes:
    """A PNG of TALL rows whose compressed data, whole as such, has only so many."""
    pixels = noisy()
    raw = b"".join(b"\0" + row.tobytes() for row in pixels[:rows])
    header = struct.pack(">IIBBBBB", WIDE, TALL, 8, 2, 0, 0, interlace)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = encoded("JPEG", np.full((side, side), 128, np.uint8), progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + b"\xff\xd9"


def jpeg_of_first_scans(scans: int) -> bytes:
    """A progressive JPEG, whole as a file, that lacks the rest of its ten scans."""
    data = encoded("JPEG", noisy(), progressive=True)
    starts = [found.start() for found in re.finditer(rb"\xff\xda", data)]
    assert len(starts) == 10
    return data[: starts[scans]] + b"\xff\xd9"


def exif_of_shared_blocks(entries: int, size: int) -> bytes:
    """Entries that all point to one block of ``size`` bytes."""
    table = 8 + 2 + 12 * entries + 4
    listed = b"".join(struct.pack("<HHII", 270 + n, 7, size, table) for n in range(entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + listed + bytes(4) + b"x" * size


def png_with_exif(exif: bytes) -> bytes:
    data = png_of_rows(TALL)
    return data[:-12] + png_chunk(b"eXIf", exif) + data[-12:]


def tiff_of_shared_tables(directories: int, values: int) -> bytes:
    """Directories in a chain, each with four tables at the same place."""
    tags = (273, 279, 324, 325)
    size = 2 + 12 * (len(tags) + 3) + 4
    data_at = 8 + size * directories
    out = struct.pack("<2sHI", b"II", 42, 8)
    for n in range(directories):
        entries = [(256, 4, 1, 16), (257, 4, 1, 16), (259, 3, 1, 1), *((t, 4, values, data_at) for t in tags)]
        following = 8 + size * (n + 1) if n < directories - 1 else 0
        out += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
        out += struct.pack("<I", following)
    return out + struct.pack("<I", 8) * values


def tiff_that_claims(samples: int, bits: int) -> bytes:
    """A small TIFF of 15,000 × 15,000 pixels of so many samples: few as pixels, not as bytes."""
    tags = {
        256: ifd.entry(ifd.LONG, 15_000),
        257: ifd.entry(ifd.LONG, 15_000),
        258: ifd.entry(ifd.SHORT, *[bits] * samples),
        259: ifd.entry(ifd.SHORT, 8),
        262: ifd.entry(ifd.SHORT, 1),
        273: ifd.entry(ifd.LONG, 8),
        277: ifd.entry(ifd.SHORT, samples),
        278: ifd.entry(ifd.LONG, 15_000),
        279: ifd.entry(ifd.LONG, 100),
        339: ifd.entry(ifd.SHORT, *[3] * samples),
    }
    return ifd.pack_file(ifd.Directory(tags)) + bytes(200)


def pickle_of(opcodes: bytes) -> bytes:
    """A file older than torch 1.6 whose document is these opcodes."""
    import pickle

    head = b"".join(
        pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    )
    return head + opcodes + pickle.dumps([], protocol=2)


def bytearray_of(size: int) -> bytes:
    """Forty bytes that make a bytearray of any size."""
    return pickle_of(b"\x80\x02c__builtin__\nbytearray\nJ" + struct.pack("<i", size) + b"\x85R.")


def storage_of(count: int) -> bytes:
    """A storage of ``count`` floats that the file does not hold."""
    import torch

    file = io.BytesIO()
    torch.save({"a": torch.zeros(200)}, file, _use_new_zipfile_serialization=False)
    return file.getvalue().replace(b"K\xc8Nt", b"J" + struct.pack("<i", count) + b"Nt")

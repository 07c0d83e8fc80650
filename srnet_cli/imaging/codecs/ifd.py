"""The directory structure of TIFF, which EXIF, DNG and most RAW formats share: parse and pack.

Only the structure is read, never pixels. Damage is tolerated as far as it can be skipped, every size is
bounded, and loops end, because the input is not trusted. Format: TIFF 6.0, section 2; BigTIFF differs in
the width of its offsets.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

import numpy as np

ByteOrder = Literal["<", ">"]

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, LONG8 = 1, 2, 3, 4, 5, 7, 16

EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, SUB_DIRECTORIES = 34665, 34853, 40965, 330
MAKER_NOTE = 37500
#: a maker note farther back would cost as much empty space ahead of it
FARTHEST_NOTE = 1 << 15
_HEADER_BYTES = 8
_POINTERS = frozenset({EXIF_POINTER, GPS_POINTER, INTEROP_POINTER, SUB_DIRECTORIES})
#: tables of strip and tile positions: as long as the picture is large
_LONG_TABLES = frozenset({273, 279, 324, 325})

#: struct's letter for a value; rationals have two
_TYPES = {
    1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "s", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d",
    13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
_UNSIGNED, _OFFSETS = frozenset({1, 3, 4, 13, 16, 18}), frozenset({4, 13, 16, 18})

#: tag and type of an entry that no writer has: none, zeros or ones; nor has any ones for no further directory
_NO_ENTRY = (b"", bytes(4), b"\xff" * 4)

_MAX_DIRECTORIES, _MAX_ENTRIES = 64, 2048
_MAX_VALUE_BYTES, _MAX_TABLE_BYTES = 1 << 20, 1 << 23
#: what all values of a file may take beyond its size, as only small ones share their bytes, and in all
_SHARED_BYTES, _MAX_BYTES = 1 << 16, 1 << 26
#: classic TIFF, Olympus ORF (two spellings), Panasonic RW2
_CLASSIC_MAGICS = frozenset({42, 0x4F52, 0x5352, 0x55})
_BIG_MAGIC = 43


@dataclass(frozen=True)
class Entry:
    """One tag's value: its TIFF type, how many values, and their bytes in little-endian order."""

    kind: int
    count: int
    data: bytes
    #: where the data lay in the structure that was parsed; 0 inside the entry or newly made
    at: int = field(default=0, compare=False)

    def numbers(self) -> tuple[float, ...]:
        """Return the values as numbers (rationals divided, 0 for a zero denominator); none for text."""
        letters = _TYPES[self.kind]
        if letters == "s":
            return ()
        values = struct.unpack(f"<{self.count * len(letters)}{letters[0]}", self.data)
        if len(letters) == 2:
            return tuple(a / b if b else 0.0 for a, b in zip(values[::2], values[1::2], strict=True))
        return values

    def text(self) -> str:
        """Return an ASCII value as text, without its closing zero."""
        return self.data.split(b"\0", 1)[0].decode("latin-1").strip()


@dataclass(frozen=True)
class Directory:
    """One image file directory: its values by tag, and the directories that its pointers lead to."""

    entries: dict[int, Entry] = field(default_factory=dict)
    children: dict[int, list[Directory]] = field(default_factory=dict)
    #: tags whose values, or what they point to, lie behind the end of the file
    lost: set[int] = field(default_factory=set)
    #: tags that are there twice with other values, have none, too many or of an unknown type, or lead nowhere
    faulty: set[int] = field(default_factory=set)
    #: start and end of what it takes of the file: its table, then values outside of it
    extents: list[tuple[int, int]] = field(default_factory=list, compare=False)
    #: whether a part of its table is not there: zeros or ones, or behind the end of the file
    torn: bool = field(default=False, compare=False)

    def number(self, tag: int) -> float | None:
        """Return the first number of ``tag``, or None."""
        values = self.numbers(tag)
        return values[0] if values else None

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Return all numbers of ``tag``; empty when it is missing."""
        entry = self.entries.get(tag)
        return () if entry is None else entry.numbers()

    def integers(self, tag: int) -> tuple[int, ...]:
        """Return all values of ``tag``; empty when it is missing or of a type that cannot count or point."""
        entry = self.entries.get(tag)
        return () if entry is None or entry.kind not in _UNSIGNED else tuple(int(v) for v in entry.numbers())

    def pieces(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return where the strips or tiles of the pixels start, and their lengths in bytes."""
        strips, strip_lengths, tiles, tile_lengths = 273, 279, 324, 325
        starts = self.integers(strips) or self.integers(tiles)
        return starts, self.integers(strip_lengths) or self.integers(tile_lengths)

    def integer(self, tag: int, otherwise: int) -> int:
        """Return the first value of ``tag``, or ``otherwise``."""
        values = self.integers(tag)
        return values[0] if values else otherwise

    def child(self, pointer: int) -> Directory:
        """Return the directory behind a pointer tag; an empty one when there is none."""
        found = self.children.get(pointer)
        return found[0] if found else Directory()

    def walk(self) -> Iterator[Directory]:
        """Yield this directory and all below it."""
        yield self
        for group in self.children.values():
            for directory in group:
                yield from directory.walk()


@dataclass(frozen=True)
class Structure:
    """Result of :func:`parse`: the byte order and the chain of top directories."""

    order: ByteOrder
    directories: list[Directory]
    #: BigTIFF, with offsets of 64 bits
    big: bool = False
    #: whether the chain of top directories leads behind the end of the file
    broken: bool = False

    @property
    def lacks_directories(self) -> bool:
        """Return whether a directory of pixels lies behind the end of the file."""
        return self.broken or any(SUB_DIRECTORIES in directory.lost for directory in self.walk())

    def walk(self) -> Iterator[Directory]:
        """Return every directory of the file."""
        for directory in self.directories:
            yield from directory.walk()


def entry(kind: int, *values: int) -> Entry:
    """Return an entry of whole numbers; a rational takes numerator and denominator in turn."""
    count = len(values) // len(_TYPES[kind])
    return Entry(kind, count, struct.pack(f"<{len(values)}{_TYPES[kind][0]}", *values))


def ascii_entry(text: str) -> Entry:
    """Return a text entry; what ASCII cannot hold becomes a question mark."""
    data = text.encode("ascii", errors="replace") + b"\0"
    return Entry(ASCII, len(data), data)


def parse(source: bytes | BinaryIO) -> Structure | None:
    """Read the directories of a TIFF structure; None for anything else.

    Tags of unknown type, values outside the file and values that are too large to matter are left out.
    """
    return _Parser(io.BytesIO(source) if isinstance(source, bytes) else source).parse()


class _Parser:
    """Parser that follows the offsets of one file, each directory once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        self._order: ByteOrder = "<"
        self._big = False
        self._seen: set[int] = set()
        self._left = min(self._size + _SHARED_BYTES, _MAX_BYTES)

    def parse(self) -> Structure | None:
        head = self._read(0, 16)
        if len(head) < 8 or head[:2] not in (b"II", b"MM"):
            return None
        self._order = "<" if head[:2] == b"II" else ">"
        (magic,) = struct.unpack(f"{self._order}H", head[2:4])
        if magic == _BIG_MAGIC and len(head) == 16:
            self._big = True
            (first,) = struct.unpack(f"{self._order}Q", head[8:16])
        elif magic in _CLASSIC_MAGICS:
            (first,) = struct.unpack(f"{self._order}I", head[4:8])
        else:
            return None
        directories, broken = self._chain(first)
        return Structure(self._order, directories, self._big, broken)

    def _read(self, offset: int, length: int) -> bytes:
        if offset >= self._size:
            return b""
        self._file.seek(offset)
        return self._file.read(length)

    def _chain(self, offset: int) -> tuple[list[Directory], bool]:
        """Return the directories from one on, empty where none is, and whether the last is behind the end."""
        found, broken = [], False
        while offset and offset not in self._seen and len(self._seen) < _MAX_DIRECTORIES:
            broken = offset >= self._size
            directory, offset = self._directory(offset)
            if directory is not None or not broken:
                found.append(directory or Directory())
        return found, broken

    def _directory(self, offset: int) -> tuple[Directory | None, int]:
        self._seen.add(offset)
        count_size, entry_size, next_size = (8, 20, 8) if self._big else (2, 12, 4)
        head = self._read(offset, count_size)
        if len(head) < count_size:
            return None, 0
        (count,) = struct.unpack(self._order + "HQ"[self._big], head)
        if count > _MAX_ENTRIES:
            return None, 0
        table = self._read(offset + count_size, count * entry_size + next_size)
        entries = [table[at : at + entry_size] for at in range(0, count * entry_size, entry_size)]
        tail = table[count * entry_size :]
        torn = tail == b"\xff" * next_size or any(part[:4] in _NO_ENTRY for part in entries)
        directory = Directory(extents=[(offset, offset + count_size + len(table))], torn=torn)
        for part in entries:
            if len(part) == entry_size:
                self._entry(directory, part)
        (following,) = struct.unpack(self._order + "IQ"[self._big], tail) if len(tail) == next_size else (0,)
        return directory, following

    def _entry(self, directory: Directory, raw: bytes) -> None:
        layout = "HHQ" if self._big else "HHI"
        tag, kind, count = struct.unpack(self._order + layout, raw[: struct.calcsize("<" + layout)])
        inline = raw[struct.calcsize("<" + layout) :]
        if kind not in _TYPES or not count:
            directory.faulty.add(tag)
        if kind not in _TYPES:
            return
        length = count * struct.calcsize("<" + _TYPES[kind])
        if length > min(_MAX_TABLE_BYTES if tag in _LONG_TABLES else _MAX_VALUE_BYTES, self._left):
            directory.faulty.add(tag)
            return
        self._left -= length
        data, offset = inline[:length], 0
        if length > len(inline):
            (offset,) = struct.unpack(self._order + ("Q" if self._big else "I"), inline)
            data = self._read(offset, length)
        if len(data) < length:
            directory.lost.add(tag)
            return
        value = Entry(kind, count, _swapped(data, kind) if self._order == ">" else data, offset)
        if tag in directory.entries:
            if value != directory.entries[tag]:
                directory.faulty.add(tag)
            return
        if offset:
            directory.extents.append((offset, offset + length))
        if tag in _POINTERS:
            targets = value.numbers() if kind in _OFFSETS else ()
            if any(target >= self._size for target in targets):
                directory.lost.add(tag)
            if children := [child for target in targets for child in self._pointed(int(target))]:
                directory.children[tag] = children
            elif targets:
                directory.faulty.add(tag)
        else:
            directory.entries[tag] = value

    def _pointed(self, offset: int) -> list[Directory]:
        if offset in self._seen or len(self._seen) >= _MAX_DIRECTORIES:
            return []
        directory, _ = self._directory(offset)
        return [] if directory is None else [directory]


def _swapped(data: bytes, kind: int) -> bytes:
    unit = struct.calcsize("<" + _TYPES[kind][0])
    return np.frombuffer(data, f"u{unit}").byteswap().tobytes()


def pack_file(directory: Directory, order: ByteOrder = "<") -> bytes:
    """Return a complete classic TIFF structure with this one top directory: the form EXIF is stored in.

    A maker note that was parsed comes to lie where it lay, if that is not too far back, because most of them
    point into themselves by offsets from the start of the whole.
    """
    note, start, between = directory.child(EXIF_POINTER).entries.get(MAKER_NOTE), _HEADER_BYTES, b""
    packed = pack(directory, start, order=order, fixed=True)
    if note is not None and _is_fixed(MAKER_NOTE, note):
        if start + len(packed) <= note.at:
            packed += bytes(note.at - start - len(packed)) + note.data
        else:
            between = bytes(note.at - start) + note.data + b"\0" * (len(note.data) % 2 ^ note.at % 2)
            start += len(between)
            packed = pack(directory, start, order=order, fixed=True)
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HI", 42, start) + between + packed


def _is_fixed(tag: int, entry: Entry) -> bool:
    return tag == MAKER_NOTE and _HEADER_BYTES <= entry.at <= FARTHEST_NOTE and len(entry.data) > 4


def pack(
    directory: Directory, at: int, *, order: ByteOrder = "<", big: bool = False, fixed: bool = False
) -> bytes:
    """Return the bytes of a directory at offset ``at``, with its values and children behind it.

    With ``fixed`` a parsed maker note is pointed to where it lay, and not among the values.
    """
    offset_letter, inline = ("Q", 8) if big else ("I", 4)
    tags = sorted({**directory.entries, **dict.fromkeys(directory.children)})
    table_size = (8 + 20 * len(tags) + 8) if big else (2 + 12 * len(tags) + 4)
    table = bytearray(struct.pack(order + ("Q" if big else "H"), len(tags)))
    values = bytearray()
    for tag in tags:
        if tag in directory.children:
            children = directory.children[tag]
            offsets = []
            for child in children:
                offsets.append(at + table_size + len(values))
                values += _padded(pack(child, offsets[-1], order=order, big=big, fixed=fixed))
            pointers = struct.pack(f"<{len(offsets)}{offset_letter}", *offsets)
            value = Entry(18 if big else LONG, len(offsets), pointers)
        else:
            value = directory.entries[tag]
        data = value.data if order == "<" else _swapped(value.data, value.kind)
        table += struct.pack(order + "HH" + offset_letter, tag, value.kind, value.count)
        if fixed and _is_fixed(tag, value):
            table += struct.pack(order + offset_letter, value.at)
        elif len(data) <= inline:
            table += data.ljust(inline, b"\0")
        else:
            table += struct.pack(order + offset_letter, at + table_size + len(values))
            values += _padded(data)
    table += struct.pack(order + offset_letter, 0)
    return bytes(table + values)


def _padded(data: bytes) -> bytes:
    """Pad to an even length, because values start at even offsets."""
    return data + b"\0" * (len(data) % 2)


def merged(first: Mapping[int, Entry], second: Mapping[int, Entry]) -> dict[int, Entry]:
    """Return both sets of entries; where both have a tag, the first counts."""
    return {**second, **first}
